from datetime import timedelta
from pathlib import Path

import pytest

import worker
from channels.base import TemporarilyUnavailable
from channels.rendering import Renderer
from models.vocabulary import Outcome
from runtime import clock
from store.schema import DECISIONS, DELIVERIES
from tests.temporal_env import events_of
from tests.trial import DAY, HOUR, Journey, Trial, about
from tests.workflow.conftest import Install

MINUTE = timedelta(minutes=1)
STEPS = ["reminder", "social-proof", "incentive"]
EVENTS, PARKED_BYTES = 48, 2500


def policy(*steps: str, **keys: str) -> str:
    """Return a cart policy with these steps, each `NAME AT REST`, and these keys."""
    lines = ["name: cart", "trigger: {kind: cart}", *(f"{key}: {value}" for key, value in keys.items())]
    for step in steps:
        name, at, *rest = step.split(" ", 2)
        lines.append(f"  - {{name: {name}, at: {at}, channel: email{''.join(f', {part}' for part in rest)}}}")
    lines.insert(-len(steps), "steps:")
    return "\n".join(lines)


async def handed(journey: Journey) -> list[timedelta]:
    """Return when each message was handed over, from the abandonment on."""
    return [row["handed_at"] - journey.since for row in await journey.trial.rows(DELIVERIES, journey.id)]


async def test_an_abandoned_cart_gets_three_messages_on_their_days_and_then_silence(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(HOUR - MINUTE)
    assert trial.memory.messages == []
    await journey.passes(9 * DAY)
    await journey.ends()
    assert await journey.outcome() is Outcome.EXHAUSTED
    assert await journey.decided() == [(step, "sent", "sent") for step in STEPS]
    assert await journey.delivered() == [(step, "sent") for step in STEPS]
    assert await handed(journey) == [about(HOUR), about(HOUR + 3 * DAY), about(HOUR + 7 * DAY)]
    assert [message.to for message in trial.memory.messages] == [journey.who.email] * 3


async def test_a_whole_journey_stays_within_its_budget_of_events(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(9 * DAY)
    await journey.ends()
    _, names = await events_of(journey.handle)
    assert len(names) <= EVENTS, names


async def test_a_parked_journey_stays_within_its_budget_of_bytes(trial: Trial) -> None:
    journey = await trial.abandon(at=clock.now() - 2 * HOUR)
    await journey.parks()
    info = (await journey.handle.describe()).raw_description.workflow_execution_info
    assert info.history_size_bytes <= PARKED_BYTES


async def test_the_holdout_lives_through_everything_and_gets_nothing(install: Install) -> None:
    trial = await install(policy("reminder J0", "social-proof J+3", holdout="100%"))
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(9 * DAY)
        await journey.ends()
    assert (await journey.row())["arm"] == "holdout"
    assert await journey.decided() == [("reminder", "skipped", "holdout"), ("social-proof", "skipped", "holdout")]
    assert trial.memory.attempts == []
    assert await journey.outcome() is Outcome.EXHAUSTED


async def test_a_customer_who_is_busy_in_the_shop_is_not_interrupted(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(3 * DAY + HOUR - 20 * MINUTE)
    await journey.browses()
    await journey.passes(30 * MINUTE)
    assert await journey.decided() == [("reminder", "sent", "sent"), ("social-proof", "later", "active_now")]
    await journey.passes(HOUR)
    assert await handed(journey) == [about(HOUR), about(HOUR + 3 * DAY + 40 * MINUTE)]


async def test_activity_in_the_quiet_period_moves_j0(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(40 * MINUTE)
    await journey.browses()
    await journey.passes(30 * MINUTE)
    assert await journey.decided() == []
    await journey.passes(HOUR)
    assert await handed(journey) == [about(100 * MINUTE)]


async def test_a_step_whose_window_ends_is_skipped_and_the_next_one_goes(install: Install) -> None:
    trial = await install(policy("reminder J0 window: 2h", "social-proof J+1"))
    trial.problem = lambda message: TemporarilyUnavailable("down", HOUR) if "/reminder/" in message.key else None
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(2 * DAY)
    found = await journey.decided()
    assert found[-2:] == [("reminder", "skipped", "window_ended"), ("social-proof", "sent", "sent")]
    assert await journey.delivered() == [("reminder", "released"), ("social-proof", "sent")]
    at = {row["reason"]: row["at"] - journey.since for row in await trial.rows(DECISIONS, journey.id)}
    assert at["window_ended"] == about(3 * HOUR)


async def test_a_template_that_breaks_costs_its_step_alone(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "email" / "cart" / "reminder.fr.html.j2"
    broken.parent.mkdir(parents=True)
    broken.write_text("{{ content.nothing.of.this }}", encoding="utf-8")
    monkeypatch.setattr(worker, "Renderer", lambda: Renderer(tmp_path))
    trial = await install()
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(4 * DAY)
    found = await journey.decided()
    assert found == [("reminder", "skipped", "template_error"), ("social-proof", "sent", "sent")]


async def test_a_template_that_was_removed_costs_its_step_alone(install: Install) -> None:
    trial = await install(policy("reminder J0 template: cart/removed", "social-proof J+1"))
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(2 * DAY)
    assert await journey.decided() == [("reminder", "skipped", "template_missing"), ("social-proof", "sent", "sent")]


async def test_without_a_lawful_basis_the_journey_ends_at_its_first_step_and_says_so(trial: Trial) -> None:
    journey = await trial.abandon(consent=False)
    await journey.passes(2 * HOUR)
    await journey.ends()
    assert await journey.outcome() is Outcome.NO_LAWFUL_BASIS
    assert await journey.decided() == [("reminder", "stopped", "no_lawful_basis")]
    assert trial.memory.attempts == []


async def test_a_cart_that_no_policy_wants_ends_at_j0_with_the_comparison_that_failed(install: Install) -> None:
    trial = await install(policy("reminder J0", audience="{cart.value: {gte: 100000}}"))
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(2 * HOUR)
        await journey.ends()
    assert await journey.outcome() is Outcome.NOT_ELIGIBLE
    assert await journey.decided() == [("reminder", "stopped", "not_eligible")]


async def test_a_cart_that_temporal_hears_of_too_late_is_history(trial: Trial) -> None:
    journey = await trial.abandon(at=clock.now() - 4 * DAY)
    await journey.ends()
    assert await journey.outcome() is Outcome.EXPIRED
    assert trial.memory.attempts == []


async def test_a_shop_that_hears_of_its_cart_a_little_late_still_relaunches_it_at_once(trial: Trial) -> None:
    journey = await trial.abandon(at=clock.now() - 2 * HOUR)
    await journey.parks()
    assert await journey.delivered() == [("reminder", "sent")]
