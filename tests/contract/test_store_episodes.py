from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from models.events import Person
from models.journey import Assessment
from models.vocabulary import Outcome
from store.acts import ActName
from store.schema import CARTS, CUSTOMERS, JOURNEYS
from tests.builders import DAY, HOUR, MINUTE, NOON, checkout, clicked, identify, opened, order, person, viewed
from tests.known_shop import KnownShop

JEANNE = person("jeanne")
PAUL = person("paul")


async def closed(shop: KnownShop, outcome: Outcome, at: datetime = NOON + DAY) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.close((await shop.journey())["id"], outcome, at)


async def tokens(shop: KnownShop) -> list[tuple[str, str]]:
    return [(one["cart_token"], one["status"]) for one in await shop.rows(JOURNEYS)]


async def test_after_an_end_the_same_cart_rests_until_the_reentry_time_is_over(shop: KnownShop) -> None:
    await closed(shop, Outcome.EXHAUSTED)
    await shop.hears(checkout(JEANNE, at=NOON + 7 * DAY))
    assert len(await shop.rows(JOURNEYS)) == 1
    await shop.hears(checkout(JEANNE, at=NOON + 9 * DAY))
    first, second = await shop.rows(JOURNEYS)
    assert (second["status"], second["since"]) == ("waiting", NOON + 9 * DAY)
    assert first["episode"] != second["episode"]


async def test_without_new_activity_there_is_no_new_episode(shop: KnownShop) -> None:
    await closed(shop, Outcome.EXHAUSTED, NOON + HOUR)
    older = replace(JEANNE, first_name="J.")
    await shop.hears(checkout(older, at=NOON + MINUTE), at=NOON + 9 * DAY)
    assert len(await shop.rows(JOURNEYS)) == 1


async def test_what_staff_has_cancelled_never_begins_again(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.act((await shop.journey())["id"], ActName.CANCEL, NOON + HOUR)
    await shop.hears(checkout(JEANNE, at=NOON + 30 * DAY))
    assert [one["outcome"] for one in await shop.rows(JOURNEYS)] == ["cancelled"]


async def test_a_newer_cart_joins_the_open_journey(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, "T1"))
    told = await shop.hears(checkout(JEANNE, "T2", at=NOON + MINUTE))
    assert await tokens(shop) == [("T2", "waiting")]
    assert (await shop.journey())["next_action_at"] == NOON + MINUTE + HOUR
    assert list(told.outbox) == []


async def test_an_older_cart_does_not_take_the_journey_over(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, "T2"))
    await shop.hears(checkout(JEANNE, "T1", at=NOON - HOUR), at=NOON + MINUTE)
    assert await tokens(shop) == [("T2", "waiting")]


async def test_an_empty_cart_does_not_take_the_journey_over(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, "T1"))
    await shop.hears(checkout(JEANNE, "T2", lines=[], at=NOON + MINUTE))
    assert await tokens(shop) == [("T1", "waiting")]


async def test_a_cancelled_cart_does_not_take_the_journey_of_another_over(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, "T1"))
    await shop.act((await shop.journey())["id"], ActName.CANCEL, NOON + MINUTE)
    await shop.hears(checkout(JEANNE, "T2", at=NOON + 2 * MINUTE))
    await shop.hears(checkout(JEANNE, "T1", at=NOON + 3 * MINUTE))
    assert await tokens(shop) == [("T1", "closed"), ("T2", "waiting")]


async def test_of_two_carts_in_one_batch_the_newer_one_is_relaunched(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, "T1"), checkout(JEANNE, "T2", at=NOON + MINUTE))
    assert await tokens(shop) == [("T2", "waiting")]


async def test_a_cart_whose_journey_went_on_with_another_cart_has_a_later_episode_of_its_own(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, "T1"))
    await shop.hears(checkout(JEANNE, "T2", at=NOON + MINUTE))
    await shop.close((await shop.journey())["id"], Outcome.EXHAUSTED, NOON + DAY)
    await shop.hears(checkout(JEANNE, "T1", at=NOON + 9 * DAY))
    assert await tokens(shop) == [("T2", "closed"), ("T1", "waiting")]


async def test_a_cart_rests_after_the_journey_that_went_on_with_another_cart(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, "T1"))
    await shop.hears(checkout(JEANNE, "T2", at=NOON + MINUTE))
    await shop.close((await shop.journey())["id"], Outcome.EXHAUSTED, NOON + DAY)
    await shop.hears(checkout(JEANNE, "T1", at=NOON + 2 * DAY))
    assert await tokens(shop) == [("T2", "closed")]


