"""Carts and the orders that end them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select, union

from models.cart import CartState
from models.events import SOLD, OrderStatus
from models.situation import TOKEN_LIFE
from store.rows import fetch, select_state
from store.schema import CARTS, ORDER_TOKENS, ORDERS

PURCHASE = SOLD
"""A sale, for figures and permissions; which orders end a journey is its policy's word."""


@dataclass(frozen=True, slots=True)
class EndingOrder:
    """What decides whether an order ends a cart."""

    customer_id: str | None
    placed_at: datetime
    tokens: frozenset[str]


def load_carts(
    connection: Connection, shop: str, tokens: Collection[str], ids: Collection[str], *, lock: bool = False
) -> list[CartState]:
    """Return the carts of these names or ids."""
    if not tokens and not ids:
        return []
    mine = CARTS.c.shop == shop
    # Each name with the shop, and none that is empty: only so does SQLite look each up in its own index.
    ways = [and_(mine, CARTS.c.token.in_(tokens)), and_(mine, CARTS.c.alias.in_(tokens))] if tokens else []
    ways += [CARTS.c.id.in_(ids)] if ids else []
    statement = select(*select_state(CARTS, CartState)).where(or_(*ways)).order_by(CARTS.c.id)
    return fetch(connection, CartState, statement.with_for_update() if lock else statement)


def carts_of(connection: Connection, customers: Collection[str]) -> list[CartState]:
    """Return the carts of these customers, locked."""
    statement = select(*select_state(CARTS, CartState)).where(CARTS.c.customer_id.in_(customers)).order_by(CARTS.c.id)
    return fetch(connection, CartState, statement.with_for_update())


def ending_orders(
    connection: Connection,
    shop: str,
    carts: Sequence[CartState],
    customers: Collection[str],
    purchase: Collection[OrderStatus],
) -> list[EndingOrder]:
    """Return the orders that could end any of these carts: by a token, or by one of these customers.

    `purchase` are the states in which an order does, which the policy in force names.
    """
    tokens = {token for cart in carts for token in cart.tokens}
    earliest = min(cart.last_activity_at for cart in carts) - TOKEN_LIFE
    # The ids first, from one index each: told "either or", PostgreSQL would read every order there is.
    mine = select(ORDERS.c.id).where(ORDERS.c.customer_id.in_(customers))
    joined = select(ORDER_TOKENS.c.order_id).where(ORDER_TOKENS.c.shop == shop, ORDER_TOKENS.c.token.in_(tokens))
    statement = (
        select(ORDERS.c.id, ORDERS.c.customer_id, ORDERS.c.placed_at, ORDER_TOKENS.c.token)
        .outerjoin(ORDER_TOKENS, ORDER_TOKENS.c.order_id == ORDERS.c.id)
        .where(
            ORDERS.c.status.in_(purchase),
            ORDERS.c.placed_at >= earliest,
            ORDERS.c.id.in_(union(mine, joined)),
        )
    )
    found: dict[str, tuple[str | None, datetime, set[str]]] = {}
    for order, customer, placed_at, token in connection.execute(statement):
        found.setdefault(order, (customer, placed_at, set()))[2].add(token)
    return [EndingOrder(whose, placed_at, frozenset(names - {None})) for whose, placed_at, names in found.values()]
