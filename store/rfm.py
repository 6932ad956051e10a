"""RFM quintiles of every buyer of a shop, computed at each sweep and kept with the customer."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, select, update

from models.score import Purchases, rfm
from store.carts import PURCHASE
from store.schema import CUSTOMERS, ORDERS


def rescore(connection: Connection, shop: str, at: datetime) -> int:
    """Rank the buyers of a shop among each other, and return how many there are."""
    statement = (
        select(
            ORDERS.c.customer_id,
            func.max(ORDERS.c.placed_at),
            func.count(),
            func.sum(ORDERS.c.value - ORDERS.c.refunded),
        )
        .where(ORDERS.c.shop == shop, ORDERS.c.customer_id.is_not(None), ORDERS.c.status.in_(PURCHASE))
        .group_by(ORDERS.c.customer_id)
    )
    members = {
        customer: Purchases((at - last) / timedelta(days=1), orders, int(spent))
        for customer, last, orders, spent in connection.execute(statement)
    }
    ranked = rfm(members)
    if ranked:
        change = update(CUSTOMERS).where(CUSTOMERS.c.id == bindparam("who"))
        rows = [
            {"who": who, "recency": one.recency, "frequency": one.frequency, "monetary": one.monetary}
            for who, one in ranked.items()
        ]
        change = change.values({f"rfm_{name}": bindparam(name) for name in ("recency", "frequency", "monetary")})
        connection.execute(change, rows)
    return len(ranked)
