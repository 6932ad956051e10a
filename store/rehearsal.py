"""Moving a customer's clock in a rehearsal: the store's half, under the customer's lock."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, select

from models.vocabulary import Status
from store.acts import Act, ActName, By
from store.db import ConflictError, NotFoundError
from store.ids import new_id
from store.people import People
from store.rows import insert_all
from store.runs import Run, open_runs_of
from store.schema import ACTS, JOURNEYS

FURTHEST = timedelta(days=3650)
"""How far a clock may run ahead in all."""


def customer_of(connection: Connection, journey_id: str) -> str:
    """Return whose journey this is; raise `NotFoundError`, and `ConflictError` when it is closed."""
    statement = select(JOURNEYS.c.customer_id, JOURNEYS.c.status).where(JOURNEYS.c.id == journey_id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no journey {journey_id[:40]!r}")
    if row.status == Status.CLOSED:
        raise ConflictError("the journey is closed")
    return str(row.customer_id)


def advance(connection: Connection, journey_id: str, seconds: int, by: By) -> Sequence[Run]:
    """Let the clock of a journey's customer run further ahead, and return the open journeys that move with it."""
    customer_id = customer_of(connection, journey_id)
    shop = connection.execute(select(JOURNEYS.c.shop).where(JOURNEYS.c.id == journey_id)).scalar_one()
    people = People(connection, shop)
    people.lock((), [customer_id])
    customer = people.known.get(customer_id)
    if customer is None:
        raise ConflictError("the journey's customer was erased")
    customer.clock_s += seconds
    if customer.clock_s > FURTHEST.total_seconds():
        raise ConflictError(f"a clock runs at most {FURTHEST.days} days ahead")
    seq = people.bump(customer)
    at = by.now + timedelta(seconds=customer.clock_s)
    act = Act(new_id(), at, by.now, by.actor, ActName.ADVANCE, journey_id, customer_id, by.reason, seq)
    insert_all(connection, ACTS, [act])
    people.save()
    return open_runs_of(connection, customer_id)
