"""The orders of the people whom a journey is about."""

from collections.abc import Collection

from sqlalchemy import Connection, RowMapping, bindparam, select, union

from models.events import OrderStatus
from models.situation import CartRecord, OrderRecord
from store.schema import ORDER_TOKENS, ORDERS

# The ids first, from one index each: told "either or", PostgreSQL would read every order there is.
_ORDERED = union(
    select(ORDERS.c.id).where(ORDERS.c.customer_id.in_(bindparam("ids", expanding=True))),
    select(ORDER_TOKENS.c.order_id).where(
        ORDER_TOKENS.c.shop == bindparam("shop"), ORDER_TOKENS.c.token.in_(bindparam("tokens", expanding=True))
    ),
)
_ORDERS = (
    select(ORDERS, ORDER_TOKENS.c.token)
    .outerjoin(ORDER_TOKENS, ORDER_TOKENS.c.order_id == ORDERS.c.id)
    .where(ORDERS.c.id.in_(_ORDERED))
)


def orders_of(
    connection: Connection, shop: str, own: Collection[str], ids: Collection[str], cart: CartRecord | None
) -> tuple[OrderRecord, ...]:
    """Return the orders of these people, and whatever joins the cart; `own` are the rows of the customer's person."""
    values = {"shop": shop, "ids": ids, "tokens": sorted(cart.tokens) if cart else []}
    found: dict[str, tuple[RowMapping, set[str]]] = {}
    for row in connection.execute(_ORDERS, values).mappings():
        found.setdefault(row["id"], (row, set()))[1].add(row["token"])
    return tuple(
        OrderRecord(
            tokens=frozenset(names - {None}),
            status=OrderStatus(row["status"]),
            value=row["value"] - row["refunded"],
            coupon=row["coupon"] is not None,
            placed_at=row["placed_at"],
            own=row["customer_id"] in own,
            order_id=row["order_id"],
        )
        for row, names in found.values()
    )
