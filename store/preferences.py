"""The preference page's side of the store: what stands for a customer, and a form taken in under their lock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, select, update

from models.events import OrderStatus
from models.preferences import BREAK, CHANNELS, SOURCE, Choice, Closure, Form, Holdings, entries
from models.profile import CustomerState
from models.situation import OrderRecord, SuppressionReason
from models.vocabulary import Channel, Purpose, SoftOptIn
from store.acts import Act, ActName
from store.episodes import Episodes
from store.groups import rows_of
from store.ids import new_id
from store.objections import Objections, consent_record
from store.outbox import OutboxRow
from store.people import People
from store.records import customer_record
from store.rows import insert_all
from store.schema import ACTS, CONSENTS, CUSTOMERS, ORDERS
from store.search import closed_channels


@dataclass(frozen=True, slots=True)
class Saved:
    """What a form has changed, what stands now, and what Temporal must be told.

    `left` says that the customer wants nothing any more, `language` is None where it stays.
    """

    wishes: Mapping[Choice, bool]
    left: bool
    language: str | None
    held: Holdings
    outbox: Sequence[OutboxRow]


def load_holdings(connection: Connection, customer_id: str, scope: SoftOptIn, now: datetime) -> Holdings | None:
    """Return what the page is about, None for a customer who was erased; `now` is the wall clock's."""
    row = connection.execute(select(CUSTOMERS).where(CUSTOMERS.c.id == customer_id)).mappings().one_or_none()
    if row is None:
        return None
    at = now + timedelta(seconds=row["clock_s"])
    own = list(connection.execute(rows_of(customer_id)).scalars())
    consents = connection.execute(select(CONSENTS).where(CONSENTS.c.customer_id.in_(own))).mappings()
    return Holdings(
        customer_record(row),
        tuple(consent_record(one) for one in consents),
        _orders(connection, own),
        _closures(connection, row, own, at),
        scope,
        at,
    )


def _orders(connection: Connection, own: Collection[str]) -> tuple[OrderRecord, ...]:
    statement = select(ORDERS.c.order_id, ORDERS.c.status, ORDERS.c.placed_at)
    return tuple(
        OrderRecord(frozenset(), OrderStatus(status), 0, coupon=False, placed_at=placed_at, own=True, order_id=order_id)
        for order_id, status, placed_at in connection.execute(statement.where(ORDERS.c.customer_id.in_(own)))
    )


def _closures(connection: Connection, customer: RowMapping, rows: Collection[str], at: datetime) -> tuple[Closure, ...]:
    return tuple(
        Closure(
            Channel(row["channel"]),
            SuppressionReason(row["reason"]),
            own=row["reason"] == SuppressionReason.OBJECTION and row["customer_id"] in (None, *rows),
        )
        for row in closed_channels(connection, dict(customer))
        if row["until"] is None or at < row["until"]
    )


def save_preferences(
    connection: Connection, shop: str, customer_id: str, form: Form, scope: SoftOptIn, now: datetime
) -> Saved | None:
    """Take in a form; None for a customer who was erased.

    A channel that is unticked is an objection, as by one click; one that is ticked is an explicit consent, which lifts
    the customer's own objection. Nothing is written down that has not changed.
    """
    people = People(connection, shop)
    people.lock((), [customer_id])
    customer = people.known.get(customer_id)
    held = load_holdings(connection, customer_id, scope, now) if customer else None
    if customer is None or held is None:
        return None
    episodes = Episodes(connection, people, now)
    objections = Objections(connection, people, episodes, now, SOURCE)
    objections.load([customer_id])
    wishes = form.wishes(held)
    closing = _closing(held, form, wishes)
    if closing or (form.leave and episodes.of(customer)):
        objections.object(customer, closing, SOURCE, held.at)
    objections.record(customer, entries(held, wishes, form.wordings), held.at)
    if Choice.PAUSE in wishes:
        _pause(connection, people, customer, held, begins=wishes[Choice.PAUSE])
    if form.language is not None:
        customer.locale, customer.profile_at = form.language, max(customer.profile_at, held.at)
        people.bump(customer)
    if closing or episodes.outbox:
        act = Act(new_id(), held.at, now, SOURCE, ActName.OPT_OUT, None, customer_id, None, people.bump(customer))
        insert_all(connection, ACTS, [act])
    people.save()
    objections.save()
    outbox = episodes.save()
    after = load_holdings(connection, customer_id, scope, now)
    assert after is not None  # its row is locked
    return Saved(wishes, form.leave, form.language, after, outbox)


def _closing(held: Holdings, form: Form, wishes: Mapping[Choice, bool]) -> list[Channel]:
    """Return the channels that are closed: those unticked; all of them, also without an address, for who leaves."""
    if form.leave:
        return [one for one in Channel if not held.withdrawn(one, Purpose.MARKETING)]
    return [channel for choice, channel in CHANNELS.items() if wishes.get(choice) is False]


def _pause(connection: Connection, people: People, customer: CustomerState, held: Holdings, *, begins: bool) -> None:
    """Begin a pause for everybody with the address, or end the one that began with this customer's."""
    people.bump(customer)
    change = update(CUSTOMERS).where(CUSTOMERS.c.id.in_([one.id for one in people.group(customer)]))
    if begins:
        connection.execute(change.values(snoozed_until=held.at + BREAK))
    else:
        mine = CUSTOMERS.c.snoozed_until == held.customer.snoozed_until
        connection.execute(change.where(mine).values(snoozed_until=None))
