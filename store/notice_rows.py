"""Reading what providers told, for people: of one message, or of all messages of a journey."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from store.rows import fetch, select_state
from store.schema import DELIVERIES, NOTICES


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One thing that a provider told of a message, on its customer's clock."""

    delivery_id: str
    provider: str
    type: str
    permanent: bool | None
    human: bool | None
    reason: str | None
    at: datetime
    received_at: datetime


_ROWS = select(*select_state(NOTICES, NoticeRow)).order_by(NOTICES.c.at, NOTICES.c.received_at, NOTICES.c.key)


def notices_of(connection: Connection, delivery_id: str) -> Sequence[NoticeRow]:
    """Return what was told of one message, by event time."""
    return fetch(connection, NoticeRow, _ROWS.where(NOTICES.c.delivery_id == delivery_id))


def notices_of_journey(connection: Connection, journey_id: str) -> Sequence[NoticeRow]:
    """Return what was told of a journey's messages, by event time."""
    mine = select(DELIVERIES.c.id).where(DELIVERIES.c.journey_id == journey_id)
    return fetch(connection, NoticeRow, _ROWS.where(NOTICES.c.delivery_id.in_(mine)))
