"""Forgetting a person: their rows go, the shop's sales figures and the proof of silence stay without a name."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from models.profile import CustomerState
from models.vocabulary import Channel
from store.objections import address_of, hidden
from store.schema import CARTS, CONSENTS, CUSTOMERS, DELIVERIES, EVENTS, ORDER_LINES, ORDERS, SUPPRESSIONS


def erase_customers(connection: Connection, shop: str, customers: Sequence[CustomerState]) -> None:
    """Delete what says who these customers are; objections go on to count under a hash of the address."""
    ids = [one.id for one in customers]
    if not ids:
        return
    carts = select(CARTS.c.id).where(CARTS.c.customer_id.in_(ids))
    connection.execute(delete(EVENTS).where(EVENTS.c.cart_id.in_(carts)))
    for table in (EVENTS, CONSENTS, CARTS):
        connection.execute(delete(table).where(table.c.customer_id.in_(ids)))
    for table in (ORDERS, ORDER_LINES):
        connection.execute(update(table).where(table.c.customer_id.in_(ids)).values(customer_id=None))
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.customer_id.in_(ids)).values(message=None))
    for customer in customers:
        for channel in Channel:
            address = address_of(channel, customer)
            if address is not None:
                _hide(connection, shop, channel, address)
    connection.execute(delete(CUSTOMERS).where(CUSTOMERS.c.id.in_(ids)))


def _hide(connection: Connection, shop: str, channel: Channel, address: str) -> None:
    place = (SUPPRESSIONS.c.shop == shop, SUPPRESSIONS.c.channel == channel, SUPPRESSIONS.c.address == address)
    connection.execute(update(SUPPRESSIONS).where(*place).values(address=hidden(shop, address), customer_id=None))
