"""What Shopify's checkouts, orders and customers mean as events, whether a webhook or the Admin API told of them."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from models.events import CartFacts, Event, EventType, OrderFacts, OrderStatus, Person, Scalar, content_key
from storefronts.shopify_goods import checkout_of, completed_checkout, order_of
from storefronts.shopify_people import Sent, buyer, email, utc
from storefronts.shopify_shapes import CheckoutPayload, Lines, OrderPayload, Purchase

NOBODY = Person()
_ORDER_TYPES = {OrderStatus.CANCELLED: EventType.ORDER_CANCELLED, OrderStatus.REFUNDED: EventType.ORDER_REFUNDED}


class Meaning(NamedTuple):
    """What a body means; `told` is the time that the resource itself bears."""

    type: EventType
    told: datetime | None = None
    person: Person = NOBODY
    cart: CartFacts | None = None
    order: OrderFacts | None = None
    properties: Mapping[str, Scalar] = MappingProxyType({})
    notes: tuple[str, ...] = ()


def event_of(found: Meaning, sent: Sent) -> Event:
    """Make the event, with a key that a repetition shares and a newer state does not.

    The content decides: topic, all that was understood of the body, and the time that it bears. The same content is
    one event, however its JSON was written and under whatever ids it came; another content is another event even
    under the same id, for a state that is lost is worse than one that is applied twice. A body that bears no time,
    like an erasure, takes the one of its headers, and without that their event or delivery id: so a retry counts
    once, and the same wish of a year later counts again.
    """
    at, properties = utc(found.told) or sent.triggered, dict(found.properties)
    content = (found.type, found.person, found.cart, found.order, properties)
    return Event(
        content_key("shopify", sent.topic, at or sent.id, *content),
        found.type,
        sent.topic,
        at or sent.at,
        found.person,
        found.cart,
        found.order,
        properties=properties,
        notes=found.notes,
    )


def checkout_meaning(given: CheckoutPayload, sent: Sent) -> Meaning:
    """Return what a checkout means: a cart, or from its completion on the order that is still to come."""
    person = buyer(given, sent)
    notes = notes_of(given, person)
    if given.completed_at:
        order = completed_checkout(given)
        return Meaning(EventType.ORDER_COMPLETED, given.completed_at, person, order=order, notes=notes)
    kind = EventType.CHECKOUT_STARTED if sent.topic == "checkouts/create" else EventType.CART_UPDATED
    return Meaning(kind, given.updated_at or given.created_at, person, cart=checkout_of(given), notes=notes)


def order_meaning(given: OrderPayload, sent: Sent) -> Meaning:
    """Return what an order means."""
    order = order_of(given, sent.topic)
    kind = _ORDER_TYPES.get(order.status, EventType.ORDER_COMPLETED)
    person = buyer(given, sent, given.contact_email)
    return Meaning(kind, given.updated_at or given.created_at, person, order=order, notes=notes_of(given, person))


def notes_of(given: Lines, person: Person = NOBODY) -> tuple[str, ...]:
    """Say what of the body was left out."""
    lost = given.line_items.count(None) if given.line_items else 0
    notes = [f"line_items: {lost} could not be read, left out"] if lost else []
    if not isinstance(given, Purchase):
        return tuple(notes)
    # An address that became the person's own has been looked at.
    if given.email and given.email != person.email and email(given.email) is None:
        notes.append("email: no valid address, left out")
    if given.phone and person.phone is None:
        notes.append("phone: no valid number, left out")
    return tuple(notes)
