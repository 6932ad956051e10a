"""The parts of WooCommerce's orders and customers that Relaunch reads, as the REST API wc/v3 and webhooks write them.

Plugins change these bodies, and a stop must not be lost for an odd price: only the id is needed, any other field of an
unexpected type reads as absent. What is read here is also what a body's key is made of, so an order has one key
whether a webhook told it or the API.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from storefronts.shapes import Code, Count, Country, Link, Maybe, Payload, Text, Token

CART_META: Final = "_relaunch_cart"
"""The order's field in which the snippet of docs/storefronts/woocommerce.md keeps the name of the cart."""


def _in_utc(moment: datetime) -> datetime:
    if not 1 < moment.year < 9999:
        raise ValueError("a moment at the ends of the calendar")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text_only(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 - pydantic understands no other error
    return value


def _named(value: object) -> object:
    # WooCommerce writes 0 for a guest, and for a product that was added by hand.
    if isinstance(value, bool) or value in (0, "0"):
        raise ValueError("nobody and nothing")
    return value


Id = Annotated[Token, BeforeValidator(_named)]
Amount = Annotated[Decimal, Field(ge=-(10**10), le=10**10, allow_inf_nan=False)]
Gmt = Annotated[datetime, BeforeValidator(_text_only), AfterValidator(_in_utc)]
"""A moment of a field whose name ends in `_gmt`: UTC, written without a zone."""


class Picture(Payload):
    """The picture of a line."""

    src: Maybe[Link] = None


class LineItem(Payload):
    """One line: amounts are of all its pieces and without tax, `subtotal` before and `total` after coupons."""

    product_id: Maybe[Id] = None
    variation_id: Maybe[Id] = None
    sku: Maybe[Token] = None
    name: Maybe[Text] = None
    quantity: Count
    subtotal: Maybe[Amount] = None
    subtotal_tax: Maybe[Amount] = None
    total: Maybe[Amount] = None
    total_tax: Maybe[Amount] = None
    image: Maybe[Picture] = None


class Billing(Payload):
    """Who pays; of a postal address only the country."""

    first_name: Maybe[Text] = None
    email: Maybe[Text] = None
    phone: Maybe[Text] = None
    country: Maybe[Country] = None


class CouponLine(Payload):
    """A coupon that was used."""

    code: Maybe[Text] = None


class Refund(Payload):
    """Money paid back: WooCommerce writes it below zero."""

    total: Maybe[Amount] = None


class CartMeta(Payload):
    """The one field of an order's left-over fields that means something here."""

    key: Literal["_relaunch_cart"]
    value: Token


class OrderPayload(Payload):
    """order.created, order.updated, order.restored, and `GET /wp-json/wc/v3/orders`."""

    id: Id
    status: Maybe[Text] = None
    order_key: Maybe[Token] = None
    created_via: Maybe[Text] = None
    currency: Maybe[Code] = None
    total: Maybe[Amount] = None
    customer_id: Maybe[Id] = None
    billing: Maybe[Billing] = None
    date_created_gmt: Maybe[Gmt] = None
    date_modified_gmt: Maybe[Gmt] = None
    date_paid_gmt: Maybe[Gmt] = None
    line_items: Maybe[list[Maybe[LineItem]]] = None
    coupon_lines: Maybe[list[Maybe[CouponLine]]] = None
    refunds: Maybe[list[Maybe[Refund]]] = None
    payment_url: Maybe[Link] = None
    needs_payment: Maybe[bool] = None
    meta_data: Maybe[list[Maybe[CartMeta]]] = None

    @property
    def changed(self) -> datetime | None:
        """Return when it last changed."""
        return self.date_modified_gmt or self.date_created_gmt

    @property
    def cart(self) -> str | None:
        """Return the name of the cart that it grew from, where the snippet wrote it down."""
        return next((one.value for one in self.meta_data or () if one), None)


class CustomerPayload(Payload):
    """customer.created and customer.updated."""

    id: Id
    email: Maybe[Text] = None
    first_name: Maybe[Text] = None
    billing: Maybe[Billing] = None
    date_created_gmt: Maybe[Gmt] = None
    date_modified_gmt: Maybe[Gmt] = None

    @property
    def changed(self) -> datetime | None:
        """Return when it last changed."""
        return self.date_modified_gmt or self.date_created_gmt


class Deleted(Payload):
    """All that is left of what was deleted."""

    id: Id


class Action(Payload):
    """A hook of WordPress; its argument may be anything, and is not read."""

    action: Maybe[Text] = None
