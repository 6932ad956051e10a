"""WooCommerce's REST API against the contract, and what is special about its pages, its search and its key."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest

from models.events import Event, EventType
from storefronts.base import FIRST, Account, Buyer, ShopApi, StorefrontGarbled, StorefrontRefused
from storefronts.registry import shop_api
from storefronts.woocommerce_api import PAGE, WooCommerceApi
from tests import woocommerce
from tests.contract.shop_api_contract import ShopApiContract
from tests.contract.shop_api_rig import CAMILLE, HOUR, KEY, MINUTE, NOON, ShopApiRig, a_round, cart, order
from tests.provider_double import Asked, Reply
from tests.shop_double import ShopCart, ShopDouble, ShopOrder

STATUS = {"paid": "processing", "unpaid": "pending", "cancelled": "cancelled", "refunded": "refunded"}


def gmt(moment: datetime) -> str:
    """Return a time as WooCommerce writes it: in UTC, without a zone."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()


def paris(moment: datetime) -> str:
    """Return the same time as the shop's clock shows it in winter."""
    return gmt(moment + HOUR)


def written(one: ShopOrder | ShopCart, drafts_from: int = 10**6) -> dict[str, Any]:
    """Return an order or a draft as `GET /wp-json/wc/v3/orders` shows it."""
    whole, cents = divmod(one.price, 100)
    price = f"{whole}.{cents:02}"
    placed = one.placed_at if isinstance(one, ShopOrder) else one.updated_at
    status = STATUS[one.status] if isinstance(one, ShopOrder) else "checkout-draft"
    paid = status in ("processing", "refunded")
    name = "Sandales" if isinstance(one, ShopOrder) else one.product
    body = woocommerce.order(
        id=one.number if isinstance(one, ShopOrder) else drafts_from + one.number,
        status=status,
        order_key=one.token,
        customer_id=one.customer_id or 0,
        billing={"email": one.email or "", "first_name": "Camille", "phone": "0612345678", "country": "FR"},
        total=price,
        line_items=[woocommerce.line(name=name, quantity=1, subtotal=price, subtotal_tax="0.00", total=price)],
        refunds=[{"id": 1, "reason": "", "total": f"-{price}"}] if status == "refunded" else [],
        needs_payment=status == "pending",
        date_created=paris(placed),
        date_created_gmt=gmt(placed),
        date_modified=paris(one.updated_at),
        date_modified_gmt=gmt(one.updated_at),
        date_paid=paris(placed) if paid else None,
        date_paid_gmt=gmt(placed) if paid else None,
        meta_data=[],
    )
    body["line_items"][0]["total_tax"] = "0.00"
    if one.spoilt:
        del body["id"]
    return body


