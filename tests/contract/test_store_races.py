"""Stops and sends of the same journeys at the same moment, in any order that chance and the engine choose."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from models.question import Ruling
from models.vocabulary import DeliveryState, Outcome, Verdict
from store.acts import ActName
from store.audit import audit
from store.db import ConflictError
from store.schema import ACTS, CUSTOMERS, DECISIONS, DELIVERIES, JOURNEYS
from tests.builders import DAY, HOUR, NOON, checkout, granted, order, person, redact, withdrawn
from tests.known_shop import KnownShop

J0 = NOON + HOUR
PEOPLE = 24
ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Racer:
    """One customer with a journey that is about to be sent."""

    shop: KnownShop
    name: str
    journey: str

    async def sends(self, step: str = "reminder") -> Ruling:
        """Send as the activity does: read, ask the gate, read again when the facts have moved."""
        for _ in range(ROUNDS):
            ruling = await self.shop.hand_over(self.journey, step, at=J0)
            if ruling is not None:
                return ruling
        raise AssertionError("the facts move for ever")

    async def opts_out(self) -> None:
        await self.shop.opt_out(f"{self.name}@example.com", J0)

    async def withdraws(self) -> None:
        await self.shop.hears(checkout(person(self.name, withdrawn(J0)), self.name, at=J0))

    async def buys(self) -> None:
        await self.shop.hears(order(person(self.name), f"O-{self.name}", at=J0))

    async def buys_under_another_account(self) -> None:
        await self.shop.hears(order(replace(person(self.name), external_id=f"{self.name}-2"), f"O-{self.name}", at=J0))

    async def objects_under_another_account(self) -> None:
        twin = replace(person(self.name, withdrawn(J0)), external_id=f"{self.name}-2")
        await self.shop.hears(checkout(twin, f"{self.name}-2", at=J0))

    async def empties_the_cart(self) -> None:
        await self.shop.hears(checkout(person(self.name), self.name, lines=[], at=J0))

    async def is_erased(self) -> None:
        await self.shop.hears(redact(person(self.name), J0))

    async def is_cancelled(self) -> None:
        await self.shop.act(self.journey, ActName.CANCEL, J0)

    async def is_paused(self) -> None:
        await self.shop.act(self.journey, ActName.PAUSE, J0)

    async def is_expired(self) -> None:
        await self.shop.close(self.journey, Outcome.EXPIRED, J0)

    def stops(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self.opts_out,
            self.withdraws,
            self.buys,
            self.buys_under_another_account,
            self.objects_under_another_account,
            self.empties_the_cart,
            self.is_erased,
            self.is_cancelled,
            self.is_paused,
            self.is_expired,
        ]


async def racers(shop: KnownShop) -> list[Racer]:
    names = [f"p{number}" for number in range(PEOPLE)]
    await shop.hears(*(checkout(person(name, granted(NOON - DAY)), name) for name in names))
    ready = [Racer(shop, one["cart_token"], one["id"]) for one in await shop.rows(JOURNEYS)]
    for one in ready:
        await shop.assess(one.journey, J0)
    return ready


async def after_a_while(shop: KnownShop, turns: int, act: Callable[[], Awaitable[object]]) -> None:
    """Let the others have some turns of the database first; a stop that comes too late is none."""
    for _ in range(turns):
        await shop.db.ping()
    with suppress(ConflictError):
        await act()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_hand_over_follows_a_stop_whatever_the_order(shop: KnownShop, seed: int) -> None:
    chance = Random(seed)
    people = await racers(shop)
    tasks = []
    for one in people:
        moves: list[Callable[[], Awaitable[object]]] = [one.sends, one.sends, *chance.sample(one.stops(), 2)]
        tasks += [after_a_while(shop, chance.randrange(12), move) for move in moves]
    chance.shuffle(tasks)
    await asyncio.gather(*tasks)
    assert await shop.db.read(audit) == []
    await nothing_follows(shop)
    for one in people:
        if (await shop.journey(id=one.journey))["status"] == "closed":
            assert (await one.sends("social-proof")).verdict is Verdict.STOPPED
    assert await shop.db.read(audit) == []


async def nothing_follows(shop: KnownShop) -> None:
    """Compare the numbers once more, without the audit."""
    ends = {one["id"]: one["closed_seq"] for one in await shop.rows(JOURNEYS)}
    held = {one["journey_id"]: one["seq"] for one in await shop.rows(ACTS) if one["journey_id"]}
    deliveries = await shop.rows(DELIVERIES)
    assert Counter(one["key"] for one in deliveries).most_common(1)[0][1] == 1
    for one in deliveries:
        for stop in (ends[one["journey_id"]], held.get(one["journey_id"])):
            assert stop is None or one["seq"] < stop


async def test_chance_lets_both_sides_win(shop: KnownShop) -> None:
    chance = Random(4)
    people = await racers(shop)
    tasks = []
    for one in people:
        tasks += [after_a_while(shop, chance.randrange(12), one.sends)]
        tasks += [after_a_while(shop, chance.randrange(12), one.is_cancelled)]
    await asyncio.gather(*tasks)
    assert 0 < len(await shop.rows(DELIVERIES)) < PEOPLE
    assert await shop.db.read(audit) == []


async def test_two_workers_at_once_hand_one_step_over_once(shop: KnownShop) -> None:
    people = await racers(shop)
    rulings = await asyncio.gather(*(one.sends() for one in people for _ in range(3)))
    assert Counter(one.verdict for one in rulings) == {Verdict.SENT: PEOPLE, Verdict.SKIPPED: 2 * PEOPLE}
    assert {one["attempts"] for one in await shop.rows(DELIVERIES)} == {1}


async def test_two_accounts_with_one_address_stop_each_other(shop: KnownShop) -> None:
    twin = replace(person("jeanne", granted(NOON - DAY)), external_id="second")
    await shop.hears(checkout(person("jeanne", granted(NOON - DAY)), "T1"), checkout(twin, "T2"))
    journeys = [str(one["id"]) for one in await shop.rows(JOURNEYS)]
    for journey in journeys:
        await shop.assess(journey, J0)
    both = [Racer(shop, "jeanne", journey) for journey in journeys]
    await asyncio.gather(both[0].sends(), both[1].sends(), both[0].opts_out())
    assert await shop.db.read(audit) == []
    objected = (await shop.rows(CUSTOMERS))[0]["seq"]
    assert all(one["seq"] < objected for one in await shop.rows(DELIVERIES))


async def test_a_stop_between_release_and_retry_leaves_the_message_unsent(shop: KnownShop) -> None:
    (first, *_) = await racers(shop)
    await first.sends()
    await shop.settle(first.journey, DeliveryState.RELEASED, at=J0, problem="cannot connect")
    await asyncio.gather(first.opts_out(), first.buys())
    assert (await first.sends()).verdict is Verdict.STOPPED
    delivery: Mapping[str, Any] = await shop.row(DELIVERIES)
    assert (delivery["state"], delivery["attempts"]) == ("released", 1)
    assert [one["verdict"] for one in await shop.rows(DECISIONS)] == ["sent", "stopped"]
    assert await shop.db.read(audit) == []
