"""The columns of files of history, by the names of the generic door, and where each stands in a body of that door."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

Place = tuple[str | int, ...]
"""Where a value stands in the JSON of an event or a product."""


class ImportKind(StrEnum):
    """What the rows of a file are."""

    CUSTOMERS = "customers"
    CONSENTS = "consents"
    PRODUCTS = "products"
    ORDERS = "orders"
    CARTS = "carts"


class Sort(StrEnum):
    """What a cell of a CSV file is read as; ANY is a number or a flag where it looks like one, else a text."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "true or false"
    JSON = "JSON"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: where its value stands, and what a cell is read as; without a `needed` one a file makes no sense."""

    place: Place
    sort: Sort = Sort.TEXT
    needed: bool = False

    @property
    def path(self) -> str:
        """Return the place as problems spell it, like `customer.consents[0].at`."""
        words = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.place]
        return "".join(words).removeprefix(".")


_PERSON = {
    "customer_id": Column(("customer", "id")),
    "email": Column(("customer", "email")),
    "email_verified": Column(("customer", "email_verified"), Sort.FLAG),
    "phone": Column(("customer", "phone")),
    "first_name": Column(("customer", "first_name")),
    "locale": Column(("customer", "locale")),
    "timezone": Column(("customer", "timezone")),
    "country": Column(("customer", "country")),
}
_CART = {
    "cart_id": Column(("properties", "cart_id")),
    "cart_token": Column(("properties", "cart_token")),
    "checkout_id": Column(("properties", "checkout_id")),
    "checkout_token": Column(("properties", "checkout_token")),
    "currency": Column(("properties", "currency")),
    "value": Column(("properties", "value"), Sort.WHOLE),
    "coupon": Column(("properties", "coupon")),
    "products": Column(("properties", "products"), Sort.JSON),
}
_TIMESTAMP = Column(("timestamp",), needed=True)

COLUMNS: Mapping[ImportKind, Mapping[str, Column]] = {
    ImportKind.CUSTOMERS: {**_PERSON, "timestamp": Column(("timestamp",))},
    ImportKind.CONSENTS: {
        **_PERSON,
        **{name: Column(("customer", "consents", 0, name), needed=True) for name in ("channel", "purpose", "state")},
        **{name: Column(("customer", "consents", 0, name), needed=True) for name in ("source", "at")},
        "wording": Column(("customer", "consents", 0, "wording")),
    },
    ImportKind.PRODUCTS: {
        **{name: Column((name,), needed=True) for name in ("product_id", "name")},
        "price": Column(("price",), Sort.WHOLE, needed=True),
        "currency": Column(("currency",), needed=True),
        **{name: Column((name,)) for name in ("url", "image_url", "category")},
        **{name: Column((name,), Sort.WHOLE) for name in ("stock", "review_count")},
        "rating": Column(("rating",), Sort.NUMBER),
        "reviews": Column(("reviews",), Sort.JSON),
    },
    ImportKind.ORDERS: {
        "order_id": Column(("properties", "order_id"), needed=True),
        "timestamp": _TIMESTAMP,
        "status": Column(("properties", "status")),
        **_PERSON,
        **_CART,
    },
    ImportKind.CARTS: {
        "timestamp": _TIMESTAMP,
        **_PERSON,
        **_CART,
        "checkout_url": Column(("properties", "checkout_url")),
        "step": Column(("properties", "step")),
    },
}
"""The columns of each kind; all but products take `traits.NAME` too."""

_TRAIT = re.compile(r"(?:customer\.)?traits\.(.{1,64})", re.DOTALL)
_CARTS_OWN = {"cart_id", "cart_token", "checkout_id", "checkout_token"}
_PEOPLES_OWN = {"customer_id", "email", "phone"}


@cache
def plain(name: str) -> str:
    """Return the name of a column without what may stand around it: `customer.id` is `customer_id`."""
    trait = _TRAIT.fullmatch(name.strip())
    if trait:
        return f"traits.{trait[1]}"
    known = name.strip().lower()
    if known == "customer.id":
        return "customer_id"
    return known.removeprefix("customer.").removeprefix("properties.").removeprefix("consent.")


@cache
def column(kind: ImportKind, name: str) -> Column | None:
    """Return what a column of a file of this kind is, by its plain name; None when it says nothing to us."""
    if name.startswith("traits.") and kind is not ImportKind.PRODUCTS:
        return Column(("customer", "traits", name.removeprefix("traits.")), Sort.ANY)
    return COLUMNS[kind].get(name)


def guess(names: Collection[str]) -> ImportKind | None:
    """Return what rows with these columns are; None when they may be several things, or nothing known."""
    own = {plain(name) for name in names}
    found = set()
    if "order_id" in own:
        found.add(ImportKind.ORDERS)
    elif own & _CARTS_OWN:
        found.add(ImportKind.CARTS)
    if {"channel", "state"} <= own:
        found.add(ImportKind.CONSENTS)
    if {"product_id", "name"} <= own:
        found.add(ImportKind.PRODUCTS)
    if not found and own & _PEOPLES_OWN:
        found.add(ImportKind.CUSTOMERS)
    return found.pop() if len(found) == 1 else None


def missing(kind: ImportKind, names: Collection[str]) -> list[str]:
    """Return the columns without which a file of this kind makes no sense and which it has not."""
    own = {plain(name) for name in names}
    lacking = [name for name, one in COLUMNS[kind].items() if one.needed and name not in own]
    if kind in (ImportKind.CUSTOMERS, ImportKind.CONSENTS) and not own & _PEOPLES_OWN:
        lacking.append("customer_id (or email, or phone)")
    if kind is ImportKind.CARTS and not own & _CARTS_OWN:
        lacking.append("cart_id")
    return lacking
