"""The JSON shapes of `POST /v1/events` and `PUT /v1/products`: types, bounds and nothing else."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from models.vocabulary import Channel, ConsentState

MAX_LINES = 500
"""Most products in one event."""

MAX_TRAITS = 50
"""Most traits in one event."""

_NO_CONTROL = r"^[^\x00-\x1f\x7f]*$"
_LINK = r"^https?://[^\s\x00-\x1f\x7f]+$"

# Shops number their products and carts: an id may be a JSON number, every other text may not.
_Id = StringConstraints(strip_whitespace=True, max_length=200, pattern=_NO_CONTROL)
_FromNumber = Field(strict=False, coerce_numbers_to_str=True)
Id = Annotated[str, _Id, StringConstraints(min_length=1), _FromNumber]
MaybeId = Annotated[str, _Id, _FromNumber] | None
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=_NO_CONTROL)]
Short = Annotated[str, StringConstraints(max_length=200)]
Text = Annotated[str, StringConstraints(max_length=5000)]
Link = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2048, pattern=_LINK)]
Price = Annotated[int, Field(ge=0, le=10**10)]
Total = Annotated[int, Field(ge=0, le=10**12)]
Quantity = Annotated[int, Field(ge=0, le=10**5)]
Stock = Annotated[int, Field(ge=-(10**9), le=10**9)]
Rating = Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Shape(BaseModel):
    """What all shapes share: no guessing of types, unknown names are passed over, errors show no values."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class LineShape(Shape):
    """One product of an event; which of its fields are needed depends on the event."""

    product_id: Id
    name: Text | None = None
    price: Price | None = None
    quantity: Quantity | None = None
    category: Short | None = None
    image_url: Link | None = None
    url: Link | None = None
    stock: Stock | None = None


class PropertiesShape(Shape):
    """What an event says of a cart, an order or a product; other names are kept when they hold one value.

    `SIGNALS` may come with every event: seconds on the page, once it is left; how much a session tool finds that
    somebody hesitates, 0 to 1; how many of their clicks it finds erratic.
    """

    model_config = ConfigDict(extra="allow")

    cart_id: MaybeId = None
    checkout_token: MaybeId = None
    checkout_id: MaybeId = None
    cart_token: MaybeId = None
    order_id: MaybeId = None
    checkout_url: Link | None = None
    currency: Short | None = None
    value: Total | None = None
    step: Annotated[Short, _FromNumber] | None = None
    coupon: Short | None = None
    products: Annotated[list[LineShape], Field(max_length=MAX_LINES)] | None = None
    time_on_page_s: Seconds | None = None
    hesitation: Share | None = None
    erratic_clicks: Quantity | None = None


class ConsentShape(Shape):
    """One consent or its withdrawal."""

    channel: Channel
    purpose: Word
    state: ConsentState
    source: Short
    at: AwareDatetime
    wording: Text | None = None


class CustomerShape(Shape):
    """Who it happened to."""

    id: MaybeId = None
    email: Short | None = None
    email_verified: bool | None = None
    phone: Short | None = None
    first_name: Text | None = None
    locale: Short | None = None
    timezone: Short | None = None
    country: Short | None = None
    traits: Annotated[dict[Word, bool | Whole | Number | Short | None], Field(max_length=MAX_TRAITS)] | None = None
    consents: Annotated[list[ConsentShape], Field(max_length=50)] | None = None


class EventShape(Shape):
    """One event of the generic door."""

    message_id: MaybeId = Field(default=None, alias="messageId")
    event: Annotated[Short, StringConstraints(strip_whitespace=True, min_length=1, pattern=_NO_CONTROL)]
    timestamp: AwareDatetime | None = None
    customer: CustomerShape | None = None
    properties: PropertiesShape | None = None


class ReviewShape(Shape):
    """One review of a product."""

    text: Annotated[Text, StringConstraints(min_length=1)]
    rating: Rating
    at: AwareDatetime
    author: Short | None = None
    verified: bool


class ProductShape(Shape):
    """One product of the catalogue."""

    product_id: Id
    name: Annotated[Text, StringConstraints(min_length=1)]
    price: Price
    currency: Short
    url: Link | None = None
    image_url: Link | None = None
    category: Short | None = None
    stock: Stock | None = None
    rating: Rating | None = None
    review_count: Annotated[int, Field(ge=0, le=10**9)] | None = None
    reviews: Annotated[list[ReviewShape], Field(max_length=200)] | None = None
