from datetime import datetime, timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from models.journey import View
from models.vocabulary import Outcome, Status
from store.acts import ActName, By, pause_all, resume_all
from store.schema import ACTS, DELIVERIES
from tests.trial import DAY, HOUR, Journey, Trial, about

MINUTE = timedelta(minutes=1)


async def handed(journey: Journey) -> list[datetime]:
    return [row["handed_at"] for row in await journey.trial.rows(DELIVERIES, journey.id)]


async def shown(journey: Journey) -> View:
    view: View = await journey.handle.query("progress", result_type=View)
    return view


async def test_a_pause_shifts_what_is_left_by_its_length_and_never_sends_two_at_once(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(DAY)
    await journey.staff(ActName.PAUSE, "holidays")
    assert (await journey.row())["status"] == Status.PAUSED
    await journey.passes(10 * DAY)
    assert len(await handed(journey)) == 1
    await journey.staff(ActName.RESUME)
    await journey.passes(12 * DAY)
    await journey.ends()
    assert await journey.outcome() is Outcome.EXHAUSTED
    first, second, third = await handed(journey)
    assert second - first == about(13 * DAY)
    assert third - second == about(4 * DAY)


async def test_a_pause_in_the_quiet_period_holds_j0_back(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(HOUR / 2)
    await journey.staff(ActName.PAUSE)
    await journey.passes(DAY)
    assert await journey.decided() == []
    await journey.staff(ActName.RESUME)
    await journey.passes(MINUTE)
    assert await journey.delivered() == [("reminder", "sent")]


async def test_a_paused_journey_can_be_cancelled_and_keeps_actor_and_reason(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(DAY)
    await journey.staff(ActName.PAUSE)
    await journey.staff(ActName.CANCEL, "she rang us")
    await journey.ends()
    assert await journey.outcome() is Outcome.CANCELLED
    done = [(row["act"], row["actor"], row["reason"]) for row in await trial.rows(ACTS, journey.id)]
    assert done == [("pause", "support", None), ("cancel", "support", "she rang us")]


async def test_a_purchase_ends_a_paused_journey(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(DAY)
    await journey.staff(ActName.PAUSE)
    await journey.buys()
    await journey.ends()
    assert await journey.outcome() is Outcome.PURCHASED


async def test_the_kill_switch_holds_a_send_until_it_is_released(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(3 * DAY)
    await trial.database.write(pause_all, "email", By("ops", None, await journey.now()))
    await journey.passes(HOUR + 3 * MINUTE)
    assert await journey.decided() == [("reminder", "sent", "sent"), ("social-proof", "later", "kill_switch")]
    await trial.database.write(resume_all, "email", By("ops", None, await journey.now()))
    await journey.passes(2 * MINUTE)
    assert await journey.delivered() == [("reminder", "sent"), ("social-proof", "sent")]
    assert len(trial.memory.attempts) == 2


async def test_a_stop_under_the_kill_switch_ends_the_journey_and_its_release_sends_nothing(trial: Trial) -> None:
    journey = await trial.abandon()
    await trial.database.write(pause_all, "all", By("ops", None, await journey.now()))
    await journey.passes(HOUR + 2 * MINUTE)
    assert await journey.decided() == [("reminder", "later", "kill_switch")]
    await journey.objects()
    await journey.ends()
    await trial.database.write(resume_all, None, By("ops", None, await journey.now()))
    assert trial.memory.attempts == []
    assert await journey.outcome() is Outcome.OPTED_OUT


async def test_staff_sends_the_next_step_now_through_the_whole_gate(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(2 * DAY)
    await journey.handle.execute_update("send_now")
    assert await journey.delivered() == [("reminder", "sent"), ("social-proof", "sent")]
    await journey.passes(3 * DAY)
    assert len(trial.memory.attempts) == 2
    await journey.passes(3 * DAY)
    assert [step for step, _ in await journey.delivered()] == ["reminder", "social-proof", "incentive"]


async def test_send_now_is_held_by_the_cap_like_any_other_send(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(2 * HOUR)
    await journey.handle.execute_update("send_now")
    assert await journey.decided() == [("reminder", "sent", "sent"), ("social-proof", "later", "pressure")]
    await journey.passes(4 * DAY)
    assert await journey.delivered() == [("reminder", "sent"), ("social-proof", "sent")]
    first, second = await handed(journey)
    assert second - first == about(3 * DAY)


@pytest.mark.parametrize("paused", [True, False])
async def test_send_now_is_refused_before_j0_and_while_paused(trial: Trial, *, paused: bool) -> None:
    journey = await trial.abandon()
    if paused:
        await journey.passes(2 * HOUR)
        await journey.staff(ActName.PAUSE)
    with pytest.raises(WorkflowUpdateFailedError):
        await journey.handle.execute_update("send_now")
    assert len(trial.memory.attempts) == int(paused)


async def test_the_query_shows_the_next_step_and_when_it_comes(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(2 * HOUR)
    view, row = await shown(journey), await journey.row()
    assert view.step == row["step"] == "social-proof"
    assert view.next_action_at == row["j0"] + 3 * DAY
    await journey.staff(ActName.PAUSE)
    assert (await shown(journey)).paused
