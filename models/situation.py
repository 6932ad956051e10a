"""Everything that is known about one journey at one moment: what the gate, the rules and the templates look at."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from models.events import SOLD, Line, OrderStatus, Scalar
from models.facts import Facts
from models.signals import Signals
from models.vocabulary import Arm, Channel, ConsentState, DeliveryState, Kind, Outcome, Status

# Clocks of storefronts and ours may differ by this much.
SKEW = timedelta(minutes=5)
# A token belongs to one checkout; activity this long after its order is a new life of a token that a shop reuses.
TOKEN_LIFE = timedelta(hours=24)


class SuppressionReason(StrEnum):
    """Why an address must not be used, the weightiest first; only an objection is lifted by a later consent."""

    COMPLAINT = "complaint"
    OBJECTION = "objection"
    BOUNCE = "bounce"
    SOFT_BOUNCES = "soft_bounces"


@dataclass(frozen=True, slots=True)
class JourneyRecord:
    """The journey's row; `since` is the last activity that its episode began with."""

    id: str
    shop: str
    kind: Kind
    status: Status
    outcome: Outcome | None
    policy: str
    policy_hash: str
    segment: str | None
    arm: Arm
    since: datetime
    j0: datetime | None
    paused_at: datetime | None
    paused_s: int


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """The customer's row: who they are, what shops say of them, and the scores that the sweep gave them."""

    id: str
    seq: int
    email: str | None
    email_key: str | None
    phone: str | None
    first_name: str | None
    locale: str | None
    timezone: str | None
    country: str | None
    traits: Mapping[str, Scalar]
    last_activity_at: datetime | None
    rfm: tuple[int, int, int] | None
    has_account: bool = False
    snoozed_until: datetime | None = None

    def address(self, channel: Channel) -> str | None:
        """Return where a message of a channel goes, None when it cannot; no push provider is known yet."""
        match channel:
            case Channel.EMAIL:
                return self.email
            case Channel.SMS | Channel.CALL:
                return self.phone
            case Channel.PUSH:
                return None


@dataclass(frozen=True, slots=True)
class CartRecord:
    """The cart that the journey is about, as it stands; `value` in minor units."""

    id: str
    tokens: frozenset[str]
    lines: tuple[Line, ...]
    currency: str | None
    value: int
    step: str | None
    coupon: str | None
    checkout_url: str | None
    last_activity_at: datetime


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order of somebody with the customer's address; `own` when it is the customer's own, on any of their rows."""

    tokens: frozenset[str]
    status: OrderStatus
    value: int
    coupon: bool
    placed_at: datetime
    own: bool
    order_id: str = ""

    @property
    def sold(self) -> bool:
        """Say whether it is a sale; not every sale, and not only a sale, ends a journey: that is its policy's word."""
        return self.status in SOLD


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One entry of the customer's own consent ledger, of any of their rows; equal to every other that says the same."""

    channel: Channel
    purpose: str
    state: ConsentState
    source: str
    at: datetime
    id: str = field(default="", compare=False)
    wording_hash: str | None = field(default=None, compare=False)
    actor: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Handed:
    """A message handed over earlier to somebody with the customer's address."""

    channel: Channel
    at: datetime
    coupon: bool
    step: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """What there is of a step's delivery on one channel.

    Until `repeat_until` (the wall clock's) its provider takes a second hand-over under its key for the first one.
    """

    id: str
    state: DeliveryState
    repeat_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rival:
    """Another open journey of the same person: how much its message matters, where and when it wants to go."""

    journey: str
    policy: str
    priority: int
    channels: tuple[Channel, ...]
    due: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """One journey, its customer and all that the gate needs, read in one transaction.

    `locked` are the ids and sequence numbers of every customer whom a stop of this one reaches, in id order.
    `suppressed` gives the reason by channel. `opens` and `clicks` are those of the engagement window, `abandons` the
    carts left in 90 days. `switched_off` are the channels under the kill switch, or `all`. `stock` is what the shop
    last said of the items. `deliveries` are those of this step, by channel; `rivals` are the person's other journeys.
    `signals` are those of the person's behaviour, when a rule may ask for them. `computed` holds the facts that were
    last made of all this, with the policy and the moment that they were made for; see `models.known`.
    """

    journey: JourneyRecord
    customer: CustomerRecord | None
    locked: tuple[tuple[str, int], ...]
    cart: CartRecord | None
    orders: tuple[OrderRecord, ...] = ()
    consents: tuple[ConsentRecord, ...] = ()
    suppressed: Mapping[Channel, SuppressionReason] = field(default_factory=dict)
    handed: tuple[Handed, ...] = ()
    opens: int = 0
    clicks: int = 0
    abandons: int = 0
    switched_off: frozenset[str] = frozenset()
    stock: Mapping[str, int | None] = field(default_factory=dict)
    deliveries: Mapping[Channel, DeliveryRecord] = field(default_factory=dict)
    rivals: tuple[Rival, ...] = ()
    signals: Signals = field(default_factory=Signals)
    computed: list[tuple[object, datetime, Facts]] = field(default_factory=list, init=False, repr=False, compare=False)


def joins(order_tokens: frozenset[str], placed_at: datetime, tokens: frozenset[str], last_activity: datetime) -> bool:
    """Say whether an order is the end of a cart: by its token, else by being placed after the cart's last activity."""
    if order_tokens & tokens:
        return placed_at >= last_activity - TOKEN_LIFE
    return placed_at >= last_activity - SKEW


def bought(situation: Situation, purchase: Collection[OrderStatus]) -> bool:
    """Say whether an order ends this journey: one that joins its cart, or any since an inactive spell began.

    `purchase` are the states in which an order does, which the journey's policy names.
    """
    orders = [order for order in situation.orders if order.status in purchase]
    cart = situation.cart
    if situation.journey.kind is Kind.INACTIVE or cart is None:
        return any(order.placed_at > situation.journey.since for order in orders)
    return any(joins(order.tokens, order.placed_at, cart.tokens, cart.last_activity_at) for order in orders)


def quiet_since(situation: Situation) -> datetime:
    """Return the customer's last activity, in the cart or anywhere in the shop."""
    seen = [situation.journey.since]
    if situation.cart is not None:
        seen.append(situation.cart.last_activity_at)
    if situation.customer is not None and situation.customer.last_activity_at is not None:
        seen.append(situation.customer.last_activity_at)
    return max(seen)


def ended_before_j0(situation: Situation, purchase: Collection[OrderStatus]) -> Outcome | None:
    """Return what ends a journey before it has begun; whatever else speaks against a message is the gate's to say.

    `purchase` is as in `bought`.
    """
    if situation.customer is None:
        return Outcome.ERASED
    if bought(situation, purchase):
        return Outcome.PURCHASED
    if situation.journey.kind is Kind.INACTIVE and quiet_since(situation) > situation.journey.since:
        return Outcome.REENGAGED
    if situation.journey.kind is Kind.CART and (situation.cart is None or not situation.cart.lines):
        return Outcome.CART_EMPTIED
    return None
