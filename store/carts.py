"""Carts and the orders that end them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BindParameter, Connection, and_, bindparam, or_, select, union

from models.cart import CartState
from models.events import SOLD, OrderStatus
from models.situation import TOKEN_LIFE
from store.driven import Driven
from store.lists import among
from store.rows import select_all, select_state
from store.schema import CARTS, ORDER_TOKENS, ORDERS

PURCHASE = SOLD
"""A sale, for figures and permissions; which orders end a journey is its policy's word."""


@dataclass(frozen=True, slots=True)
class EndingOrder:
    """What decides whether an order ends a cart."""

    customer_id: str | None
    placed_at: datetime
    tokens: frozenset[str]


_SHOP: Final[BindParameter[str]] = bindparam("shop")
_MINE: Final = CARTS.c.shop == _SHOP
_COLUMNS: Final = select_state(CARTS, CartState)
# Each name with the shop: only so does SQLite look each up in its own index.
_NAMED: Final = select(*_COLUMNS).where(
    or_(and_(_MINE, among(CARTS.c.token, "tokens")), and_(_MINE, among(CARTS.c.alias, "tokens")))
)
_BY_NAME: Final = Driven(_NAMED.order_by(CARTS.c.id).with_for_update())
_BY_ID: Final = Driven(select(*_COLUMNS).where(among(CARTS.c.id, "ids")).order_by(CARTS.c.id))
_OF: Final = Driven(
    select(*_COLUMNS).where(among(CARTS.c.customer_id, "customers")).order_by(CARTS.c.id).with_for_update()
)


def carts_named(connection: Connection, shop: str, tokens: Collection[str]) -> list[CartState]:
    """Return the carts that have any of these names, locked."""
    return select_all(connection, CartState, _BY_NAME, {"shop": shop, "tokens": list(tokens)}) if tokens else []


def carts_by_id(connection: Connection, ids: Collection[str]) -> list[CartState]:
    """Return the carts of these ids."""
    return select_all(connection, CartState, _BY_ID, {"ids": list(ids)}) if ids else []


def carts_of(connection: Connection, customers: Collection[str]) -> list[CartState]:
    """Return the carts of these customers, locked."""
    return select_all(connection, CartState, _OF, {"customers": list(customers)}) if customers else []


# The ids first, from one index each: told "either or", PostgreSQL would read every order there is.
_ORDERED: Final = select(ORDERS.c.id).where(among(ORDERS.c.customer_id, "customers"))
_JOINED: Final = select(ORDER_TOKENS.c.order_id).where(
    ORDER_TOKENS.c.shop == _SHOP, among(ORDER_TOKENS.c.token, "tokens")
)
_ENDING: Final = Driven(
    select(ORDERS.c.id, ORDERS.c.customer_id, ORDERS.c.placed_at, ORDER_TOKENS.c.token)
    .outerjoin(ORDER_TOKENS, ORDER_TOKENS.c.order_id == ORDERS.c.id)
    .where(
        among(ORDERS.c.status, "purchase"),
        ORDERS.c.placed_at >= bindparam("earliest"),
        ORDERS.c.id.in_(union(_ORDERED, _JOINED)),
    )
)


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
    values = {
        "shop": shop,
        "customers": list(customers),
        "tokens": [token for cart in carts for token in cart.tokens],
        "purchase": list(purchase),
        "earliest": min(cart.last_activity_at for cart in carts) - TOKEN_LIFE,
    }
    found: dict[str, tuple[str | None, datetime, set[str]]] = {}
    for order, customer, placed_at, token in _ENDING.rows(connection, values):
        found.setdefault(order, (customer, placed_at, set()))[2].update([token] if token else ())
    return [EndingOrder(whose, placed_at, frozenset(names)) for whose, placed_at, names in found.values()]
