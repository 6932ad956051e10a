"""WooCommerce: webhooks signed with HMAC-SHA256, carts only where the block checkout keeps them as drafts."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from types import MappingProxyType
from typing import Final, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_core import from_json

from models.events import Event, EventType, OrderFacts, OrderStatus, Person, Unreadable, content_key
from storefronts.base import check_hmac, lower
from storefronts.shapes import Payload
from storefronts.woocommerce_goods import (
    DRAFT,
    account,
    buyer,
    draft_of,
    order_of,
    own_state,
    state_of,
    status_of,
    unpaid_cart,
)
from storefronts.woocommerce_shapes import Action, CustomerPayload, Deleted, OrderPayload

NAME: Final = "woocommerce"
_GREETING: Final = re.compile(rb"webhook_id=[0-9]{1,20}")
_ENTITY: Final = re.compile(r"&(?:amp|lt|gt|quot|#0*(?:34|38|39|60|62)|#[xX]0*(?:22|26|27));")
_ORDER_TYPES: Final = {
    OrderStatus.CANCELLED: EventType.ORDER_CANCELLED,
    OrderStatus.REFUNDED: EventType.ORDER_REFUNDED,
}
_SHAPES: Final[Sequence[tuple[str, frozenset[str]]]] = (
    ("order.updated", frozenset({"id", "order_key", "line_items"})),
    ("customer.updated", frozenset({"id", "email", "is_paying_customer"})),
    ("customer.updated", frozenset({"id", "email", "username", "billing"})),
)
"""Which names tell the bodies apart; what was deleted is an id alone, and nobody knows of what."""

_P = TypeVar("_P", bound=Payload)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What surrounds a body: its topic, the id and time of its delivery, and the shop's country."""

    topic: str
    delivery: str
    country: str
    at: datetime


