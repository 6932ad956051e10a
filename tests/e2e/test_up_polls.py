"""A shop whose webhooks are all lost: what its storefront knows is found by asking it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime import clock
from tests.contract.shop_api_rig import KEY, cart, order
from tests.e2e.up import PATIENCE_S, Up
from tests.shopify_double import ShopifyDouble


@pytest.fixture
async def storefront() -> AsyncIterator[ShopifyDouble]:
    async with ShopifyDouble() as double:
        yield double


@pytest.fixture
async def up(tmp_path: Path, storefront: ShopifyDouble) -> AsyncIterator[Up]:
    """An installation that asks its storefront as often as it may, and has not been started."""
    installation = Up(tmp_path / "home", SHOPIFY_URL=storefront.url, SHOPIFY_TOKEN=KEY, POLL_EVERY="10s")
    yield installation
    await installation.aclose()


async def the_journey(up: Up) -> str:
    """Wait for the first journey of all."""
    async with asyncio.timeout(PATIENCE_S):
        while not (items := (await up.http.get("/v1/journeys")).json()["items"]):
            await asyncio.sleep(0.1)
    return str(items[0]["id"])


async def test_a_cart_and_its_order_are_found_though_every_webhook_is_lost(up: Up, storefront: ShopifyDouble) -> None:
    storefront.put(cart(1, clock.now()))
    await up.start()
    journey = await the_journey(up)
    storefront.put(order(1, clock.now()))
    await up.until(journey, outcome="purchased")
    answer = await up.http.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["storefronts"]) == (200, {"main": "ok"})
    code, output = await up.command("audit")
    assert code == 0, output
    assert up.messages() == []
    assert await up.stop() == 0
