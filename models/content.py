"""What a template may show a customer: facts of the shop and the store, nothing invented."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Brand:
    """The shop as its customers know it; `postal_address` and `privacy_url` appear in every footer."""

    name: str
    url: str
    sender: str
    reply_to: str | None
    postal_address: str
    privacy_url: str | None
    logo_url: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One product of a cart or of the favourites; `price` in minor units of the cart's currency."""

    product_id: str
    name: str
    price: int
    quantity: int = 1
    url: str | None = None
    image_url: str | None = None
    category: str | None = None
    stock: int | None = None


@dataclass(frozen=True, slots=True)
class Testimonial:
    """A review that the shop supplied; `rating` out of 5, `verified` as the shop declared it."""

    product: str
    text: str
    rating: float
    on: date
    author: str | None
    verified: bool


@dataclass(frozen=True, slots=True)
class Incentive:
    """An offer that the shop will honour until the end of `ends_on`; amounts in minor units."""

    percent: int
    code: str
    ends_on: date
    minimum: int | None = None
    exclusions: str | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A message that the customer got before: the step it was, its channel, and the shop's day."""

    step: str
    channel: str
    on: date


@dataclass(frozen=True, slots=True)
class Content:
    """All that one message may say.

    `segment` is the policy's segment; `depth` is slight, middling or deep for an inactive subscriber, else None.
    `items` are the cart's lines, or the favourites of an inactive subscriber (may be empty).
    `buyers` counts the customers who ordered one of the items in the last 30 days, None when none did.
    `rating` and `rating_count` are the shop's own figures for the first item that has them.
    `pixel_url` is the picture that tells of an open, None for everybody who has not agreed to it.
    `earlier` are the last messages, newest first, and `speaks` is the customer's language: for staff who call.
    """

    brand: Brand
    locale: str
    currency: str
    segment: str
    depth: str | None
    first_name: str | None
    items: tuple[Item, ...]
    total: int
    action_url: str
    unsubscribe_url: str
    preferences_url: str
    testimonials: tuple[Testimonial, ...] = ()
    buyers: int | None = None
    rating: float | None = None
    rating_count: int | None = None
    incentive: Incentive | None = None
    rehearsal: bool = False
    pixel_url: str | None = None
    earlier: tuple[Earlier, ...] = ()
    speaks: str | None = None
