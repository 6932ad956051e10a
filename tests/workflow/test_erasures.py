import asyncio

import pytest
from temporalio.client import Client

from channels.base import Receipt, Unproven
from channels.memory import Memory
from models.certificate import Place
from models.erasing import ErasureState, pause
from models.journey import TASK_QUEUE, Start
from models.message import Message
from models.vocabulary import Outcome
from runtime import clock
from store.acts import By
from store.forgetting import ask
from store.outbox import OutboxRow
from store.schema import CUSTOMERS
from tests.forgetful import Clock, Forgetful
from tests.trial import DAY, HOUR, Trial
from tests.workflow.conftest import Install


class Blocking(Memory):
    """Takes a message and does not answer until it is let go; then it says that it does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.called, self.release = asyncio.Event(), asyncio.Event()

    async def send(self, message: Message) -> Receipt:
        await super().send(message)
        self.called.set()
        await self.release.wait()
        raise Unproven("let go")


def forgetful_of(trial: Trial, *, away: bool = False) -> Forgetful:
    """Return a runner whose home is that of the Temporal server, so that its database is searched too."""
    found = Forgetful(trial.database, trial.temporal.database.parent, Clock(clock.now()))
    return found if away else reached(trial, found)


def reached(trial: Trial, forgetful: Forgetful) -> Forgetful:
    """Let a runner reach Temporal."""

    async def client() -> Client:
        return trial.temporal.client

    forgetful.connect = client
    forgetful.is_killed()
    return forgetful


async def asked(trial: Trial, forgetful: Forgetful, *, told: bool = True) -> list[OutboxRow]:
    """Ask that the only customer be forgotten; Temporal hears of it, or not yet."""
    rows = await trial.database.read(lambda connection: connection.execute(CUSTOMERS.select()).all())
    _, outbox = await trial.database.write(ask, rows[0].id, By("support", None, forgetful.clock()))
    if told:
        await trial.relay.deliver(outbox)
    return list(outbox)


async def test_a_journey_that_has_sent_is_forgotten_with_its_histories_searched(trial: Trial) -> None:
    journey = await trial.abandon(external_id="shop-id-of-camille", phone="+33698765432")
    await journey.passes(DAY)
    forgetful = forgetful_of(trial)
    await asked(trial, forgetful)
    await journey.ends()
    job = await forgetful.done()
    assert job.certificate is not None
    assert (job.state, job.certificate["result"]) == (ErasureState.CERTIFIED, "clean")
    searched = {one["place"]: one for one in job.certificate["searched"]}
    assert (searched[Place.HISTORIES]["journeys"], searched[Place.HISTORIES]["runs"]) == (1, 1)
    assert searched[Place.HISTORIES]["bytes"] > 1000
    assert searched[Place.TEMPORAL_FILE]["bytes"] > 10_000
    assert await journey.outcome() is Outcome.ERASED


async def test_an_erasure_while_a_message_is_handed_waits_for_its_answer_and_sends_nothing_more(
    install: Install,
) -> None:
    blocking = Blocking()
    trial = await install(mail=blocking)
    async with trial.working():
        journey = await trial.abandon()
        moving = asyncio.create_task(journey.passes(2 * HOUR))
        await asyncio.wait_for(blocking.called.wait(), 10)
        forgetful = forgetful_of(trial)
        await asked(trial, forgetful)
        await forgetful.works()
        assert (await forgetful.job()).state == ErasureState.ASKED
        await journey.ends()
        blocking.release.set()
        await moving
        async with asyncio.timeout(10):
            while await journey.delivered() == [("reminder", "handed")]:
                await asyncio.sleep(0.05)
        forgetful.clock.passes(pause(1))
        job = await forgetful.done()
    assert await journey.delivered() == [("reminder", "unknown")]
    assert len(blocking.messages) == 1
    assert job.state == ErasureState.CERTIFIED


async def test_an_erasure_while_temporal_is_away_is_done_and_certified_when_it_is_back(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(DAY)
    forgetful = forgetful_of(trial, away=True)
    rows = await asked(trial, forgetful, told=False)
    await forgetful.works()
    job = await forgetful.job()
    assert job.certificate is not None
    assert (job.state, job.certificate["result"]) == (ErasureState.COMPACTED, "incomplete")
    assert [one["place"] for one in job.certificate["not_searched"]] == [Place.HISTORIES] * 2
    assert len(trial.memory.attempts) == 1
    reached(trial, forgetful)
    forgetful.clock.passes(pause(job.attempts))
    await forgetful.works()
    assert (await forgetful.job()).problem == "Temporal has still to hear that these journeys have ended"
    await trial.relay.deliver(rows)
    await journey.ends()
    forgetful.clock.passes(pause(2))
    assert (await forgetful.done()).state == ErasureState.CERTIFIED
    assert len(trial.memory.attempts) == 1


@pytest.mark.parametrize("planted", ["address", "name"])
async def test_what_temporal_remembers_of_a_person_is_found(trial: Trial, planted: str) -> None:
    journey = await trial.abandon(first_name="Zéphyrine")
    forgetful = forgetful_of(trial)
    await asked(trial, forgetful)
    await journey.ends()
    memo = {"note": journey.who.email if planted == "address" else "Zéphyrine rang"}
    later = await trial.temporal.client.start_workflow(
        "Relaunch", Start(0), id=journey.id, task_queue=f"{TASK_QUEUE}-nobody", memo=memo
    )
    await forgetful.works()
    job = await forgetful.job()
    assert job.certificate is not None
    found = {one["place"]: one for one in job.certificate["searched"] if one["found"]}
    assert found[Place.HISTORIES]["where"] == [f"{journey.id}, event 1"]
    assert (Place.TEMPORAL_FILE in found) == (planted == "address")
    await later.terminate()


async def test_a_person_who_is_called_like_the_shop_is_not_found_in_every_history(trial: Trial) -> None:
    journey = await trial.abandon(first_name="Main")
    await journey.passes(2 * HOUR)
    forgetful = forgetful_of(trial)
    await asked(trial, forgetful)
    await journey.ends()
    assert (await forgetful.done()).state == ErasureState.CERTIFIED
