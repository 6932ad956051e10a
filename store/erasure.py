"""Forgetting a person: their rows go, the shop's sales figures and the proof of silence stay without a name."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update

from models.profile import CustomerState
from models.vocabulary import Channel
from store.objections import address_of, hidden
from store.schema import (
    ACTS,
    CARTS,
    CONSENTS,
    CUSTOMERS,
    DECISIONS,
    DELIVERIES,
    EVENTS,
    JOURNEYS,
    ORDER_LINES,
    ORDERS,
    SUPPRESSIONS,
)


def erase_customers(connection: Connection, shop: str, customers: Sequence[CustomerState]) -> None:
    """Delete what says who these customers are; objections go on to count under a hash of the address."""
    ids = [one.id for one in customers]
    if not ids:
        return
    _delete(connection, shop, ids)
    for table in (ORDERS, ORDER_LINES):
        connection.execute(update(table).where(table.c.customer_id.in_(ids)).values(customer_id=None))
    journeys = select(JOURNEYS.c.id).where(JOURNEYS.c.customer_id.in_(ids))
    connection.execute(update(DECISIONS).where(DECISIONS.c.journey_id.in_(journeys)).values(inputs={}))
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.customer_id.in_(ids)).values(message=None, address=None))
    connection.execute(update(ACTS).where(ACTS.c.customer_id.in_(ids)).values(reason=None))
    _hide(connection, shop, customers)
    connection.execute(delete(CUSTOMERS).where(CUSTOMERS.c.id.in_(ids)))


def _delete(connection: Connection, shop: str, ids: Sequence[str]) -> None:
    """Delete what they did and allowed, and what their carts did before anybody knew whose these were."""
    own = select(CARTS.c.id).where(CARTS.c.customer_id.in_(ids))
    grown_from = select(CARTS.c.alias).where(CARTS.c.customer_id.in_(ids))
    nobodys = and_(CARTS.c.shop == shop, CARTS.c.customer_id.is_(None), CARTS.c.token.in_(grown_from))
    carts = connection.execute(select(CARTS.c.id).where(or_(CARTS.c.id.in_(own), nobodys))).scalars().all()
    connection.execute(delete(EVENTS).where(EVENTS.c.cart_id.in_(carts), EVENTS.c.customer_id.is_(None)))
    for table in (EVENTS, CONSENTS):
        connection.execute(delete(table).where(table.c.customer_id.in_(ids)))
    connection.execute(delete(CARTS).where(CARTS.c.id.in_(carts)))


def _hide(connection: Connection, shop: str, customers: Sequence[CustomerState]) -> None:
    """Keep a hash of every address that is closed: of theirs, and of those that they had when they objected."""
    theirs = [
        and_(SUPPRESSIONS.c.channel == channel, SUPPRESSIONS.c.address == address_of(channel, customer))
        for customer in customers
        for channel in Channel
    ]
    own = SUPPRESSIONS.c.customer_id.in_([one.id for one in customers])
    statement = select(SUPPRESSIONS.c.id, SUPPRESSIONS.c.address).where(SUPPRESSIONS.c.shop == shop, or_(own, *theirs))
    rows = [{"row": row, "hash": hidden(shop, address)} for row, address in connection.execute(statement)]
    if rows:
        change = update(SUPPRESSIONS).where(SUPPRESSIONS.c.id == bindparam("row"))
        connection.execute(change.values(address=bindparam("hash"), customer_id=None), rows)
