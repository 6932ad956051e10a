"""A provider that counts a key once may be asked again when its answer was lost; every other one never is."""

from datetime import timedelta

from channels.base import Unproven
from channels.memory import Memory, in_turn
from store.schema import DELIVERIES
from tests.trial import HOUR
from tests.workflow.conftest import Install

MINUTE = timedelta(minutes=1)


def honouring(window: timedelta, *answers: Unproven | None) -> Memory:
    memory = Memory(script=in_turn(*answers))
    memory.honours_key = window
    return memory


async def test_a_lost_answer_is_asked_for_again_under_the_same_key_and_arrives_once(install: Install) -> None:
    memory = honouring(HOUR, Unproven("line lost"))
    trial = await install(mail=memory)
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(2 * HOUR)
    assert await journey.delivered() == [("reminder", "sent")]
    assert len(memory.attempts) == 2
    assert len(set(memory.attempts)) == len(memory.messages) == 1
    (delivery,) = await trial.rows(DELIVERIES, journey.id)
    assert delivery["attempts"] == 2
    assert delivery["releases"][0]["proof"].startswith("its key counts once until")
    assert [verdict for _, verdict, _ in await journey.decided()] == ["sent", "unknown", "sent"]


async def test_an_objection_after_a_lost_answer_forbids_the_repetition(install: Install) -> None:
    memory = honouring(HOUR, Unproven("line lost"))
    trial = await install(mail=memory)
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(HOUR + MINUTE // 6)
        assert await journey.delivered() == [("reminder", "unknown")]
        await journey.objects(told=False)
        await journey.passes(HOUR)
        await journey.ends()
    assert len(memory.attempts) == 1
    assert await journey.delivered() == [("reminder", "unknown")]


async def test_a_window_that_is_over_permits_no_repetition(install: Install) -> None:
    memory = honouring(timedelta(seconds=20), Unproven("line lost"))
    trial = await install(mail=memory)
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(2 * HOUR)
    assert len(memory.attempts) == 1
    assert await journey.delivered() == [("reminder", "unknown")]
