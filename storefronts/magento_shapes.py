"""The parts of Magento's quotes and orders that Relaunch reads, as `GET /rest/V1/carts/search` and `/orders` give them.

Checked against CartInterface, CartItemInterface, CurrencyInterface and TotalsItemInterface of Magento_Quote, against
its table `quote`, and against Adobe's REST reference. Modules change these bodies, newer versions leave out what is
null, and a stop must not be lost for an odd price: only the id is needed, any other field of an unexpected type reads
as absent. Times are UTC, written "YYYY-MM-DD HH:MM:SS".
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, Field, NaiveDatetime

from storefronts.polled import Mark, plain
from storefronts.shapes import Amount, Code, Country, Maybe, Payload, Text, Token


def _in_utc(moment: datetime) -> datetime:
    if not 1 < moment.year < 9999:
        raise ValueError("a moment at the ends of the calendar")
    return moment.replace(tzinfo=UTC)


Id = Annotated[int, Field(gt=0, le=2**63)]
Utc = Annotated[NaiveDatetime, AfterValidator(_in_utc)]
Quantity = Annotated[Decimal, Field(ge=0, le=10**5, allow_inf_nan=False)]


class Address(Payload):
    """Of a postal address only the country, and how to reach who lives there."""

    email: Maybe[Text] = None
    firstname: Maybe[Text] = None
    telephone: Maybe[Text] = None
    country_id: Maybe[Country] = None


class Customer(Payload):
    """The account that a quote belongs to; all of it is null for a guest."""

    id: Maybe[Id] = None
    email: Maybe[Text] = None
    firstname: Maybe[Text] = None


class Currency(Payload):
    """The currencies of a quote: items are priced in the base one, the customer sees the quote's."""

    base_currency_code: Maybe[Code] = None
    quote_currency_code: Maybe[Code] = None
    base_to_quote_rate: Maybe[Amount] = None


class Shipping(Payload):
    """Where a part of it goes."""

    address: Maybe[Address] = None


class Assignment(Payload):
    """A part of it that goes to one address."""

    shipping: Maybe[Shipping] = None


class Extensions(Payload):
    """What modules add; Magento's own keep the delivery address in it."""

    shipping_assignments: Maybe[list[Maybe[Assignment]]] = None

    @property
    def address(self) -> Address | None:
        """Return the first delivery address."""
        parts = (one.shipping for one in self.shipping_assignments or () if one)
        return next((part.address for part in parts if part and part.address), None)


class Listed(Payload):
    """What quotes and orders share."""

    created_at: Maybe[Utc] = None
    updated_at: Maybe[Utc] = None
    billing_address: Maybe[Address] = None
    extension_attributes: Maybe[Extensions] = None

    @property
    def changed(self) -> datetime | None:
        """Return when it last changed."""
        return self.updated_at or self.created_at

    def mark(self, name: int) -> Mark | None:
        """Return where it stands in a page, None for one without a time."""
        return None if self.updated_at is None else Mark(plain(self.updated_at), name, self.updated_at)


class QuoteItem(Payload):
    """One line of a quote: `price` is for one piece, in the base currency, without tax. It has no product id."""

    item_id: Maybe[Id] = None
    sku: Maybe[Token] = None
    name: Maybe[Text] = None
    qty: Quantity
    price: Maybe[Amount] = None


class Quote(Listed):
    """A cart; it is inactive once it has become an order."""

    id: Id
    is_active: Maybe[bool] = None
    items: Maybe[list[Maybe[QuoteItem]]] = None
    customer: Maybe[Customer] = None
    customer_email: Maybe[Text] = None
    currency: Maybe[Currency] = None


class TotalsItem(Payload):
    """One line of a quote's totals, in the currency of the quote."""

    item_id: Maybe[Id] = None
    price_incl_tax: Maybe[Amount] = None


class Totals(Payload):
    """`GET /rest/V1/carts/ID/totals`: what the customer sees, in the currency of the quote."""

    quote_currency_code: Code
    subtotal_incl_tax: Maybe[Amount] = None
    coupon_code: Maybe[Text] = None
    items: list[Maybe[TotalsItem]]


class OrderItem(Payload):
    """One line of an order, in the order's currency; the variants of a product hang below it, with a `parent`."""

    sku: Maybe[Token] = None
    name: Maybe[Text] = None
    qty_ordered: Quantity
    price: Maybe[Amount] = None
    price_incl_tax: Maybe[Amount] = None
    parent_item_id: Maybe[Id] = None


class Payment(Payload):
    """How it is paid."""

    method: Maybe[Text] = None


class Order(Listed):
    """An order; amounts without `base_` are in its own currency."""

    entity_id: Id
    quote_id: Maybe[Id] = None
    state: Maybe[Text] = None
    status: Maybe[Text] = None
    hold_before_state: Maybe[Text] = None
    customer_id: Maybe[Id] = None
    customer_email: Maybe[Text] = None
    customer_firstname: Maybe[Text] = None
    order_currency_code: Maybe[Code] = None
    grand_total: Maybe[Amount] = None
    total_paid: Maybe[Amount] = None
    total_due: Maybe[Amount] = None
    total_refunded: Maybe[Amount] = None
    coupon_code: Maybe[Text] = None
    payment: Maybe[Payment] = None
    items: Maybe[list[Maybe[OrderItem]]] = None


class Found(Payload):
    """A page of a search; each thing is read on its own, so that one that is odd harms no other."""

    items: list[object]
    total_count: Maybe[Annotated[int, Field(ge=0)]] = None

    @classmethod
    def of(cls, value: object) -> Self:
        """Read a page. Raises ValidationError."""
        return cls.model_validate(value)
