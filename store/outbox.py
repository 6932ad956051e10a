"""What Temporal has still to be told: written with the fact itself, delivered at once, repeated until it is heard."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, update

from store.rows import fetch, insert_all, select_state
from store.schema import OUTBOX

GIVE_UP = 20
"""After so many failures a row is set aside, listed and retried by hand; it never blocks another."""
_LONGEST = timedelta(minutes=10)
LEASE = timedelta(seconds=20)
"""For so long a claimed row is its claimer's: longer than one call to Temporal may take."""


class Call(StrEnum):
    """What to tell Temporal about a journey."""

    START = "start"
    STOPPED = "stopped"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One thing to tell; `id` is also the update's id, so that it counts once."""

    id: str
    journey_id: str
    call: str
    argument: str | None
    created_at: datetime
    next_try_at: datetime
    attempts: int = 0
    problem: str | None = None
    set_aside: bool = False


def add_rows(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Remember what must be told."""
    insert_all(connection, OUTBOX, rows)


def any_due(connection: Connection, at: datetime) -> bool:
    """Say whether there is anything to tell now; most of the time there is not, and nobody need write."""
    return connection.execute(select(OUTBOX.c.id).where(_due(at)).limit(1)).first() is not None


def claim(connection: Connection, at: datetime, limit: int) -> list[OutboxRow]:
    """Return what is due, oldest first, and keep it from every other relay for `LEASE`.

    Of one journey only the oldest row: what follows it is told afterwards, by whoever comes then. A row that another
    relay is claiming at this moment is passed over, so that relays never wait for each other.
    """
    older = OUTBOX.alias("older")
    behind = exists().where(
        older.c.journey_id == OUTBOX.c.journey_id, older.c.id < OUTBOX.c.id, older.c.set_aside.is_(False)
    )
    statement = select(*select_state(OUTBOX, OutboxRow)).where(_due(at), ~behind).order_by(OUTBOX.c.id).limit(limit)
    rows = fetch(connection, OutboxRow, statement.with_for_update(skip_locked=True))
    _put_off(connection, [row.id for row in rows], at + LEASE)
    return rows


def give_back(connection: Connection, ids: Collection[str], at: datetime) -> None:
    """Let claimed rows be due again at `at`: they could not be told, through no fault of theirs."""
    _put_off(connection, ids, at)


def _due(at: datetime) -> ColumnElement[bool]:
    return OUTBOX.c.set_aside.is_(False) & (OUTBOX.c.next_try_at <= at)


def _put_off(connection: Connection, ids: Collection[str], until: datetime) -> None:
    if ids:
        connection.execute(update(OUTBOX).where(OUTBOX.c.id.in_(ids)).values(next_try_at=until))


def rows_of(connection: Connection, journeys: Collection[str]) -> list[OutboxRow]:
    """Return everything that is still to be told about these journeys, oldest first."""
    statement = select(*select_state(OUTBOX, OutboxRow)).where(OUTBOX.c.journey_id.in_(journeys)).order_by(OUTBOX.c.id)
    return fetch(connection, OutboxRow, statement)


def all_rows(connection: Connection) -> list[OutboxRow]:
    """Return the whole outbox, oldest first."""
    return fetch(connection, OutboxRow, select(*select_state(OUTBOX, OutboxRow)).order_by(OUTBOX.c.id))


def told(connection: Connection, ids: Collection[str]) -> None:
    """Forget what Temporal has heard."""
    connection.execute(delete(OUTBOX).where(OUTBOX.c.id.in_(ids)))


def failed(connection: Connection, row: OutboxRow, problem: str, at: datetime) -> None:
    """Remember a failure, and when to try again; set the row aside after too many."""
    attempts = row.attempts + 1
    pause = min(timedelta(seconds=2 ** min(attempts, 12)), _LONGEST)
    connection.execute(
        update(OUTBOX)
        .where(OUTBOX.c.id == row.id)
        .values(attempts=attempts, problem=problem[:200], next_try_at=at + pause, set_aside=attempts >= GIVE_UP)
    )


def retry(connection: Connection, row_id: str, at: datetime) -> bool:
    """Try a row again at once, from the beginning; False when there is no such row."""
    values = {"attempts": 0, "next_try_at": at, "set_aside": False}
    return connection.execute(update(OUTBOX).where(OUTBOX.c.id == row_id).values(values)).rowcount > 0


def drop(connection: Connection, row_id: str) -> bool:
    """Give a row up; False when there is no such row."""
    return connection.execute(delete(OUTBOX).where(OUTBOX.c.id == row_id)).rowcount > 0


def lag(connection: Connection, at: datetime) -> tuple[float, int]:
    """Return the age in seconds of the oldest row that is still being tried, and how many are set aside."""
    waiting = select(func.min(OUTBOX.c.id)).where(OUTBOX.c.set_aside.is_(False)).scalar_subquery()
    created_at = connection.execute(select(OUTBOX.c.created_at).where(OUTBOX.c.id == waiting)).scalar_one_or_none()
    aside = connection.execute(select(func.count()).where(OUTBOX.c.set_aside.is_(True))).scalar_one()
    return (0.0 if created_at is None else max((at - created_at).total_seconds(), 0.0)), aside
