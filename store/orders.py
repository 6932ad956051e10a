"""The orders of the people whom a journey is about."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, union

from models.events import OrderStatus
from models.situation import CartRecord, OrderRecord
from store.driven import Driven
from store.lists import among
from store.schema import ORDER_TOKENS, ORDERS

# The ids first, from one index each: told "either or", PostgreSQL would read every order there is.
_ORDERED = union(
    select(ORDERS.c.id).where(among(ORDERS.c.customer_id, "ids")),
    select(ORDER_TOKENS.c.order_id).where(
        ORDER_TOKENS.c.shop == bindparam("shop"), among(ORDER_TOKENS.c.token, "tokens")
    ),
)
_NAMES = ("id", "customer_id", "order_id", "status", "value", "refunded", "coupon", "placed_at")
_ORDERS = Driven(
    select(*[ORDERS.c[name] for name in _NAMES], ORDER_TOKENS.c.token)
    .outerjoin(ORDER_TOKENS, ORDER_TOKENS.c.order_id == ORDERS.c.id)
    .where(ORDERS.c.id.in_(_ORDERED))
)


def orders_of(
    connection: Connection, shop: str, own: Collection[str], ids: Sequence[str], cart: CartRecord | None
) -> tuple[OrderRecord, ...]:
    """Return the orders of these people, and whatever joins the cart; `own` are the rows of the customer's person."""
    values = {"shop": shop, "ids": ids, "tokens": sorted(cart.tokens) if cart else []}
    found: dict[tuple[Any, ...], set[str | None]] = {}
    for *order, token in _ORDERS.rows(connection, values):
        found.setdefault(tuple(order), set()).add(token)
    return tuple(
        OrderRecord(
            tokens=frozenset(one for one in tokens if one is not None),
            status=OrderStatus(status),
            value=value - refunded,
            coupon=coupon is not None,
            placed_at=placed_at,
            own=customer in own,
            order_id=order_id,
        )
        for (_, customer, order_id, status, value, refunded, coupon, placed_at), tokens in found.items()
    )
