"""What a shop tells of its products: the only source of stock figures, ratings and reviews in a message."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Review:
    """A buyer's review; `rating` out of 5, `verified` as the shop declares it."""

    text: str
    rating: float
    at: datetime
    author: str | None
    verified: bool


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the shop describes it; `price` in minor units, `rating` out of 5 over `review_count` reviews."""

    product_id: str
    name: str
    price: int
    currency: str
    url: str | None = None
    image_url: str | None = None
    category: str | None = None
    stock: int | None = None
    rating: float | None = None
    review_count: int | None = None
    reviews: tuple[Review, ...] = ()
