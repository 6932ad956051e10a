import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from models.events import Person
from store.db import StoreError
from store.schema import CARTS, CUSTOMERS, EVENTS, JOURNEYS, ORDERS, OUTBOX
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOBODY,
    NOON,
    added,
    basket,
    checkout,
    identify,
    line,
    order,
    person,
    removed,
    viewed,
)
from tests.known_shop import KnownShop

JEANNE = person("jeanne")


def held(cart: Mapping[str, Any]) -> dict[str, int]:
    return {one["product_id"]: one["quantity"] for one in cart["lines"]}


async def test_a_checkout_begins_a_journey_and_temporal_is_to_be_told(shop: KnownShop) -> None:
    told = await shop.hears(checkout(JEANNE))
    journey = await shop.journey()
    assert (told.accepted, told.duplicates) == (1, 0)
    assert [(row.journey_id, row.call) for row in told.outbox] == [(journey["id"], "start")]
    assert (journey["cart_token"], journey["status"], journey["policy"]) == ("T1", "waiting", "cart")
    assert journey["next_action_at"] == NOON + HOUR
    assert (await shop.row(OUTBOX))["next_try_at"] > NOON


async def test_a_repeated_event_counts_once(shop: KnownShop) -> None:
    event = checkout(JEANNE)
    await shop.hears(event)
    again = await shop.hears(event, event, viewed(JEANNE), at=NOON + HOUR)
    assert (again.accepted, again.duplicates) == (1, 2)
    assert len(await shop.rows(EVENTS)) == 2


async def test_the_same_batch_five_times_at_once_counts_once(shop: KnownShop) -> None:
    batch = [checkout(JEANNE), added(JEANNE, "T1", line("vase"), NOON + MINUTE), order(person("paul"), "O9")]
    results = await asyncio.gather(*(shop.hears(*batch) for _ in range(5)))
    assert sum(one.accepted for one in results) == 3
    assert sum(len(one.outbox) for one in results) == 1
    assert len(await shop.rows(EVENTS)) == 3
    assert held(await shop.row(CARTS)) == {"lamp": 1, "vase": 1}


async def test_the_same_anonymous_cart_five_times_at_once_counts_once(shop: KnownShop) -> None:
    batch = [basket(NOBODY), order(NOBODY, "O9", ["C9"])]
    results = await asyncio.gather(*(shop.hears(*batch) for _ in range(5)))
    assert sum(one.accepted for one in results) == 2
    assert len(await shop.rows(CARTS)) == len(await shop.rows(ORDERS)) == 1


async def test_what_is_added_at_once_to_an_anonymous_cart_is_all_in_it(shop: KnownShop) -> None:
    await shop.hears(basket(NOBODY, lines=[]))
    more = [added(NOBODY, "C1", line(f"p{number}"), NOON + number * MINUTE) for number in range(1, 7)]
    await asyncio.gather(*(shop.hears(one) for one in more))
    assert set(held(await shop.row(CARTS))) == {f"p{number}" for number in range(1, 7)}


async def test_an_older_update_after_a_newer_one_is_ignored(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, lines=[line("vase")], at=NOON + HOUR))
    await shop.hears(checkout(JEANNE, lines=[line("lamp")], at=NOON))
    cart = await shop.row(CARTS)
    assert held(cart) == {"vase": 1}
    assert cart["last_activity_at"] == NOON + HOUR
    assert cart["created_at"] == NOON


async def test_products_are_added_and_taken_away(shop: KnownShop) -> None:
    await shop.hears(added(JEANNE, "T1", line("lamp", quantity=2)))
    await shop.hears(added(JEANNE, "T1", line("vase", 1000), NOON + MINUTE))
    await shop.hears(removed(JEANNE, "T1", line("lamp"), NOON + 2 * MINUTE))
    cart = await shop.row(CARTS)
    assert held(cart) == {"lamp": 1, "vase": 1}
    assert cart["value"] == 5500


async def test_taking_away_nothing_in_particular_takes_the_whole_line(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, lines=[line("lamp", quantity=3), line("vase")]))
    await shop.hears(removed(JEANNE, "T1", line("lamp", quantity=0), NOON + MINUTE))
    assert held(await shop.row(CARTS)) == {"vase": 1}


