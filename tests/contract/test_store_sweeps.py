from dataclasses import replace
from datetime import datetime

import pytest

from models.events import ConsentEntry, Person
from models.operators import Op
from models.policy import InactiveTrigger
from models.rules import Comparison, Rule
from models.vocabulary import Channel, ConsentState, Outcome
from store import policies, rfm, sweeps
from store.db import Database
from store.schema import CUSTOMERS, JOURNEYS, OUTBOX
from store.sweeps import Cursor
from tests.builders import DAY, NOON, checkout, identify, opened, order, person, viewed
from tests.known_shop import CART, INACTIVE, SHOP, KnownShop, known_shop

THRESHOLD = 180 * DAY


async def seen(shop: KnownShop, name: str, at: datetime) -> None:
    await shop.hears(viewed(person(name), at), at=at)


async def with_trigger(db: Database, trigger: InactiveTrigger, audience: Rule | None = None) -> KnownShop:
    return await known_shop(db, CART, replace(INACTIVE, trigger=trigger, audience=audience, hash=""))


async def test_whoever_is_quiet_for_the_threshold_is_found(shop: KnownShop) -> None:
    await seen(shop, "jeanne", NOON - THRESHOLD)
    await seen(shop, "paul", NOON - THRESHOLD + DAY)
    assert await shop.sweep(NOON) == 1
    journey = await shop.journey()
    assert journey["customer_id"] == (await shop.customer("jeanne"))["id"]
    assert (journey["kind"], journey["since"], journey["policy"]) == ("inactive", NOON - THRESHOLD, "inactive")
    assert [row["call"] for row in await shop.rows(OUTBOX)] == ["start"]


async def test_whoever_is_gone_for_too_long_is_left_alone(shop: KnownShop) -> None:
    await seen(shop, "jeanne", NOON - 1096 * DAY)
    assert await shop.sweep(NOON) == 0


async def test_whoever_cannot_be_reached_is_left_alone(shop: KnownShop) -> None:
    await shop.hears(viewed(Person("jeanne"), NOON - THRESHOLD))
    assert await shop.sweep(NOON) == 0


async def test_an_unknown_last_activity_counts_from_when_we_first_heard_of_somebody(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne"), NOON - 10 * DAY), at=NOON - 10 * DAY)
    assert await shop.sweep(NOON) == 0
    assert await shop.sweep(NOON + THRESHOLD) == 1


async def test_one_spell_is_found_once(shop: KnownShop) -> None:
    await seen(shop, "jeanne", NOON - THRESHOLD)
    assert await shop.sweep(NOON) == 1
    assert await shop.sweep(NOON) == 0
    await shop.close((await shop.journey())["id"], Outcome.EXHAUSTED, NOON + 10 * DAY)
    assert await shop.sweep(NOON + 400 * DAY) == 0


async def test_a_new_spell_is_found_after_the_reentry_time(db: Database) -> None:
    shop = await with_trigger(db, InactiveTrigger(inactive_after=10 * DAY, reentry=90 * DAY))
    await seen(shop, "jeanne", NOON - 10 * DAY)
    assert await shop.sweep(NOON) == 1
    await seen(shop, "jeanne", NOON + DAY)
    assert (await shop.journey())["outcome"] == "reengaged"
    assert await shop.sweep(NOON + 89 * DAY) == 0
    assert await shop.sweep(NOON + 91 * DAY) == 1


async def test_whoever_has_an_open_cart_journey_is_left_alone(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne"), at=NOON - THRESHOLD))
    assert await shop.sweep(NOON) == 0


async def test_a_sweep_starts_no_more_than_it_may(db: Database) -> None:
    shop = await with_trigger(db, InactiveTrigger(per_sweep=2))
    for name in ("anne", "jeanne", "paul"):
        await seen(shop, name, NOON - THRESHOLD)
    assert await shop.sweep(NOON) == 2
    assert await shop.sweep(NOON) == 1


async def test_a_sweep_goes_on_page_by_page(shop: KnownShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 2)
    for number in range(5):
        await seen(shop, f"p{number}", NOON - THRESHOLD)
    assert await shop.sweep(NOON) == 5
    assert len({one["customer_id"] for one in await shop.rows(JOURNEYS)}) == 5


async def test_a_page_says_where_the_next_one_begins(shop: KnownShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 1)
    await seen(shop, "jeanne", NOON - THRESHOLD)
    found, following = await shop.db.read(sweeps.find_page, Cursor(), NOON)
    assert len(found) == 1
    assert following is not None
    assert Cursor.read(str(following)) == following
    assert await shop.rows(JOURNEYS) == []


async def test_only_the_audience_is_found(db: Database) -> None:
    little_engaged = Comparison("customer.engagement", Op.LT, 30)
    shop = await with_trigger(db, InactiveTrigger(), little_engaged)
    for name in ("jeanne", "paul"):
        await seen(shop, name, NOON - THRESHOLD)
    agreed = ConsentEntry(Channel.EMAIL, "open_tracking", ConsentState.GRANTED, "form", NOON - 9 * DAY)
    await shop.hears(*(opened(person("paul", agreed), NOON - days * DAY) for days in (1, 2, 3)))
    assert await shop.sweep(NOON) == 1
    assert (await shop.journey())["customer_id"] == (await shop.customer("jeanne"))["id"]


async def test_without_a_policy_nobody_is_found(shop: KnownShop) -> None:
    await seen(shop, "jeanne", NOON - THRESHOLD)
    await shop.db.write(policies.activate, [CART], NOON)
    assert await shop.sweep(NOON) == 0


async def test_buyers_are_ranked_among_each_other(shop: KnownShop) -> None:
    for number in range(1, 6):
        who = person(f"p{number}")
        for count in range(number):
            await shop.hears(order(who, f"O{number}-{count}", at=NOON - (6 - number) * DAY, value=1000 * number))
    await seen(shop, "visitor", NOON)
    assert await shop.db.write(rfm.rescore, SHOP, NOON) == 5
    ranked = {
        one["external_id"]: (one["rfm_recency"], one["rfm_frequency"], one["rfm_monetary"])
        for one in await shop.rows(CUSTOMERS)
    }
    assert ranked["p1"] == (1, 1, 1)
    assert ranked["p5"] == (5, 5, 5)
    assert ranked["visitor"] == (None, None, None)
