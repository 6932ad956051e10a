"""The closed list of what a policy's rules may ask about a cart and a customer, so that a slip is an error."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Fact = str | int | float | bool | tuple[str, ...] | None
"""One known value; None means that nobody knows it."""

Facts = Mapping[str, Fact]
"""What is known when a rule is asked, by field name; a field that is absent is unknown, like None."""


class FieldType(StrEnum):
    """What kind of value a field holds; ANY is a free trait, whose kind the shop decides."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "flag"
    LIST = "list"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, what it means, and the only texts that it can hold (empty: any text)."""

    type: FieldType
    meaning: str
    choices: tuple[str, ...] = ()


_N, _T, _F, _L = FieldType.NUMBER, FieldType.TEXT, FieldType.FLAG, FieldType.LIST

FIELDS: Mapping[str, Field] = {
    "cart.value": Field(_N, "total of the cart in minor units: 15000 is 150.00"),
    "cart.quantity": Field(_N, "number of pieces in the cart, all lines together"),
    "cart.items": Field(_N, "number of lines in the cart"),
    "cart.step": Field(_T, "where the checkout stopped, in the storefront's own words"),
    "cart.coupon": Field(_T, "code that the cart carries"),
    "cart.currency": Field(_T, "ISO code of the cart's currency, like EUR"),
    "cart.categories": Field(_L, "categories of the products in the cart"),
    "cart.age_hours": Field(_N, "hours since the cart was last touched"),
    "cart.stock": Field(_N, "smallest known stock of the items in the cart"),
    "customer.orders": Field(_N, "number of orders"),
    "customer.lifetime_value": Field(_N, "value of all orders in minor units"),
    "customer.inactive_days": Field(_N, "days since the customer last did anything"),
    "customer.engagement": Field(_N, "10 an open, 20 a click, 50 a purchase, within the inactivity threshold"),
    "customer.serial_abandoner": Field(_F, "3 abandoned carts or more and a coupon or more in 90 days"),
    "customer.abandons": Field(_N, "number of abandoned carts in 90 days"),
    "customer.country": Field(_T, "ISO code of the country, like FR"),
    "customer.locale": Field(_T, "language, like fr or en-GB"),
    "customer.loyalty": Field(_T, "by number of orders", ("new", "regular", "loyal")),
    "customer.rfm.recency": Field(_N, "quintile 1 to 5 of how lately they bought; 5 is latest"),
    "customer.rfm.frequency": Field(_N, "quintile 1 to 5 of how often they bought; 5 is most"),
    "customer.rfm.monetary": Field(_N, "quintile 1 to 5 of how much they spent; 5 is most"),
    "customer.rfm.score": Field(_N, "mean of the three quintiles, 1 to 5"),
    "customer.depth": Field(_T, "how far beyond the inactivity threshold", ("slight", "middling", "deep")),
    "customer.unanswered": Field(_N, "messages handed over since the customer last did anything, within a year"),
    "behaviour.time_on_page_s": Field(_N, "seconds on pages of what is not in the cart, in 7 days before it was left"),
    "behaviour.hesitation": Field(_N, "highest hesitation score of a session tool, 0 to 1, in the same time"),
    "behaviour.erratic_clicks": Field(_N, "number of erratic clicks that a session tool found, in the same time"),
    "segment": Field(_T, "segment of this policy that the customer is in"),
}
"""Every field that a rule may name; `traits.NAME` comes on top, see `field_of`."""

_TRAIT = re.compile(r"traits\.[\w.-]{1,64}")
_FREE = Field(FieldType.ANY, "free trait that the shop sends")


def field_of(name: str) -> Field | None:
    """Return what is known of a field, or None when there is no such field."""
    return FIELDS.get(name) or (_FREE if _TRAIT.fullmatch(name) else None)
