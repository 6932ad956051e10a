"""What operators are shown of the polls: a storefront that fails is named, and does not stop the service."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from activities.polling import Polling
from api.app import create_app
from relay import Relay
from runtime import clock
from runtime.installation import Installation, opened
from runtime.shop_settings import ShopSettings
from settings import load_settings
from store import polls
from storefronts.base import StorefrontAway, StorefrontError
from tests.api_app import Json, nobody, serving
from tests.asked_shop import AskedShop
from tests.builders import checkout, order, person

PLACE = ("main", "woocommerce")
KEY = SecretStr("ck_of_the_tests:cs_of_the_tests")


@dataclass(frozen=True)
class Watched:
    """An installation with a storefront, and what its operator sees of it."""

    http: httpx.AsyncClient
    installation: Installation
    storefront: AskedShop
    polling: Polling

    async def round(self) -> None:
        """Ask once for each stream, as the activity does."""
        for stream in self.storefront.streams:
            known = await self.installation.db.read(polls.load, *PLACE, stream)
            try:
                await self.polling.read(self.storefront, known)
            except StorefrontError as error:
                await self.polling.fail(known, error)

    async def checks(self) -> Json:
        found: Json = (await self.http.get("/readyz")).json()["checks"]
        return found

    async def figure(self, name: str) -> float:
        """Return one figure of the orders' stream."""
        text = (await self.http.get("/metrics")).text
        found = re.search(rf'^{name}{{shop="main",stream="orders"}} (\S+)$', text, re.MULTILINE)
        assert found is not None
        return float(found[1])


@pytest.fixture
async def watched(tmp_path: Path, database_url: str) -> AsyncIterator[Watched]:
    shop = ShopSettings(woocommerce_key=KEY)
    async with opened(load_settings(home=tmp_path, database_url=database_url, shops=(shop,))) as installation:
        app = create_app(installation, Relay(installation.db, nobody, clock.now), nobody)
        storefront = AskedShop()
        polling = Polling(installation.db, {"main": storefront}, clock.now, timedelta(minutes=5))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relaunch.test") as http:
            yield Watched(http, installation, storefront, polling)


async def test_a_storefront_that_was_never_asked_is_named(watched: Watched) -> None:
    assert (await watched.checks())["storefronts"] == {"main": "never asked: does a worker run?"}


async def test_a_storefront_that_answers_is_well(watched: Watched) -> None:
    watched.storefront.logs["carts"] = [checkout(person(), at=clock.now())]
    await watched.round()
    assert (await watched.checks())["storefronts"] == {"main": "ok"}
    assert 0 <= await watched.figure("relaunch_poll_age_seconds") < 60
    assert await watched.figure("relaunch_poll_failing") == 0


async def test_a_storefront_that_fails_is_named_with_the_time_and_the_reason(watched: Watched) -> None:
    await watched.round()
    watched.storefront.problems["orders"] = StorefrontAway("woocommerce does not answer (ConnectTimeout)")
    await watched.round()
    await watched.round()
    checks = await watched.checks()
    said = r"orders failing since 20\S+, 2 in a row: woocommerce does not answer \(ConnectTimeout\)"
    assert re.fullmatch(said, checks["storefronts"]["main"])
    assert checks["store"] == "ok"
    assert await watched.figure("relaunch_poll_failing") == 2
    watched.storefront.problems.clear()
    await watched.round()
    assert (await watched.checks())["storefronts"] == {"main": "ok"}


async def test_failures_and_finds_are_counted(watched: Watched) -> None:
    async def figures() -> dict[str, float]:
        text = (await watched.http.get("/metrics")).text
        found = re.findall(r"^(relaunch_poll_\S+_total\S+) (\S+)$", text, re.MULTILINE)
        return {name: float(number) for name, number in found}

    before = await figures()
    watched.storefront.logs["orders"] = [order(person(), at=clock.now())]
    watched.storefront.unreadable = 3
    await watched.round()
    watched.storefront.problems["orders"] = StorefrontAway("away")
    await watched.round()
    after = await figures()
    grown = {name: number - before.get(name, 0) for name, number in after.items() if 'stream="orders"' in name}
    assert grown == {
        'relaunch_poll_items_total{result="accepted",shop="main",stream="orders"}': 1,
        'relaunch_poll_items_total{result="duplicate",shop="main",stream="orders"}': 0,
        'relaunch_poll_items_total{result="unreadable",shop="main",stream="orders"}': 3,
        'relaunch_poll_failures_total{kind="StorefrontAway",shop="main",stream="orders"}': 1,
    }


async def test_without_a_storefront_to_ask_there_is_nothing_to_show(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        assert (await api.http.get("/readyz")).json()["checks"]["storefronts"] == {}
        assert "relaunch_poll_age_seconds" in (await api.http.get("/metrics")).text
