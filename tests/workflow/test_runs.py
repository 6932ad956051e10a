import asyncio
from datetime import timedelta

from models.events import EventType
from models.journey import TASK_QUEUE
from models.vocabulary import Kind, Outcome
from runtime import clock
from store import outbox
from store.acts import ActName
from store.schema import DELIVERIES, JOURNEYS
from tests.trial import DAY, HOUR, SHIPPED, Journey, Trial, about
from tests.workflow.conftest import Install

MINUTE = timedelta(minutes=1)


async def run_of(journey: Journey) -> str | None:
    return (await journey.handle.describe()).run_id


async def lose(journey: Journey) -> None:
    """Let Temporal lose a run."""
    await journey.handle.terminate()
    await journey.ends()


async def test_a_start_that_is_told_three_times_makes_one_run(trial: Trial) -> None:
    journey = await trial.abandon()
    run = await run_of(journey)
    row = outbox.OutboxRow("1", journey.id, outbox.Call.START, None, journey.since, journey.since)
    await asyncio.gather(trial.relay.deliver([row]), trial.relay.deliver([row]))
    assert await run_of(journey) == run
    await journey.passes(2 * HOUR)
    assert len(trial.memory.attempts) == 1


async def test_a_start_that_is_told_after_the_end_makes_no_run(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(2 * HOUR)
    await journey.buys()
    await journey.ends()
    run = await run_of(journey)
    row = outbox.OutboxRow("2", journey.id, outbox.Call.START, None, journey.since, journey.since)
    await trial.relay.deliver([row])
    assert await run_of(journey) == run


async def test_a_run_that_temporal_lost_is_made_again_and_goes_on_where_it_was(trial: Trial) -> None:
    journey = await trial.abandon(at=clock.now() - 2 * HOUR)
    await journey.parks()
    await lose(journey)
    assert await trial.relay.rebuild() == 1
    await journey.passes(8 * DAY)
    await journey.ends()
    assert [step for step, _ in await journey.delivered()] == ["reminder", "social-proof", "incentive"]
    assert len(trial.memory.attempts) == 3
    j0 = (await journey.row())["j0"]
    handed = [row["handed_at"] - j0 for row in await trial.rows(DELIVERIES, journey.id)]
    assert handed == [about(timedelta()), about(3 * DAY), about(7 * DAY)]


async def test_a_run_that_is_made_again_keeps_its_pauses(trial: Trial) -> None:
    journey = await trial.abandon(at=clock.now() - 2 * HOUR)
    await journey.parks()
    await journey.staff(ActName.PAUSE)
    await journey.passes(10 * DAY)
    await journey.staff(ActName.RESUME)
    await lose(journey)
    assert await trial.relay.rebuild() == 1
    await journey.passes(13 * DAY - MINUTE)
    assert len(trial.memory.attempts) == 1
    await journey.passes(2 * MINUTE)
    assert len(trial.memory.attempts) == 2


async def test_a_paused_run_that_is_made_again_is_still_paused(trial: Trial) -> None:
    journey = await trial.abandon(at=clock.now() - 2 * HOUR)
    await journey.parks()
    await journey.staff(ActName.PAUSE)
    await lose(journey)
    assert await trial.relay.rebuild() == 1
    await journey.passes(10 * DAY)
    assert len(trial.memory.attempts) == 1


async def test_a_run_that_never_was_is_made_and_waits_for_its_quiet_period(trial: Trial) -> None:
    journey = await trial.abandon()
    await lose(journey)
    assert await trial.relay.rebuild() == 1
    assert await trial.relay.rebuild() == 0
    await journey.passes(HOUR - MINUTE)
    assert trial.memory.attempts == []
    await journey.passes(2 * MINUTE)
    assert len(trial.memory.attempts) == 1


async def test_a_step_that_was_skipped_is_not_asked_again_by_a_new_run(install: Install) -> None:
    text = (SHIPPED / "cart.yaml").read_text(encoding="utf-8")
    trial = await install(text.replace("holdout: 0%", "holdout: 100%"))
    async with trial.working():
        journey = await trial.abandon(at=clock.now() - 2 * HOUR)
        await journey.parks()
        await lose(journey)
        assert await trial.relay.rebuild() == 1
        await journey.parks()
        assert await journey.decided() == [("reminder", "skipped", "holdout")]


async def test_a_closed_journey_is_not_made_again(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.objects()
    await journey.ends()
    assert await trial.relay.rebuild() == 0


async def test_a_message_that_is_known_to_be_lost_is_not_sent_by_a_new_run(trial: Trial) -> None:
    journey = await trial.abandon(at=clock.now() - 2 * HOUR)
    await journey.parks()
    await lose(journey)
    await trial.database.write(
        lambda connection: connection.execute(DELIVERIES.update().values(state="handed", settled_at=None))
    )
    assert await trial.relay.rebuild() == 1
    await journey.parks()
    assert await journey.delivered() == [("reminder", "sent")]
    assert len(trial.memory.attempts) == 1


async def test_a_stop_that_temporal_never_heard_of_is_obeyed_at_the_gate(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(DAY)
    await journey.objects(told=False)
    await journey.passes(3 * DAY)
    await journey.ends()
    assert await journey.decided() == [("reminder", "sent", "sent"), ("social-proof", "stopped", "journey_closed")]
    assert await journey.outcome() is Outcome.OPTED_OUT


async def test_a_pause_that_temporal_never_heard_of_holds_the_send_all_the_same(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(3 * DAY)
    await journey.staff(ActName.PAUSE, told=False)
    await journey.passes(HOUR + MINUTE)
    assert (await journey.decided())[-1] == ("social-proof", "later", "paused")
    assert len(trial.memory.attempts) == 1


async def swept(trial: Trial) -> int:
    """Look for inactive subscribers, and tell Temporal of those who were found."""
    client = trial.temporal.client
    found: int = await client.execute_workflow("Sweep", id="sweep", task_queue=TASK_QUEUE, result_type=int)
    await trial.relay.once()
    return found


async def woken(trial: Trial) -> Journey:
    """Have one inactive subscriber found, and wait for the first message."""
    who = await trial.sleeper()
    assert await swept(trial) == 1
    rows = await trial.database.read(lambda connection: list(connection.execute(JOURNEYS.select()).mappings()))
    journey = trial.follow(rows[-1]["id"], who, clock.now())
    await journey.parks()
    return journey


async def test_a_sweep_finds_the_inactive_and_each_spell_once(trial: Trial) -> None:
    await trial.sleeper(quiet=100 * DAY)
    journey = await woken(trial)
    assert (await journey.row())["kind"] == Kind.INACTIVE
    assert await journey.delivered() == [("reminder", "sent")]
    assert await swept(trial) == 0
    await journey.passes(8 * DAY)
    await journey.ends()
    assert await journey.outcome() is Outcome.EXHAUSTED
    assert await swept(trial) == 0
    assert len(trial.memory.attempts) == 3


async def test_an_inactive_subscriber_who_visits_the_shop_is_won_back(trial: Trial) -> None:
    journey = await woken(trial)
    await journey.passes(DAY)
    await journey.browses()
    await journey.ends()
    assert await journey.outcome() is Outcome.REENGAGED
    assert len(trial.memory.attempts) == 1


async def test_an_inactive_subscriber_who_clicks_is_won_back_and_one_who_only_opens_is_not(trial: Trial) -> None:
    journey = await woken(trial)
    await journey.passes(DAY)
    await journey.hears(EventType.EMAIL_OPENED)
    assert await journey.outcome() is None
    await journey.hears(EventType.EMAIL_CLICKED)
    await journey.ends()
    assert await journey.outcome() is Outcome.REENGAGED


async def test_an_inactive_subscriber_who_orders_has_purchased(trial: Trial) -> None:
    journey = await woken(trial)
    await journey.passes(DAY)
    await journey.buys()
    await journey.ends()
    assert await journey.outcome() is Outcome.PURCHASED


async def test_a_cart_without_a_worker_waits_for_one(install: Install) -> None:
    trial = await install()
    journey = await trial.abandon(at=clock.now() - 2 * HOUR)
    assert await journey.decided() == []
    async with trial.working():
        await journey.parks()
    assert await journey.delivered() == [("reminder", "sent")]
