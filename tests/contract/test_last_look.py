"""The last look before a send, by itself: what it asks, what it takes in, and what it spares a storefront."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from activities import looking
from activities.looking import FAILURES, KEPT_S, PLACES, REST_S, LastLook
from models.events import Event, OrderStatus
from models.look import Look
from models.vocabulary import Outcome
from store.audit import audit
from store.db import Database
from store.schema import EVENTS, JOURNEYS, ORDERS
from storefronts.base import Account, StorefrontAway, StorefrontGarbled, StorefrontRefused
from storefronts.magento_api import MagentoApi
from tests.builders import DAY, HOUR, MINUTE, NOON, checkout, order, person
from tests.contract.shop_api_rig import KEY
from tests.known_shop import SHOP, KnownShop, known_shop
from tests.looked_shop import LookedShop
from tests.magento_double import MagentoDouble
from tests.shop_double import Mood, ShopOrder

JEANNE = person("jeanne")
NOW = NOON + HOUR
FRESH = Look("magento", NOW)
Raises = Callable[[], Exception]


@dataclass
class Looks:
    """A shop, its storefront, and the look of one worker by a clock that a test moves."""

    shop: KnownShop
    api: LookedShop = field(default_factory=LookedShop)
    clock: float = 500.0

    def __post_init__(self) -> None:
        self.look = LastLook(self.shop.db, {SHOP: self.api}, lambda: NOW, lambda: self.clock)

    async def left(self, name: str = "jeanne") -> str:
        """Have somebody leave a cart, and return their id."""
        await self.shop.hears(checkout(person(name), f"T-{name}"))
        return str((await self.shop.customer(name))["id"])

    async def at(self, customer: str) -> Look | None:
        return await self.look.refresh(SHOP, customer)

    async def told(self) -> list[str]:
        return [row["key"] for row in await self.shop.rows(EVENTS)]


@pytest.fixture
async def looks(shop: KnownShop) -> Looks:
    return Looks(shop)


@pytest.fixture
async def on_sqlite(sqlite_db: Database) -> Looks:
    return Looks(await known_shop(sqlite_db))


def lost(name: str = "jeanne", status: OrderStatus = OrderStatus.PAID) -> Event:
    return order(person(name), f"O-{name}", [f"T-{name}"], NOON + 30 * MINUTE, status=status)


async def test_a_lost_order_is_taken_in_and_ends_the_journey_and_temporal_is_to_be_told(looks: Looks) -> None:
    jeanne = await looks.left()
    looks.api.orders = [lost()]
    assert await looks.at(jeanne) == FRESH
    journey = await looks.shop.journey()
    assert (journey["outcome"], journey["closed_at"]) == (Outcome.PURCHASED, NOON + 30 * MINUTE)
    assert (await looks.shop.row(ORDERS))["order_id"] == "O-jeanne"
    assert await looks.shop.db.read(audit) == []


async def test_an_order_that_a_webhook_told_counts_once_and_no_order_changes_nothing(looks: Looks) -> None:
    jeanne = await looks.left()
    await looks.shop.hears(pending := lost(status=OrderStatus.PENDING), at=NOW)
    looks.api.orders = [pending]
    before = await looks.told()
    assert await looks.at(jeanne) == FRESH
    assert await looks.told() == before
    assert (await looks.shop.journey())["outcome"] is None


async def test_the_storefront_is_asked_about_the_customer_alone_and_from_a_day_before_their_cart(looks: Looks) -> None:
    jeanne = await looks.left()
    await looks.left("paul")
    looks.api.orders = [lost("paul")]
    await looks.at(jeanne)
    ((buyer, since),) = looks.api.asked
    assert (buyer.external_id, buyer.email, buyer.tokens) == ("jeanne", "jeanne@example.com", frozenset({"T-jeanne"}))
    assert since == NOON - DAY
    assert {one["outcome"] for one in await looks.shop.rows(JOURNEYS)} == {None}


async def test_a_shop_without_a_storefront_to_ask_is_not_looked_at(on_sqlite: Looks) -> None:
    jeanne = await on_sqlite.left()
    nobody = LastLook(on_sqlite.shop.db, {"other": on_sqlite.api}, lambda: NOW)
    assert await nobody.refresh(SHOP, jeanne) is None
    assert nobody.unasked(SHOP) is None
    assert on_sqlite.api.asked == []


async def test_nobody_is_asked_about_whose_journeys_have_ended_meanwhile(on_sqlite: Looks) -> None:
    jeanne = await on_sqlite.left()
    await on_sqlite.shop.close((await on_sqlite.shop.journey())["id"], Outcome.CANCELLED, NOW)
    look = await on_sqlite.at(jeanne)
    assert look == Look("magento", None, "not asked, there is no open journey any more")
    assert on_sqlite.api.asked == []


async def test_what_is_no_order_is_not_taken_in(on_sqlite: Looks) -> None:
    jeanne = await on_sqlite.left()
    on_sqlite.api.garbage = [checkout(JEANNE, "T9", at=NOON + 40 * MINUTE)]
    assert await on_sqlite.at(jeanne) == FRESH
    assert len(await on_sqlite.shop.rows(JOURNEYS)) == 1
    assert len(await on_sqlite.told()) == 1


async def test_a_burst_about_one_customer_is_one_question_and_all_get_its_answer(looks: Looks) -> None:
    jeanne = await looks.left()
    looks.api.orders, looks.api.open = [lost()], asyncio.Event()
    burst = [asyncio.create_task(looks.at(jeanne)) for _ in range(20)]
    while not looks.api.asked:
        await asyncio.sleep(0)
    looks.api.open.set()
    assert await asyncio.gather(*burst) == [FRESH] * 20
    assert len(looks.api.asked) == 1


async def test_an_answer_counts_for_a_minute(on_sqlite: Looks) -> None:
    jeanne = await on_sqlite.left()
    for seconds, asked in ((0.0, 1), (KEPT_S - 1, 1), (1.0, 2), (KEPT_S, 3)):
        on_sqlite.clock += seconds
        assert await on_sqlite.at(jeanne) == FRESH
        assert len(on_sqlite.api.asked) == asked


async def test_answers_that_count_no_more_are_forgotten(on_sqlite: Looks) -> None:
    for number in range(5):
        await on_sqlite.at(await on_sqlite.left(f"n{number}"))
        on_sqlite.clock += KEPT_S / 2
    assert len(on_sqlite.look._lines[SHOP].told) == 2


async def test_a_failure_counts_for_those_who_waited_for_it_and_for_nobody_after(on_sqlite: Looks) -> None:
    jeanne = await on_sqlite.left()
    on_sqlite.api.problem, on_sqlite.api.open = lambda: StorefrontAway("magento answered 503"), asyncio.Event()
    burst = [asyncio.create_task(on_sqlite.at(jeanne)) for _ in range(10)]
    while not on_sqlite.api.asked:
        await asyncio.sleep(0)
    on_sqlite.api.open.set()
    assert await asyncio.gather(*burst) == [replace(FRESH, problem="magento answered 503")] * 10
    assert len(on_sqlite.api.asked) == 1
    on_sqlite.clock += 1
    on_sqlite.api.problem = None
    assert await on_sqlite.at(jeanne) == FRESH


async def test_whoever_gives_up_asking_leaves_the_others_their_answer(on_sqlite: Looks) -> None:
    jeanne = await on_sqlite.left()
    on_sqlite.api.open = asyncio.Event()
    first, second = (asyncio.create_task(on_sqlite.at(jeanne)) for _ in range(2))
    while not on_sqlite.api.asked:
        await asyncio.sleep(0)
    first.cancel()
    on_sqlite.api.open.set()
    assert await second == FRESH
    assert first.cancelled()


FAILURES_OF_ALL_KINDS: dict[str, tuple[Raises, str]] = {
    "away": (lambda: StorefrontAway("magento answered 503", timedelta(minutes=2)), "magento answered 503"),
    "no key": (lambda: StorefrontRefused("magento answered 401: check its key"), "magento answered 401: check its key"),
    "garbled": (lambda: StorefrontGarbled("magento answered no JSON"), "magento answered no JSON"),
    "its own time-out": (TimeoutError, "magento did not answer within 2 s"),
    "a shape nobody thought of": (
        lambda: KeyError("jeanne@example.com"),
        "magento answered what nobody understands (KeyError)",
    ),
}


@pytest.mark.parametrize("case", FAILURES_OF_ALL_KINDS)
async def test_whatever_goes_wrong_is_a_missing_answer_that_names_nobody(on_sqlite: Looks, case: str) -> None:
    jeanne = await on_sqlite.left()
    on_sqlite.api.problem, words = FAILURES_OF_ALL_KINDS[case]
    assert await on_sqlite.at(jeanne) == replace(FRESH, problem=words)


@pytest.mark.parametrize("garbage", [3, "text", [None], [[]], [{"order": 1}], {"a": 1}])
async def test_an_answer_of_the_wrong_shape_is_a_missing_one(on_sqlite: Looks, garbage: object) -> None:
    jeanne = await on_sqlite.left()
    on_sqlite.api.garbage = garbage
    look = await on_sqlite.at(jeanne)
    assert look is not None
    assert look.problem is not None
    assert look.problem.startswith("magento answered what nobody understands")


async def test_a_storefront_that_does_not_answer_is_waited_for_no_longer_than_two_seconds(on_sqlite: Looks) -> None:
    jeanne = await on_sqlite.left()
    on_sqlite.api.open = asyncio.Event()
    async with asyncio.timeout(3):
        assert await on_sqlite.at(jeanne) == replace(FRESH, problem="magento did not answer within 2 s")


async def test_after_a_row_of_failures_a_shop_is_left_in_peace_and_then_asked_once(on_sqlite: Looks) -> None:
    customers = [await on_sqlite.left(f"n{number}") for number in range(FAILURES + 3)]
    on_sqlite.api.problem = lambda: StorefrontAway("magento answered 503")
    for one in customers:
        await on_sqlite.at(one)
    assert len(on_sqlite.api.asked) == FAILURES
    on_sqlite.clock += REST_S
    peace = Look("magento", None, f"magento failed {FAILURES} times in a row and is left in peace for a while")
    assert [await on_sqlite.at(one) for one in customers[:2]] == [replace(FRESH, problem="magento answered 503"), peace]
    assert len(on_sqlite.api.asked) == FAILURES + 1
    on_sqlite.clock += REST_S
    on_sqlite.api.problem = None
    assert [await on_sqlite.at(one) for one in customers] == [FRESH] * len(customers)


async def test_only_a_few_customers_of_one_shop_are_asked_about_at_a_time(on_sqlite: Looks) -> None:
    customers = [await on_sqlite.left(f"n{number}") for number in range(3 * PLACES)]
    on_sqlite.api.open = asyncio.Event()
    burst = [asyncio.create_task(on_sqlite.at(one)) for one in customers]
    while len(on_sqlite.api.asked) < PLACES:
        await asyncio.sleep(0)
    on_sqlite.api.open.set()
    assert await asyncio.gather(*burst) == [FRESH] * len(customers)
    assert on_sqlite.api.most == PLACES


async def test_whoever_waits_too_long_for_a_place_is_told_so(on_sqlite: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PLACE_S", 0.02)
    customers = [await on_sqlite.left(f"n{number}") for number in range(PLACES + 1)]
    on_sqlite.api.open = asyncio.Event()
    first = [asyncio.create_task(on_sqlite.at(one)) for one in customers[:PLACES]]
    while len(on_sqlite.api.asked) < PLACES:
        await asyncio.sleep(0)
    busy = Look("magento", None, "magento is being asked about too many customers at once")
    assert await on_sqlite.at(customers[-1]) == busy
    on_sqlite.api.open.set()
    assert await asyncio.gather(*first) == [FRESH] * PLACES


async def test_others_write_while_a_storefront_is_silent(looks: Looks) -> None:
    jeanne = await looks.left()
    looks.api.open = asyncio.Event()
    look = asyncio.create_task(looks.at(jeanne))
    while not looks.api.asked:
        await asyncio.sleep(0.001)
    await looks.shop.hears(order(JEANNE, "O9", ["T-jeanne"], NOON + 20 * MINUTE))
    assert (await looks.shop.journey())["outcome"] == Outcome.PURCHASED
    looks.api.open.set()
    assert await look == FRESH


async def test_a_real_storefront_tells_the_order_and_its_moods_are_missing_answers(on_sqlite: Looks) -> None:
    jeanne = await on_sqlite.left()
    async with MagentoDouble() as double:
        api = MagentoApi(Account(double.url, KEY), 1.0)
        double.put(ShopOrder(1, NOON + MINUTE, NOON + MINUTE, email="jeanne@example.com"))
        for mood in sorted(Mood, key=lambda one: one is Mood.FINE):
            double.mood = mood
            one = LastLook(on_sqlite.shop.db, {SHOP: api}, lambda: NOW)
            look = await one.refresh(SHOP, jeanne)
            assert look is not None
            assert (look.problem is None) == (mood is Mood.FINE), mood
            assert "jeanne" not in (look.problem or "")
            assert ((await on_sqlite.shop.journey())["outcome"] == Outcome.PURCHASED) is (mood is Mood.FINE)
        await api.aclose()
