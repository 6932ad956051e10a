"""Orders: stored once each, newest word wins, and the journeys that a purchase ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from models.cart import CartState
from models.episode import JourneyState
from models.events import PROVISIONAL, Event, OrderFacts
from models.order import OrderState
from models.profile import CustomerState
from models.situation import joins
from models.vocabulary import Kind, Outcome
from store.episodes import Episodes
from store.ids import new_id
from store.policies import version
from store.rows import fetch, insert_all, select_state, update_all
from store.schema import ORDER_LINES, ORDER_TOKENS, ORDERS


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
    _named: dict[str, set[str]] = field(default_factory=dict)
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
            self._names()

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

    def _names(self) -> None:
        """Remember by which tokens the known orders are joined already."""
        if not self.known:
            return
        ids = [one.id for one in self.known.values()]
        statement = select(ORDER_TOKENS.c.order_id, ORDER_TOKENS.c.token).where(ORDER_TOKENS.c.order_id.in_(ids))
        for order, token in self.connection.execute(statement):
            self._named.setdefault(order, set()).add(token)

    def apply(self, facts: OrderFacts, customer: CustomerState | None, at: datetime, placed_at: datetime) -> None:
        """Take in an order; where it is a purchase, end the journeys that it answers."""
        if facts.provisional and facts.order_id in self.replaced:
            return
        order = self.known.get(facts.order_id)
        if order is None:
            order = self._add(facts, customer, at, placed_at)
        self._update(order, facts, customer, at, placed_at)
        if customer is not None:
            order.seq = self.episodes.people.bump(customer)
            self._end(order, facts, customer, at)

    def _add(self, facts: OrderFacts, customer: CustomerState | None, at: datetime, placed_at: datetime) -> OrderState:
        order = OrderState(new_id(), self.shop, facts.order_id, facts.status, placed_at, at)
        self.known[facts.order_id] = order
        self._new.append(order)
        quantities: dict[str, int] = {}
        for line in facts.lines:
            quantities[line.product_id] = quantities.get(line.product_id, 0) + line.quantity
        for product_id, quantity in quantities.items():
            row = {"order_id": order.id, "product_id": product_id, "shop": self.shop, "quantity": quantity}
            self._lines.append(row | {"customer_id": customer and customer.id, "placed_at": placed_at})
        return order

    def _update(
        self, order: OrderState, facts: OrderFacts, customer: CustomerState | None, at: datetime, placed_at: datetime
    ) -> None:
        order.apply(facts, at, placed_at)
        if customer is not None and order.customer_id is None:
            order.customer_id = customer.id
        self._name(order, facts)
        if all(one is not order for one in self._new):
            self._old[order.id] = order

    def _name(self, order: OrderState, facts: OrderFacts) -> None:
        """Let an order be joined by every token that any of its news has named."""
        known = self._named.setdefault(order.id, set())
        fresh = sorted(set(facts.cart_tokens) - known)
        known.update(fresh)
        self._tokens += [{"shop": self.shop, "token": token, "order_id": order.id} for token in fresh]
        if not facts.provisional:
            self.replaced |= {PROVISIONAL + token for token in fresh}

    def _end(self, order: OrderState, facts: OrderFacts, customer: CustomerState, at: datetime) -> None:
        """End the journeys that an order answers: each by what its own policy calls a purchase.

        Late news count as well as the newest: that an order was paid ends a journey however soon it was cancelled.
        """
        tokens, told = frozenset(self._named[order.id]), {order.status, facts.status}
        own = {id(journey) for journey in self.episodes.of(customer)}
        for journey in [one for one in self.episodes.open if one.open]:
            cart = self.carts.get(journey.cart_id or "")
            if journey.kind == Kind.INACTIVE or cart is None:
                ends = order.placed_at > journey.since
            else:
                ends = joins(tokens, order.placed_at, cart.tokens, cart.last_activity_at)
            if not ends or told.isdisjoint(version(self.connection, journey.policy_hash).purchase):
                continue
            if id(journey) in own or self._answers(journey, tokens):
                self.episodes.stop(journey, Outcome.PURCHASED, at)

    def _answers(self, journey: JourneyState, tokens: frozenset[str]) -> bool:
        """Say whether an order names a cart of the journey, the one it is about or one that a newer one has replaced.

        A checkout that somebody else has used since is no longer the journey's.
        """
        return any(
            cart.tokens & tokens
            and (journey.cart_id == cart.id or (cart.journey_id, cart.customer_id) == (journey.id, journey.customer_id))
            for cart in self.carts.values()
        )

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
