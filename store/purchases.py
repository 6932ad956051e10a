"""Orders: stored once each, newest word wins, and the journeys that a purchase ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from models.cart import CartState
from models.events import PROVISIONAL, Event, OrderFacts, OrderStatus
from models.profile import CustomerState
from models.situation import joins
from models.vocabulary import Kind, Outcome
from store.carts import PURCHASE
from store.episodes import Episodes
from store.ids import new_id
from store.rows import fetch, insert_all, select_state, update_all
from store.schema import ORDER_LINES, ORDER_TOKENS, ORDERS


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


@dataclass(slots=True)
class Purchases:
    """The orders that a batch of events is about."""

    connection: Connection
    shop: str
    episodes: Episodes
    carts: Mapping[str, CartState]
    known: dict[str, OrderState] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    _new: list[OrderState] = field(default_factory=list)
    _old: dict[str, OrderState] = field(default_factory=dict)
    _tokens: list[dict[str, str]] = field(default_factory=list)
    _lines: list[dict[str, object]] = field(default_factory=list)

    def load(self, events: Sequence[Event]) -> None:
        """Read the orders that these events name, and the provisional ones that they replace."""
        names: set[str] = set()
        for event in events:
            if event.order is not None:
                names |= {event.order.order_id, *(PROVISIONAL + token for token in event.order.cart_tokens)}
        if names:
            statement = select(*select_state(ORDERS, OrderState)).where(
                ORDERS.c.shop == self.shop, ORDERS.c.order_id.in_(names)
            )
            statement = statement.order_by(ORDERS.c.id).with_for_update()  # an order may be nobody's yet
            self.known = {one.order_id: one for one in fetch(self.connection, OrderState, statement)}
            self._real(names)

    def _real(self, names: set[str]) -> None:
        """Remember which provisional names stand for an order that is known by its real one."""
        tokens = [name.removeprefix(PROVISIONAL) for name in names if name.startswith(PROVISIONAL)]
        statement = (
            select(ORDER_TOKENS.c.token)
            .join(ORDERS, ORDERS.c.id == ORDER_TOKENS.c.order_id)
            .where(ORDER_TOKENS.c.shop == self.shop, ORDER_TOKENS.c.token.in_(tokens))
            .where(ORDERS.c.order_id.not_like(PROVISIONAL + "%"))
        )
        self.replaced = {PROVISIONAL + token for token in self.connection.execute(statement).scalars()}

    def apply(self, facts: OrderFacts, customer: CustomerState | None, at: datetime, placed_at: datetime) -> None:
        """Take in an order; when it is a purchase, end the journeys that it answers."""
        if facts.provisional and facts.order_id in self.replaced:
            return
        order = self.known.get(facts.order_id)
        if order is None:
            order = self._add(facts, customer, at, placed_at)
        elif at < order.updated_at:
            return
        self._update(order, facts, customer, at)
        if customer is not None:
            order.seq = self.episodes.people.bump(customer)
            if order.status in PURCHASE:
                self._end(facts, order.placed_at, customer, at)

    def _add(self, facts: OrderFacts, customer: CustomerState | None, at: datetime, placed_at: datetime) -> OrderState:
        order = OrderState(new_id(), self.shop, facts.order_id, facts.status, placed_at, at)
        self.known[facts.order_id] = order
        self._new.append(order)
        tokens = sorted(set(facts.cart_tokens))
        self._tokens += [{"shop": self.shop, "token": token, "order_id": order.id} for token in tokens]
        quantities: dict[str, int] = {}
        for line in facts.lines:
            quantities[line.product_id] = quantities.get(line.product_id, 0) + line.quantity
        for product_id, quantity in quantities.items():
            row = {"order_id": order.id, "product_id": product_id, "shop": self.shop, "quantity": quantity}
            self._lines.append(row | {"customer_id": customer and customer.id, "placed_at": placed_at})
        if not facts.provisional:
            self.replaced |= {PROVISIONAL + token for token in tokens}
        return order

    def _update(self, order: OrderState, facts: OrderFacts, customer: CustomerState | None, at: datetime) -> None:
        order.status, order.updated_at = facts.status, at
        if customer is not None and order.customer_id is None:
            order.customer_id = customer.id
        order.currency = facts.currency or order.currency
        order.value = order.value if facts.value is None else facts.value
        order.coupon = facts.coupon or order.coupon
        if facts.status is OrderStatus.REFUNDED and not facts.refunded:
            order.refunded = order.value
        order.refunded = max(order.refunded, facts.refunded)
        if all(one is not order for one in self._new):
            self._old[order.id] = order

    def _end(self, facts: OrderFacts, placed_at: datetime, customer: CustomerState, at: datetime) -> None:
        tokens = frozenset(facts.cart_tokens)
        own = {id(journey) for journey in self.episodes.of(customer)}
        for journey in [one for one in self.episodes.open if one.open]:
            cart = self.carts.get(journey.cart_id or "")
            if journey.kind == Kind.INACTIVE or cart is None:
                ends = placed_at > journey.since
            else:
                ends = joins(tokens, placed_at, cart.tokens, cart.last_activity_at)
            if ends and (id(journey) in own or (cart is not None and cart.tokens & tokens)):
                self.episodes.stop(journey, Outcome.PURCHASED, at)

    def save(self) -> None:
        """Write every order; a real one takes the place of its provisional one."""
        self._drop([one for name, one in self.known.items() if name in self.replaced])
        insert_all(self.connection, ORDERS, self._new)
        update_all(self.connection, ORDERS, self._old.values())
        if self._tokens:
            self.connection.execute(insert(ORDER_TOKENS), self._tokens)
        if self._lines:
            self.connection.execute(insert(ORDER_LINES), self._lines)

    def _drop(self, provisional: list[OrderState]) -> None:
        ids = [one.id for one in provisional]
        self._new = [one for one in self._new if one.id not in ids]
        self._tokens = [one for one in self._tokens if one["order_id"] not in ids]
        self._lines = [one for one in self._lines if one["order_id"] not in ids]
        if ids:
            for table, column in ((ORDER_LINES, "order_id"), (ORDER_TOKENS, "order_id"), (ORDERS, "id")):
                self.connection.execute(delete(table).where(table.c[column].in_(ids)))
