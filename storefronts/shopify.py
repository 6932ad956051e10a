"""Shopify: webhooks signed with HMAC-SHA256, carts and checkouts without any word of abandonment."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from models.events import CartFacts, Event, EventType, OrderFacts, OrderStatus, Person, Unreadable, content_key
from models.vocabulary import Channel
from storefronts.base import BadSignature, lower
from storefronts.shopify_goods import cart_of, checkout_of, completed_checkout, deleted_checkout, order_of
from storefronts.shopify_people import Sent, buyer, customer, email, entry, phone, utc
from storefronts.shopify_shapes import (
    CartPayload,
    CheckoutPayload,
    CustomerPayload,
    EmailConsentPayload,
    Lines,
    OrderPayload,
    PrivacyPayload,
    Purchase,
    SmsConsentPayload,
)
from storefronts.shopify_topics import guessed_topic

_TIME = TypeAdapter(AwareDatetime)
_NOBODY = Person()
_ORDER_TYPES = {OrderStatus.CANCELLED: EventType.ORDER_CANCELLED, OrderStatus.REFUNDED: EventType.ORDER_REFUNDED}


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a body means; `told` is the time that the resource itself bears."""

    type: EventType
    told: datetime | None = None
    person: Person = _NOBODY
    cart: CartFacts | None = None
    order: OrderFacts | None = None
    notes: tuple[str, ...] = ()


