"""Normalised events as JSON: a provider's in its own vocabulary, a storefront's as `POST /v1/events` takes them."""

from datetime import UTC, datetime
from typing import Any

from models.events import CartFacts, ConsentEntry, Event, EventType, Line, OrderFacts, Person
from models.provider_events import ProviderEvent, ProviderEventType

Json = dict[str, Any]


def provider_line(event: ProviderEvent) -> Json:
    """Return what a provider tells of a message; what it does not tell is left out."""
    line: Json = {"type": event.type, "recipient": event.recipient, "provider": event.provider}
    optional = {
        "provider_event_id": event.provider_event_id,
        "provider_message_id": event.provider_message_id,
        "at": _moment(event.at),
        "delivery": event.delivery,
        "reason": event.reason,
        "human": event.human,
    }
    line |= _told(optional)
    return line | ({"permanent": event.permanent} if event.type is ProviderEventType.BOUNCED else {})


def event_line(event: Event) -> Json:
    """Return what a storefront tells, as `POST /v1/events` takes it."""
    line = {
        "messageId": event.key,
        "event": event.name if event.type is EventType.OTHER else event.type,
        "timestamp": _moment(event.at),
        "customer": _customer(event.person),
    }
    properties = dict(event.properties) | _properties(event)
    return _told(line) | {"properties": properties}


def _properties(event: Event) -> Json:
    found: Json = {}
    if event.cart is not None:
        found |= _cart(event.cart)
    if event.order is not None:
        found |= _order(event.order)
    if event.product is not None:
        found |= {"products": [_line(event.product)]}
    return found


def _cart(cart: CartFacts) -> Json:
    names = ("checkout_url", "currency", "value", "step", "coupon")
    found = {"cart_id": cart.token, "cart_token": cart.alias} | {name: getattr(cart, name) for name in names}
    listed = cart.replaces or cart.lines
    return _told(found) | ({"products": [_line(one) for one in cart.lines]} if listed else {})


def _order(order: OrderFacts) -> Json:
    tokens = dict(zip(("cart_id", "checkout_token", "cart_token"), order.cart_tokens, strict=False))
    found = {name: getattr(order, name) for name in ("order_id", "status", "currency", "value", "coupon")}
    more = {"placed_at": _moment(order.placed_at), "refunded": order.refunded or None}
    return tokens | _told(found | more) | ({"products": [_line(one) for one in order.lines]} if order.lines else {})


def _line(line: Line) -> Json:
    return _told({name: getattr(line, name) for name in Line.__slots__})


def _customer(person: Person) -> Json | None:
    names = ("email", "phone", "first_name", "locale", "timezone", "country")
    found = {"id": person.external_id} | {name: getattr(person, name) for name in names}
    found |= {"email_verified": person.email_verified or None}
    more = {"traits": dict(person.traits) or None, "consents": [_consent(one) for one in person.consents] or None}
    return _told(found | more) or None


def _consent(entry: ConsentEntry) -> Json:
    names = ("channel", "purpose", "state", "source", "wording")
    return _told({name: getattr(entry, name) for name in names} | {"at": _moment(entry.at)})


def _told(values: Json) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