class WooCommerce:
    """WooCommerce's webhooks; see https://woocommerce.com/document/webhooks/ and `WC_Webhook`."""

    name = NAME

    def verify(self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> None:
        """Check `X-WC-Webhook-Signature`: base64 of HMAC-SHA256 over the raw body; see `Storefront.verify`."""
        told = lower(headers).get("x-wc-webhook-signature", "").strip()
        check_hmac(body, told, [decoded(secret) for secret in secrets], "X-WC-Webhook-Signature")

    def translate(self, body: bytes, headers: Mapping[str, str], *, shop_country: str, at: datetime) -> list[Event]:
        """Return what a webhook means; see `Storefront.translate`."""
        given = lower(headers)
        topic = given.get("x-wc-webhook-topic", "").strip().lower()
        if not topic:
            raise Unreadable("there is no X-WC-Webhook-Topic header")
        read = _noted if topic.startswith("action.") else _TOPICS.get(topic)
        if read is None:
            return []
        sent = _Sent(topic, given.get("x-wc-webhook-delivery-id", ""), shop_country, at)
        try:
            return [read(body, sent)]
        except Unreadable as error:
            raise Unreadable(f"{topic}: {error}") from None

    def origin(self, headers: Mapping[str, str]) -> str | None:
        """Return the host of `X-WC-Webhook-Source`, the shop's front page; see `Storefront.origin`."""
        try:
            return urlsplit(lower(headers).get("x-wc-webhook-source", "").strip()).hostname
        except ValueError:
            return None

    def greets(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Know the ping of a webhook's creation, a form with its number alone; see `Storefront.greets`."""
        if any(name.startswith("x-wc-") for name in lower(headers)):
            return False
        return _GREETING.fullmatch(body) is not None

    def guess(self, body: bytes) -> Mapping[str, str]:
        """Return the topic that a body looks like; see `Storefront.guess`."""
        try:
            found = from_json(body)
        except ValueError:
            return {}
        names = set(found) if isinstance(found, dict) else set()
        if names == {"action", "arg"}:
            return {"X-WC-Webhook-Topic": f"action.{found['action']}"}
        topic = next((topic for topic, shape in _SHAPES if shape <= names), None)
        return {"X-WC-Webhook-Topic": topic} if topic else {}


def decoded(secret: str) -> str:
    """Return a secret as WooCommerce signs with it: `wp_specialchars_decode` with quotes, each entity once.

    WordPress keeps what stands in the form as HTML. A secret without entities is its own decoding, so the secret as
    the form shows it and as the database holds it both work; no other form of it ever signs.
    """
    return _ENTITY.sub(lambda entity: unescape(entity.group()), secret)


def order_event(given: OrderPayload, name: str, country: str, at: datetime) -> Event:
    """Return what an order means, whoever told it: a webhook, or the API when it was asked.

    Parameters
    ----------
    given:
        The order; a draft is a cart, an order that waits for its customer's payment is also one.
    name:
        The topic under which it was told, or would be.
    country:
        ISO 3166 code, for phone numbers without country code.
    at:
        When it was told: the event time of last resort.
    """
    person, moment, key = buyer(given, country), given.changed or at, _key("order", given)
    if state_of(given) == DRAFT:
        return Event(key, EventType.CART_UPDATED, name, moment, person, draft_of(given), notes=_notes(given, person))
    status = status_of(given)
    kind = _ORDER_TYPES.get(status, EventType.ORDER_COMPLETED)
    cart, order = unpaid_cart(given, status), order_of(given, status)
    return Event(key, kind, name, moment, person, cart, order, notes=_notes(given, person))


def parsed(shape: type[_P], value: object) -> _P:
    """Read a JSON value; raise `Unreadable`, which names the field at fault."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        path = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
        problem = f"{path} is missing or not what it should be" if path else "the body is not an object"
    # WooCommerce sends and signs its own error in the place of what the webhook's user may not read.
    if isinstance(value, dict) and {"code", "message", "data"} <= set(value):
        problem = "WooCommerce sent an error: choose a user for the webhook who may read orders and customers"
    raise Unreadable(problem)


def _read(shape: type[_P], body: bytes) -> _P:
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Unreadable("the body is not JSON") from None
    return parsed(shape, value)


def _order(body: bytes, sent: _Sent) -> Event:
    return order_event(_read(OrderPayload, body), sent.topic, sent.country, sent.at)


def _order_deleted(body: bytes, sent: _Sent) -> Event:
    order = OrderFacts(_read(Deleted, body).id, OrderStatus.CANCELLED)
    return Event(_undated(sent, body), EventType.ORDER_CANCELLED, sent.topic, sent.at, order=order)


def _customer(body: bytes, sent: _Sent) -> Event:
    given = _read(CustomerPayload, body)
    person = account(given, sent.country)
    return Event(_key("customer", given), EventType.IDENTIFY, sent.topic, given.changed or sent.at, person)


def _customer_deleted(body: bytes, sent: _Sent) -> Event:
    person = Person(external_id=_read(Deleted, body).id)
    return Event(_undated(sent, body), EventType.ERASE, sent.topic, sent.at, person)


def _noted(body: bytes, sent: _Sent) -> Event:
    _read(Action, body)
    return Event(_undated(sent, body), EventType.OTHER, sent.topic[:200], sent.at)


def _key(resource: str, given: OrderPayload | CustomerPayload) -> str:
    """Return the key of what a body says: two deliveries of one second share their id, but not their content."""
    return content_key(NAME, resource, given.id, given.model_dump(mode="json", exclude_none=True))


def _undated(sent: _Sent, body: bytes) -> str:
    """Return the key of a body without a time: only the delivery tells a second deletion from a repetition."""
    return content_key(NAME, sent.topic, sent.delivery, hashlib.sha256(body).hexdigest())


def _notes(given: OrderPayload, person: Person) -> tuple[str, ...]:
    """Say what of the body was left out, or read by a rule of ours."""
    lost = sum(item is None for item in given.line_items or ())
    notes = [f"line_items: {lost} could not be read, left out"] if lost else []
    billing = given.billing
    if billing and billing.email and person.email is None:
        notes.append("billing.email: no valid address, left out")
    if billing and billing.phone and person.phone is None:
        notes.append("billing.phone: no valid number, left out")
    if not own_state(given):
        notes.append("status: none of WooCommerce's own, read by the date of payment and needs_payment")
    return tuple(notes)


_TOPICS: Mapping[str, Callable[[bytes, _Sent], Event]] = MappingProxyType(
    {
        "order.created": _order,
        "order.updated": _order,
        "order.restored": _order,
        "order.deleted": _order_deleted,
        "customer.created": _customer,
        "customer.updated": _customer,
        "customer.deleted": _customer_deleted,
    }
)

STOREFRONT = WooCommerce()
