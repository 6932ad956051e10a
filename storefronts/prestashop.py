"""PrestaShop: carts and orders, which its webservice tells to whoever asks.

Nothing is sent here: PrestaShop has hooks for its own modules and no webhooks. A cart that became an order stays in the
list of carts, so the orders are asked which ones. The webservice knows no link that brings a cart back, so there is
none.

Not checked against a running shop: that a price asked for by name (`price[asked]`) stands in a list as it does in one
product. Where it does not, the bare price without tax is taken.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from models.events import Event, EventType, OrderStatus, Unreadable, content_key
from storefronts.polled import Polled, fault_of
from storefronts.prestashop_goods import Known, cart_of, order_of, person_of
from storefronts.prestashop_shapes import Cart, Order

NAME: Final = "prestashop"
"""The storefront's name."""
_ORDER_TYPES: Final = {
    OrderStatus.CANCELLED: EventType.ORDER_CANCELLED,
    OrderStatus.REFUNDED: EventType.ORDER_REFUNDED,
}
_ALONE: Final = Known()
_NOTES: Final = (
    "times: read as UTC, a file does not say the shop's zone",
    "id_customer, id_currency, id_product: not looked up, a file does not hold them",
)


class PrestaShop(Polled):
    """What the webservice answers; see https://devdocs.prestashop-project.org/9/webservice/ for its resources."""

    name = NAME

    def translate(self, body: bytes, headers: Mapping[str, str], *, shop_country: str, at: datetime) -> list[Event]:
        """Return what a list of carts or orders means by itself, with times read as UTC; see `Storefront.translate`."""
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            raise Unreadable("the body is not JSON") from None
        try:
            if (orders := listed(value, "orders")) is not None:
                return [order_event(Order.model_validate(item), _ALONE, at, _NOTES) for item in orders]
            if (carts := listed(value, "carts")) is not None:
                return [cart_event(Cart.model_validate(item), _ALONE, at, _NOTES) for item in carts]
        except ValidationError as error:
            raise Unreadable(fault_of(error)) from None
        raise Unreadable("the body is no list of carts or orders")


def listed(value: object, resource: str) -> list[object] | None:
    """Return what a list holds, None when this is none of that resource; `[]` is the list of nothing."""
    if value == []:
        return []
    found = value.get(resource) if isinstance(value, dict) else None
    return found if isinstance(found, list) else None


def order_event(given: Order, known: Known, at: datetime, notes: tuple[str, ...] = ()) -> Event:
    """Return what an order means; `at` is the time of last resort."""
    order, person, changed = order_of(given, known), person_of(given, known), known.changed(given, late=True)
    kind = _ORDER_TYPES.get(order.status, EventType.ORDER_COMPLETED)
    key = content_key(NAME, "orders", order.order_id, changed, person, order)
    return Event(key, kind, "orders", changed or at, person, order=order, notes=notes)


def cart_event(given: Cart, known: Known, at: datetime, notes: tuple[str, ...] = ()) -> Event:
    """Return what a cart means, which must not have become an order; see `order_event`."""
    cart, person, changed = cart_of(given, known), person_of(given, known), known.changed(given)
    rows = given.associations.cart_rows if given.associations else []
    lost = sum(row is None for row in rows)
    notes = (*notes, f"cart_rows: {lost} could not be read, left out") if lost else notes
    key = content_key(NAME, "carts", cart.token, changed, person, cart)
    return Event(key, EventType.CART_UPDATED, "carts", changed or at, person, cart, notes=notes)


STOREFRONT = PrestaShop()