async def test_an_emptied_cart_ends_the_journey_that_has_begun(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    journey = await shop.journey()
    await shop.assess(journey["id"], NOON + HOUR)
    told = await shop.hears(checkout(JEANNE, lines=[], at=NOON + 2 * HOUR))
    assert (await shop.journey())["outcome"] == "cart_emptied"
    assert [row.call for row in told.outbox] == ["stopped"]


async def test_an_emptied_cart_may_be_filled_again_before_its_time(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(checkout(JEANNE, lines=[], at=NOON + MINUTE))
    assert (await shop.journey())["status"] == "waiting"
    assessed = await shop.assess((await shop.journey())["id"], NOON + 2 * HOUR)
    assert assessed.outcome == "cart_emptied"


async def test_an_anonymous_cart_begins_nothing(shop: KnownShop) -> None:
    await shop.hears(basket(NOBODY))
    assert await shop.rows(JOURNEYS) == []


async def test_a_cart_of_somebody_without_an_address_begins_nothing(shop: KnownShop) -> None:
    await shop.hears(basket(Person("jeanne")))
    assert await shop.rows(JOURNEYS) == []


async def test_a_cart_that_was_old_when_it_was_first_heard_of_is_history(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, at=NOON - 3 * DAY - MINUTE), at=NOON)
    assert await shop.rows(JOURNEYS) == []
    assert len(await shop.rows(CARTS)) == 1


async def test_an_anonymous_cart_is_claimed_by_the_checkout_that_grows_from_it(shop: KnownShop) -> None:
    await shop.hears(basket(NOBODY, "C1"))
    await shop.hears(checkout(JEANNE, "T1", at=NOON + MINUTE, alias="C1"))
    journey = await shop.journey()
    assert journey["cart_token"] == "T1"
    await shop.hears(basket(NOBODY, "C1", [line("vase")], NOON + 2 * MINUTE))
    checked_out = await shop.row(CARTS, token="T1")
    assert held(checked_out) == {"vase": 1}
    assert checked_out["checkout_url"] is not None
    assert (await shop.journey())["cart_token"] == "T1"


async def test_emptying_the_cart_behind_a_checkout_ends_its_journey(shop: KnownShop) -> None:
    await shop.hears(basket(NOBODY, "C1"))
    await shop.hears(checkout(JEANNE, "T1", at=NOON + MINUTE, alias="C1"))
    await shop.assess((await shop.journey())["id"], NOON + 2 * HOUR)
    await shop.hears(basket(NOBODY, "C1", [], NOON + 3 * HOUR))
    assert (await shop.journey())["outcome"] == "cart_emptied"


async def test_a_cart_and_its_checkout_in_one_batch_are_one_cart(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, "T1", alias="C1"), basket(NOBODY, "C1", [line("vase")], NOON + MINUTE))
    assert held(await shop.row(CARTS)) == {"vase": 1}


async def test_an_event_from_the_future_counts_as_of_now(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, at=NOON + DAY), order(person("paul"), at=NOON + 2 * HOUR), at=NOON)
    assert (await shop.row(CARTS))["last_activity_at"] == NOON
    assert (await shop.row(ORDERS))["placed_at"] == NOON
    assert {one["last_activity_at"] for one in await shop.rows(CUSTOMERS)} == {NOON}
    assert {one["at"] for one in await shop.rows(EVENTS)} == {NOON}


async def test_an_event_of_long_ago_is_kept_as_it_was(shop: KnownShop) -> None:
    long_ago = NOON.replace(year=1990)
    await shop.hears(viewed(JEANNE, long_ago), at=NOON)
    assert (await shop.row(EVENTS))["at"] == long_ago


async def test_a_moved_clock_moves_what_is_heard(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE))
    jeanne = await shop.row(CUSTOMERS)
    change = CUSTOMERS.update().where(CUSTOMERS.c.id == jeanne["id"]).values(clock_s=86400)
    await shop.db.write(lambda connection: connection.execute(change))
    await shop.hears(checkout(JEANNE))
    journey = await shop.journey()
    assert journey["started_at"] == NOON + DAY
    assert journey["next_action_at"] - journey["since"] == timedelta(hours=1)


async def test_a_batch_goes_in_whole_or_not_at_all(shop: KnownShop) -> None:
    broken = checkout(person("paul"), "T2", [line("lamp", price=2**70)])
    with pytest.raises((StoreError, OverflowError)):  # no engine can hold that number
        await shop.hears(checkout(JEANNE), broken)
    assert await shop.rows(EVENTS) == await shop.rows(CUSTOMERS) == await shop.rows(JOURNEYS) == []


async def test_a_batch_of_five_hundred_goes_in(shop: KnownShop) -> None:
    batch = [checkout(person(f"p{number}"), f"T{number}") for number in range(250)]
    batch += [order(person(f"p{number}"), f"O{number}", [f"T{number}"], NOON + HOUR) for number in range(250)]
    told = await shop.hears(*batch)
    assert told.accepted == 500
    assert len(await shop.rows(CARTS)) == 250
    assert await shop.rows(JOURNEYS) == []
