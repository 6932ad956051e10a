"""Magento Open Source and Adobe Commerce: quotes and orders, which their REST API tells to whoever asks.

Nothing is sent here: the signed webhooks of Adobe Commerce need a module, are off by default, and are not read. A quote
that became an order is inactive and no longer a cart; the API knows no link that brings a cart back, so there is none.

Not checked against a running shop: that every version fills `billing_address` with the address a guest typed before
they ordered, that `extension_attributes.shipping_assignments` is there for every quote, and which right opens the
totals (`Magento_Cart::manage` by the names of its resources).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from models.events import Event, EventType, OrderStatus, Unreadable, content_key
from storefronts.magento_goods import buyer, cart_of, order_of, shopper
from storefronts.magento_shapes import Found, Order, Quote, Totals
from storefronts.polled import Polled, fault_of

NAME: Final = "magento"
"""The storefront's name."""
_ORDER_TYPES: Final = {
    OrderStatus.CANCELLED: EventType.ORDER_CANCELLED,
    OrderStatus.REFUNDED: EventType.ORDER_REFUNDED,
}
_UNTAXED: Final = "items: priced without tax, as the list of carts has them"


class Magento(Polled):
    """What Magento's API answers; see https://developer.adobe.com/commerce/webapi/rest/ for its shapes."""

    name = NAME

    def translate(self, body: bytes, headers: Mapping[str, str], *, shop_country: str, at: datetime) -> list[Event]:
        """Return what a page of `carts/search` or `orders` means; see `Storefront.translate`."""
        try:
            found = Found.model_validate_json(body)
            read = [
                cart_event(Quote.model_validate(item), None, shop_country, at)
                if _is_quote(item)
                else order_event(Order.model_validate(item), shop_country, at)
                for item in found.items
            ]
        except ValidationError as error:
            raise Unreadable(fault_of(error)) from None
        return [event for event in read if event]


def order_event(given: Order, country: str, at: datetime) -> Event:
    """Return what an order means; `country` is for numbers without country code, `at` the time of last resort."""
    order, person = order_of(given), buyer(given, country)
    kind = _ORDER_TYPES.get(order.status, EventType.ORDER_COMPLETED)
    key = content_key(NAME, "orders", order.order_id, given.changed, person, order)
    return Event(key, kind, "orders", given.changed or at, person, order=order, notes=_notes(given.items))


def cart_event(given: Quote, totals: Totals | None, country: str, at: datetime) -> Event | None:
    """Return what a quote means, None for one that is no cart any more; see `order_event`."""
    if given.is_active is False:
        return None
    cart, person = cart_of(given, totals), shopper(given, country)
    key = content_key(NAME, "carts", cart.token, given.changed, person, cart)
    notes = _notes(given.items) if totals or not cart.lines else (*_notes(given.items), _UNTAXED)
    return Event(key, EventType.CART_UPDATED, "carts", given.changed or at, person, cart, notes=notes)


def _is_quote(item: object) -> bool:
    """Tell a quote from an order, which always has the name of a table's row."""
    return isinstance(item, dict) and "entity_id" not in item and "is_active" in item


def _notes(items: object) -> tuple[str, ...]:
    lost = sum(item is None for item in items) if isinstance(items, list) else 0
    return (f"items: {lost} could not be read, left out",) if lost else ()


STOREFRONT = Magento()
