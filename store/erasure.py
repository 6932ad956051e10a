"""Forgetting a person: their rows go, the shop's sales figures and the proof of silence stay without a name."""

from collections.abc import Collection

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update

from models.needles import Needle, Sort
from models.vocabulary import Channel, DeliveryState
from store.belongings import OWNED, carts_of, mine
from store.schema import (
    ACTS,
    CARTS,
    CONSENTS,
    DECISIONS,
    DELIVERIES,
    EVENTS,
    JOURNEYS,
    NOTICES,
    ORDER_LINES,
    ORDER_TOKENS,
    ORDERS,
    SHOPS,
    SUPPRESSIONS,
    TASKS,
)
from store.sealing import hidden

TOUCHED = tuple(table.name for table in OWNED)
"""The tables in which an erasure leaves dead rows."""


def erase_rows(connection: Connection, shop: str, customer: str, known: Collection[Needle]) -> None:
    """Delete what a customer did, allowed, got and was told of, by their id; `known` is what names them.

    What stays is about nobody: orders and their lines as sales, journeys, decisions and deliveries as numbers.
    """
    addresses = {one.text for one in known if one.sort in (Sort.ADDRESS, Sort.PHONE)}
    _empty_names(connection, customer, [one for one in known if one.telling])
    carts = list(connection.execute(carts_of(customer)).scalars())
    for table in (EVENTS, CONSENTS):
        connection.execute(delete(table).where(mine(table, customer)))
    for table in (ORDERS, ORDER_LINES):
        connection.execute(update(table).where(table.c.customer_id == customer).values(customer_id=None))
    connection.execute(delete(CARTS).where(CARTS.c.id.in_(carts)))
    connection.execute(update(DECISIONS).where(mine(DECISIONS, customer)).values(inputs={}))
    connection.execute(update(ACTS).where(mine(ACTS, customer)).values(reason=None))
    connection.execute(update(TASKS).where(mine(TASKS, customer)).values(note=None))
    told = or_(mine(NOTICES, customer), NOTICES.c.address.in_([hidden(connection, shop, one) for one in addresses]))
    connection.execute(update(NOTICES).where(told).values(reason=None, address=None))
    _empty_deliveries(connection, customer)
    hide(connection, [customer], addresses)


def _empty_names(connection: Connection, customer: str, known: Collection[Needle]) -> None:
    """Forget numbers and codes that would stay, where the shop has made one of somebody's address."""
    for column in (JOURNEYS.c.cart_token, ORDERS.c.coupon, DELIVERIES.c.coupon, ORDER_TOKENS.c.token):
        table = column.table
        for key, value in connection.execute(select(table.c[_KEY[table]], column).where(mine(table, customer))).all():
            if value is not None and any(one.named_in(value.encode()) for one in known):
                where = (table.c[_KEY[table]] == key, column == value)
                gone = delete(table) if table is ORDER_TOKENS else update(table).values({column.name: None})
                connection.execute(gone.where(*where))


_KEY = {JOURNEYS: "id", ORDERS: "id", DELIVERIES: "id", ORDER_TOKENS: "order_id"}


def _empty_deliveries(connection: Connection, customer: str) -> None:
    """Forget the messages, and what providers said of them; how often each was handed over stays provable."""
    own = mine(DELIVERIES, customer)
    connection.execute(update(DELIVERIES).where(own).values(message=None, address=None, problem=None))
    for delivery, releases in connection.execute(select(DELIVERIES.c.id, DELIVERIES.c.releases).where(own)).all():
        if releases:
            bare = [one | {"proof": ""} for one in releases]
            connection.execute(update(DELIVERIES).where(DELIVERIES.c.id == delivery).values(releases=bare))


def hide(connection: Connection, customers: Collection[str], addresses: Collection[str]) -> None:
    """Keep a hash of what is closed to these customers, and of these addresses where they are closed to nobody known.

    In every shop: whoever is closed out by their address is closed out everywhere.
    """
    nobodys = and_(
        SUPPRESSIONS.c.shop.in_(select(SHOPS.c.id)),  # all there are, as the channels, for the index
        SUPPRESSIONS.c.channel.in_(list(Channel)),
        SUPPRESSIONS.c.address.in_(addresses),
        SUPPRESSIONS.c.customer_id.is_(None),
    )
    columns = (SUPPRESSIONS.c.id, SUPPRESSIONS.c.shop, SUPPRESSIONS.c.address)
    statement = select(*columns).where(or_(SUPPRESSIONS.c.customer_id.in_(customers), nobodys))
    found = connection.execute(statement).all()
    rows = [{"row": row, "hash": hidden(connection, shop, address)} for row, shop, address in found]
    if rows:
        change = update(SUPPRESSIONS).where(SUPPRESSIONS.c.id == bindparam("row"))
        connection.execute(change.values(address=bindparam("hash"), customer_id=None), rows)


def handed(connection: Connection, customer: str) -> int:
    """Return how many messages to a customer are with a provider that has not answered yet."""
    statement = select(DELIVERIES.c.id).where(DELIVERIES.c.customer_id == customer, _HANDED)
    return len(connection.execute(statement).all())


def give_up_handed(connection: Connection, customer: str) -> None:
    """Call unknown what nobody will answer for any more; what is unknown is never handed over again after a stop."""
    statement = update(DELIVERIES).where(DELIVERIES.c.customer_id == customer, _HANDED)
    connection.execute(statement.values(state=DeliveryState.UNKNOWN))


_HANDED = DELIVERIES.c.state == DeliveryState.HANDED
