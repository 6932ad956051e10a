"""One purchase that Shopify tells by two doors, webhooks and the Admin API, is one in the store."""

from datetime import UTC, datetime, timedelta

import pytest

from models.events import Event
from store.schema import CARTS, ORDERS
from storefronts.shopify_nodes import checkout_event, order_event
from storefronts.shopify_people import Sent
from tests.known_shop import KnownShop
from tests.shop_double import ShopCart, ShopOrder
from tests.shopify import CART, CHECKOUT, CUSTOMER, LEA, fixture, read
from tests.shopify_double import checkout_node, moment, order_node

LEFT = datetime(2026, 11, 2, 17, 31, 7, tzinfo=UTC)
BOUGHT = datetime(2026, 11, 2, 18, 2, 15, tzinfo=UTC)
SENT = Sent("admin/orders", "", "FR", None, BOUGHT)
NUMBER = 820982911946154508


def left() -> Event:
    return read("checkouts/update", fixture("checkouts_update"))


def bought(email: str = LEA, customer: int | None = int(CUSTOMER), token: str | None = CART) -> Event:
    """Return the order as the poll tells it."""
    return order_event(order_node(ShopOrder(NUMBER, BOUGHT, BOUGHT, "paid", email, customer, token)), SENT)


def abandoned(token: str = CHECKOUT, **changes: object) -> Event:
    """Return the checkout as the poll tells it."""
    node = checkout_node(ShopCart(5, token, LEFT, LEA, int(CUSTOMER)))
    return checkout_event(node | changes, SENT._replace(topic="admin/carts"))


async def test_a_polled_order_ends_the_cart_of_a_webhook_although_a_stranger_paid(shop: KnownShop) -> None:
    await shop.hears(left())
    await shop.hears(bought("uncle@example.fr", None))
    assert (await shop.journey())["outcome"] == "purchased"


async def test_a_polled_order_without_a_token_ends_the_cart_of_its_customer(shop: KnownShop) -> None:
    await shop.hears(left())
    await shop.hears(bought(token=None))
    assert (await shop.journey())["outcome"] == "purchased"


@pytest.mark.parametrize("token", [CHECKOUT, CART])
@pytest.mark.parametrize("polled_first", [True, False])
async def test_a_polled_checkout_is_the_cart_of_the_webhook(shop: KnownShop, token: str, polled_first: bool) -> None:
    both = [abandoned(token), left()]
    for event in both if polled_first else both[::-1]:
        await shop.hears(event)
    await shop.hears(bought(), at=BOUGHT)
    assert (await shop.journey())["outcome"] == "purchased"


@pytest.mark.parametrize("polled_first", [True, False])
async def test_an_order_of_both_doors_is_one(shop: KnownShop, polled_first: bool) -> None:
    both = [bought(), read("orders/create", fixture("orders_create"))]
    for event in both if polled_first else both[::-1]:
        await shop.hears(event)
    assert (await shop.row(ORDERS))["status"] == "paid"


async def test_a_completed_checkout_that_is_polled_late_begins_nothing_and_counts_no_order(shop: KnownShop) -> None:
    await shop.hears(left())
    await shop.hears(bought())
    await shop.hears(abandoned(completedAt=moment(BOUGHT)), at=BOUGHT + timedelta(minutes=5))
    assert (await shop.journey())["outcome"] == "purchased"
    assert len(await shop.rows(ORDERS)) == 1
    assert [row["lines"] for row in await shop.rows(CARTS)] == [[]]
