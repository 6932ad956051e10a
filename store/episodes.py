"""Journeys as facts open, move and close them; every change that Temporal must hear goes into the outbox with it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, or_, select

from models.cart import CartState
from models.episode import Former, JourneyState, episode_of, may_begin
from models.policy import CartTrigger, Policy
from models.profile import CustomerState
from models.situation import joins
from models.vocabulary import Kind, Outcome, Status
from store.announcements import announce_ends
from store.carts import ending_orders
from store.driven import Driven
from store.ids import new_id
from store.lists import among
from store.outbox import Call, OutboxRow, add_rows
from store.people import People
from store.rows import insert_all, select_all, select_state, update_all
from store.schema import JOURNEYS

NUDGED = timedelta(seconds=2)
"""Whoever writes an outbox row delivers it at once; the relay looks after it from this long on."""


class Episodes:
    """The open journeys of the customers that a transaction has locked."""

    def __init__(self, connection: Connection, people: People, recorded_at: datetime) -> None:
        """Read them; `recorded_at` is the wall clock, for the outbox."""
        self.connection = connection
        self.people = people
        self.recorded_at = recorded_at
        self.outbox: list[OutboxRow] = []
        self.open = open_journeys(connection, people.known)
        self._changed: dict[str, JourneyState] = {}
        self._new: list[JourneyState] = []

    def of(self, customer: CustomerState) -> list[JourneyState]:
        """Return the open journeys of a customer, on all their rows, and of everybody who shares an address."""
        ids = {one.id for one in self.people.group(customer)}
        return [journey for journey in self.open if journey.open and journey.customer_id in ids]

    def stop(self, journey: JourneyState, outcome: Outcome, at: datetime) -> None:
        """Close a journey for a fact; Temporal is told to end its wait."""
        journey.close(outcome, at, self.people.bump(self.people.known[journey.customer_id]))
        self._changed[journey.id] = journey
        self.outbox.append(self._row(journey, Call.STOPPED, outcome))

    def stop_all(self, customer: CustomerState, outcome: Outcome, at: datetime) -> None:
        """Close every open journey that reaches this customer's address."""
        for journey in self.of(customer):
            self.stop(journey, outcome, at)

    def tell(self, journey: JourneyState, call: Call) -> None:
        """Have a change that staff made to a journey written, and Temporal told."""
        self._changed[journey.id] = journey
        self.outbox.append(self._row(journey, call))

    def touched(
        self,
        carts: Sequence[tuple[CartState, CustomerState, datetime]],
        known: Mapping[str, CartState],
        policy: Policy | None,
    ) -> None:
        """Let carts that have changed join or begin a journey; each comes with its owner and the owner's clock.

        The newest goes first: a customer's one journey is about that one. `known` are the carts of open journeys.
        """
        waiting = []
        for cart, customer, at in sorted(carts, key=lambda one: one[0].last_activity_at, reverse=True):
            mine = self._own(customer, Kind.CART)
            if mine:
                self._join(mine[0], cart, known.get(mine[0].cart_id or ""), policy)
            elif cart.lines and customer.reachable:
                waiting.append((cart, customer, at))
        if policy is not None and isinstance(policy.trigger, CartTrigger) and waiting:
            self._begin(waiting, policy, policy.trigger)

    def _own(self, customer: CustomerState, kind: Kind) -> list[JourneyState]:
        """Return a person's own open journeys of a kind, the one that goes on first: held by staff, begun, oldest."""
        mine = [one for one in self.open if one.open and one.kind == kind]
        own = [one for one in mine if self.people.root(one.customer_id) == customer.root]
        return sorted(own, key=lambda one: (one.paused_at is None, one.j0 is None, one.started_at, one.id))

    def unite(self, customer: CustomerState, known: Mapping[str, CartState], at: datetime) -> list[CartState]:
        """Let a person whose rows have become one have one journey of a kind; return the carts that have joined it."""
        joined = []
        for kind in Kind:
            own = self._own(customer, kind)
            for other in own[1:]:
                kept, cart = own[0], known.get(other.cart_id or "")
                self.stop(other, Outcome.CART_EMPTIED if cart else Outcome.NOT_ELIGIBLE, at)
                if cart is not None:
                    self._join(kept, cart, known.get(kept.cart_id or ""), None)
                    joined += [cart] if cart.journey_id == kept.id else []
        return joined

    def _join(self, journey: JourneyState, cart: CartState, current: CartState | None, policy: Policy | None) -> None:
        """One open cart journey a customer: the newest cart with something in it is what it is about."""
        if cart is not current and not self._takes_over(cart, current):
            return
        cart.journey_id = journey.id
        journey.cart_id, journey.cart_token = cart.id, cart.token
        if journey.j0 is None and policy is not None and isinstance(policy.trigger, CartTrigger):
            journey.next_action_at = cart.last_activity_at + policy.trigger.abandoned_after
        self._changed[journey.id] = journey

    def _takes_over(self, cart: CartState, current: CartState | None) -> bool:
        older = current is not None and current.lines and cart.last_activity_at < current.last_activity_at
        if not cart.lines or older:
            return False
        return all(one.outcome != Outcome.CANCELLED for one in self._former([cart])[cart.id])

    def _begin(
        self, waiting: list[tuple[CartState, CustomerState, datetime]], policy: Policy, trigger: CartTrigger
    ) -> None:
        carts = [cart for cart, _, _ in waiting]
        former = self._former(carts)
        orders = ending_orders(self.connection, self.people.shop, carts, self.people.known, policy.purchase)
        for cart, customer, at in waiting:
            group = {one.id for one in self.people.group(customer)}
            mine = [one for one in orders if one.customer_id in group or one.tokens & cart.tokens]
            if any(joins(one.tokens, one.placed_at, cart.tokens, cart.last_activity_at) for one in mine):
                continue
            first = not any(self.people.root(one.customer_id) == customer.root for one in self._new)
            if first and may_begin(cart, former[cart.id], trigger, at):
                self._add(cart, customer, policy, trigger, at)

    def _former(self, carts: Collection[CartState]) -> dict[str, list[Former]]:
        """Return the closed journeys of these carts, by cart: those that this transaction has closed among them."""
        here = [one for one in self.open if not one.open]
        journeys = {one.id: one for one in [*closed_journeys(self.connection, carts), *here]}
        return {
            cart.id: [
                Former(one.outcome or "", one.closed_at or one.since, self._owner(one.customer_id, cart))
                for one in journeys.values()
                if one.cart_id == cart.id or one.id == cart.journey_id
            ]
            for cart in carts
        }

    def _owner(self, customer_id: str, cart: CartState) -> str:
        """Return whose a journey was, by the row that has the cart now when it is the same person's."""
        own = cart.customer_id or ""
        return own if self.people.root(customer_id) == self.people.root(own) else customer_id

    def _add(
        self, cart: CartState, customer: CustomerState, policy: Policy, trigger: CartTrigger, at: datetime
    ) -> None:
        journey = JourneyState(
            id=new_id(),
            shop=cart.shop,
            kind=Kind.CART,
            customer_id=customer.id,
            episode=episode_of(Kind.CART, cart.id, cart.episodes),
            since=cart.last_activity_at,
            policy=policy.name,
            policy_hash=policy.hash,
            started_at=at,
            cart_id=cart.id,
            cart_token=cart.token,
            step=policy.steps[0].name,
            next_action_at=cart.last_activity_at + trigger.abandoned_after,
        )
        cart.journey_id = journey.id
        cart.episodes += 1
        self.people.bump(customer)
        self._new.append(journey)
        self.open.append(journey)
        self.outbox.append(self._row(journey, Call.START))

    def save(self) -> list[OutboxRow]:
        """Write everything, and return what Temporal must now be told."""
        insert_all(self.connection, JOURNEYS, self._new)
        new = {one.id for one in self._new}
        update_all(self.connection, JOURNEYS, [one for one in self._changed.values() if one.id not in new])
        add_rows(self.connection, self.outbox)
        closed = [one for one in self._changed.values() if not one.open]
        announce_ends(self.connection, self.people.shop, closed, self.recorded_at)
        return self.outbox

    def _row(self, journey: JourneyState, call: Call, argument: str | None = None) -> OutboxRow:
        return OutboxRow(new_id(), journey.id, call, argument, self.recorded_at, self.recorded_at + NUDGED)


_COLUMNS: Final = select_state(JOURNEYS, JourneyState)
_OPEN: Final = Driven(
    select(*_COLUMNS).where(among(JOURNEYS.c.customer_id, "customers"), JOURNEYS.c.status != Status.CLOSED)
)
_CLOSED: Final = Driven(
    select(*_COLUMNS).where(
        or_(among(JOURNEYS.c.cart_id, "carts"), among(JOURNEYS.c.id, "journeys")),
        JOURNEYS.c.status == Status.CLOSED,
    )
)


def open_journeys(connection: Connection, customers: Collection[str]) -> list[JourneyState]:
    """Return the open journeys of these customers."""
    return select_all(connection, JourneyState, _OPEN, {"customers": list(customers)}) if customers else []


def closed_journeys(connection: Connection, carts: Collection[CartState]) -> list[JourneyState]:
    """Return the closed journeys that are about these carts, or were before a newer cart joined them."""
    had = [cart for cart in carts if cart.episodes or cart.journey_id]
    values = {"carts": [cart.id for cart in had], "journeys": [cart.journey_id for cart in had if cart.journey_id]}
    return select_all(connection, JourneyState, _CLOSED, values) if had else []
