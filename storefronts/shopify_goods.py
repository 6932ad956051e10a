"""What Shopify's carts, checkouts and orders hold: lines, money in minor units, and the state of an order."""

from decimal import Decimal

from models.contact import clean, text_or_none
from models.currencies import minor_units
from models.events import PROVISIONAL, CartFacts, Line, OrderFacts, OrderStatus, Unreadable
from storefronts.shopify_people import utc
from storefronts.shopify_shapes import (
    CartPayload,
    CheckoutPayload,
    LineItem,
    Lines,
    Money,
    MoneySet,
    OrderPayload,
    Purchase,
)

_STATUS = {
    "paid": OrderStatus.PAID,
    "partially_paid": OrderStatus.PAID,
    "partially_refunded": OrderStatus.PAID,
    "authorized": OrderStatus.AUTHORIZED,
    "refunded": OrderStatus.REFUNDED,
    "voided": OrderStatus.CANCELLED,
}


def cart_of(given: CartPayload) -> CartFacts:
    """Return a cart of the online shop, which knows its currency only by its prices."""
    token = given.token or given.id
    if token is None:
        raise Unreadable("token is missing")
    shown = (_shown(item.price_set) for item in given.line_items or () if item)
    currency = next((money.currency_code for money in shown if money), None)
    lines = lines_of(given, currency)
    return CartFacts(
        token=token,
        lines=lines or (),
        replaces=lines is not None,
        currency=currency,
        value=None if lines is None else _total(lines),
        step="cart",
    )


def checkout_of(given: CheckoutPayload) -> CartFacts:
    """Return a checkout as a cart under its own token, with the token of the cart that it grew from as alias."""
    token, alias = _names(given)
    currency = given.presentment_currency or given.currency
    lines = lines_of(given, currency)
    told = _first(given.subtotal_price, given.total_line_items_price, given.total_price)
    return CartFacts(
        token=token,
        alias=alias,
        lines=lines or (),
        replaces=lines is not None,
        currency=currency,
        value=_minor(told, currency) if told is not None or lines is None else _total(lines),
        step=_step(given),
        coupon=_coupon(given),
        checkout_url=given.abandoned_checkout_url,
    )


def deleted_checkout(given: CheckoutPayload) -> CartFacts:
    """Return an emptied cart: what is left of a deleted checkout often names only the cart that it grew from."""
    token = given.token or given.cart_token or given.id
    if token is None:
        raise Unreadable("token is missing")
    return CartFacts(token, given.cart_token if given.cart_token != token else None, replaces=True, value=0)


def completed_checkout(given: CheckoutPayload) -> OrderFacts:
    """Return the order that a completed checkout stands for until the real one comes."""
    token, alias = _names(given)
    currency = given.presentment_currency or given.currency
    return OrderFacts(
        order_id=PROVISIONAL + token,
        status=OrderStatus.PAID,
        placed_at=utc(given.completed_at),
        cart_tokens=(token, alias) if alias else (token,),
        currency=currency,
        value=_minor(given.total_price, currency),
        coupon=_coupon(given),
        lines=lines_of(given, currency) or (),
    )


def order_of(given: OrderPayload, topic: str) -> OrderFacts:
    """Return an order, in the currency that its customer paid in."""
    shown = _shown(given.total_price_set)
    currency = shown.currency_code if shown else given.currency or given.presentment_currency
    value = _minor(shown.amount if shown else given.total_price, currency)
    status = _status(given, topic)
    tokens = (given.checkout_token, given.cart_token)
    return OrderFacts(
        order_id=given.id,
        status=status,
        placed_at=utc(given.processed_at) or utc(given.created_at),
        cart_tokens=tuple(dict.fromkeys(token for token in tokens if token)),
        currency=currency,
        value=value,
        coupon=_coupon(given),
        lines=lines_of(given, currency) or (),
        refunded=_refunded(given, currency) or ((value or 0) if status is OrderStatus.REFUNDED else 0),
    )


def lines_of(given: Lines, currency: str | None) -> tuple[Line, ...] | None:
    """Return all lines that can be read, None when the body says nothing that can be read of them."""
    if given.line_items is None:
        return None
    items = [(known, item) for item in given.line_items if item is not None and (known := _id(item))]
    if given.line_items and not items:
        return None
    return tuple([_line(known, item, currency) for known, item in items if item.quantity])


def _line(known: str, item: LineItem, currency: str | None) -> Line:
    return Line(
        product_id=known,
        name=_name(item) or known,
        price=_minor(_price(item, currency), currency) or 0,
        quantity=item.quantity,
        category=text_or_none(item.product_type),
        image_url=item.image_url or item.image,
        url=item.url,
    )


def _id(item: LineItem) -> str:
    """Return by what a product is known; one added by hand has only a name."""
    return item.product_id or item.variant_id or item.sku or _name(item)


def _name(item: LineItem) -> str:
    """Return the product's name with its variant, which orders and carts already write in."""
    if item.name:
        return clean(item.name)
    title, variant = item.presentment_title or item.title or "", item.variant_title or ""
    told = not variant or variant == "Default Title" or variant in title
    return clean(title if told else f"{title} - {variant}")


def _price(item: LineItem, currency: str | None) -> Decimal | None:
    shown = _shown(item.price_set)
    return shown.amount if shown and shown.currency_code == currency else item.price


def _shown(both: MoneySet | None) -> Money | None:
    return both.presentment_money if both else None


def _minor(amount: Decimal | None, currency: str | None) -> int | None:
    return None if amount is None else minor_units(amount, currency)


def _first(*amounts: Decimal | None) -> Decimal | None:
    for amount in amounts:
        if amount is not None:
            return amount
    return None


def _total(lines: tuple[Line, ...]) -> int:
    return sum(line.price * line.quantity for line in lines)


def _names(given: CheckoutPayload) -> tuple[str, str | None]:
    token = given.token or given.cart_token
    if token is None:
        raise Unreadable("token is missing")
    return token, given.cart_token if given.cart_token != token else None


def _step(given: CheckoutPayload) -> str:
    """Return how far the checkout came: a delivery method is chosen before the payment, an address before that."""
    if given.shipping_lines:
        return "payment"
    return "shipping" if given.shipping_address else "contact"


def _coupon(given: Purchase) -> str | None:
    for given_code in given.discount_codes or ():
        if given_code and given_code.code and (code := clean(given_code.code, 100)):
            return code
    return None


def _status(given: OrderPayload, topic: str) -> OrderStatus:
    if given.cancelled_at or topic == "orders/cancelled":
        return OrderStatus.CANCELLED
    said = (given.financial_status or "").lower()
    unsaid = OrderStatus.PAID if topic == "orders/paid" else OrderStatus.PENDING
    return _STATUS.get(said, unsaid)


def _refunded(given: OrderPayload, currency: str | None) -> int:
    """Return what was paid back in the order's currency; a payment in another one is left out."""
    moved = (one for refund in given.refunds or () if refund for one in refund.transactions or () if one)
    return sum(
        _minor(one.amount, currency) or 0
        for one in moved
        if one.kind == "refund" and one.status == "success" and one.currency in (None, currency)
    )
