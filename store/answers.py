"""What readers did with a message, told by its provider: known only of those who agreed to it themselves.

Opening and clicking each need a consent of their own (CNIL 2026-042), given before it happened and not withdrawn
since: a withdrawal also ends what may be known of messages that were sent before. What a program did is stored and
counts for nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select, update

from models.consent import granted, latest
from models.events import Event, EventType
from models.hits import Hit
from models.notices import TRACKING
from models.provider_events import ProviderEventType
from models.situation import ConsentRecord
from models.vocabulary import Channel, ConsentState
from store.groups import families_of
from store.intake import ingest
from store.lists import among
from store.matching import Told
from store.objections import consent_record
from store.outbox import OutboxRow
from store.schema import CONSENTS, CUSTOMERS, DELIVERIES

_DOOR = "provider"
_LEDGER = (
    select(CONSENTS)
    .join(CUSTOMERS, CUSTOMERS.c.id == CONSENTS.c.customer_id)  # an erased person's words may outlive them for a while
    .where(among(CONSENTS.c.customer_id, "ids"), CONSENTS.c.channel == Channel.EMAIL)
)
_HANDED = select(DELIVERIES.c.id, DELIVERIES.c.handed_at).where(among(DELIVERIES.c.id, "ids"))
_OPENED = (
    update(CUSTOMERS)
    .where(
        CUSTOMERS.c.id == bindparam("customer"),
        or_(CUSTOMERS.c.last_open_on.is_(None), CUSTOMERS.c.last_open_on < bindparam("day")),
    )
    .values(last_open_on=bindparam("day"))
)


def answers(connection: Connection, told: Sequence[Told]) -> Mapping[str, Event]:
    """Return the opens and clicks of which one may know, by key, as behaviour; their customers are locked."""
    asked = [one for one in told if one.event.type in TRACKING and one.event.channel is Channel.EMAIL]
    ledgers: dict[str, list[ConsentRecord]] = {one.delivery.customer_id: [] for one in asked if one.delivery}
    if not ledgers:
        return {}
    families = families_of(connection, sorted(ledgers))
    for row in connection.execute(
        _LEDGER, {"ids": sorted({one for own in families.values() for one in own})}
    ).mappings():
        for customer in (one for one, own in families.items() if row["customer_id"] in own):
            ledgers[customer].append(consent_record(row))
    handed = dict(
        connection.execute(_HANDED, {"ids": sorted({one.delivery.id for one in asked if one.delivery})}).all()
    )
    return {
        one.key: _behaviour(one, handed[one.delivery.id])
        for one in asked
        if one.delivery and _agreed(ledgers[one.delivery.customer_id], one)
    }


def by_person(event: Event) -> bool:
    """Say whether a person did it, as far as anybody can tell."""
    return event.properties["human"] is True


def apply(connection: Connection, shop: str, events: Sequence[Event], received_at: datetime) -> Sequence[OutboxRow]:
    """Take what people did in as any other behaviour, and return what Temporal must be told.

    Of the last open the day is kept, never its time.
    """
    days = [{"customer": one.customer_id, "day": one.at.date()} for one in events if one.type is EventType.EMAIL_OPENED]
    outbox = ingest(connection, shop, events, None, received_at, _DOOR).outbox if events else ()
    if days:
        connection.execute(_OPENED, days)
    return outbox


def _agreed(ledger: Sequence[ConsentRecord], one: Told) -> bool:
    """Say whether the person agreed then, agrees now, and has not left."""
    purpose, channel = TRACKING[one.event.type], one.event.channel
    word = latest(ledger, channel)
    left = word is not None and word.state is ConsentState.WITHDRAWN
    then = [entry for entry in ledger if entry.at <= one.clock]
    return granted(then, channel, purpose) and granted(ledger, channel, purpose) and not left


def _behaviour(one: Told, handed_at: datetime) -> Event:
    """Return it as our own picture or link would have told it; each click of a provider is one."""
    assert one.delivery is not None
    link = one.key if one.event.type is ProviderEventType.CLICKED else None
    hit = Hit(one.delivery.id, machine=one.event.human is False, url=link)
    return hit.event(one.delivery.customer_id, handed_at, one.at, one.clock)
