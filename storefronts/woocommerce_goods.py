"""What WooCommerce's orders mean: drafts that are carts, states, lines, money in minor units, and who pays.

| WooCommerce says          | it means                                                                         |
|---------------------------|----------------------------------------------------------------------------------|
| checkout-draft            | no order: the cart of somebody who sees the block checkout                       |
| pending, failed           | PENDING: ordered and not paid, can be paid by the link of the order              |
| on-hold                   | AUTHORIZED: placed; a transfer, a cheque or a capture is awaited                 |
| processing, completed     | PAID, with what was refunded of it so far                                        |
| cancelled, trash          | CANCELLED                                                                        |
| refunded                  | REFUNDED                                                                         |
| anything else (plugins)   | PAID with a date of payment; PENDING while `needs_payment`; otherwise AUTHORIZED |

A state that nobody knows and that asks for no payment is a later step of an order (packed, shipped): the customer has
ordered, and must not be reminded of it.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from models.contact import clean, is_email, phone_number, text_or_none
from models.currencies import minor_units
from models.events import CartFacts, Line, OrderFacts, OrderStatus, Person, Unreadable
from storefronts.woocommerce_shapes import Billing, CustomerPayload, LineItem, OrderPayload

DRAFT: Final = "checkout-draft"
"""The status of a cart that WooCommerce keeps among the orders."""
_STATUS: Final = {
    "pending": OrderStatus.PENDING,
    "failed": OrderStatus.PENDING,
    "on-hold": OrderStatus.AUTHORIZED,
    "processing": OrderStatus.PAID,
    "completed": OrderStatus.PAID,
    "cancelled": OrderStatus.CANCELLED,
    "trash": OrderStatus.CANCELLED,
    "refunded": OrderStatus.REFUNDED,
}
_BY_CUSTOMERS: Final = frozenset({"checkout", "store-api"})
"""How an order began that a customer placed; the others are the staff's, a subscription's or a program's."""
_STILL_THEIRS: Final = timedelta(days=1)
"""An unpaid order that changes later than this was touched by the shop, not by the customer."""
_ANONYMISED: Final = "@site.invalid"
"""How the addresses end that WordPress writes in the place of an erased person's."""


def status_of(given: OrderPayload) -> OrderStatus:
    """Return what became of an order; see the table at the head of this file."""
    known = _STATUS.get(state_of(given))
    if known is not None:
        return known
    if given.date_paid_gmt:
        return OrderStatus.PAID
    return OrderStatus.PENDING if given.needs_payment else OrderStatus.AUTHORIZED


def state_of(given: OrderPayload) -> str:
    """Return WooCommerce's own word for it, without the prefix of its table."""
    return (given.status or "").strip().lower().removeprefix("wc-")


def own_state(given: OrderPayload) -> bool:
    """Tell whether the word is one of WooCommerce's own, not a plugin's."""
    return state_of(given) in {*_STATUS, DRAFT}


def order_of(given: OrderPayload, status: OrderStatus) -> OrderFacts:
    """Return an order; a part of it that was paid back leaves it paid."""
    value = _minor(given.total, given.currency)
    back = sum(abs(_minor(one.total, given.currency) or 0) for one in given.refunds or () if one)
    return OrderFacts(
        order_id=given.id,
        status=status,
        placed_at=given.date_created_gmt,
        cart_tokens=tuple(dict.fromkeys(token for token in (given.order_key, given.cart) if token)),
        currency=given.currency,
        value=None if value is None else max(value, 0),
        coupon=_coupon(given),
        lines=lines_of(given) or (),
        refunded=back or (max(value or 0, 0) if status is OrderStatus.REFUNDED else 0),
    )


def draft_of(given: OrderPayload) -> CartFacts:
    """Return the cart of a checkout that began: the order that it becomes bears the same key."""
    email = given.billing.email if given.billing else None
    return _cart(given, "shipping" if email else "contact", None)


