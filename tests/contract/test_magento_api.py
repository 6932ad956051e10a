"""Magento's API against the contract, and what is its own: totals, quotes that end meanwhile, quote ids."""

from dataclasses import replace
from datetime import timedelta

import pytest

from storefronts.base import FIRST, Account, Buyer, ShopApi, StorefrontGarbled, StorefrontRefused
from storefronts.magento_api import PAGE, MagentoApi, open_api
from tests.contract.shop_api_contract import ShopApiContract
from tests.contract.shop_api_rig import HOUR, NOON, a_round, cart, facts, order
from tests.magento_double import CARTS, MagentoDouble
from tests.provider_double import Reply


@pytest.mark.asyncio
class TestMagentoApi(ShopApiContract):
    """The contract."""

    double = MagentoDouble
    page = PAGE
    wrong = (*ShopApiContract.wrong, b"[]", b'{"items": null}', b'{"items": {"a": 1}}', b'{"items": [{"id": 1}]}')
    finds_tokens = False  # those of the contract are no numbers; see below
    tells_tokens = False

    def open(self, url: str, key: str, timeout_s: float) -> ShopApi:
        return MagentoApi(Account(url, key), timeout_s)

    async def test_an_order_names_its_quote_and_is_found_by_it(self) -> None:
        async with self.facing(order(1), replace(order(2), email="eve@example.org", customer_id=8)) as (_, api):
            told = (await a_round(api)).events
            assert [event.order.cart_tokens for event in told if event.order] == [("1001",), ("1002",)]
            found = await api.orders_of(Buyer(tokens=frozenset({"1001", "1009"})), NOON - FIRST, NOON)
            assert [facts(event)[2] for event in found] == ["1"]

    async def test_many_orders_of_one_person_cross_pages(self) -> None:
        many = [order(number, NOON - HOUR + timedelta(seconds=number // 2)) for number in range(1, PAGE + 9)]
        async with self.facing(*many) as (_, api):
            found = await api.orders_of(Buyer("7"), NOON - FIRST, NOON)
            assert [facts(event)[2] for event in found] == [str(one.number) for one in many]

    async def test_a_cart_is_priced_with_tax_and_an_ended_one_is_none(self) -> None:
        async with self.facing(cart(1), cart(2)) as (double, api):
            assert isinstance(double, MagentoDouble)
            double.gone.add(2)
            told = await a_round(api, stream="carts")
            assert [event.cart.token for event in told.events if event.cart] == ["1"]
            assert told.unreadable == 0

    async def test_totals_that_may_not_be_read_are_told_to_the_operator(self) -> None:
        async with self.facing(cart(1)) as (double, api):
            assert isinstance(double, MagentoDouble)
            double.totals = Reply(401, b'{"message": "The consumer isn\'t authorized to access %resources."}')
            with pytest.raises(StorefrontRefused):
                await api.changes("carts", None, NOON)

    async def test_a_date_in_the_future_hides_nothing_that_comes_while_nobody_asks(self) -> None:
        async with self.facing(order(1, NOON + timedelta(days=2))) as (double, api):
            first = await a_round(api)
            double.put(order(2, NOON + HOUR))
            assert "2" in (await a_round(api, first.cursor, at=NOON + 6 * HOUR)).ids

    async def test_a_cart_that_changes_between_two_pages_comes_again_and_hides_no_other(self) -> None:
        many = [cart(number, NOON - HOUR + timedelta(seconds=number)) for number in range(1, PAGE + 4)]
        async with self.facing(*many) as (double, api):
            first = await api.changes("carts", None, NOON)
            double.put(cart(1, NOON - timedelta(minutes=1)))
            rest = await a_round(api, first.cursor, stream="carts")
            tokens = [event.cart.token for event in (*first.events, *rest.events) if event.cart]
            assert sorted(tokens, key=int) == sorted([*(str(one.number) for one in many), "1"], key=int)

    @pytest.mark.parametrize("totals", [b"[]", b'{"items": []}', b'{"quote_currency_code": "EUR", "items": 1}'])
    async def test_totals_of_another_shape_are_garbled(self, totals: bytes) -> None:
        async with self.facing(cart(1)) as (double, api):
            assert isinstance(double, MagentoDouble)
            double.totals = Reply(200, totals)
            with pytest.raises(StorefrontGarbled):
                await api.changes("carts", None, NOON)

    async def test_only_active_quotes_are_asked_for(self) -> None:
        async with self.facing(cart(1)) as (double, api):
            await a_round(api, stream="carts")
            (asked,) = [one for one in double.asked if one.path == CARTS]
            assert ("is_active", "1") in {
                (value, asked.query[name.replace("[field]", "[value]")])
                for name, value in asked.query.items()
                if name.endswith("[field]") and "filter_groups" in name
            }


async def test_it_is_opened_without_asking_anything() -> None:
    api = open_api(Account("https://shop.example", "a-token"))
    assert api.streams == ("orders", "carts")
    assert "a-token" not in repr(api)
    await api.aclose()


@pytest.mark.parametrize(("url", "key"), [("http://shop.example", "a-key"), ("https://shop.example", "clé…")])
async def test_a_key_never_travels_in_the_open_and_is_one(url: str, key: str) -> None:
    api = open_api(Account(url, key))
    for stream in api.streams:
        with pytest.raises(StorefrontRefused) as error:
            await api.changes(stream, None, NOON)
        assert key not in str(error.value)
    await api.aclose()
