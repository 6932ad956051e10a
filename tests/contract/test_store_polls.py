"""How far a storefront has been read: the cursor moves with the commit of what it stands behind, and never alone."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest
from sqlalchemy import Connection

from activities.polling import Polling
from models.events import Event
from models.polling import PollResult
from store import polls
from store.intake import Ingested
from store.polls import Poll
from store.schema import CONSENTS, EVENTS, JOURNEYS, ORDERS
from storefronts.base import StorefrontAway, StorefrontGarbled
from tests.asked_shop import AskedShop
from tests.builders import DAY, HOUR, MINUTE, NOON, checkout, granted, identify, order, person
from tests.known_shop import CART, SHOP, KnownShop

ORDERS_OF = (SHOP, "woocommerce", "orders")


class PowerCutError(Exception):
    """The process is gone in the middle of a transaction."""


async def load(shop: KnownShop) -> Poll:
    return await shop.db.read(polls.load, *ORDERS_OF)


async def advance(
    shop: KnownShop, asked: Poll, events: Sequence[Event], cursor: str, at: datetime = NOON, *, more: bool = False
) -> Ingested:
    return await shop.db.write(polls.advance, asked, events, cursor, CART, at, more=more)


def bought(number: int) -> Event:
    return order(person(f"buyer{number}"), f"O{number}", at=NOON - HOUR + number * MINUTE)


async def test_a_stream_that_was_never_read_begins_nowhere(shop: KnownShop) -> None:
    assert await load(shop) == Poll(*ORDERS_OF)
    assert await shop.db.read(polls.standing) == []


async def test_events_and_cursor_are_stored_together(shop: KnownShop) -> None:
    stored = await advance(shop, await load(shop), [bought(1), bought(2)], "2")
    assert (stored.accepted, stored.duplicates) == (2, 0)
    assert await load(shop) == Poll(*ORDERS_OF, cursor="2", read_at=NOON)
    assert len(await shop.rows(ORDERS)) == 2


async def test_a_crash_before_the_commit_stores_neither_events_nor_cursor(shop: KnownShop) -> None:
    asked = await load(shop)
    await advance(shop, asked, [bought(1)], "1")
    before = await load(shop)

    def cut(connection: Connection) -> None:
        polls.advance(connection, before, [bought(2)], "2", CART, NOON)
        raise PowerCutError

    with pytest.raises(PowerCutError):
        await shop.db.write(cut)
    assert await load(shop) == before
    assert len(await shop.rows(EVENTS)) == 1


async def test_a_new_cart_begins_a_journey_as_by_webhook(shop: KnownShop) -> None:
    stored = await advance(shop, await load(shop), [checkout(person())], "1")
    assert [row.call for row in stored.outbox] == ["start"]
    assert (await shop.journey())["kind"] == "cart"


async def test_a_consent_that_a_poll_found_names_the_storefront_as_its_door(shop: KnownShop) -> None:
    await advance(shop, await load(shop), [identify(person("jeanne", granted(NOON)), NOON)], "1")
    assert (await shop.row(CONSENTS))["actor"] == "woocommerce"


async def test_an_old_cart_is_history(shop: KnownShop) -> None:
    stored = await advance(shop, await load(shop), [checkout(person(), at=NOON - 60 * DAY)], "1")
    assert (stored.accepted, list(stored.outbox)) == (1, [])
    assert await shop.rows(JOURNEYS) == []


async def test_a_lost_order_ends_the_journey_of_its_buyer(shop: KnownShop) -> None:
    await shop.hears(checkout(person(), "T1", at=NOON - HOUR), at=NOON - HOUR)
    await advance(shop, await load(shop), [order(person(), tokens=["T1"], at=NOON - MINUTE)], "1")
    assert (await shop.journey())["outcome"] == "purchased"


async def test_what_was_told_already_is_counted_and_harms_nobody(shop: KnownShop) -> None:
    await shop.hears(bought(1), at=NOON)
    stored = await advance(shop, await load(shop), [bought(1), bought(2)], "2")
    assert (stored.accepted, stored.duplicates) == (1, 1)
    assert len(await shop.rows(ORDERS)) == 2


async def test_a_page_with_more_behind_it_moves_the_cursor_and_ends_no_round(shop: KnownShop) -> None:
    await advance(shop, await load(shop), [bought(1)], "1", more=True)
    assert await load(shop) == Poll(*ORDERS_OF, cursor="1")
    await advance(shop, await load(shop), [], "end 1", NOON + HOUR)
    assert await load(shop) == Poll(*ORDERS_OF, cursor="end 1", read_at=NOON + HOUR)
    await advance(shop, await load(shop), [bought(2)], "2", NOON + 2 * HOUR, more=True)
    assert (await load(shop)).read_at == NOON + HOUR


async def test_a_cursor_that_somebody_else_has_moved_is_left_and_the_events_are_kept(shop: KnownShop) -> None:
    slow = await load(shop)
    await advance(shop, slow, [bought(1)], "1", more=True)
    await advance(shop, await load(shop), [bought(2)], "2", more=True)
    stored = await advance(shop, slow, [bought(1), bought(3)], "1", more=True)
    assert (stored.accepted, stored.duplicates) == (1, 1)
    assert (await load(shop)).cursor == "2"


async def test_two_who_read_the_same_page_at_once_store_it_once(shop: KnownShop) -> None:
    asked = await load(shop)
    page = [bought(1), bought(2)]
    stored = await asyncio.gather(*(advance(shop, asked, page, "2", more=True) for _ in range(4)))
    assert sum(one.accepted for one in stored) == 2
    assert len(await shop.rows(ORDERS)) == 2
    assert (await load(shop)).cursor == "2"


async def test_failures_are_counted_from_the_first_one_and_the_next_page_ends_them(shop: KnownShop) -> None:
    await advance(shop, await load(shop), [bought(1)], "1")
    for minutes in range(3):
        asked = await load(shop)
        await shop.db.write(polls.failed, asked, f"away {minutes}", NOON + minutes * MINUTE)
    failing = await load(shop)
    assert failing == Poll(*ORDERS_OF, "1", NOON, failing_since=NOON, failures=3, problem="away 2")
    await advance(shop, failing, [], "1", NOON + HOUR)
    assert await load(shop) == Poll(*ORDERS_OF, "1", NOON + HOUR)


async def test_a_stream_is_read_anew_after_a_rewind_and_nothing_counts_twice(shop: KnownShop) -> None:
    await shop.db.write(polls.rewind, await load(shop))
    assert await load(shop) == Poll(*ORDERS_OF)
    await advance(shop, await load(shop), [bought(1)], "1")
    await shop.db.write(polls.rewind, await load(shop))
    assert await load(shop) == Poll(*ORDERS_OF, read_at=NOON)
    stored = await advance(shop, await load(shop), [bought(1)], "1", NOON + HOUR)
    assert (stored.accepted, stored.duplicates) == (0, 1)


async def test_the_first_question_of_all_may_fail(shop: KnownShop) -> None:
    failing = await shop.db.write(polls.failed, await load(shop), "away", NOON)
    assert failing == await load(shop) == Poll(*ORDERS_OF, failing_since=NOON, failures=1, problem="away")


async def test_each_stream_of_each_shop_stands_for_itself(shop: KnownShop) -> None:
    await advance(shop, await load(shop), [bought(1)], "1")
    other = await shop.db.read(polls.load, "other", "woocommerce", "orders")
    await shop.db.write(polls.failed, other, "away", NOON)
    carts = await shop.db.read(polls.load, SHOP, "woocommerce", "carts")
    await advance(shop, carts, [], "0")
    found = await shop.db.read(polls.standing)
    assert [(one.shop, one.stream, one.cursor, one.failures) for one in found] == [
        (SHOP, "carts", "0", 0),
        (SHOP, "orders", "1", 0),
        ("other", "orders", None, 1),
    ]


async def all_pages(polling: Polling, api: AskedShop) -> list[PollResult]:
    """Read until there is nothing more."""
    pages: list[PollResult] = []
    while not pages or pages[-1].more:
        pages.append(await polling.read(api, await polling.db.read(polls.load, *ORDERS_OF)))
    return pages


async def test_a_crash_between_two_pages_repeats_nothing_but_the_page_that_was_not_stored(shop: KnownShop) -> None:
    api = AskedShop({"orders": [bought(number) for number in range(5)], "carts": []})
    polling = Polling(shop.db, {SHOP: api}, lambda: NOON, 5 * MINUTE)
    await polling.read(api, await load(shop))
    assert (await load(shop)).read_at is None
    await api.changes("orders", (await load(shop)).cursor, NOON)  # read, and the process is gone before the commit
    await all_pages(polling, api)
    assert [cursor for _, cursor in api.asked] == [None, "2", "2", "4"]
    assert len(await shop.rows(ORDERS)) == 5


async def test_a_new_round_reads_a_little_again_and_finds_what_is_new(shop: KnownShop) -> None:
    api = AskedShop({"orders": [bought(number) for number in range(4)], "carts": []})
    polling = Polling(shop.db, {SHOP: api}, lambda: NOON, 5 * MINUTE)
    assert [page.accepted for page in await all_pages(polling, api)] == [2, 2]
    api.logs["orders"].append(bought(9))
    assert await all_pages(polling, api) == [PollResult(accepted=1, duplicates=1)]
    assert len(await shop.rows(ORDERS)) == 5


async def test_a_storefront_that_goes_round_in_circles_is_not_followed(shop: KnownShop) -> None:
    api = AskedShop({"orders": [bought(1), bought(2)], "carts": []}, size=1)
    polling = Polling(shop.db, {SHOP: api}, lambda: NOON, 5 * MINUTE)
    await polling.read(api, await load(shop))
    api.size = 0
    with pytest.raises(StorefrontGarbled, match="again and again"):
        await polling.read(api, await load(shop))
    assert (await load(shop)).cursor == "1"


async def test_a_storefront_that_never_answers_counts_as_away(shop: KnownShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.polling.LONGEST_PAGE_S", 0.01)
    api = AskedShop(hangs=True)
    polling = Polling(shop.db, {SHOP: api}, lambda: NOON, 5 * MINUTE)
    with pytest.raises(StorefrontAway, match="woocommerce takes longer than 0 s for a page"):
        await polling.read(api, await load(shop))


async def test_a_page_that_cannot_be_had_stores_nothing(shop: KnownShop) -> None:
    api = AskedShop({"orders": [bought(1)], "carts": []}, problems={"orders": StorefrontAway("away")})
    polling = Polling(shop.db, {SHOP: api}, lambda: NOON, 5 * MINUTE)
    with pytest.raises(StorefrontAway):
        await polling.read(api, await load(shop))
    assert await load(shop) == Poll(*ORDERS_OF)
    assert await shop.rows(EVENTS) == []
