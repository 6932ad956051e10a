"""What a well-formed event of the generic door means: from shapes to the values of `models`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import assert_never

from api.checks import Door, Problem, currency, moment, person_of
from api.products import stock_of
from api.shapes import EventShape, LineShape, PropertiesShape
from models.contact import clean, text_or_none
from models.events import CartFacts, Event, EventType, Line, OrderFacts, OrderStatus, Scalar, content_key
from models.signals import SIGNALS

MAX_PROPERTIES = 30
"""Most left-over properties that are kept of one event."""

_UNSAID = (EventType.ERASE, EventType.DATA_REQUESTED, EventType.SHOP_REDACTED, EventType.OTHER)
_TYPES = {kind.value: kind for kind in EventType if kind not in _UNSAID}
_STATUS = {
    "pending": OrderStatus.PENDING,
    "unpaid": OrderStatus.PENDING,
    "authorized": OrderStatus.AUTHORIZED,
    "authorised": OrderStatus.AUTHORIZED,
    "cancelled": OrderStatus.CANCELLED,
    "canceled": OrderStatus.CANCELLED,
    "voided": OrderStatus.CANCELLED,
    "refunded": OrderStatus.REFUNDED,
}
_NOTHING = PropertiesShape()

_Facts = tuple[CartFacts | None, OrderFacts | None, Line | None]


def event_of(shape: EventShape, door: Door) -> Event:
    """Return what an event means; raise `Problem`, or pydantic's error for a product among the properties."""
    kind = _TYPES.get(shape.event, EventType.OTHER)
    at = door.at if shape.timestamp is None else moment(shape.timestamp, "timestamp", door.latest)
    given = shape.properties or _NOTHING
    person, notes = person_of(shape.customer, door)
    cart, order, product = _facts(kind, given)
    if person.anonymous and cart is None and order is None:
        raise Problem("customer", "needs an id, an email or a phone, or the event a cart_id")
    rest = _left_over(given)
    key = content_key(shape.message_id, shape.event, _stamp(shape, door, at), person, cart, order, product, rest)
    return Event(key, kind, shape.event, at, person, cart, order, product, rest, notes)


def _stamp(shape: EventShape, door: Door, at: datetime) -> datetime | str | None:
    """Return what tells an event from another one with the same content.

    Without a timestamp the time of arrival would make each repetition of a message, or of a call, look new.
    """
    if shape.timestamp is not None:
        return at
    return None if shape.message_id else f"call {door.call}" if door.call else at


def _facts(kind: EventType, given: PropertiesShape) -> _Facts:  # noqa: C901 - one case for each kind of event
    """Return what the event says of a cart, of an order, and of the product looked at."""
    facts: _Facts
    match kind:
        case (
            EventType.CART_VIEWED
            | EventType.CART_ABANDONED
            | EventType.CART_UPDATED
            | EventType.CHECKOUT_STARTED
            | EventType.CHECKOUT_STEP_VIEWED
            | EventType.PAYMENT_INFO_ENTERED
        ):
            facts = _cart(given), None, None
        case EventType.PRODUCT_ADDED:
            facts = _changed_cart(given, _lines(_named(given), priced=True)), None, None
        case EventType.PRODUCT_REMOVED:
            facts = _changed_cart(given, _lines(_named(given), quantity=0)), None, None
        case EventType.PRODUCT_VIEWED:
            facts = _mentioned(given), None, _lines(_named(given))[0]
        case EventType.ORDER_COMPLETED:
            facts = None, _order(given, _status(given)), None
        case EventType.ORDER_CANCELLED:
            facts = None, _order(given, OrderStatus.CANCELLED), None
        case EventType.ORDER_REFUNDED:
            facts = None, _refund(given), None
        case (
            EventType.IDENTIFY
            | EventType.EMAIL_OPENED
            | EventType.EMAIL_CLICKED
            | EventType.ERASE
            | EventType.DATA_REQUESTED
            | EventType.SHOP_REDACTED
            | EventType.OTHER
        ):
            facts = _mentioned(given), None, None
        case _:
            assert_never(kind)
    return facts


def _tokens(given: PropertiesShape) -> tuple[str, ...]:
    """Return every name of the cart, the one that the sender goes by first."""
    named = (given.cart_id, given.checkout_token, given.checkout_id, given.cart_token)
    return tuple(dict.fromkeys(token for token in named if token))


def _mentioned(given: PropertiesShape) -> CartFacts | None:
    """Return the bare name of a cart that an event mentions without saying what is in it."""
    tokens = _tokens(given)
    return CartFacts(tokens[0], tokens[1] if len(tokens) > 1 else None) if tokens else None


