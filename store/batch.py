"""A batch of events while it is applied: the customers, carts, orders and journeys that it changes."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from models.cart import CartState
from models.events import Event, EventType
from models.policy import Policy
from models.profile import CustomerState, is_activity
from models.vocabulary import Kind, Outcome
from store.aliases import Aliases
from store.carts import carts_by_id, carts_of
from store.episodes import Episodes
from store.erasures import STOREFRONT
from store.forgetting import begin
from store.ids import new_id
from store.objections import Objections
from store.outbox import OutboxRow
from store.people import People
from store.purchases import Purchases
from store.requests import ABOUT_NOBODY, note_event
from store.rows import insert_all, insert_rows, update_all
from store.schema import CARTS, EVENTS

IMPORT: Final = "import"
"""The door of files of history: what comes by it ends journeys, and begins or moves none, then or later."""


class Batch:
    """The customers, carts, orders and journeys that a batch changes; everything is written at the end."""

    def __init__(
        self,
        connection: Connection,
        people: People,
        events: list[Event],
        carts: list[CartState],
        received_at: datetime,
        door: str,
    ) -> None:
        """Read what these events may change; `people` and `carts` are locked."""
        self.connection, self.people, self.received_at = connection, people, received_at
        self.imported = door == IMPORT
        self.episodes = Episodes(connection, people, received_at)
        self.old_carts, self.new_carts = carts, list[CartState]()
        relaunched = {one.cart_id for one in self.episodes.open if one.cart_id} - {cart.id for cart in carts}
        self.carts = {cart.id: cart for cart in [*carts, *carts_by_id(connection, relaunched)]}
        self.by_token: dict[str, CartState] = {}
        for cart in sorted(carts, key=lambda one: (one.alias is not None, one.last_activity_at)):
            self._name(cart)
        self.purchases = Purchases(connection, people.shop, self.episodes, self.carts)
        self.purchases.load(events)
        self.objections = Objections(connection, people, self.episodes, received_at, door, echo=False)
        if any(event.person.consents for event in events):  # of all: an event may turn out to be about any of them
            self.objections.load(set(people.known))
        self.aliases = Aliases(connection, people, self.episodes, self.objections, self.carts, door)
        self.rows: list[dict[str, object]] = []
        self.touched: dict[str, tuple[CartState, CustomerState, datetime]] = {}
        self.erased: dict[str, CustomerState] = {}
        self.reached: dict[str, tuple[CustomerState, datetime]] = {}

    def apply(self, event: Event) -> None:
        """Apply one event; events come in the order in which they happened."""
        customer = self._who(event)
        note_event(self.connection, self.people.shop, event, customer, STOREFRONT, self.received_at)
        ahead = timedelta(seconds=customer.clock_s if customer else 0)
        now = self.received_at + ahead
        at = min(event.at, self.received_at) + ahead
        cart = self._cart(event, customer, at)
        if customer is not None:
            self._about(event, customer, at, now)
        if event.order is not None:
            placed_at = min(event.order.placed_at or event.at, self.received_at) + ahead
            self.purchases.apply(event.order, customer, at, placed_at)
        if cart is not None and customer is not None:
            self.touched[cart.id] = (cart, customer, now)
        self.rows.append(self._row(event, customer, cart, at))

    def _who(self, event: Event) -> CustomerState | None:
        """Return who did it; an earlier event of the batch may have changed the address that a later one names."""
        if self.people.find(event.person) is None and event.type not in ABOUT_NOBODY:
            self.people.make_missing([(event.person, min(event.at, self.received_at))])
        known = self.people.known.get(event.customer_id or "")
        return known or self.people.find(event.person) or self._owner(event)

    def _owner(self, event: Event) -> CustomerState | None:
        """Return whose cart or order an anonymous event is about."""
        carts = [cart for cart in self.carts.values() if cart.tokens & set(tokens_of(event))]
        return next((owner for cart in carts if (owner := self.people.known.get(cart.customer_id or ""))), None)

    def _name(self, cart: CartState) -> None:
        """Let a cart be found by its names; the name of a cart from which a checkout has grown means the checkout."""
        self.by_token.setdefault(cart.token, cart)
        if cart.alias is not None:
            self.by_token[cart.alias] = cart

    def _about(self, event: Event, customer: CustomerState, at: datetime, now: datetime) -> None:
        reachable = customer.reachable
        self.people.meet(customer, event.person, at)
        self.aliases.settle(customer, event.person, now)
        if customer.reachable and not reachable:
            self.reached[customer.id] = (customer, now)
        self.people.bump(customer)
        if event.person.consents:
            self.objections.record(customer, event.person.consents, now)
        if is_activity(event):
            for one in self.people.family(customer):
                one.acted(at)
            for journey in self.episodes.of(customer):
                if journey.kind == Kind.INACTIVE and at > journey.since and event.order is None:
                    self.episodes.stop(journey, Outcome.REENGAGED, now)
        if event.type is EventType.ERASE:
            self.episodes.stop_all(customer, Outcome.ERASED, now)
            self.erased |= {one.id: one for one in self.people.family(customer)}

    def _cart(self, event: Event, customer: CustomerState | None, at: datetime) -> CartState | None:
        if event.cart is None:
            return None
        cart = self.by_token.get(event.cart.token)
        if cart is None:
            cart = CartState(new_id(), self.people.shop, event.cart.token, at, at, imported=self.imported)
            self.carts[cart.id] = cart
            self.new_carts.append(cart)
        cart.apply(event.type, event.cart, at)
        cart.imported = cart.imported and self.imported
        self._name(cart)
        if customer is not None and at >= cart.last_activity_at:
            self._owned(cart, customer, at)
        self._emptied(cart, customer, at)
        return cart

    def _owned(self, cart: CartState, customer: CustomerState, at: datetime) -> None:
        """Give a cart to whoever used it last; for its former owner it is gone."""
        former = self.people.known.get(cart.customer_id or "")
        cart.customer_id = customer.id
        if former is not None and former.root != customer.root:
            for journey in self.episodes.of(former):
                if journey.cart_id == cart.id and journey.customer_id == former.id:
                    self.episodes.stop(journey, Outcome.CART_EMPTIED, at)

    def _emptied(self, cart: CartState, customer: CustomerState | None, at: datetime) -> None:
        """An emptied cart ends a journey that has begun; before J0 the customer may still be choosing."""
        if cart.lines or customer is None:
            return
        for journey in self.episodes.of(customer):
            if journey.cart_id == cart.id and journey.j0 is not None:
                self.episodes.stop(journey, Outcome.CART_EMPTIED, at)

    def _row(
        self, event: Event, customer: CustomerState | None, cart: CartState | None, at: datetime
    ) -> dict[str, object]:
        return {
            "shop": self.people.shop,
            "key": event.key,
            "type": event.type,
            "name": event.name,
            "customer_id": customer and customer.id,
            "cart_id": cart and cart.id,
            "product_id": event.product and event.product.product_id,
            "properties": dict(event.properties) or None,
            "at": at,
            "received_at": self.received_at,
        }

    def _follow(self) -> None:
        """Whoever can be reached from now on may have left carts before; imported ones are history."""
        left = carts_of(self.connection, self.reached)
        for cart in [one for one in left if one.id not in self.carts and not one.imported]:
            self.old_carts.append(cart)
            self.carts[cart.id] = cart
            self.touched[cart.id] = (cart, *self.reached[cart.customer_id or ""])

    def save(self, policy: Policy | None) -> list[OutboxRow]:
        """Write everything in the order in which rows lean on each other."""
        gone = self.erased
        self._follow()
        alive = [
            (c, who, now) for c, who, now in self.touched.values() if c.customer_id == who.id and who.id not in gone
        ]
        self.purchases.save()  # first: an order of this batch ends a cart of this batch
        self.episodes.touched([] if self.imported else alive, self.carts, policy)
        self.people.save()
        self.objections.save()
        insert_all(self.connection, CARTS, self.new_carts)
        update_all(self.connection, CARTS, self.old_carts)  # the others are not locked, and have not changed
        outbox = self.episodes.save()
        insert_rows(self.connection, EVENTS, self.rows)
        begin(self.connection, self.people, list(gone.values()), STOREFRONT, self.received_at)
        return outbox


def tokens_of(event: Event) -> tuple[str, ...]:
    """Return every name of a cart that an event mentions."""
    named = (event.cart.token, event.cart.alias) if event.cart else ()
    ordered = event.order.cart_tokens if event.order else ()
    return tuple(token for token in (*named, *ordered) if token)
