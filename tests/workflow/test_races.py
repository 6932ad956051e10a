"""Stops committed just before, in the same moment as, and just after the transaction that hands a message over."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models.vocabulary import DeliveryState, Outcome
from store.acts import ActName, By, pause_all, resume_all
from store.db import Database
from store.ledger import hand_over, settle
from store.schema import DELIVERIES
from tests.trial import HOUR, Journey, Trial
from tests.workflow.conftest import Install

Act = Callable[[Journey], Awaitable[None]]


async def cancels(journey: Journey) -> None:
    await journey.staff(ActName.CANCEL)


STOPS: dict[str, tuple[Act, Outcome]] = {
    "a purchase": (Journey.buys, Outcome.PURCHASED),
    "an objection": (Journey.objects, Outcome.OPTED_OUT),
    "an erasure": (Journey.is_erased, Outcome.ERASED),
    "an emptied cart": (Journey.empties, Outcome.CART_EMPTIED),
    "staff": (cancels, Outcome.CANCELLED),
}


class Interrupted(Database):
    """The real store; once, something happens `before`, `beside` or `after` the transaction that asks the gate."""

    def __init__(self, inner: Database, moment: str, happens: Callable[[], Awaitable[None]]) -> None:
        self.inner, self.moment, self._happens = inner, moment, happens
        self._left = 1
        self.answered, self.settled = asyncio.Event(), asyncio.Event()

    async def read(self, work: Any, *args: Any, **kwargs: Any) -> Any:
        return await self.inner.read(work, *args, **kwargs)

    async def write(self, work: Any, *args: Any, **kwargs: Any) -> Any:
        if work is settle:
            await self.inner.write(work, *args, **kwargs)
            self.settled.set()
            return None
        if work is not hand_over:
            return await self.inner.write(work, *args, **kwargs)
        if self.moment == "before":
            await self._once()
            answer = await self.inner.write(work, *args, **kwargs)
        elif self.moment == "beside":
            _, answer = await asyncio.gather(self._once(), self.inner.write(work, *args, **kwargs))
        else:
            answer = await self.inner.write(work, *args, **kwargs)
            await self._once()
        if answer is not None:
            self.answered.set()
        return answer

    async def _once(self) -> None:
        self._left -= 1
        if self._left == 0:
            await self._happens()


async def interrupted(trial: Trial, moment: str, act: Act) -> Journey:
    """Let a journey come to J0, with an act at this moment of its first send, and wait for the gate's answer."""
    journey: list[Journey] = []
    guard = Interrupted(trial.database, moment, lambda: act(journey[0]))
    trial.installation = replace(trial.installation, db=guard)
    async with trial.working():
        journey.append(await trial.abandon())
        await journey[0].passes(2 * HOUR)
        await asyncio.wait_for(guard.answered.wait(), 10)
        if moment == "after":
            await asyncio.wait_for(guard.settled.wait(), 10)
        await journey[0].ends()
    return journey[0]


@pytest.mark.parametrize("name", STOPS)
async def test_nothing_is_handed_over_when_a_stop_is_committed_just_before(install: Install, name: str) -> None:
    act, outcome = STOPS[name]
    trial = await install()
    journey = await interrupted(trial, "before", act)
    assert trial.memory.attempts == []
    assert await journey.delivered() == []
    assert await journey.decided() == [("reminder", "stopped", "journey_closed")]
    assert await journey.outcome() is outcome


@pytest.mark.parametrize("name", STOPS)
async def test_a_stop_in_the_same_moment_is_either_before_or_after_the_hand_over(install: Install, name: str) -> None:
    act, outcome = STOPS[name]
    trial = await install()
    journey = await interrupted(trial, "beside", act)
    assert await journey.outcome() is outcome
    handed = await trial.rows(DELIVERIES, journey.id)
    assert len(trial.memory.attempts) == len(handed) <= 1
    closed_seq = (await journey.row())["closed_seq"]
    assert all(row["seq"] < closed_seq for row in handed)


@pytest.mark.parametrize("name", STOPS)
async def test_a_message_handed_just_before_a_stop_still_lands_and_nothing_follows(install: Install, name: str) -> None:
    act, outcome = STOPS[name]
    trial = await install()
    journey = await interrupted(trial, "after", act)
    assert await journey.outcome() is outcome
    assert await journey.decided() == [("reminder", "sent", "sent")]
    assert len(trial.memory.messages) == 1
    (delivery,) = await trial.rows(DELIVERIES, journey.id)
    assert delivery["state"] == DeliveryState.SENT
    assert delivery["seq"] < (await journey.row())["closed_seq"]


async def test_a_kill_switch_pulled_just_before_the_hand_over_holds_it(install: Install) -> None:
    trial = await install()

    async def pulls(journey: Journey) -> None:
        await trial.database.write(pause_all, "all", By("ops", None, await journey.now()))

    journey: list[Journey] = []
    guard = Interrupted(trial.database, "before", lambda: pulls(journey[0]))
    trial.installation = replace(trial.installation, db=guard)
    async with trial.working():
        journey.append(await trial.abandon())
        await journey[0].passes(HOUR + timedelta(minutes=2))
        await asyncio.wait_for(guard.answered.wait(), 10)
        assert await journey[0].decided() == [("reminder", "later", "kill_switch")]
        assert trial.memory.attempts == []
        await trial.database.write(resume_all, None, By("ops", None, await journey[0].now()))
        await journey[0].passes(timedelta(minutes=2))
        assert await journey[0].delivered() == [("reminder", "sent")]
