"""PrestaShop's webservice against the contract, and what is its own: look-ups, ordered carts, clocks put back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.events import Event
from models.vocabulary import ConsentState
from storefronts.base import FIRST, Account, Buyer, ShopApi, StorefrontRefused
from storefronts.prestashop_api import PAGE, PrestaShopApi, open_api
from tests.contract.shop_api_contract import ShopApiContract
from tests.contract.shop_api_rig import CAMILLE, HOUR, MINUTE, NOON, a_round, cart, facts, order
from tests.prestashop_double import ZONE, PrestaShopDouble

BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""When the clocks of Paris go back from 3 to 2."""


@pytest.mark.asyncio
class TestPrestaShopApi(ShopApiContract):
    """The contract."""

    double = PrestaShopDouble
    page = PAGE
    wrong = (*ShopApiContract.wrong, b'{"orders": null}', b'{"orders": {"id": 1}}', b'{"errors": []}', b'["orders"]')
    finds_tokens = False  # those of the contract are no numbers; see below
    tells_tokens = False

    def open(self, url: str, key: str, timeout_s: float) -> ShopApi:
        return PrestaShopApi(Account(url, key, zone=ZONE), timeout_s)

    async def test_an_order_names_its_cart_and_is_found_by_it(self) -> None:
        async with self.facing(order(1), replace(order(2), email="eve@example.org", customer_id=8)) as (_, api):
            told = (await a_round(api)).events
            assert [event.order.cart_tokens for event in told if event.order] == [("1001",), ("1002",)]
            found = await api.orders_of(Buyer(tokens=frozenset({"1001", "1009"})), NOON - FIRST, NOON)
            assert [facts(event)[2] for event in found] == ["1"]

    async def test_a_cart_that_became_an_order_is_no_cart_any_more(self) -> None:
        ordered = replace(order(1, status="cancelled"), token="tok-1")
        async with self.facing(cart(1001), cart(3), ordered) as (_, api):
            told = (await a_round(api, stream="carts")).events
            assert [event.cart.token for event in told if event.cart] == ["3"]

    async def test_a_variant_costs_what_the_variant_costs(self) -> None:
        async with self.facing(cart(1), cart(2)) as (double, api):
            assert isinstance(double, PrestaShopDouble)
            double.variants[1] = 77
            told = (await a_round(api, stream="carts")).events
            lines = [line for event in told if event.cart for line in event.cart.lines]
            assert [(line.product_id, line.name, line.price) for line in lines] == [
                ("301", "Sandales", 7990),
                ("302", "Sandales", 7990),
            ]

    async def test_a_visitor_without_an_address_is_nobody(self) -> None:
        async with self.facing(replace(cart(1), email=None, customer_id=None)) as (_, api):
            (event,) = (await a_round(api, stream="carts")).events
            assert event.person.anonymous

    async def test_no_digest_of_a_password_is_asked_for(self) -> None:
        async with self.facing(order(1), cart(1)) as (double, api):
            for stream in api.streams:
                await a_round(api, stream=stream)
            await api.orders_of(Buyer("7", CAMILLE), NOON - FIRST, NOON)
            asked = [one.query.get("display") for one in double.asked if one.path == "/api/customers"]
            assert asked
            assert "full" not in asked
            assert not [display for display in asked if not display or "passwd" in display]

    @pytest.mark.parametrize(
        ("box", "state", "at"),
        [
            (("1", "2026-07-01 12:00:00"), ConsentState.GRANTED, datetime(2026, 7, 1, 10, tzinfo=UTC)),
            (("0", "2026-07-01 12:00:00"), ConsentState.WITHDRAWN, datetime(2026, 10, 1, 10, tzinfo=UTC)),
            (("0", "2026-10-02 12:00:00"), ConsentState.WITHDRAWN, datetime(2026, 10, 2, 10, 0, 1, tzinfo=UTC)),
        ],
    )
    async def test_the_newsletter_box_is_a_consent_with_its_date(
        self, box: tuple[str, str], state: ConsentState, at: datetime
    ) -> None:
        for stream in ("orders", "carts"):
            (entry,) = (await self.with_box(box, stream)).person.consents
            assert (entry.state, entry.at, entry.source) == (state, at, "prestashop")

    @pytest.mark.parametrize("box", [("1", "0000-00-00 00:00:00"), ("0", "0000-00-00 00:00:00"), ("", "2026-07-01")])
    async def test_a_box_without_date_or_answer_proves_nothing(self, box: tuple[str, str]) -> None:
        assert (await self.with_box(box, "orders")).person.consents == ()

    async def with_box(self, box: tuple[str, str], stream: str) -> Event:
        async with self.facing(order(1), cart(2)) as (double, api):
            assert isinstance(double, PrestaShopDouble)
            double.newsletter = dict(zip(("newsletter", "newsletter_date_add"), box, strict=True))
            (event,) = (await a_round(api, stream=stream)).events
            return event

    async def test_nothing_is_lost_when_the_clocks_are_put_back(self) -> None:
        first, second = BACK - 5 * MINUTE, BACK + 5 * MINUTE
        async with self.facing(order(1, first)) as (double, api):
            before = await a_round(api, at=BACK - 2 * MINUTE)
            double.put(order(2, second))
            after = await a_round(api, before.cursor, at=BACK + 10 * MINUTE)
            assert "2" in after.ids
            double.put(order(3, BACK + HOUR + MINUTE))
            assert "3" in (await a_round(api, after.cursor, at=BACK + HOUR + 5 * MINUTE)).ids

    async def test_an_order_of_the_hour_that_comes_twice_is_never_older_than_its_cart(self) -> None:
        for minutes in range(-70, 75, 5):
            now = BACK + minutes * MINUTE
            async with self.facing(replace(cart(9), updated_at=now), order(1, now)) as (_, api):
                (left,) = (await a_round(api, stream="carts", at=now + HOUR)).events
                (bought,) = (await a_round(api, at=now + HOUR)).events
                assert left.at <= now <= bought.at
                assert bought.order is not None
                assert bought.order.placed_at == bought.at

    async def test_a_question_in_the_hour_that_comes_twice_finds_the_order(self) -> None:
        for minutes in range(-70, 75, 5):
            now = BACK + minutes * MINUTE
            async with self.facing(order(1, now)) as (_, api):
                assert len(await api.orders_of(Buyer("7"), now - timedelta(seconds=0.5), now + MINUTE)) == 1

    async def test_a_date_in_the_future_hides_nothing_that_comes_while_nobody_asks(self) -> None:
        async with self.facing(order(1, NOON + timedelta(days=2))) as (double, api):
            first = await a_round(api)
            double.put(order(2, NOON + HOUR))
            assert "2" in (await a_round(api, first.cursor, at=NOON + 6 * HOUR)).ids

    async def test_a_cart_that_changes_between_two_pages_comes_again_and_hides_no_other(self) -> None:
        many = [cart(number, NOON - HOUR + timedelta(seconds=number)) for number in range(1, PAGE + 4)]
        async with self.facing(*many) as (double, api):
            first = await api.changes("carts", None, NOON)
            double.put(cart(1, NOON - MINUTE))
            rest = await a_round(api, first.cursor, stream="carts")
            tokens = [event.cart.token for event in (*first.events, *rest.events) if event.cart]
            assert sorted(tokens, key=int) == sorted([*(str(one.number) for one in many), "1"], key=int)


async def test_it_is_opened_without_asking_anything() -> None:
    api = open_api(Account("https://shop.example", "a-webservice-key"))
    assert api.streams == ("orders", "carts")
    assert "a-webservice-key" not in repr(api)
    await api.aclose()


@pytest.mark.parametrize(("url", "key"), [("http://shop.example", "a-key"), ("https://shop.example", "clé…")])
async def test_a_key_never_travels_in_the_open_and_is_one(url: str, key: str) -> None:
    api = open_api(Account(url, key))
    for stream in api.streams:
        with pytest.raises(StorefrontRefused) as error:
            await api.changes(stream, None, NOON)
        assert key not in str(error.value)
    await api.aclose()
