"""What doors tell the store: one normalised value per thing that happened, whatever storefront it came from."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import attrgetter

from models.contact import email_key
from models.vocabulary import Channel, ConsentState

Scalar = str | int | float | bool
"""One value of a trait or of a left-over property."""

PROVISIONAL = "checkout:"
"""How the id of an order begins that is only known from its completed checkout; the real order replaces it."""


class Unreadable(ValueError):
    """A body from outside says nothing that can be read; names the field at fault, never its value."""


class EventType(StrEnum):
    """What happened: the e-commerce names of Segment, and what storefronts add to them."""

    IDENTIFY = "Identify"
    PRODUCT_VIEWED = "Product Viewed"
    PRODUCT_ADDED = "Product Added"
    PRODUCT_REMOVED = "Product Removed"
    CART_VIEWED = "Cart Viewed"
    CART_ABANDONED = "Cart Abandoned"
    CART_UPDATED = "Cart Updated"
    CHECKOUT_STARTED = "Checkout Started"
    CHECKOUT_STEP_VIEWED = "Checkout Step Viewed"
    PAYMENT_INFO_ENTERED = "Payment Info Entered"
    ORDER_COMPLETED = "Order Completed"
    ORDER_CANCELLED = "Order Cancelled"
    ORDER_REFUNDED = "Order Refunded"
    EMAIL_OPENED = "Email Opened"
    EMAIL_CLICKED = "Email Clicked"
    ERASE = "Customer Redacted"
    DATA_REQUESTED = "Data Requested"
    SHOP_REDACTED = "Shop Redacted"
    OTHER = "other"


class OrderStatus(StrEnum):
    """What became of an order; which of these end a journey is a policy's `purchase`."""

    PAID = "paid"
    AUTHORIZED = "authorized"
    PENDING = "pending"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


SOLD = (OrderStatus.PAID, OrderStatus.AUTHORIZED)
"""A sale: what counts as revenue, and makes somebody a customer of the shop."""


@dataclass(frozen=True, slots=True)
class Line:
    """One product with its quantity; `price` is for one piece, in minor units.

    In Product Viewed and Product Removed `name` may be empty and `price` 0: look the product up. In Product Removed
    a `quantity` of 0 means the whole line.
    """

    product_id: str
    name: str
    price: int
    quantity: int = 1
    category: str | None = None
    image_url: str | None = None
    url: str | None = None
    stock: int | None = None


@dataclass(frozen=True, slots=True)
class ConsentEntry:
    """One entry for the consent ledger; `at` is when the person decided, `wording` what they were shown."""

    channel: Channel
    purpose: str
    state: ConsentState
    source: str
    at: datetime
    wording: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who it happened to, as far as the sender knows; None everywhere for an anonymous cart.

    `email` is for sending, `email_key` for matching; `phone` is E.164, `country` ISO 3166, `timezone` IANA.
    `traits` are sorted by name. `email_verified` says that the shop has made sure that the address is theirs.
    """

    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    locale: str | None = None
    timezone: str | None = None
    country: str | None = None
    traits: tuple[tuple[str, Scalar], ...] = ()
    consents: tuple[ConsentEntry, ...] = ()
    email_verified: bool = False

    @property
    def email_key(self) -> str | None:
        """Return the form of the address under which people are matched."""
        return None if self.email is None else email_key(self.email)

    @property
    def anonymous(self) -> bool:
        """Tell whether nothing says who this is."""
        return self.external_id is None and self.email is None and self.phone is None


@dataclass(frozen=True, slots=True)
class CartFacts:
    """What an event says of a cart; `token` names it, `alias` is a second name (the cart a checkout grew from).

    `replaces`: `lines` are all lines of the cart, possibly none. Otherwise they are what Product Added adds or
    Product Removed takes away, and empty when the event says nothing of the lines. `value` is the total in minor
    units; None means unknown: the sum of the lines after the change.
    """

    token: str
    alias: str | None = None
    lines: tuple[Line, ...] = ()
    replaces: bool = False
    currency: str | None = None
    value: int | None = None
    step: str | None = None
    coupon: str | None = None
    checkout_url: str | None = None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What an event says of an order.

    `placed_at` is when it was placed, None when that is the time of the event. `cart_tokens` are all the names by
    which it joins a cart. `value` is the total and `refunded` the part paid back, in minor units; a None `value` or
    `currency` was not told, and REFUNDED with `refunded` 0 means all of it.
    """

    order_id: str
    status: OrderStatus
    placed_at: datetime | None = None
    cart_tokens: tuple[str, ...] = ()
    currency: str | None = None
    value: int | None = None
    coupon: str | None = None
    lines: tuple[Line, ...] = ()
    refunded: int = 0

    @property
    def provisional(self) -> bool:
        """Tell whether this is a completed checkout whose real order is still to come, so that it counts once."""
        return self.order_id.startswith(PROVISIONAL)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    `key` is made of the content, so a repetition has the same one. `name` is the sender's own name for it, `at` the
    event time in UTC as the sender gives it, not yet clamped. `properties` are small left-overs; `notes` say in
    plain words, without values, what of the body was left out. `customer_id` is our own id of who did it, where the
    door knows that without being told: a link that we signed.
    """

    key: str
    type: EventType
    name: str
    at: datetime
    person: Person = Person()
    cart: CartFacts | None = None
    order: OrderFacts | None = None
    product: Line | None = None
    properties: Mapping[str, Scalar] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    customer_id: str | None = None


def content_key(*parts: object) -> str:
    """Return 32 hexadecimal digits that equal parts share and different parts do not.

    A part is a JSON value, a moment, or one of the values of this page; the order of names in mappings is ignored.
    """
    return hashlib.sha256(_canonical(parts).encode()).hexdigest()[:32]


_FIELDS: Mapping[type, Callable[[object], object]] = {
    kind: attrgetter(*kind.__slots__) for kind in (Line, ConsentEntry, CartFacts, OrderFacts)
}
_PERSON = attrgetter(*(name for name in Person.__slots__ if name != "email_verified"))


def _plain(value: object) -> object:
    """Return a JSON value for a moment or a value of this page."""
    if fields := _FIELDS.get(type(value)):
        return fields(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Person):  # keys are older than the last field, and must not change
        return (*_PERSON(value), True) if value.email_verified else _PERSON(value)
    raise TypeError(f"a {type(value).__name__} has no place in a key")


# Nothing here can hold itself, so nobody looks whether it does.
_canonical = json.JSONEncoder(default=_plain, sort_keys=True, separators=(",", ":"), check_circular=False).encode
