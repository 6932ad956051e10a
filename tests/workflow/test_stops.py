from collections.abc import Awaitable, Callable

import pytest

from models.vocabulary import Outcome, Status
from store.acts import ActName
from tests.trial import DAY, HOUR, Journey, Trial

Act = Callable[[Journey], Awaitable[None]]


async def cancels(journey: Journey) -> None:
    await journey.staff(ActName.CANCEL, "she rang us")


STOPS: dict[str, tuple[Act, Outcome]] = {
    "a purchase": (Journey.buys, Outcome.PURCHASED),
    "an objection": (Journey.objects, Outcome.OPTED_OUT),
    "an erasure": (Journey.is_erased, Outcome.ERASED),
    "an emptied cart": (Journey.empties, Outcome.CART_EMPTIED),
    "staff": (cancels, Outcome.CANCELLED),
}
AT_ONCE = [name for name in STOPS if name != "an emptied cart"]


@pytest.mark.parametrize("name", AT_ONCE)
async def test_a_stop_in_the_quiet_period_closes_the_run_at_once_and_nothing_is_sent(trial: Trial, name: str) -> None:
    act, outcome = STOPS[name]
    journey = await trial.abandon()
    await journey.passes(HOUR / 2)
    await act(journey)
    await journey.ends()
    assert await journey.outcome() is outcome
    assert await journey.decided() == []
    assert trial.memory.attempts == []
    assert await journey.now() < journey.since + HOUR


async def test_a_cart_emptied_in_the_quiet_period_may_still_be_filled_and_is_judged_at_j0(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(HOUR / 2)
    await journey.empties()
    assert await journey.outcome() is None
    await journey.passes(2 * HOUR)
    await journey.ends()
    assert await journey.outcome() is Outcome.CART_EMPTIED
    assert trial.memory.attempts == []


@pytest.mark.parametrize("name", STOPS)
async def test_a_stop_between_two_steps_closes_the_run_at_once_and_nothing_follows(trial: Trial, name: str) -> None:
    act, outcome = STOPS[name]
    journey = await trial.abandon()
    await journey.passes(DAY)
    await act(journey)
    await journey.ends()
    assert await journey.outcome() is outcome
    assert await journey.decided() == [("reminder", "sent", "sent")]
    assert await journey.delivered() == [("reminder", "sent")]
    assert len(trial.memory.attempts) == 1


async def test_every_stop_may_come_twice(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(DAY)
    await journey.objects()
    await journey.ends()
    await journey.objects()
    await journey.is_erased()
    row = await journey.row()
    assert (row["status"], row["outcome"]) == (Status.CLOSED, Outcome.OPTED_OUT)


async def test_a_stop_closes_a_run_that_is_awake_and_still_waits_for_its_j0(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(HOUR / 2)
    await journey.browses()
    await journey.passes(HOUR * 3 / 4)
    await journey.buys()
    await journey.ends()
    assert await journey.outcome() is Outcome.PURCHASED
    assert trial.memory.attempts == []
