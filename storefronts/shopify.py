"""Shopify: webhooks signed with HMAC-SHA256, carts and checkouts without any word of abandonment."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from models.events import Event, EventType, Person, Unreadable
from models.vocabulary import Channel
from storefronts.base import BadSignature, check_hmac, lower
from storefronts.shopify_goods import cart_of, deleted_checkout
from storefronts.shopify_meaning import Meaning, checkout_meaning, event_of, notes_of, order_meaning
from storefronts.shopify_people import Sent, customer, email, entry, phone, utc
from storefronts.shopify_shapes import (
    CartPayload,
    CheckoutPayload,
    CustomerPayload,
    EmailConsentPayload,
    OrderPayload,
    PrivacyPayload,
    SmsConsentPayload,
)
from storefronts.shopify_topics import guessed_topic

_COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")
_TIME = TypeAdapter(AwareDatetime)


class Shopify:
    """Shopify's webhooks; see https://shopify.dev/docs/api/webhooks for topics and bodies."""

    name = "shopify"

    def verify(self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> None:
        """Check `X-Shopify-Hmac-SHA256`: base64 of HMAC-SHA256 over the raw body; see `Storefront.verify`."""
        given = lower(headers)
        check_hmac(body, _header(given, "x-shopify-hmac-sha256"), secrets, "X-Shopify-Hmac-SHA256")
        self._same_shop(body, given)

    def _same_shop(self, body: bytes, given: Mapping[str, str]) -> None:
        """Refuse an order to forget that names another shop than its header, which nobody has signed."""
        if _header(given, "x-shopify-topic").strip().lower() not in _COMPLIANCE:
            return
        try:
            named = PrivacyPayload.model_validate_json(body).shop_domain
        except ValidationError:
            return  # `translate` says what is wrong with it
        origin = self.origin(given)
        if named and origin and named.strip().lower() != origin:
            raise BadSignature("the signed body is about another shop than the one that X-Shopify-Shop-Domain names")

    def translate(self, body: bytes, headers: Mapping[str, str], *, shop_country: str, at: datetime) -> list[Event]:
        """Return what a webhook means; see `Storefront.translate`."""
        given = lower(headers)
        topic = _header(given, "x-shopify-topic").strip().lower()
        if not topic:
            raise Unreadable("there is no X-Shopify-Topic header")
        read = _TOPICS.get(topic)
        if read is None:
            return []
        number = _header(given, "x-shopify-event-id") or _header(given, "x-shopify-webhook-id")
        sent = Sent(topic, number, shop_country, _triggered(given), at)
        try:
            return [event_of(read(body, sent), sent)]
        except ValidationError as error:
            raise Unreadable(f"{topic}: {_fault(error)}") from None
        except Unreadable as error:
            raise Unreadable(f"{topic}: {error}") from None

    def origin(self, headers: Mapping[str, str]) -> str | None:
        """Return `X-Shopify-Shop-Domain`; see `Storefront.origin`."""
        return _header(lower(headers), "x-shopify-shop-domain").strip().lower() or None

    def greets(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Shopify signs everything; see `Storefront.greets`."""
        return False

    def guess(self, body: bytes) -> Mapping[str, str]:
        """Return the topic that a body looks like; see `Storefront.guess`."""
        topic = guessed_topic(body)
        return {"X-Shopify-Topic": topic} if topic else {}


def _header(given: Mapping[str, str], name: str) -> str:
    """Return a header of Shopify's, which newer deliveries spell without the X; empty when there is none."""
    return given.get(name) or given.get(name.removeprefix("x-")) or ""


def _triggered(given: Mapping[str, str]) -> datetime | None:
    told = _header(given, "x-shopify-triggered-at")
    try:
        return utc(_TIME.validate_python(told)) if told else None
    except ValidationError:
        return None


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "the body is not JSON"
    path = ".".join(str(part) for part in first["loc"])
    return f"{path} is missing or not what it should be" if path else "the body is not an object"


def _cart(body: bytes, _sent: Sent) -> Meaning:
    given = CartPayload.model_validate_json(body)
    when = given.updated_at or given.created_at
    return Meaning(EventType.CART_UPDATED, when, cart=cart_of(given), notes=notes_of(given))


def _checkout(body: bytes, sent: Sent) -> Meaning:
    return checkout_meaning(CheckoutPayload.model_validate_json(body), sent)


def _checkout_deleted(body: bytes, _sent: Sent) -> Meaning:
    cart = deleted_checkout(CheckoutPayload.model_validate_json(body))
    return Meaning(EventType.CART_UPDATED, cart=cart)


def _order(body: bytes, sent: Sent) -> Meaning:
    return order_meaning(OrderPayload.model_validate_json(body), sent)


def _customer(body: bytes, sent: Sent) -> Meaning:
    given = CustomerPayload.model_validate_json(body)
    return Meaning(EventType.IDENTIFY, given.updated_at or given.created_at, _known(customer(given, sent)))


def _customer_deleted(body: bytes, _sent: Sent) -> Meaning:
    given = CustomerPayload.model_validate_json(body)
    return Meaning(EventType.ERASE, person=_known(Person(external_id=given.id)))


def _email_consent(body: bytes, sent: Sent) -> Meaning:
    given = EmailConsentPayload.model_validate_json(body)
    record = given.email_marketing_consent
    found = entry(Channel.EMAIL, record, sent, sent.time(None))
    person = Person(given.customer_id, email(given.email_address), consents=(found,) if found else ())
    return Meaning(EventType.IDENTIFY, record.consent_updated_at, person)


def _sms_consent(body: bytes, sent: Sent) -> Meaning:
    given = SmsConsentPayload.model_validate_json(body)
    record = given.sms_marketing_consent
    found = entry(Channel.SMS, record, sent, sent.time(None))
    person = Person(given.id, phone=phone(given.phone, None, sent), consents=(found,) if found else ())
    return Meaning(EventType.IDENTIFY, record.consent_updated_at, person)


def _erasure(body: bytes, sent: Sent) -> Meaning:
    given = PrivacyPayload.model_validate_json(body).customer
    return Meaning(EventType.ERASE, person=_known(customer(given or CustomerPayload(), sent)))


def _data_request(body: bytes, sent: Sent) -> Meaning:
    """The shop must be told what is known of somebody; `data_request` is the number that Shopify gave the request."""
    given = PrivacyPayload.model_validate_json(body)
    number = given.data_request.id if given.data_request else None
    person = _known(customer(given.customer or CustomerPayload(), sent))
    return Meaning(EventType.DATA_REQUESTED, person=person, properties={"data_request": number} if number else {})


def _shop_erasure(body: bytes, _sent: Sent) -> Meaning:
    PrivacyPayload.model_validate_json(body)
    return Meaning(EventType.SHOP_REDACTED)


def _known(person: Person) -> Person:
    if person.anonymous:
        raise Unreadable("the customer's id is missing")
    return person


_TOPICS: Mapping[str, Callable[[bytes, Sent], Meaning]] = MappingProxyType(
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
        "orders/fulfilled": _order,
        "orders/partially_fulfilled": _order,
        "customers/create": _customer,
        "customers/update": _customer,
        "customers/enable": _customer,
        "customers/disable": _customer,
        "customers/delete": _customer_deleted,
        "customers_email_marketing_consent/update": _email_consent,
        "customers_marketing_consent/update": _sms_consent,
        # The same two as Shopify's own changelog writes them.
        "customers/email_marketing_consent_update": _email_consent,
        "customers/marketing_consent_update": _sms_consent,
        "customers/redact": _erasure,
        "customers/data_request": _data_request,
        "shop/redact": _shop_erasure,
    }
)

STOREFRONT = Shopify()