async def test_a_cart_emptied_and_filled_in_one_batch_rests(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.assess((await shop.journey())["id"], NOON + HOUR)
    emptied = checkout(JEANNE, lines=[], at=NOON + 2 * HOUR)
    await shop.hears(emptied, checkout(JEANNE, at=NOON + 2 * HOUR + MINUTE))
    assert [one["outcome"] for one in await shop.rows(JOURNEYS)] == ["cart_emptied"]


async def test_a_cart_begins_a_journey_when_its_owner_can_be_reached(shop: KnownShop) -> None:
    await shop.hears(checkout(Person("jeanne")))
    assert await shop.rows(JOURNEYS) == []
    told = await shop.hears(identify(JEANNE, NOON + MINUTE))
    assert await tokens(shop) == [("T1", "waiting")]
    assert [row.call for row in told.outbox] == ["start"]
    assert (await shop.journey())["next_action_at"] == NOON + HOUR


async def test_an_address_that_comes_after_the_order_begins_nothing(shop: KnownShop) -> None:
    await shop.hears(checkout(Person("jeanne")), order(Person("jeanne"), at=NOON + MINUTE))
    await shop.hears(identify(JEANNE, NOON + HOUR))
    assert await shop.rows(JOURNEYS) == []


async def test_an_address_that_comes_too_late_for_a_cart_begins_nothing(shop: KnownShop) -> None:
    await shop.hears(checkout(Person("jeanne")))
    await shop.hears(identify(JEANNE, NOON + 4 * DAY))
    assert await shop.rows(JOURNEYS) == []


async def test_a_cart_that_changes_its_owner_leaves_the_former_one_in_peace(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    told = await shop.hears(checkout(PAUL, at=NOON + MINUTE))
    former, new = await shop.rows(JOURNEYS)
    assert former["outcome"] == "cart_emptied"
    assert new["customer_id"] == (await shop.customer("paul"))["id"]
    assert new["status"] == "waiting"
    assert sorted(row.call for row in told.outbox) == ["start", "stopped"]
    assert (await shop.row(CARTS))["journey_id"] == new["id"]


async def test_a_cart_that_goes_back_to_its_first_owner_rests(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(checkout(PAUL, at=NOON + MINUTE))
    await shop.hears(checkout(JEANNE, at=NOON + 2 * MINUTE))
    assert [one["status"] for one in await shop.rows(JOURNEYS)] == ["closed", "closed"]


async def test_a_cart_cancelled_for_one_owner_is_cancelled_for_all(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.act((await shop.journey())["id"], ActName.CANCEL, NOON + HOUR)
    await shop.hears(checkout(PAUL, at=NOON + 9 * DAY))
    assert len(await shop.rows(JOURNEYS)) == 1


async def test_activity_before_j0_moves_the_quiet_period(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    told = await shop.hears(checkout(JEANNE, at=NOON + 30 * MINUTE))
    journey = await shop.journey()
    assert journey["next_action_at"] == NOON + 90 * MINUTE
    assert list(told.outbox) == []
    assert (await shop.assess(journey["id"], NOON + HOUR)).until == NOON + 90 * MINUTE


async def test_a_quiet_cart_is_due(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    assessed = await shop.assess((await shop.journey())["id"], NOON + HOUR)
    assert assessed.j0 == NOON + HOUR
    assert [one.step for one in assessed.plan] == ["reminder", "social-proof", "incentive"]
    assert await shop.assess((await shop.journey())["id"], NOON + DAY) == assessed


async def test_an_unknown_journey_is_erased(shop: KnownShop) -> None:
    assert await shop.assess("nothing", NOON) == Assessment(outcome=Outcome.ERASED)


async def inactive(shop: KnownShop, quiet: timedelta = 200 * DAY) -> str:
    """Begin a journey of somebody inactive, and return its id."""
    await shop.hears(viewed(JEANNE, NOON - quiet), at=NOON - quiet)
    await shop.sweep(NOON)
    journey = await shop.journey(kind="inactive")
    await shop.assess(journey["id"], NOON)
    return str(journey["id"])


@pytest.mark.parametrize("back", [viewed, clicked, checkout])
async def test_somebody_inactive_who_comes_back_is_reengaged(shop: KnownShop, back: type) -> None:
    journey = await inactive(shop)
    await shop.hears(back(JEANNE, at=NOON + DAY))
    assert (await shop.journey(id=journey))["outcome"] == "reengaged"


async def test_somebody_inactive_who_buys_has_purchased(shop: KnownShop) -> None:
    journey = await inactive(shop)
    await shop.hears(order(JEANNE, at=NOON + DAY))
    assert (await shop.journey(id=journey))["outcome"] == "purchased"


@pytest.mark.parametrize("news", [opened, identify])
async def test_being_written_to_or_written_about_is_no_activity(shop: KnownShop, news: type) -> None:
    journey = await inactive(shop)
    await shop.hears(news(JEANNE, at=NOON + DAY))
    assert (await shop.journey(id=journey))["status"] == "waiting"


async def test_news_of_an_older_visit_reengages_nobody(shop: KnownShop) -> None:
    journey = await inactive(shop)
    await shop.hears(viewed(JEANNE, NOON - 300 * DAY), at=NOON + DAY)
    assert (await shop.journey(id=journey))["status"] == "waiting"
    assert (await shop.row(CUSTOMERS))["last_activity_at"] == NOON - 200 * DAY
