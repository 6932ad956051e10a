"""What readers do with their messages, written down only of those who agree to it at that very moment."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, select, update

from models.consent import granted, latest
from models.events import EventType
from models.hits import Hit
from models.vocabulary import Channel, ConsentState, Purpose
from store.groups import rows_of
from store.intake import ingest
from store.objections import consent_record
from store.outbox import OutboxRow
from store.people import People
from store.schema import CONSENTS, CUSTOMERS, DELIVERIES

_PURPOSES = {EventType.EMAIL_OPENED: Purpose.OPEN_TRACKING, EventType.EMAIL_CLICKED: Purpose.CLICK_TRACKING}
_DOOR = "tracking"
_SENT_TO = (
    select(DELIVERIES.c.customer_id, DELIVERIES.c.handed_at, CUSTOMERS.c.shop, CUSTOMERS.c.clock_s)
    .join(CUSTOMERS, CUSTOMERS.c.id == DELIVERIES.c.customer_id)
    .where(DELIVERIES.c.channel == Channel.EMAIL)
)


def record_hit(connection: Connection, hit: Hit, now: datetime) -> Sequence[OutboxRow]:
    """Take in an open or a click of somebody who agrees to it now, and return what Temporal must be told.

    Consent is asked again here, under the customer's lock: whoever has withdrawn it, or wants no more messages, is not
    recorded, whatever an old message carries (CNIL 2026-042). `now` is the wall clock's.
    """
    row = connection.execute(_SENT_TO.where(DELIVERIES.c.id == hit.delivery)).mappings().one_or_none()
    if row is None:  # unknown, or its customer was erased
        return ()
    People(connection, row["shop"]).lock((), [row["customer_id"]])
    if not _agrees(connection, row["customer_id"], _PURPOSES[hit.type]):
        return ()
    at = now + timedelta(seconds=row["clock_s"])
    event = hit.event(row["customer_id"], row["handed_at"], now, at)
    outbox = ingest(connection, row["shop"], [event], None, now, _DOOR).outbox
    if event.type is EventType.EMAIL_OPENED and event.properties["human"]:
        _opened(connection, row, at)
    return outbox


def _agrees(connection: Connection, customer_id: str, purpose: Purpose) -> bool:
    rows = connection.execute(select(CONSENTS).where(CONSENTS.c.customer_id.in_(rows_of(customer_id)))).mappings()
    ledger = [consent_record(row) for row in rows]
    word = latest(ledger, Channel.EMAIL)
    left = word is not None and word.state is ConsentState.WITHDRAWN
    return granted(ledger, Channel.EMAIL, purpose) and not left


def _opened(connection: Connection, row: RowMapping, at: datetime) -> None:
    """Keep the day of the last open, never its time."""
    mine = CUSTOMERS.c.id == row["customer_id"]
    connection.execute(update(CUSTOMERS).where(mine).values(last_open_on=at.date()))