def unpaid_cart(given: OrderPayload, status: OrderStatus) -> CartFacts | None:
    """Return the cart of an order that its customer has not paid, with the link to pay it; None for any other.

    Old ones and those of subscriptions and of the staff are no carts that a customer left.
    """
    if status is not OrderStatus.PENDING or given.payment_url is None or not given.order_key:
        return None
    if (given.created_via or "") not in _BY_CUSTOMERS or given.needs_payment is False:
        return None
    born, changed = given.date_created_gmt, given.changed
    if born is None or changed is None or changed - born > _STILL_THEIRS:
        return None
    return _cart(given, "payment", given.payment_url)


def lines_of(given: OrderPayload) -> tuple[Line, ...] | None:
    """Return all lines that can be read, None when the body says nothing that can be read of them."""
    if given.line_items is None:
        return None
    items = [item for item in given.line_items if item is not None and _id(item)]
    if given.line_items and not items:
        return None
    return tuple(_line(item, given.currency) for item in items if item.quantity)


def buyer(given: OrderPayload, country: str) -> Person:
    """Return who orders; WooCommerce asks for no consent, so there is none."""
    return _person(given.customer_id, given.billing, country)


def account(given: CustomerPayload, country: str) -> Person:
    """Return the holder of an account; the address of the account goes before the one of their bills."""
    billing = given.billing or Billing()
    own = {"email": given.email or billing.email, "first_name": given.first_name or billing.first_name}
    return _person(given.id, billing.model_copy(update=own), country)


def _person(external_id: str | None, billing: Billing | None, country: str) -> Person:
    if billing is None or (billing.email or "").strip().lower().endswith(_ANONYMISED):
        return Person(external_id=external_id)
    email = (billing.email or "").strip()
    number = billing.phone or ""
    return Person(
        external_id=external_id,
        email=email if email and is_email(email) else None,
        phone=phone_number(number, billing.country or country) if number else None,
        first_name=text_or_none(billing.first_name),
        country=billing.country,
    )


def _cart(given: OrderPayload, step: str, link: str | None) -> CartFacts:
    token = given.order_key or given.cart
    if token is None:
        raise Unreadable("order_key is missing")
    lines = lines_of(given)
    return CartFacts(
        token=token,
        alias=given.cart if given.cart != token else None,
        lines=lines or (),
        replaces=lines is not None,
        currency=given.currency,
        value=_goods(given),
        step=step,
        coupon=_coupon(given),
        checkout_url=link,
    )


def _goods(given: OrderPayload) -> int | None:
    """Return what the goods cost after coupons and with tax; delivery is no part of a cart's value."""
    told = [item for item in given.line_items or () if item and item.total is not None]
    if given.line_items is None or len(told) < len(given.line_items):
        return None
    amounts = ((item.total or Decimal(0)) + (item.total_tax or Decimal(0)) for item in told)
    return max(_minor(sum(amounts, Decimal(0)), given.currency) or 0, 0)


def _line(item: LineItem, currency: str | None) -> Line:
    """Return a line at the price of one piece as the shop shows it: with tax, before coupons."""
    pair = (item.total, item.total_tax) if item.subtotal is None else (item.subtotal, item.subtotal_tax)
    paid = sum((amount for amount in pair if amount is not None), Decimal(0))
    return Line(
        product_id=_id(item),
        name=clean(item.name or "") or _id(item),
        price=max(_minor(paid / item.quantity, currency) or 0, 0),
        quantity=item.quantity,
        image_url=item.image.src if item.image else None,
    )


def _id(item: LineItem) -> str:
    """Return by what a product is known; one added by hand has only a name."""
    return item.product_id or item.variation_id or item.sku or clean(item.name or "")


def _coupon(given: OrderPayload) -> str | None:
    codes = (clean(one.code, 100) for one in given.coupon_lines or () if one and one.code)
    return next((code for code in codes if code), None)


def _minor(amount: Decimal | None, currency: str | None) -> int | None:
    return None if amount is None else minor_units(amount, currency)
