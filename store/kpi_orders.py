"""Orders that belong to journeys: recovered ones, which join a cart or use a code, and those that compare the arms."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select, union

from models.tallies import Book, Candidate, Count, attributed, converted
from store.cohort import JOURNEY, KEPT, SENT, STEP, Cohort, place_of
from store.schema import CARTS, DELIVERIES, JOURNEYS, ORDER_TOKENS, ORDERS

_PAIR = (ORDERS.c.id.label("order_id"), JOURNEYS.c.id.label("journey_id"))
# SQLite keeps no statistics and would look journeys up by their shop, which is nearly all of them.
_SHOP = func.coalesce(JOURNEYS.c.shop, "")


def count_recovered(connection: Connection, cohort: Cohort, book: Book) -> None:
    """Count the orders whose latest delivery before them belongs to the cohort."""
    orders = attributed(_candidates(connection, cohort))
    book.recover(one for one in orders if cohort.holds(one.j0, one.place.journey.policy))


def count_converted(connection: Connection, cohort: Cohort, book: Book) -> None:
    """Count customers with an order of theirs, or of their cart, within 14 days of J0; in both arms alike."""
    own = ORDERS.join(JOURNEYS, JOURNEYS.c.customer_id == ORDERS.c.customer_id)
    since_quiet = ORDERS.c.placed_at > JOURNEYS.c.since
    orders = select(*_PAIR).select_from(own).where(KEPT, cohort.condition, since_quiet)
    joined = union(orders, *_by_token(cohort)).subquery()
    # The first order since the customer went quiet: one before J0 that was told late was no relaunch's doing.
    statement = (
        select(*JOURNEY, JOURNEYS.c.j0, func.min(ORDERS.c.placed_at).label("first"))
        .select_from(joined)
        .join(ORDERS, ORDERS.c.id == joined.c.order_id)
        .join(JOURNEYS, JOURNEYS.c.id == joined.c.journey_id)
        .where(JOURNEYS.c.id.in_(cohort.first()), since_quiet)
        .group_by(*JOURNEY, JOURNEYS.c.id, JOURNEYS.c.j0)
    )
    for row in connection.execute(statement).mappings():
        if converted(row["j0"], row["first"]):
            book.count(place_of(row), Count.CONVERTED)


def _candidates(connection: Connection, cohort: Cohort) -> Iterator[Candidate]:
    """Read every order that joins a journey beside each delivery of it, other journeys' too: the latest one has it."""
    joined = union(*_by_token(cohort), _by_coupon(cohort)).subquery()
    statement = (
        select(ORDERS.c.id.label("order"), *(ORDERS.c[name] for name in ("placed_at", "value", "refunded", "currency")))
        .add_columns(JOURNEYS.c.id.label("journey"), JOURNEYS.c.j0)
        .add_columns(DELIVERIES.c.id.label("delivery"), DELIVERIES.c.handed_at, *STEP)
        .select_from(joined)
        .join(ORDERS, ORDERS.c.id == joined.c.order_id)
        .join(JOURNEYS, JOURNEYS.c.id == joined.c.journey_id)
        .join(DELIVERIES, DELIVERIES.c.journey_id == JOURNEYS.c.id)
        .where(SENT, JOURNEYS.c.j0.is_not(None))
    )
    for row in connection.execute(statement).mappings():
        yield Candidate(
            order=row["order"],
            placed_at=row["placed_at"],
            net=row["value"] - row["refunded"],
            currency=row["currency"],
            journey=row["journey"],
            delivery=row["delivery"],
            handed_at=row["handed_at"],
            j0=row["j0"],
            place=place_of(row),
        )


def _by_token(cohort: Cohort) -> list[Select[Any]]:
    """Select which order joins which journey by a name of a cart: the journey's own, or of a cart that joined it.

    One select a name, because each has an index of its own.
    """
    tokens = ORDERS.join(ORDER_TOKENS, ORDER_TOKENS.c.order_id == ORDERS.c.id)
    token, cart, journey = ORDER_TOKENS.c.token, CARTS.c, JOURNEYS.c
    shop = cart.shop == ORDER_TOKENS.c.shop
    ways = [
        tokens.join(JOURNEYS, and_(ORDER_TOKENS.c.shop == _SHOP, journey.cart_token == token)),
        tokens.join(CARTS, and_(shop, cart.token == token)).join(JOURNEYS, journey.id == cart.journey_id),
        tokens.join(CARTS, and_(shop, cart.alias == token)).join(JOURNEYS, journey.id == cart.journey_id),
        tokens.join(CARTS, and_(shop, cart.alias == token)).join(JOURNEYS, journey.cart_id == cart.id),
    ]
    return [select(*_PAIR).select_from(way).where(KEPT, cohort.later(ORDERS.c.placed_at)) for way in ways]


def _by_coupon(cohort: Cohort) -> Select[Any]:
    """Select which order uses a code that a journey gave to the same customer: many customers may share a code."""
    same = func.lower(ORDERS.c.coupon) == func.lower(DELIVERIES.c.coupon)
    orders = ORDERS.join(DELIVERIES, and_(DELIVERIES.c.customer_id == ORDERS.c.customer_id, same))
    way = orders.join(JOURNEYS, and_(JOURNEYS.c.id == DELIVERIES.c.journey_id, ORDERS.c.shop == _SHOP))
    return select(*_PAIR).select_from(way).where(KEPT, cohort.later(ORDERS.c.placed_at))