class WooDouble(ShopDouble):
    """`WC_REST_Orders_Controller::get_items`, with both of its order stores' habits that matter.

    `urldecodes`: the search decodes its words once more, as the order tables did until WooCommerce 8.
    `forgets_exclude`: a plugin that puts its own query in the place of WooCommerce's.
    """

    urldecodes = False
    forgets_exclude = False
    headless = False

    def knows(self, asked: Asked) -> bool:
        """Take the key as basic auth only."""
        told = base64.b64encode(f"ck_{KEY}:cs_{KEY}".encode()).decode()
        return asked.headers.get("authorization") == f"Basic {told}" and "consumer_key" not in asked.query

    def fine(self, asked: Asked) -> Reply:
        """Answer `GET /wp-json/wc/v3/orders`."""
        if asked.path != "/wp-json/wc/v3/orders":
            return Reply(404, b'{"code":"rest_no_route","message":"","data":{"status":404}}')
        query = asked.query
        wrong = self._wrong(query)
        if wrong:
            body = {"code": "rest_invalid_param", "message": f"Invalid parameter(s): {wrong}", "data": {"status": 400}}
            return Reply(400, json.dumps(body).encode())
        found = [one for one in self._rows() if self._wanted(one, query)]
        if query["order"] == "desc":
            found.reverse()
        size, page = int(query["per_page"]), int(query.get("page", "1"))
        begin = int(query.get("offset", str((page - 1) * size)))
        fields = {*query["_fields"].split(","), "_links"}
        shown = [{name: value for name, value in one.items() if name in fields} for one in found[begin : begin + size]]
        told = {} if self.headless else {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(-(-len(found) // size))}
        return Reply(200, json.dumps(shown).encode(), {"Content-Type": "application/json; charset=UTF-8", **told})

    def _rows(self) -> Sequence[dict[str, Any]]:
        rows = [*map(written, self.orders.values()), *map(written, self.carts.values())]
        numbers = [*self.orders, *(10**6 + number for number in self.carts)]
        paired = sorted(zip(rows, numbers, strict=True), key=lambda pair: (pair[0]["date_modified_gmt"], pair[1]))
        return [row for row, _ in paired]

    def _wrong(self, query: Mapping[str, str]) -> str:
        """Return the parameter that WordPress refuses."""
        bounds = {"order": ("asc", "desc"), "orderby": ("modified",), "dates_are_gmt": ("true",)}
        bad = [name for name, values in bounds.items() if query.get(name) not in values]
        return ", ".join(bad + (["per_page"] if not 1 <= int(query.get("per_page", "10")) <= 100 else []))

    def _wanted(self, one: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        # WordPress compares texts of its own clock's form: a zone would be moved, and `after` leaves the second out.
        if one["date_modified_gmt"] <= query["modified_after"] or query["modified_after"].endswith("Z"):
            return False
        if query["status"] != "any" and one["status"] != query["status"]:
            return False
        if not self.forgets_exclude and str(one.get("id")) in query.get("exclude", "").split(","):
            return False
        if "customer" in query and str(one["customer_id"]) != query["customer"]:
            return False
        return self._matches(one, query.get("search"))

    def _matches(self, one: Mapping[str, Any], words: str | None) -> bool:
        if words is None:
            return True
        words = (unquote_plus(words) if self.urldecodes else words).casefold()
        index = " ".join(str(value) for value in one["billing"].values()).casefold()
        return words in index or any(words in item["name"].casefold() for item in one["line_items"])


class WooRig(ShopApiRig):
    """The adapter before the double."""

    double = WooDouble
    page = PAGE
    finds_tokens = False

    def open(self, url: str, key: str, timeout_s: float) -> ShopApi:
        return WooCommerceApi(Account(url, f"ck_{key}:cs_{key}"), timeout_s)

    def webhook(self, one: ShopOrder) -> Event | None:
        return woocommerce.read("order.updated", written(one))


class TestWooCommerceApi(WooRig, ShopApiContract):
    """The contract."""


RIG = WooRig()


async def test_an_order_of_the_poll_is_a_repetition_of_its_webhook() -> None:
    async with RIG.facing(order(1)) as (_, api):
        (polled,) = (await a_round(api)).events
        assert polled.key == woocommerce.read("order.created", written(order(1))).key


async def test_drafts_are_told_as_carts_only() -> None:
    async with RIG.facing(order(1), cart(1)) as (_, api):
        orders, carts = await a_round(api), await a_round(api, stream="carts")
        assert [one.order is None for one in orders.events] == [False]
        assert [one.type for one in carts.events] == [EventType.CART_UPDATED]
        assert len(await api.orders_of(Buyer("7", CAMILLE), NOON - FIRST, NOON)) == 1


async def test_pages_of_drafts_alone_are_passed_over() -> None:
    drafts = [cart(number, NOON - HOUR + timedelta(seconds=number)) for number in range(1, PAGE + 5)]
    async with RIG.facing(*drafts, order(1, NOON)) as (_, api):
        told = await a_round(api)
        assert (told.ids, told.unreadable) == (["1"], 0)


async def test_an_order_that_changes_while_pages_are_read_pushes_no_other_off_its_page() -> None:
    many = [order(number, NOON - HOUR + timedelta(seconds=number // 3)) for number in range(1, PAGE + 50)]
    async with RIG.facing(*many) as (double, api):
        first = await api.changes("orders", None, NOON)
        double.put(order(3, NOON, "refunded"))
        told = {one.order.order_id for one in first.events if one.order}
        rest = (await a_round(api, first.cursor)).ids
        assert told | {*rest} == {str(one.number) for one in many}
        assert "3" in rest


async def test_more_than_a_url_can_name_in_one_second_are_all_found() -> None:
    many = [order(number) for number in range(1, 7 * PAGE + 2)]
    async with RIG.facing(*many, order(9999, NOON)) as (double, api):
        ids = (await a_round(api)).ids
        assert sorted(ids, key=int) == [str(one.number) for one in (*many, order(9999))]
        assert max(len(asked.query.get("exclude", "")) for asked in double.asked) < 2500


async def test_a_proxy_that_takes_the_number_of_pages_away_loses_nothing() -> None:
    many = [order(number, NOON - HOUR + timedelta(seconds=number)) for number in range(1, PAGE + 3)]
    async with RIG.facing(*many) as (double, api):
        assert isinstance(double, WooDouble)
        double.headless = True
        assert len((await a_round(api)).ids) == len(many)


async def test_pages_that_never_go_on_are_garbled_and_no_endless_round() -> None:
    async with RIG.facing(*(order(number) for number in range(1, PAGE + 3))) as (double, api):
        assert isinstance(double, WooDouble)
        double.forgets_exclude = True
        page = await api.changes("orders", None, NOON)
        with pytest.raises(StorefrontGarbled):
            await api.changes("orders", page.cursor, NOON)


async def test_a_page_of_which_nothing_can_be_read_is_no_reason_to_go_on() -> None:
    spoilt = [replace(order(number), spoilt=True) for number in range(1, PAGE + 3)]
    async with RIG.facing(*spoilt) as (_, api):
        with pytest.raises(StorefrontGarbled, match="nothing can be read"):
            await api.changes("orders", None, NOON)


async def test_rounds_without_news_begin_where_the_last_did() -> None:
    async with RIG.facing(order(1)) as (double, api):
        cursor = (await a_round(api)).cursor
        double.orders.clear()
        for minutes in (5, 10, 15):
            again = (await a_round(api, cursor, at=NOON + minutes * MINUTE)).cursor
            assert again == cursor


@pytest.mark.parametrize("decodes", [False, True])
@pytest.mark.parametrize("email", ["camille+sale@example.org", "c%41mille@example.org", "+sale@example.org"])
async def test_an_address_with_a_plus_is_found_in_every_version(email: str, *, decodes: bool) -> None:
    mine, other = (replace(order(1), email=email), replace(order(2), email="camille@example.org", customer_id=8))
    async with RIG.facing(mine, other) as (double, api):
        assert isinstance(double, WooDouble)
        double.urldecodes = decodes
        (found,) = await api.orders_of(Buyer(email=email), NOON - FIRST, NOON)
        assert found.order is not None
        assert found.order.order_id == "1"


async def test_only_whole_addresses_count_however_much_the_search_finds() -> None:
    others = [replace(order(n), email=f"{n}{CAMILLE}", customer_id=None) for n in range(2, 2 * PAGE)]
    async with RIG.facing(order(1), *others) as (double, api):
        (found,) = await api.orders_of(Buyer(email=CAMILLE), NOON - FIRST, NOON)
        assert found.order is not None
        assert found.order.order_id == "1"
        assert len(double.asked) == 2


async def test_a_search_that_finds_the_whole_shop_is_no_answer() -> None:
    others = [replace(order(n), email=f"{n}{CAMILLE}", customer_id=None) for n in range(2, 5 * PAGE + 5)]
    async with RIG.facing(*others) as (_, api):
        with pytest.raises(StorefrontGarbled):
            await api.orders_of(Buyer(email=CAMILLE), NOON - FIRST, NOON)


async def test_of_left_over_fields_only_the_carts_name_is_asked_for() -> None:
    async with RIG.facing(order(1)) as (double, api):
        await a_round(api)
        (asked,) = double.asked
        assert asked.query["include_meta"] == "_relaunch_cart"
        assert "shipping" not in asked.query["_fields"]


@pytest.mark.parametrize("url", ["http://boutique.example", "http://192.0.2.7", "boutique.example", ""])
async def test_the_key_never_travels_in_the_open(url: str) -> None:
    api = shop_api("woocommerce", Account(url, "ck_1:cs_1"))
    with pytest.raises(StorefrontRefused, match="RELAUNCH_WOOCOMMERCE_URL"):
        await api.changes("orders", None, NOON)
    await api.aclose()


@pytest.mark.parametrize("key", ["", "ck_1", "ck_1:", ":cs_1"])
async def test_half_a_key_is_told_to_the_operator(key: str) -> None:
    api = shop_api("woocommerce", Account("https://boutique.example", key))
    with pytest.raises(StorefrontRefused, match="RELAUNCH_WOOCOMMERCE_KEY"):
        await api.orders_of(Buyer("7"), NOON, NOON)
    await api.aclose()
