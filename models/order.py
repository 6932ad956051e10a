"""An order as events change it: the same facts whatever the order in which its news arrive."""

from dataclasses import dataclass
from datetime import datetime

from models.events import OrderFacts, OrderStatus

_LIFE = (
    OrderStatus.PENDING,
    OrderStatus.AUTHORIZED,
    OrderStatus.PAID,
    OrderStatus.CANCELLED,
    OrderStatus.REFUNDED,
)


@dataclass(slots=True, eq=False)
class OrderState:
    """The row of an order while facts are applied; the names are the table's columns."""

    id: str
    shop: str
    order_id: str
    status: str
    placed_at: datetime
    updated_at: datetime
    seq: int = 0
    customer_id: str | None = None
    currency: str = ""
    value: int = 0
    refunded: int = 0
    coupon: str | None = None

    def apply(self, facts: OrderFacts, at: datetime, placed_at: datetime) -> None:
        """Take in what was said of the order at `at`; what is known is kept where older news speak of it."""
        newest = _weight(facts.status, at) >= _weight(OrderStatus(self.status), self.updated_at)
        self.placed_at = min(self.placed_at, placed_at)
        if newest:
            self.status, self.updated_at = facts.status, at
            self.value = self.value if facts.value is None else facts.value
        self.currency = (facts.currency if newest else None) or self.currency or facts.currency or ""
        self.coupon = (facts.coupon if newest else None) or self.coupon or facts.coupon
        if facts.status is OrderStatus.REFUNDED and not facts.refunded:
            self.refunded = max(self.refunded, self.value)
        self.refunded = max(self.refunded, facts.refunded)


def _weight(status: OrderStatus, at: datetime) -> tuple[bool, datetime, int]:
    """Return what the weightier of two pieces of news has more of.

    No order becomes unpaid again: storefronts' clocks differ by minutes, and "pending" stamped after "paid" is older
    news with a faster clock. Of two pieces of one second the one that comes later in an order's life counts.
    """
    return status is not OrderStatus.PENDING, at, _LIFE.index(status)
