"""Records the histories that later versions must be able to replay: `python -m tests.replay.record VERSION`.

Every ending of a journey once, what can happen on the way, and the polls of tests/replay/rounds.py. A version's
histories are written when it is released and never changed afterwards: runs that began with it are still out there.
"""

import asyncio
import json
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from channels.base import TemporarilyUnavailable
from runtime import clock
from store.acts import ActName, By, pause_all, resume_all
from store.schema import JOURNEYS
from tests.replay.rounds import ROUNDS, Round, polled
from tests.temporal_env import Temporal, temporal_server
from tests.trial import DAY, HOUR, Journey, Trial, installed

HISTORIES = Path(__file__).parent / "histories"
MINUTE = timedelta(minutes=1)
CHOOSY = """
name: cart
trigger: {kind: cart}
audience: {cart.value: {gte: 100000}}
steps:
  - {name: reminder, at: J0, channel: email}
"""
SEVERAL = """
name: cart
trigger: {kind: cart}
steps:
  - {name: reminder, at: J0, channel: [sms, email], template: cart/reminder}
  - {name: last-call, at: J+3, channel: {all: [email, sms]}, template: cart/last-call}
"""

Life = Callable[[Trial], Awaitable[Journey]]


async def begun(trial: Trial, length: timedelta = DAY) -> Journey:
    journey = await trial.abandon()
    await journey.passes(length)
    return journey


async def purchased(trial: Trial) -> Journey:
    journey = await begun(trial)
    await journey.buys()
    return journey


async def opted_out(trial: Trial) -> Journey:
    journey = await begun(trial)
    await journey.objects()
    return journey


async def erased(trial: Trial) -> Journey:
    journey = await begun(trial)
    await journey.is_erased()
    return journey


async def cart_emptied(trial: Trial) -> Journey:
    journey = await begun(trial)
    await journey.empties()
    return journey


async def cancelled(trial: Trial) -> Journey:
    journey = await begun(trial)
    await journey.staff(ActName.CANCEL)
    return journey


async def reengaged(trial: Trial) -> Journey:
    who = await trial.sleeper()
    await trial.temporal.client.execute_workflow("Sweep", id="sweep", task_queue="relaunch")
    await trial.relay.once()
    rows = await trial.database.read(lambda connection: list(connection.execute(JOURNEYS.select()).mappings()))
    journey = trial.follow(rows[-1]["id"], who, clock.now())
    await journey.parks()
    await journey.browses()
    return journey


async def no_lawful_basis(trial: Trial) -> Journey:
    journey = await trial.abandon(consent=False)
    await journey.passes(2 * HOUR)
    return journey


async def not_eligible(trial: Trial) -> Journey:
    return await begun(trial)


async def exhausted(trial: Trial) -> Journey:
    return await begun(trial, 9 * DAY)


async def expired(trial: Trial) -> Journey:
    return await trial.abandon(at=clock.now() - 4 * DAY)


async def paused_and_resumed(trial: Trial) -> Journey:
    journey = await trial.abandon()
    await journey.staff(ActName.PAUSE)
    await journey.passes(2 * HOUR)
    await journey.staff(ActName.RESUME)
    await journey.passes(2 * HOUR)
    await journey.staff(ActName.PAUSE)
    await journey.passes(DAY)
    await journey.staff(ActName.RESUME)
    await journey.passes(9 * DAY)
    return journey


async def busy_then_hurried(trial: Trial) -> Journey:
    journey = await trial.abandon()
    await journey.passes(HOUR / 2)
    await journey.browses()
    await journey.passes(2 * DAY)
    await journey.browses()
    await journey.handle.execute_update("send_now")
    await journey.passes(2 * HOUR)
    await journey.handle.execute_update("send_now")
    await journey.passes(9 * DAY)
    return journey


async def outage_then_delivered(trial: Trial) -> Journey:
    trial.problem = lambda _: TemporarilyUnavailable("down")
    journey = await begun(trial, 2 * HOUR)
    trial.problem = lambda _: None
    await journey.passes(9 * DAY)
    return journey


async def outage_then_opted_out(trial: Trial) -> Journey:
    trial.problem = lambda _: TemporarilyUnavailable("down")
    journey = await begun(trial, 2 * HOUR)
    await journey.objects()
    return journey


async def switched_off_then_on(trial: Trial) -> Journey:
    journey = await trial.abandon()
    await trial.database.write(pause_all, "all", By("ops", None, clock.now()))
    await journey.passes(HOUR + 3 * MINUTE)
    await trial.database.write(resume_all, None, By("ops", None, clock.now()))
    await journey.passes(9 * DAY)
    return journey


async def stopped_unheard(trial: Trial) -> Journey:
    journey = await begun(trial)
    await journey.objects(told=False)
    await journey.passes(3 * DAY)
    return journey


async def several_channels(trial: Trial) -> Journey:
    return await begun(trial, 7 * DAY)


LIVES: tuple[Life, ...] = (
    purchased,
    opted_out,
    erased,
    cart_emptied,
    cancelled,
    reengaged,
    no_lawful_basis,
    not_eligible,
    exhausted,
    expired,
    paused_and_resumed,
    busy_then_hurried,
    outage_then_delivered,
    outage_then_opted_out,
    switched_off_then_on,
    stopped_unheard,
    several_channels,
)


POLICIES: dict[Life, str] = {not_eligible: CHOOSY, several_channels: SEVERAL}
"""The lives that need a policy of their own."""


async def record(version: str) -> None:
    """Live every life and every round of a poll, and write their histories and that of a sweep."""
    folder = HISTORIES / version
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as home:
        async with temporal_server(Path(home)) as temporal:
            for life in LIVES:
                await _lived(temporal, life, folder)
            await _kept(temporal, "sweep", folder / "sweep.json")
            for round_ in ROUNDS:
                await _asked(temporal, round_, folder)


async def _lived(temporal: Temporal, life: Life, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        async with installed(temporal, Path(home), POLICIES.get(life)) as trial, trial.working():
            journey = await life(trial)
            await journey.ends()
            await _kept(temporal, journey.id, folder / f"{life.__name__}.json")


async def _asked(temporal: Temporal, round_: Round, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        async with installed(temporal, Path(home)) as trial, trial.working():
            name, run = await polled(trial, round_)
            await _kept(temporal, name, folder / f"{round_.__name__}.json", run)


async def _kept(temporal: Temporal, name: str, path: Path, run: str | None = None) -> None:
    history = await temporal.client.get_workflow_handle(name, run_id=run).fetch_history()
    path.write_text(json.dumps(_plain(json.loads(history.to_json())), separators=(",", ":")) + "\n", encoding="utf-8")


def _plain(part: object) -> object:
    """Leave out what says on which machine it was recorded."""
    if isinstance(part, dict):
        return {key: _plain(value) for key, value in part.items() if key not in ("identity", "stackTrace")}
    if isinstance(part, list):
        return [_plain(one) for one in part]
    return "sticky" if isinstance(part, str) and "@" in part else part  # a queue named after process and machine


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))
    threading.Event().wait(0.5)  # the SDK's threads may abort an interpreter that ends at once
