"""Orders and checkouts of Shopify's Admin API in the shape of its webhooks, so that both mean the same."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from pydantic import ValidationError

from models.events import CartFacts, Event, EventType, Unreadable
from storefronts.shopify_meaning import Meaning, checkout_meaning, event_of, order_meaning
from storefronts.shopify_people import Sent
from storefronts.shopify_shapes import CheckoutPayload, OrderPayload

Json = Mapping[str, object]
_Shape = TypeVar("_Shape", OrderPayload, CheckoutPayload)
_TOKEN = re.compile(r"^[^?#]*/checkouts/(?:[a-z]{2}/)?([^/?#]+)")
_CUT = "line_items: only the first were read"


def order_event(node: Json, sent: Sent, tokens: frozenset[str] = frozenset()) -> Event:
    """Return what an order means; `tokens` are names of its cart by which it was found.

    Raises `Unreadable` for a node that names no order.
    """
    meaning = order_meaning(_given_order(node), sent)
    if tokens and meaning.order:
        known = dict.fromkeys((*meaning.order.cart_tokens, *sorted(tokens)))
        meaning = meaning._replace(order=replace(meaning.order, cart_tokens=tuple(known)))
    return event_of(meaning, sent)


def checkout_event(node: Json, sent: Sent) -> Event:
    """Return what an abandoned checkout means; raises `Unreadable` for a node that names none.

    The API does not tell the token, only the link that holds it: Shopify puts the checkout's own token there, or the
    one of its cart, and both are names of the cart that webhooks tell of. A completed checkout empties its cart; it
    is no provisional order as in webhooks, for the order itself is read before, and nothing tells that they are one.
    """
    given = _given_checkout(node)
    if given.token is None:
        raise Unreadable("id is missing")
    meaning = checkout_meaning(given, sent)
    if given.completed_at:
        cart = CartFacts(given.token, replaces=True, value=0)
        return event_of(Meaning(EventType.CART_UPDATED, given.completed_at, meaning.person, cart=cart), sent)
    cut = (_CUT,) if inside(inside(node, "lineItems"), "pageInfo").get("hasNextPage") is True else ()
    # How far a checkout came is told by webhooks only.
    cart_ = replace(meaning.cart, step=None) if meaning.cart else None
    return event_of(meaning._replace(cart=cart_, notes=meaning.notes + cut), sent)


def _given_order(node: Json) -> OrderPayload:
    total = inside(node, "totalPriceSet")
    refunded = inside(inside(node, "totalRefundedSet"), "presentmentMoney")
    back = {"kind": "refund", "status": "success", "amount": refunded.get("amount")}
    return _read(
        OrderPayload,
        _purchase(node)
        | {
            "id": node.get("legacyResourceId"),
            "cart_token": node.get("cartToken"),
            "email": node.get("email"),
            "phone": node.get("phone"),
            "customer_locale": node.get("customerLocale"),
            "financial_status": node.get("displayFinancialStatus"),
            "cancelled_at": node.get("cancelledAt"),
            "processed_at": node.get("processedAt"),
            "total_price_set": _money(total),
            "refunds": [{"transactions": [back | {"currency": refunded.get("currencyCode")}]}],
        },
    )


def _given_checkout(node: Json) -> CheckoutPayload:
    link, told = node.get("abandonedCheckoutUrl"), inside(inside(node, "subtotalPriceSet"), "presentmentMoney")
    token = _TOKEN.search(link) if isinstance(link, str) else None
    return _read(
        CheckoutPayload,
        _purchase(node)
        | {
            "token": token[1] if token and _number(node) else _number(node),
            "completed_at": node.get("completedAt"),
            "abandoned_checkout_url": link,
            "presentment_currency": told.get("currencyCode"),
            "subtotal_price": told.get("amount"),
        },
    )


def _purchase(node: Json) -> dict[str, object]:
    """Return what checkouts and orders share."""
    codes, customer = node.get("discountCodes"), inside(node, "customer")
    return {
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
        "customer": _customer(customer) if customer else None,
        "shipping_address": _address(node, "shippingAddress"),
        "billing_address": _address(node, "billingAddress"),
        "discount_codes": [{"code": code} for code in codes] if isinstance(codes, list) else None,
        "line_items": _lines(node),
    }


def _customer(node: Json) -> Json:
    mail = inside(node, "defaultEmailAddress")
    state = mail.get("marketingState")
    return {
        "id": node.get("legacyResourceId"),
        "email": mail.get("emailAddress"),
        "verified_email": node.get("verifiedEmail"),
        "phone": inside(node, "defaultPhoneNumber").get("phoneNumber"),
        "first_name": node.get("firstName"),
        "created_at": node.get("createdAt"),
        "updated_at": node.get("updatedAt"),
        "default_address": _address(node, "defaultAddress"),
        "email_marketing_consent": {
            "state": state.lower() if isinstance(state, str) else None,
            "consent_updated_at": mail.get("marketingUpdatedAt"),
        },
    }


def _lines(node: Json) -> list[object] | None:
    listed = inside(node, "lineItems").get("nodes")
    return [_line(one) if isinstance(one, Mapping) else None for one in listed] if isinstance(listed, list) else None


def _line(node: Json) -> Json:
    price = inside(node, "originalUnitPriceSet")
    told = {name: node.get(name) for name in ("name", "title", "quantity", "sku")}
    return told | {
        "product_id": inside(node, "product").get("legacyResourceId"),
        "variant_title": node.get("variantTitle"),
        "image_url": inside(node, "image").get("url"),
        "price_set": _money(price),
    }


def _money(both: Json) -> Json | None:
    shown = inside(both, "presentmentMoney")
    named = {"amount": shown.get("amount"), "currency_code": shown.get("currencyCode")}
    return {"presentment_money": named} if shown else None


def _address(node: Json, name: str) -> Json | None:
    given = inside(node, name)
    return {"first_name": given.get("firstName"), "country_code": given.get("countryCodeV2")} if given else None


def _number(node: Json) -> str | None:
    """Return the number at the end of a global id."""
    told = node.get("id")
    return told.rpartition("/")[2] or None if isinstance(told, str) else None


def inside(node: Json, name: str) -> Json:
    """Return what a node holds under a name, nothing when it is no object."""
    found = node.get(name)
    return found if isinstance(found, Mapping) else {}


def _read(shape: type[_Shape], given: Json) -> _Shape:
    try:
        return shape.model_validate(given)
    except ValidationError:
        raise Unreadable("id is missing or not what it should be") from None
