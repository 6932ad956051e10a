"""Reads the figures of Relaunch: counted by the engine where there is much, folded where dates are compared.

Everything is computed when it is read, so late orders, refunds and objections count. The window chooses journeys by
their J0, and everything that followed belongs to them, so each numerator is a part of its denominator.
"""

from datetime import datetime

from sqlalchemy import Connection, case, distinct, func, select

from models.kpis import groups_of, totals_of
from models.policy import INACTIVE_AFTER, Sector
from models.stored import Json
from models.tallies import CONVERSION_WINDOW, Book, Count
from models.vocabulary import DeliveryState
from store.cohort import DELIVERED, JOURNEY, KEPT, SENT, STEP, Cohort, place_of
from store.kpi_answers import TRACKING, count_answers, count_objections
from store.kpi_notices import count_notices
from store.kpi_orders import count_converted, count_recovered
from store.schema import DELIVERIES, JOURNEYS, ORDERS

_ACTIVE = INACTIVE_AFTER[Sector.DEFAULT]
# A released delivery was proved not to be accepted: it is as if it had not been handed over yet.
_STATES = {
    DeliveryState.HANDED: (Count.HANDED,),
    DeliveryState.SENT: (Count.HANDED, Count.SENT),
    DeliveryState.UNKNOWN: (Count.HANDED, Count.UNKNOWN),
    DeliveryState.REFUSED: (Count.HANDED, Count.REFUSED),
    DeliveryState.RELEASED: (),
}


def kpis(
    connection: Connection, *, since: datetime | None, until: datetime | None, policy: str | None, now: datetime
) -> dict[str, Json]:
    """Return every figure with numerator, denominator and window: in all, and by group.

    The window is half open, `since` to `until`, None meaning no limit; a group without step is about whole journeys.
    Shapes and definitions stand in `docs/kpis.md`; money is in minor units.
    """
    cohort, book = Cohort(since, until, policy), Book()
    _count_journeys(connection, cohort, book, now)
    _count_deliveries(connection, cohort, book)
    count_recovered(connection, cohort, book)
    count_converted(connection, cohort, book)
    count_objections(connection, cohort, book)
    count_notices(connection, cohort, book)
    for answer in TRACKING:
        count_answers(connection, cohort, book, answer)
    start = since or (until or now) - _ACTIVE
    window: dict[str, Json] = {
        "from": since.isoformat() if since else None,
        "to": until.isoformat() if until else None,
        "policy": policy,
        "of": "journeys whose J0 lies in the window, and all that followed",
        "computed_at": now.isoformat(),
    }
    span = f"{start.isoformat()} to {(until or now).isoformat()}"
    totals = totals_of(book, _retention(connection, start, until), span)
    return {"window": window, "totals": {**totals}, "groups": [*groups_of(book)]}


def _count_journeys(connection: Connection, cohort: Cohort, book: Book, now: datetime) -> None:
    """Count journeys, and customers: each once a policy, in the first of their journeys."""
    number, young = func.count().label("number"), JOURNEYS.c.j0 > now - CONVERSION_WINDOW
    started = select(*JOURNEY, number).where(cohort.condition).group_by(*JOURNEY)
    for row in connection.execute(started).mappings():
        book.count(place_of(row), Count.STARTED, row["number"])
    maturing = func.sum(case((young, 1), else_=0)).label("maturing")
    enrolled = select(*JOURNEY, number, maturing).where(JOURNEYS.c.id.in_(cohort.first())).group_by(*JOURNEY)
    for row in connection.execute(enrolled).mappings():
        book.count(place_of(row), Count.ENROLLED, row["number"])
        book.count(place_of(row), Count.MATURING, row["maturing"])


def _count_deliveries(connection: Connection, cohort: Cohort, book: Book) -> None:
    """Count deliveries by state, and the journeys that have one which was sent."""
    columns = (*STEP, DELIVERIES.c.state)
    states = select(*columns, func.count().label("number")).select_from(DELIVERED)
    for row in connection.execute(states.where(cohort.condition).group_by(*columns)).mappings():
        state = DeliveryState(row["state"])
        for what in _STATES[state]:
            book.count(place_of(row), what, row["number"])
        if state is DeliveryState.SENT:
            book.reach(place_of(row), row["number"])
    reached = select(*JOURNEY, func.count(distinct(JOURNEYS.c.id)).label("number")).select_from(DELIVERED)
    for row in connection.execute(reached.where(SENT, cohort.condition).group_by(*JOURNEY)).mappings():
        book.reach(place_of(row), row["number"])


def _retention(connection: Connection, start: datetime, until: datetime | None) -> tuple[int, int]:
    """Return how many customers ordered again from `start` on, of those who ordered in the 180 days before it."""
    buyers = select(ORDERS.c.customer_id).distinct().where(KEPT, ORDERS.c.customer_id.is_not(None))
    before = buyers.where(ORDERS.c.placed_at < start, ORDERS.c.placed_at >= start - _ACTIVE).subquery()
    later = buyers.where(ORDERS.c.placed_at >= start)
    again = (later if until is None else later.where(ORDERS.c.placed_at < until)).subquery()
    both = before.outerjoin(again, again.c.customer_id == before.c.customer_id)
    counts = select(func.count(again.c.customer_id), func.count(before.c.customer_id)).select_from(both)
    kept, active = connection.execute(counts).one()
    return kept, active
