"""How an app of the Dev Dashboard opens Shopify's Admin API: its credentials give a token for a day."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from storefronts.base import FIRST, Account, Buyer, StorefrontAway, StorefrontGarbled, StorefrontRefused
from storefronts.shopify_api import ShopifyApi
from storefronts.shopify_token import PATH
from tests.contract.channel_contract import everything_said
from tests.contract.shop_api_rig import CAMILLE, NOON, a_round, order
from tests.provider_double import Act, Reply
from tests.shopify_double import ShopifyDouble

GOOD = f"{ShopifyDouble.client}:{ShopifyDouble.secret}"
pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def facing(key: str = GOOD) -> AsyncIterator[tuple[ShopifyDouble, ShopifyApi]]:
    async with ShopifyDouble() as double:
        double.put(order(1))
        api = ShopifyApi(Account(double.url, key), 0.5)
        yield double, api
        await api.aclose()


def exchanges(double: ShopifyDouble) -> int:
    return sum(asked.path == PATH for asked in double.asked)


async def test_one_token_serves_many_questions_at_once() -> None:
    async with facing() as (double, api):
        buyer = Buyer("7", CAMILLE, tokens=frozenset({"tok-1"}))
        assert len(await api.orders_of(buyer, NOON - FIRST, NOON)) == 1
        assert (await a_round(api)).ids == ["1"]
        assert exchanges(double) == 1


async def test_a_token_that_is_taken_back_is_replaced() -> None:
    async with facing() as (double, api):
        await a_round(api)
        double.token = "pa55-another-key"
        assert (await a_round(api)).ids == ["1"]
        assert exchanges(double) == 2


async def test_a_token_is_not_used_in_its_last_minutes() -> None:
    async with facing() as (double, api):
        double.lasts = 300
        for _ in range(2):
            await a_round(api)
        assert exchanges(double) == 2


async def test_what_a_new_token_is_refused_too_is_not_asked_again() -> None:
    async with facing() as (double, api):
        await a_round(api)
        double.knows = lambda asked: asked.path == PATH  # type: ignore[method-assign]
        with pytest.raises(StorefrontRefused):
            await a_round(api)
        assert len(double.asked) == 5  # each token was tried once


@pytest.mark.parametrize(
    "key", ["client-of-the-app:pa55-another", ":pa55-secret-of-the-app", "client-of-the-app:", ":"]
)
async def test_wrong_credentials_are_refused_with_a_hint_and_without_repeating_them(key: str) -> None:
    async with facing(key) as (double, api):
        with pytest.raises(StorefrontRefused, match="client id and secret") as error:
            await a_round(api)
        assert len(double.asked) == 1
        assert "pa55" not in everything_said(error.value) + repr(api)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply(503), StorefrontAway),
        (Reply(429, b"", {"Retry-After": "2"}), StorefrontAway),
        (Act.DROP, StorefrontAway),
        (Act.HANG, StorefrontAway),
        (Reply(200, b"<html>"), StorefrontGarbled),
        (Reply(200, b"[]"), StorefrontGarbled),
        (Reply(200, b'{"access_token": 7, "expires_in": 9}'), StorefrontGarbled),
        (Reply(200, b'{"access_token": "pa55"}'), StorefrontGarbled),
    ],
)
async def test_without_a_token_nothing_is_asked(answer: Reply | Act, error: type[Exception]) -> None:
    async with facing() as (double, api):
        double.instead = answer
        with pytest.raises(error):
            await a_round(api)
        assert [asked.path for asked in double.asked] == [PATH]
        double.instead = None
        assert (await a_round(api)).ids == ["1"]