class Shopify:
    """Shopify's webhooks; see https://shopify.dev/docs/api/webhooks for topics and bodies."""

    name = "shopify"

    def verify(self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> None:
        """Check `X-Shopify-Hmac-SHA256`: base64 of HMAC-SHA256 over the raw body; see `Storefront.verify`."""
        told = _header(headers, "hmac-sha256")
        if not told:
            raise BadSignature("there is no X-Shopify-Hmac-SHA256 header")
        try:
            signature = base64.b64decode(told.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise BadSignature("the signature is not base64") from None
        # An empty key would let anybody sign.
        keys = [secret.encode() for secret in secrets if secret]
        if not keys:
            raise BadSignature("no secret is set up for this storefront")
        # All keys are tried, so that the time taken does not tell which one came close.
        matches = [hmac.compare_digest(hmac.digest(key, body, "sha256"), signature) for key in keys]
        if not any(matches):
            raise BadSignature("none of the secrets made this signature for this body")

    def translate(self, body: bytes, headers: Mapping[str, str], *, shop_country: str, at: datetime) -> list[Event]:
        """Return what a webhook means; see `Storefront.translate`."""
        topic = _header(headers, "topic").strip().lower()
        if not topic:
            raise Unreadable("there is no X-Shopify-Topic header")
        read = _TOPICS.get(topic)
        if read is None:
            return []
        sent = Sent(topic, hashlib.sha256(body).hexdigest(), shop_country, _triggered(headers), at)
        try:
            return [_event(read(body, sent), sent)]
        except ValidationError as error:
            raise Unreadable(f"{topic}: {_fault(error)}") from None
        except Unreadable as error:
            raise Unreadable(f"{topic}: {error}") from None

    def origin(self, headers: Mapping[str, str]) -> str | None:
        """Return `X-Shopify-Shop-Domain`; see `Storefront.origin`."""
        return _header(headers, "shop-domain").strip().lower() or None

    def greets(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Shopify signs everything; see `Storefront.greets`."""
        return False

    def guess(self, body: bytes) -> Mapping[str, str]:
        """Return the topic that a body looks like; see `Storefront.guess`."""
        topic = guessed_topic(body)
        return {"X-Shopify-Topic": topic} if topic else {}


def _event(found: _Meaning, sent: Sent) -> Event:
    """Make the event; a retry has the same body and the same time of the event, and so the same key."""
    cart, order, person = found.cart, found.order, found.person
    resource = cart.token if cart else order.order_id if order else person.external_id
    key = content_key("shopify", sent.topic, resource, utc(found.told) or sent.triggered, sent.digest)
    return Event(key, found.type, sent.topic, sent.time(found.told), person, cart, order, notes=found.notes)


def _header(headers: Mapping[str, str], name: str) -> str:
    """Return a header of Shopify's, which newer deliveries spell without the X; empty when there is none."""
    given = lower(headers)
    return given.get(f"x-shopify-{name}") or given.get(f"shopify-{name}") or ""


def _triggered(headers: Mapping[str, str]) -> datetime | None:
    try:
        return utc(_TIME.validate_python(_header(headers, "triggered-at")))
    except ValidationError:
        return None


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "the body is not JSON"
    path = ".".join(str(part) for part in first["loc"])
    return f"{path} is missing or not what it should be" if path else "the body is not an object"


def _cart(body: bytes, _sent: Sent) -> _Meaning:
    given = CartPayload.model_validate_json(body)
    when = given.updated_at or given.created_at
    return _Meaning(EventType.CART_UPDATED, when, cart=cart_of(given), notes=_notes(given))


def _checkout(body: bytes, sent: Sent) -> _Meaning:
    given = CheckoutPayload.model_validate_json(body)
    person = buyer(given, sent)
    notes = _notes(given, person)
    if given.completed_at:
        order = completed_checkout(given)
        return _Meaning(EventType.ORDER_COMPLETED, given.completed_at, person, order=order, notes=notes)
    kind = EventType.CHECKOUT_STARTED if sent.topic == "checkouts/create" else EventType.CART_UPDATED
    return _Meaning(kind, given.updated_at or given.created_at, person, cart=checkout_of(given), notes=notes)


def _checkout_deleted(body: bytes, _sent: Sent) -> _Meaning:
    cart = deleted_checkout(CheckoutPayload.model_validate_json(body))
    return _Meaning(EventType.CART_UPDATED, cart=cart)


def _order(body: bytes, sent: Sent) -> _Meaning:
    given = OrderPayload.model_validate_json(body)
    order = order_of(given, sent.topic)
    kind = _ORDER_TYPES.get(order.status, EventType.ORDER_COMPLETED)
    person = buyer(given, sent, given.contact_email)
    return _Meaning(kind, given.updated_at or given.created_at, person, order=order, notes=_notes(given, person))


def _customer(body: bytes, sent: Sent) -> _Meaning:
    given = CustomerPayload.model_validate_json(body)
    return _Meaning(EventType.IDENTIFY, given.updated_at or given.created_at, _known(customer(given, sent)))


def _customer_deleted(body: bytes, _sent: Sent) -> _Meaning:
    given = CustomerPayload.model_validate_json(body)
    return _Meaning(EventType.ERASE, person=_known(Person(external_id=given.id)))


def _email_consent(body: bytes, sent: Sent) -> _Meaning:
    given = EmailConsentPayload.model_validate_json(body)
    record = given.email_marketing_consent
    found = entry(Channel.EMAIL, record, sent, sent.time(None))
    person = Person(given.customer_id, email(given.email_address), consents=(found,) if found else ())
    return _Meaning(EventType.IDENTIFY, record.consent_updated_at, person)


def _sms_consent(body: bytes, sent: Sent) -> _Meaning:
    given = SmsConsentPayload.model_validate_json(body)
    record = given.sms_marketing_consent
    found = entry(Channel.SMS, record, sent, sent.time(None))
    person = Person(given.id, phone=phone(given.phone, None, sent), consents=(found,) if found else ())
    return _Meaning(EventType.IDENTIFY, record.consent_updated_at, person)


def _erasure(body: bytes, sent: Sent) -> _Meaning:
    given = PrivacyPayload.model_validate_json(body).customer
    return _Meaning(EventType.ERASE, person=_known(customer(given or CustomerPayload(), sent)))


def _noted(body: bytes, sent: Sent) -> _Meaning:
    given = PrivacyPayload.model_validate_json(body).customer
    return _Meaning(EventType.OTHER, person=customer(given or CustomerPayload(), sent))


def _known(person: Person) -> Person:
    if person.anonymous:
        raise Unreadable("the customer's id is missing")
    return person


def _notes(given: Lines, person: Person = _NOBODY) -> tuple[str, ...]:
    """Say what of the body was left out."""
    lost = sum(item is None for item in given.line_items or ())
    notes = [f"line_items: {lost} could not be read, left out"] if lost else []
    if isinstance(given, Purchase) and given.email and email(given.email) is None:
        notes.append("email: no valid address, left out")
    if isinstance(given, Purchase) and given.phone and person.phone is None:
        notes.append("phone: no valid number, left out")
    return tuple(notes)


_TOPICS: Mapping[str, Callable[[bytes, Sent], _Meaning]] = MappingProxyType(
    {
        "carts/create": _cart,
        "carts/update": _cart,
        "checkouts/create": _checkout,
        "checkouts/update": _checkout,
        "checkouts/delete": _checkout_deleted,
        "orders/create": _order,
        "orders/updated": _order,
        "orders/paid": _order,
        "orders/cancelled": _order,
        "customers/create": _customer,
        "customers/update": _customer,
        "customers/delete": _customer_deleted,
        "customers_email_marketing_consent/update": _email_consent,
        "customers_marketing_consent/update": _sms_consent,
        "customers/redact": _erasure,
        "customers/data_request": _noted,
        "shop/redact": _noted,
    }
)

STOREFRONT = Shopify()
