"""From the bytes of `POST /v1/events` and `PUT /v1/products` to values: one bad item never harms its neighbours."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from api.checks import AHEAD, Door, Problem
from api.meaning import event_of
from api.products import product_of
from api.shapes import EventShape, ProductShape, Shape
from models.events import Event, Unreadable
from models.products import Product

MAX_EVENTS = 500
"""Most events in one body."""

MAX_PRODUCTS = 5000
"""Most products in one body."""

_WORDS = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "datetime_type": "must be a text like 2026-01-31T12:00:00Z",
    "timezone_aware": "must name its zone, like 2026-01-31T12:00:00Z",
    "greater_than_equal": "is too low",
    "less_than_equal": "is too high",
    "string_too_short": "is empty",
    "string_too_long": "is too long",
    "too_long": "holds too many values",
}
_LINKS = frozenset({"url", "image_url", "checkout_url"})

_EVENT = TypeAdapter(EventShape)
_EVENTS = TypeAdapter(list[EventShape])
_PRODUCT = TypeAdapter(ProductShape)
_PRODUCTS = TypeAdapter(list[ProductShape])

_Shape = TypeVar("_Shape", bound=Shape)


class TooMany(ValueError):
    """A body holds more items than one call may carry."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that was not taken: its place in the body, and which field is wrong and why, never a value."""

    index: int
    problem: str


class ParsedBatch(NamedTuple):
    """The usable events of a body with their places in it, and the others."""

    events: list[tuple[int, Event]]
    rejected: list[Rejected]


class ParsedProducts(NamedTuple):
    """The usable products of a body, and the others."""

    products: list[Product]
    rejected: list[Rejected]


def parse_events(body: bytes, *, shop_country: str, at: datetime, call: str | None = None) -> ParsedBatch:
    """Read one event or a list of events.

    Parameters
    ----------
    body:
        JSON text as it came; its size is the caller's concern.
    shop_country:
        ISO 3166 code, for phone numbers without country code of customers without country.
    at:
        When the body came; nothing may be dated more than 24 hours later.
    call:
        The sender's id of the call: an event that has neither id nor time counts once in all calls of that id.

    Raises
    ------
    Unreadable:
        The body is not JSON, or neither an object nor a list.
    TooMany:
        It holds more than `MAX_EVENTS`.
    """
    shapes, rejected = _shapes(body, _EVENTS, _EVENT, MAX_EVENTS)
    door = Door(shop_country, at, call)
    events: list[tuple[int, Event]] = []
    for index, shape in shapes:
        try:
            events.append((index, event_of(shape, door)))
        except Problem as problem:
            rejected.append(Rejected(index, str(problem)))
        except ValidationError as error:
            rejected.append(Rejected(index, problem_of(error, "properties")))
    rejected.sort(key=lambda one: one.index)
    return ParsedBatch(events, rejected)


def parse_products(body: bytes, *, at: datetime) -> ParsedProducts:
    """Read one product or a list of products; parameters and errors as in `parse_events`, limit `MAX_PRODUCTS`."""
    shapes, rejected = _shapes(body, _PRODUCTS, _PRODUCT, MAX_PRODUCTS)
    latest = at + AHEAD
    products: list[Product] = []
    for index, shape in shapes:
        try:
            products.append(product_of(shape, latest))
        except Problem as problem:
            rejected.append(Rejected(index, str(problem)))
    rejected.sort(key=lambda one: one.index)
    return ParsedProducts(products, rejected)


def _shapes(
    body: bytes, many: TypeAdapter[list[_Shape]], one: TypeAdapter[_Shape], limit: int
) -> tuple[list[tuple[int, _Shape]], list[Rejected]]:
    """Check the types of all items at once, and one by one only when some item is at fault."""
    try:
        shapes = many.validate_json(body)
    except ValidationError:
        return _one_by_one(body, one, limit)
    if len(shapes) > limit:
        raise TooMany(f"the body holds {len(shapes)} items, at most {limit} are taken at once")
    return list(enumerate(shapes)), []


def _one_by_one(body: bytes, one: TypeAdapter[_Shape], limit: int) -> tuple[list[tuple[int, _Shape]], list[Rejected]]:
    items = _items(body)
    if len(items) > limit:
        raise TooMany(f"the body holds {len(items)} items, at most {limit} are taken at once")
    good: list[tuple[int, _Shape]] = []
    bad: list[Rejected] = []
    for index, item in enumerate(items):
        try:
            # As JSON again: only there is a text a moment, in Python's own values it would be refused.
            good.append((index, one.validate_json(to_json(item))))
        except ValidationError as error:
            bad.append(Rejected(index, problem_of(error)))
    return good, bad


def _items(body: bytes) -> list[Any]:
    try:
        value = from_json(body)
    except ValueError:
        raise Unreadable("the body is not JSON") from None
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return value
    raise Unreadable("the body is neither an object nor a list")


def problem_of(error: ValidationError, inside: str = "") -> str:
    """Say which fields are wrong and why, at most three of them, without any value of the body."""
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        path, in_traits = _path(detail["loc"], inside)
        found.setdefault(path, "must hold texts, numbers and flags" if in_traits else _words(detail))
    told = [f"{path}: {words}" if path else words for path, words in found.items()]
    return "; ".join(told[:3]) + (f"; and {len(told) - 3} more" if len(told) > 3 else "")


def _words(detail: ErrorDetails) -> str:
    if detail["type"] == "string_pattern_mismatch":
        is_link = detail["loc"][-1] in _LINKS
        return "must begin with http:// or https:// and hold no space" if is_link else "holds control characters"
    return _WORDS.get(detail["type"]) or detail["msg"].replace("Input should be", "must be")


def _path(loc: tuple[int | str, ...], inside: str) -> tuple[str, bool]:
    """Return a path like `properties.products[0].price`, and whether it is about a trait, whose name is not told."""
    in_traits = len(loc) > 2 and loc[:2] == ("customer", "traits")
    path = inside
    for part in loc[:2] if in_traits else loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith(("constrained-", "function-")):
            path += f".{part}" if path else part
    return path, in_traits
