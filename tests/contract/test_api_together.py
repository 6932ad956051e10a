"""Bodies that arrive together are committed together, and each gets its own answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from api.together import Together
from models.events import Event, EventType, Person
from store.schema import EVENTS
from tests.api_app import Api, checkout, serving
from tests.builders import NOON
from tests.known_shop import KnownShop


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url) as one:
        yield one


def view(key: str, who: str = "jeanne") -> Event:
    return Event(key, EventType.PRODUCT_VIEWED, "Product Viewed", NOON, Person(who))


def together(shop: KnownShop) -> Together:
    return Together(shop.db, lambda: NOON)


async def test_bodies_that_arrive_at_once_are_all_answered_and_all_stored(shop: KnownShop) -> None:
    door = together(shop)
    bodies = [[view(f"{body}-{one}", f"p{body}") for one in range(3)] for body in range(40)]
    answers = await asyncio.gather(*(door.ingest("main", body, shop.cart, "shopify") for body in bodies))
    assert [(one.accepted, one.duplicates) for one in answers] == [(3, 0)] * 40
    assert len(await shop.rows(EVENTS)) == 120


async def test_whoever_has_arrived_a_moment_later_goes_into_the_same_commit(shop: KnownShop) -> None:
    moments = (NOON + timedelta(seconds=one) for one in count())
    door = Together(shop.db, lambda: next(moments))

    async def later(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        await door.ingest("main", [view(f"{number}")], None, "shopify")

    await asyncio.gather(*(later(number) for number in range(10)))
    assert len({row["received_at"] for row in await shop.rows(EVENTS)}) == 1


async def test_of_one_event_in_several_bodies_the_first_counts(shop: KnownShop) -> None:
    door = together(shop)
    answers = await asyncio.gather(*(door.ingest("main", [view("same")], shop.cart, "shopify") for _ in range(9)))
    assert sorted((one.accepted, one.duplicates) for one in answers) == [(0, 1)] * 8 + [(1, 0)]
    assert len(await shop.rows(EVENTS)) == 1


async def test_what_has_been_committed_a_moment_ago_is_a_repetition_without_asking_the_store(shop: KnownShop) -> None:
    door = together(shop)
    assert (await door.ingest("main", [view("one"), view("two")], shop.cart, "shopify")).accepted == 2
    await shop.db.aclose()
    again = await door.ingest("main", [view("two"), view("one")], shop.cart, "shopify")
    assert (again.accepted, again.duplicates, again.outbox) == (0, 2, ())


async def test_what_is_only_partly_a_repetition_is_stored_and_of_another_shop_it_is_none(shop: KnownShop) -> None:
    door = together(shop)
    await door.ingest("main", [view("one")], None, "shopify")
    mixed = await door.ingest("main", [view("one"), view("two")], None, "shopify")
    assert (mixed.accepted, mixed.duplicates) == (1, 1)
    assert (await door.ingest("other", [view("one")], None, "shopify")).accepted == 1


async def test_what_could_not_be_committed_is_no_repetition(shop: KnownShop) -> None:
    door = together(shop)
    broken = replace(view("one"), properties={"score": object()})  # type: ignore[dict-item] # no door makes it
    with pytest.raises(TypeError):
        await door.ingest("main", [broken], None, "shopify")
    assert (await door.ingest("main", [view("one")], None, "shopify")).accepted == 1


async def test_bodies_of_different_shops_and_doors_do_not_mix(shop: KnownShop) -> None:
    door = together(shop)
    places = [("main", "shopify"), ("other", "shopify"), ("main", "events")] * 4
    await asyncio.gather(*(door.ingest(*(name, [view(f"{n}")], None, way)) for n, (name, way) in enumerate(places)))
    assert len(await shop.rows(EVENTS, shop="main")) == 8
    assert len(await shop.rows(EVENTS, shop="other")) == 4


async def test_a_body_that_cannot_be_stored_harms_no_other(shop: KnownShop) -> None:
    door = together(shop)
    broken = replace(view("broken"), properties={"score": object()})  # type: ignore[dict-item] # no door makes it
    bodies = [[view("one")], [broken], [view("two")], [view("three")]]
    answers = await asyncio.gather(
        *(door.ingest("main", body, shop.cart, "shopify") for body in bodies), return_exceptions=True
    )
    assert [isinstance(one, Exception) for one in answers] == [False, True, False, False]
    assert [row["key"] for row in await shop.rows(EVENTS)] == ["one", "three", "two"]


async def test_whoever_goes_away_meanwhile_takes_nobody_with_them(shop: KnownShop) -> None:
    door = together(shop)
    tasks = [asyncio.create_task(door.ingest("main", [view(f"{one}")], None, "shopify")) for one in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one.accepted for one in answers if not isinstance(one, BaseException)] == [1] * 4
    assert (await door.ingest("main", [view("last")], None, "shopify")).accepted == 1


async def test_each_call_over_http_hears_of_its_own_events_only(api: Api) -> None:
    bodies = [checkout(cart=f"c{one}", email=f"p{one}@example.com") for one in range(12)]
    answers = await asyncio.gather(*(api.post("/v1/events", body, 202) for body in bodies))
    assert [(one["accepted"], one["duplicates"]) for one in answers] == [(1, 0)] * 12
    again = await asyncio.gather(*(api.post("/v1/events", body, 202) for body in bodies))
    assert [(one["accepted"], one["duplicates"]) for one in again] == [(0, 1)] * 12
