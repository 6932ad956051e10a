"""What starting a journey's run in Temporal needs."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from models.vocabulary import Status
from store.rows import fetch
from store.schema import CUSTOMERS, JOURNEYS


@dataclass(frozen=True, slots=True)
class Run:
    """An open journey as its run is started."""

    id: str
    shop: str
    kind: str
    policy: str
    customer_id: str
    next_action_at: datetime | None
    j0: datetime | None
    clock_s: int


def _select() -> Select[tuple[object, ...]]:
    names = ("id", "shop", "kind", "policy", "customer_id", "next_action_at", "j0")
    columns = [JOURNEYS.c[name] for name in names]
    clock_s = func.coalesce(CUSTOMERS.c.clock_s, 0).label("clock_s")
    # Of an erased customer the journey stays, and its run has still to hear that it is over.
    return select(*columns, clock_s).outerjoin(CUSTOMERS, CUSTOMERS.c.id == JOURNEYS.c.customer_id)


def load_run(connection: Connection, journey_id: str, *, closed: bool = False) -> Run | None:
    """Return a journey as its run is started; None when there is none that is open (or at all, with `closed`)."""
    statement = _select().where(JOURNEYS.c.id == journey_id)
    if not closed:
        statement = statement.where(JOURNEYS.c.status != Status.CLOSED)
    return next(iter(fetch(connection, Run, statement)), None)


def open_runs(connection: Connection, after: str, limit: int) -> list[Run]:
    """Return open journeys by id, from behind `after` on."""
    statement = _select().where(JOURNEYS.c.status != Status.CLOSED, JOURNEYS.c.id > after)
    return fetch(connection, Run, statement.order_by(JOURNEYS.c.id).limit(limit))


def open_runs_of(connection: Connection, customer_id: str) -> list[Run]:
    """Return the open journeys of a customer."""
    return fetch(
        connection, Run, _select().where(JOURNEYS.c.customer_id == customer_id, JOURNEYS.c.status != Status.CLOSED)
    )
