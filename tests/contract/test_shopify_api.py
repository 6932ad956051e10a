"""Shopify's Admin API against the contract of all storefronts' APIs, and what only Shopify does."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models.events import Event
from storefronts.base import FIRST, Account, Buyer, StorefrontAway, StorefrontGarbled, StorefrontRefused
from storefronts.registry import shop_api
from storefronts.shopify import STOREFRONT
from storefronts.shopify_api import ShopifyApi
from storefronts.shopify_queries import PAGE
from tests.contract.shop_api_contract import ShopApiContract
from tests.contract.shop_api_rig import CAMILLE, KEY, NOON, a_round, cart, order
from tests.provider_double import Reply
from tests.shop_double import ShopDouble, ShopOrder
from tests.shopify_double import ShopifyDouble, failure, moment, order_node


def searches(double: ShopDouble) -> list[str]:
    return [json.loads(asked.body)["variables"]["query"] for asked in double.asked]


_FINANCIAL = {"paid": "paid", "unpaid": "pending", "cancelled": "paid", "refunded": "refunded"}


class TestShopifyApi(ShopApiContract):
    """The contract."""

    double = ShopifyDouble
    page = PAGE
    wrong = (
        *ShopApiContract.wrong,
        b"[]",
        b'{"data": null}',
        b'{"data": {"page": {"nodes": {}}}}',
        b'{"data": {"page": {"nodes": []}}}',
        b'{"data": {"page": {"nodes": [], "pageInfo": {"hasNextPage": true}}}}',
        b'{"errors": "no"}',
        b'{"errors": [7, {"extensions": {"code": [1]}}], "extensions": {"cost": 7}}',
    )

    def open(self, url: str, key: str, timeout_s: float) -> ShopifyApi:
        return ShopifyApi(Account(url, key), timeout_s)

    def webhook(self, one: ShopOrder) -> Event | None:
        body = {
            "id": one.number,
            "cart_token": one.token,
            "email": one.email,
            "customer": {"id": one.customer_id, "email": one.email},
            "created_at": moment(one.placed_at),
            "processed_at": moment(one.placed_at),
            "updated_at": moment(one.updated_at),
            "cancelled_at": moment(one.updated_at) if one.status == "cancelled" else None,
            "financial_status": _FINANCIAL[one.status],
            "total_price_set": {"presentment_money": {"amount": f"{one.price / 100:.2f}", "currency_code": "EUR"}},
        }
        told = {"X-Shopify-Topic": "orders/updated"}
        (event,) = STOREFRONT.translate(json.dumps(body).encode(), told, shop_country="FR", at=NOON)
        return event

    @pytest.mark.parametrize("code", ["THROTTLED", "INTERNAL_SERVER_ERROR", "TIMEOUT"])
    async def test_an_error_of_the_moment_is_away(self, code: str) -> None:
        async with self.facing() as (double, api):
            double.instead = failure(code)
            with pytest.raises(StorefrontAway) as error:
                await api.changes("orders", None, NOON)
            assert error.value.retry_after is None

    async def test_an_overrun_shop_tells_when_it_has_points_again(self) -> None:
        status = {"maximumAvailable": 1000.0, "currentlyAvailable": 100, "restoreRate": 50.0}
        async with self.facing() as (double, api):
            double.instead = failure("THROTTLED", cost={"requestedQueryCost": 752, "throttleStatus": status})
            with pytest.raises(StorefrontAway) as error:
                await api.changes("orders", None, NOON)
            assert error.value.retry_after == timedelta(seconds=14)

    @pytest.mark.parametrize("points", ["1", "-1e400", "1e400", "NaN", "0", '"many"', "null", "9" * 400, "[]"])
    async def test_odd_points_are_an_overrun_all_the_same(self, points: str) -> None:
        status = f'{{"currentlyAvailable": 1, "restoreRate": {points}}}'
        cost = f'{{"requestedQueryCost": {points}, "throttleStatus": {status}}}'
        body = f'{{"errors": [{{"extensions": {{"code": "THROTTLED"}}}}], "extensions": {{"cost": {cost}}}}}'
        async with self.facing() as (double, api):
            double.instead = Reply(200, body.encode())
            with pytest.raises(StorefrontAway) as error:
                await api.changes("orders", None, NOON)
            assert error.value.retry_after in (None, timedelta(seconds=1))

    async def test_a_missing_scope_is_refused_and_named(self) -> None:
        async with self.facing() as (double, api):
            double.instead = failure("ACCESS_DENIED")
            with pytest.raises(StorefrontRefused, match="read_products"):
                await api.orders_of(Buyer("7"), NOON - FIRST, NOON)

    @pytest.mark.parametrize("code", ["MAX_COST_EXCEEDED", "undefinedField", ""])
    async def test_any_other_error_is_garbled(self, code: str) -> None:
        async with self.facing() as (double, api):
            double.instead = failure(code)
            with pytest.raises(StorefrontGarbled):
                await api.changes("carts", None, NOON)

    async def test_an_answer_with_data_and_an_error_is_not_half_believed(self) -> None:
        body = json.loads(failure("ACCESS_DENIED").body)
        body["data"] = {"page": {"nodes": [], "pageInfo": {"hasNextPage": False}}}
        async with self.facing() as (double, api):
            double.instead = Reply(200, json.dumps(body).encode())
            with pytest.raises(StorefrontRefused):
                await api.changes("orders", None, NOON)

    async def test_things_that_are_no_objects_are_counted(self) -> None:
        async with self.facing() as (double, api):
            page: dict[str, Any] = {
                "nodes": [7, None, "x", [], order_node(order(1))],
                "pageInfo": {"hasNextPage": False},
            }
            double.instead = Reply(200, json.dumps({"data": {"page": page}}).encode())
            told = await a_round(api)
            assert (told.ids, told.unreadable) == (["1"], 4)

    async def test_an_order_found_by_a_token_of_its_cart_bears_all_of_them(self) -> None:
        async with self.facing(replace(order(1), customer_id=None, email="b@example.org")) as (_, api):
            buyer = Buyer("7", CAMILLE, tokens=frozenset({"tok-1", "checkout-1"}))
            (found,) = await api.orders_of(buyer, NOON - FIRST, NOON)
            assert found.order is not None
            assert found.order.cart_tokens == ("tok-1", "checkout-1")

    async def test_what_a_search_finds_beside_the_person_is_left_out(self) -> None:
        async with self.facing(order(1)) as (double, api):
            other = {
                "data": {"page": {"nodes": [order_node(replace(order(2), email="eve@example.org", customer_id=8))]}}
            }
            double.instead = Reply(200, json.dumps(other).encode())
            assert await api.orders_of(Buyer("7", CAMILLE), NOON - FIRST, NOON) == []

    async def test_no_address_changes_what_is_searched(self) -> None:
        odd = (
            '"a\\\\b"@example.org',
            '"a\\" OR id:0 OR email:\\"b"@example.org',
            "o'brien@example.org",
            "a*@example.org",
        )
        async with self.facing(order(1)) as (double, api):
            for address in odd:
                assert await api.orders_of(Buyer(email=address), NOON - FIRST, NOON) == []
            assert all(query.count(" AND ") == 1 for query in searches(double))

    async def test_carts_are_read_with_the_link_that_leads_back(self) -> None:
        async with self.facing(cart(1)) as (double, api):
            (event,) = (await a_round(api, stream="carts")).events
            assert event.cart is not None
            assert event.cart.token == "tok-1"
            assert event.cart.checkout_url == "https://shop.example/548380009/checkouts/tok-1/recover?key=abc"
            assert event.person.email_verified
            assert searches(double) == ['updated_at:>="2026-10-26T12:00:00Z"']


def test_the_registry_opens_it() -> None:
    assert shop_api("shopify", Account("https://ebene.myshopify.com", KEY)).streams == ("orders", "carts")
