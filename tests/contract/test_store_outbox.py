import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from store import outbox
from store.outbox import GIVE_UP, LEASE, Call, OutboxRow
from tests.builders import DAY, HOUR, MINUTE, NOON
from tests.known_shop import KnownShop


def row(number: int, due: datetime = NOON) -> OutboxRow:
    return OutboxRow(f"row-{number}", f"journey-{number}", Call.START, None, NOON, due)


async def claimed(shop: KnownShop, at: datetime, limit: int = 100) -> list[str]:
    return [one.id for one in await shop.db.write(outbox.claim, at, limit)]


async def test_what_is_due_comes_oldest_first(shop: KnownShop) -> None:
    await shop.db.write(outbox.add_rows, [row(2), row(1), row(3, NOON + MINUTE)])
    assert not await shop.db.read(outbox.any_due, NOON - MINUTE)
    assert await shop.db.read(outbox.any_due, NOON)
    assert await claimed(shop, NOON, 1) == ["row-1"]
    assert await claimed(shop, NOON) == ["row-2"]
    assert await claimed(shop, NOON + MINUTE) == ["row-1", "row-2", "row-3"]


async def test_what_one_relay_has_claimed_no_other_gets_until_its_lease_ends(shop: KnownShop) -> None:
    await shop.db.write(outbox.add_rows, [row(1)])
    assert await claimed(shop, NOON) == ["row-1"]
    assert await claimed(shop, NOON + LEASE - timedelta(microseconds=1)) == []
    assert await claimed(shop, NOON + LEASE) == ["row-1"]


async def test_a_claim_that_came_to_nothing_is_given_back(shop: KnownShop) -> None:
    await shop.db.write(outbox.add_rows, [row(1), row(2)])
    await claimed(shop, NOON)
    await shop.db.write(outbox.give_back, ["row-1"], NOON)
    assert await claimed(shop, NOON) == ["row-1"]


async def test_of_one_journey_only_the_oldest_row_is_told_at_a_time(shop: KnownShop) -> None:
    pause, resume = replace(row(1), call=Call.PAUSE), replace(row(1), id="row-1b", call=Call.RESUME)
    await shop.db.write(outbox.add_rows, [pause, resume, row(2)])
    assert await claimed(shop, NOON) == ["row-1", "row-2"]
    assert await claimed(shop, NOON) == []
    await shop.db.write(outbox.told, ["row-1"])
    assert await claimed(shop, NOON) == ["row-1b"]


async def test_a_row_that_was_set_aside_does_not_hold_up_what_follows_it(shop: KnownShop) -> None:
    await shop.db.write(outbox.add_rows, [replace(row(1), set_aside=True), replace(row(1), id="row-1b")])
    assert await claimed(shop, NOON) == ["row-1b"]


async def test_eight_relays_at_once_share_the_work_and_tell_nothing_twice(shop: KnownShop) -> None:
    await shop.db.write(outbox.add_rows, [row(number) for number in range(1000, 1400)])
    shares: list[list[str]] = await asyncio.gather(*(drained(shop) for _ in range(8)))
    told = sorted(one for share in shares for one in share)
    assert told == [f"row-{number}" for number in range(1000, 1400)]


async def drained(shop: KnownShop) -> list[str]:
    """Claim as a relay does until nothing is left."""
    mine: list[str] = []
    while batch := await claimed(shop, NOON, 10):
        mine += batch
    return mine


async def test_what_was_told_is_forgotten(shop: KnownShop) -> None:
    await shop.db.write(outbox.add_rows, [row(1), row(2)])
    await shop.db.write(outbox.told, ["row-1"])
    assert await shop.db.read(outbox.all_rows) == [row(2)]
    assert await shop.db.read(outbox.rows_of, ["journey-1", "journey-2"]) == [row(2)]


async def test_a_failure_is_tried_again_later_and_later(shop: KnownShop) -> None:
    await shop.db.write(outbox.add_rows, [row(1)])
    pauses = []
    for _ in range(12):
        (one,) = await shop.db.read(outbox.all_rows)
        await shop.db.write(outbox.failed, one, "unavailable", NOON)
        (one,) = await shop.db.read(outbox.all_rows)
        pauses.append(one.next_try_at - NOON)
    assert pauses[:3] == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert pauses[-1] == 10 * MINUTE
    assert pauses == sorted(pauses)


async def test_a_row_that_keeps_failing_is_set_aside_and_blocks_nobody(shop: KnownShop) -> None:
    await shop.db.write(outbox.add_rows, [row(1), row(2)])
    for _ in range(GIVE_UP):
        one = (await shop.db.read(outbox.all_rows))[0]
        await shop.db.write(outbox.failed, one, "x" * 900, NOON)
    aside = (await shop.db.read(outbox.all_rows))[0]
    assert (aside.attempts, aside.set_aside, aside.problem) == (GIVE_UP, True, "x" * 200)
    assert await claimed(shop, NOON + DAY) == ["row-2"]
    assert await shop.db.read(outbox.lag, NOON + HOUR) == (3600.0, 1)


async def test_a_row_that_was_set_aside_can_be_tried_again_or_dropped(shop: KnownShop) -> None:
    await shop.db.write(outbox.add_rows, [row(1)])
    for _ in range(GIVE_UP):
        (one,) = await shop.db.read(outbox.all_rows)
        await shop.db.write(outbox.failed, one, "unavailable", NOON)
    assert await shop.db.write(outbox.retry, "row-1", NOON + DAY)
    assert await claimed(shop, NOON + DAY) == ["row-1"]
    assert (await shop.db.read(outbox.all_rows))[0].attempts == 0
    assert await shop.db.write(outbox.drop, "row-1")
    assert not await shop.db.write(outbox.drop, "row-1")
    assert not await shop.db.write(outbox.retry, "row-1", NOON)


async def test_an_empty_outbox_lags_by_nothing(shop: KnownShop) -> None:
    assert await shop.db.read(outbox.lag, NOON) == (0.0, 0)