def _cart(given: PropertiesShape) -> CartFacts:
    """Return the whole cart when the event lists its products, else what else it says of it."""
    token, alias = _cart_names(given)
    lines = _lines(given.products or (), priced=True)
    replaces = given.products is not None
    return CartFacts(
        token=token,
        alias=alias,
        lines=tuple(line for line in lines if line.quantity),
        replaces=replaces,
        currency=_currency(given),
        value=_total(lines) if replaces and given.value is None else given.value,
        step=text_or_none(given.step),
        coupon=text_or_none(given.coupon),
        checkout_url=given.checkout_url,
    )


def _changed_cart(given: PropertiesShape, lines: tuple[Line, ...]) -> CartFacts:
    """Return one change of a cart, without a value: senders disagree on whether it is the cart's or the product's."""
    token, alias = _cart_names(given)
    return CartFacts(token, alias, lines, currency=_currency(given), checkout_url=given.checkout_url)


def _cart_names(given: PropertiesShape) -> tuple[str, str | None]:
    tokens = _tokens(given)
    if not tokens:
        raise Problem("properties.cart_id", "is missing")
    return tokens[0], tokens[1] if len(tokens) > 1 else None


def _order(given: PropertiesShape, status: OrderStatus) -> OrderFacts:
    lines = _lines(given.products or ())
    all_priced = bool(lines) and all(one.price is not None for one in given.products or ())
    return OrderFacts(
        order_id=_order_id(given),
        status=status,
        cart_tokens=_tokens(given),
        currency=_currency(given),
        value=_total(lines) if all_priced and given.value is None else given.value,
        coupon=text_or_none(given.coupon),
        lines=lines,
    )


def _refund(given: PropertiesShape) -> OrderFacts:
    """Return a refund; what the event says of products and value is about the part paid back."""
    return OrderFacts(
        order_id=_order_id(given),
        status=OrderStatus.REFUNDED,
        cart_tokens=_tokens(given),
        currency=_currency(given),
        refunded=given.value or 0,
    )


def _order_id(given: PropertiesShape) -> str:
    if not given.order_id:
        raise Problem("properties.order_id", "is missing")
    return given.order_id


def _status(given: PropertiesShape) -> OrderStatus:
    """Return what the shop says of the payment; an order it calls completed is paid unless it says otherwise."""
    extra = given.model_extra or {}
    said = extra.get("financial_status") or extra.get("status")
    return _STATUS.get(said.lower(), OrderStatus.PAID) if isinstance(said, str) else OrderStatus.PAID


def _currency(given: PropertiesShape) -> str | None:
    return currency(given.currency, "properties.currency") if given.currency else None


def _named(given: PropertiesShape) -> Sequence[LineShape]:
    """Return the products that the event is about: a list, or one spread over the properties as Segment has it."""
    if given.products:
        return given.products
    extra = given.model_extra or {}
    if "product_id" not in extra:
        raise Problem("properties.products", "is missing")
    return (LineShape.model_validate({name: extra[name] for name in LineShape.model_fields if name in extra}),)


def _lines(shapes: Sequence[LineShape], *, priced: bool = False, quantity: int = 1) -> tuple[Line, ...]:
    """Return the lines; `priced`: each needs a name and a price; `quantity`: where none is given."""
    return tuple(_line(shape, index, quantity, priced=priced) for index, shape in enumerate(shapes))


def _line(shape: LineShape, index: int, quantity: int, *, priced: bool) -> Line:
    name = clean(shape.name) if shape.name else ""
    if priced and not name:
        raise Problem(f"properties.products[{index}].name", "is missing")
    if priced and shape.price is None:
        raise Problem(f"properties.products[{index}].price", "is missing")
    return Line(
        shape.product_id,
        name,
        shape.price or 0,
        quantity if shape.quantity is None else shape.quantity,
        text_or_none(shape.category),
        shape.image_url,
        shape.url,
        stock_of(shape.stock),
    )


def _total(lines: tuple[Line, ...]) -> int:
    return sum(line.price * line.quantity for line in lines)


def _left_over(given: PropertiesShape) -> Mapping[str, Scalar]:
    """Return what is told of behaviour, and the first properties without a place of their own that hold one value."""
    seen = {name: value for name in SIGNALS if (value := getattr(given, name)) is not None}
    extra = islice((given.model_extra or {}).items(), MAX_PROPERTIES - len(seen))
    kept = ((clean(name, 64), _single(value)) for name, value in extra)
    return {name: value for name, value in kept if name and value is not None} | seen


def _single(value: object) -> Scalar | None:
    if isinstance(value, str):
        return clean(value, 500)
    # A number that JSON cannot carry exactly, and one that is none, would not come back from the store as it was.
    return value if isinstance(value, int | float) and abs(value) <= 2**53 else None
