"""Fifty workers in the same moment, and stops among them, in any order that chance and the engine choose."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from random import Random

import pytest

from models.policy import CartTrigger, Policy, Pressure
from models.question import Ruling
from models.step import Spread, Step
from models.vocabulary import Channel, ConsentState, Verdict
from store import acts
from store.acts import ActName, By
from store.audit import audit
from store.db import ConflictError, Database
from store.schema import ACTS, DELIVERIES, JOURNEYS
from tests.builders import DAY, HOUR, checkout, identify, order, redact, withdrawn
from tests.contract.test_store_pressure import EMAIL, J0, SMS, account, begun, carts, selling, sent
from tests.known_shop import KnownShop

ROADS = (SMS, EMAIL)
FIRST = Step("reminder", 0 * DAY, 3 * DAY, ROADS, "cart/reminder")
BOTH = Step("social-proof", 3 * DAY, 3 * DAY, ROADS, "cart/social-proof", spread=Spread.ALL)


async def handed(shop: KnownShop) -> list[datetime]:
    return sorted(row["handed_at"] for row in await shop.rows(DELIVERIES))


async def race(shop: KnownShop, journeys: list[str], at: datetime, workers: int = 50) -> list[Ruling]:
    """Let so many workers ask for the reminders of these journeys in the same moment."""
    turns = [journeys[number % len(journeys)] for number in range(workers)]
    return list(await asyncio.gather(*(sent(shop, journey, at=at) for journey in turns)))


async def test_fifty_workers_never_exceed_the_cap_of_one_address(db: Database) -> None:
    shop = await selling(db, carts(pressure=Pressure(messages=3, per=7 * DAY, gap=0 * HOUR)))
    journeys = [await begun(shop, account(number), f"T{number}") for number in range(10)]
    rulings = await race(shop, journeys, J0)
    assert len(await handed(shop)) == 3
    assert Counter(one.verdict for one in rulings)[Verdict.SENT] == 3
    await race(shop, journeys, J0 + 7 * DAY - HOUR)
    assert len(await handed(shop)) == 3
    await race(shop, journeys, J0 + 7 * DAY)
    assert Counter(await handed(shop)) == {J0: 3, J0 + 7 * DAY: 3}
    assert await shop.db.read(audit) == []


async def test_fifty_workers_keep_the_gap_between_two_messages(db: Database) -> None:
    shop = await selling(db)
    journeys = [await begun(shop, account(number), f"T{number}") for number in range(10)]
    for hours in (0, 10, 20, 30, 40):
        await race(shop, journeys, J0 + hours * HOUR)
    assert await handed(shop) == [J0, J0 + 20 * HOUR, J0 + 40 * HOUR]
    assert await shop.db.read(audit) == []


async def test_fifty_workers_for_ten_people_with_five_accounts_each_serve_everybody_once(db: Database) -> None:
    shop = await selling(db)
    names = [f"p{number}" for number in range(10)]
    events = [checkout(account(number, name), f"{name}-{number}") for name in names for number in range(5)]
    await shop.hears(*events)
    journeys = [str(row["id"]) for row in await shop.rows(JOURNEYS)]
    for journey in journeys:
        await shop.assess(journey, J0)
    await race(shop, journeys, J0)
    served = Counter(row["address"] for row in await shop.rows(DELIVERIES))
    assert sorted(served.values()) == [1] * 10


async def test_fifty_workers_and_a_purchase_leave_nothing_after_it(db: Database) -> None:
    shop = await selling(db, carts(pressure=Pressure(messages=100, per=7 * DAY, gap=0 * HOUR)))
    journeys = [await begun(shop, account(number), f"T{number}") for number in range(10)]
    await asyncio.gather(race(shop, journeys, J0), shop.hears(order(account(0), at=J0)))
    ends = {row["id"]: row["closed_seq"] for row in await shop.rows(JOURNEYS)}
    assert all(row["seq"] < ends[row["journey_id"]] for row in await shop.rows(DELIVERIES))
    assert {row["outcome"] for row in await shop.rows(JOURNEYS)} == {"purchased"}
    assert await shop.db.read(audit) == []


@dataclass(frozen=True, slots=True)
class Racer:
    """One of two accounts of a person, with a journey whose steps go by text message and e-mail."""

    shop: KnownShop
    name: str
    number: int
    journey: str

    async def sends(self, step: Step, at: datetime) -> None:
        """Ask one channel after the other, as the workflow does."""
        for channel in step.channels:
            ruling = await self._asks(step, channel, at)
            passes = step.spread is Spread.ALL if ruling.verdict is Verdict.SENT else step.passes_on(ruling.reason)
            if ruling.verdict is Verdict.STOPPED or not passes:
                return

    async def _asks(self, step: Step, channel: Channel, at: datetime) -> Ruling:
        for _ in range(200):
            ruling = await self.shop.hand_over(self.journey, step.name, at=at, channel=channel)
            if ruling is not None:
                return ruling
        raise AssertionError("the facts move for ever")

    async def opts_out(self) -> None:
        await self.shop.opt_out(f"{self.name}@example.com", J0, [EMAIL])

    async def says_stop(self) -> None:
        gone = replace(account(self.number, self.name, self.phone), consents=(withdrawn(J0, SMS),))
        await self.shop.hears(identify(gone, J0))

    async def declines_the_topic_on_one_channel(self) -> None:
        word = replace(withdrawn(J0, SMS), purpose="cart_reminders", state=ConsentState.WITHDRAWN)
        await self.shop.hears(identify(replace(account(self.number, self.name, self.phone), consents=(word,)), J0))

    async def buys(self) -> None:
        who = account(self.number, self.name, self.phone)
        await self.shop.hears(order(who, f"O-{self.name}-{self.number}", at=J0))

    async def is_erased(self) -> None:
        await self.shop.hears(redact(account(self.number, self.name, self.phone), J0))

    async def is_cancelled(self) -> None:
        await self.shop.act(self.journey, ActName.CANCEL, J0)

    async def is_paused(self) -> None:
        await self.shop.act(self.journey, ActName.PAUSE, J0)

    async def is_paused_and_goes_on(self) -> None:
        await self.is_paused()
        await self.shop.act(self.journey, ActName.RESUME, J0)

    @property
    def phone(self) -> str:
        return f"+336123456{int(self.name[1:]):02d}"

    def stops(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self.opts_out,
            self.says_stop,
            self.declines_the_topic_on_one_channel,
            self.buys,
            self.is_erased,
            self.is_cancelled,
            self.is_paused,
            self.is_paused_and_goes_on,
        ]


async def racers(shop: KnownShop, people: int = 8) -> list[Racer]:
    found = []
    for number in range(people * 2):
        name = f"p{number // 2}"
        racer = Racer(shop, name, number % 2, "")
        who = account(number % 2, name, racer.phone)
        await shop.hears(checkout(who, f"{name}-{number % 2}", at=J0 - HOUR))
        journey = str((await shop.journey(cart_token=f"{name}-{number % 2}"))["id"])
        await shop.assess(journey, J0)
        found.append(replace(racer, journey=journey))
    return found


async def after_a_while(shop: KnownShop, turns: int, act: Awaitable[object]) -> None:
    """Let the others have some turns of the database first; a stop that comes too late is none."""
    for _ in range(turns):
        await shop.db.ping()
    with suppress(ConflictError):
        await act


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_the_order_nothing_follows_a_stop_and_no_cap_is_exceeded(db: Database, seed: int) -> None:
    chance = Random(seed)
    cap = Pressure(messages=2, per=7 * DAY, gap=20 * HOUR)
    shop = await selling(db, Policy("cart", CartTrigger(), (FIRST, BOTH), pressure=cap))
    people = await racers(shop)
    ops = By("ops", None, J0)
    for day, step in ((0, FIRST), (1, FIRST), (3, BOTH)):
        at = J0 + day * DAY
        moves: list[Awaitable[object]] = [one.sends(step, at) for one in people for _ in range(2)]
        moves += [chance.choice(one.stops())() for one in people if chance.random() < 0.1]
        moves += [shop.db.write(acts.pause_all, "sms", ops), shop.db.write(acts.resume_all, "sms", ops)]
        chance.shuffle(moves)
        await asyncio.gather(*(after_a_while(shop, chance.randrange(8), move) for move in moves))
        await shop.db.write(acts.resume_all, None, ops)
    assert await shop.db.read(audit) == []
    await nothing_follows(shop)
    await keeps(shop, cap)


async def nothing_follows(shop: KnownShop) -> None:
    """Compare the numbers once more, without the audit."""
    ends = {row["id"]: row["closed_seq"] for row in await shop.rows(JOURNEYS)}
    held = {row["journey_id"]: row["seq"] for row in await shop.rows(ACTS) if row["act"] == "cancel"}
    deliveries = await shop.rows(DELIVERIES)
    assert deliveries
    for row in deliveries:
        for stop in (ends[row["journey_id"]], held.get(row["journey_id"])):
            assert stop is None or row["seq"] < stop
    assert Counter(row["key"] for row in deliveries).most_common(1)[0][1] == 1
    firsts = Counter(row["journey_id"] for row in deliveries if row["step"] == FIRST.name)
    assert set(firsts.values()) == {1}


async def keeps(shop: KnownShop, cap: Pressure) -> None:
    """Count what went to each address."""
    got: dict[str, list[datetime]] = {}
    for row in await shop.rows(DELIVERIES):
        got.setdefault(row["address"] or row["id"], []).append(row["handed_at"])  # an erased one has none
    for moments in got.values():
        moments.sort()
        assert all(later - earlier >= cap.gap for earlier, later in pairwise(moments))
        assert all(sum(start <= at < start + cap.per for at in moments) <= cap.messages for start in moments)
