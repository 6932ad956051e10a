import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from channels.base import Misconfigured, Receipt, Refused, TemporarilyUnavailable, Unproven
from channels.memory import Memory
from channels.smtp import Smtp
from models.message import Message
from models.vocabulary import DeliveryState, Outcome
from store.acts import ActName
from store.schema import DELIVERIES
from tests.smtp_server import Mailbox
from tests.trial import DAY, HOUR, Journey, Trial, about
from tests.workflow.conftest import Install

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with Mailbox() as server:
        yield server


@pytest.fixture
async def by_smtp(install: Install, mailbox: Mailbox) -> AsyncIterator[Trial]:
    sender = Smtp(mailbox.url)
    trial = await install(mail=sender)
    async with trial.working():
        yield trial
    await sender.aclose()


async def first(journey: Journey) -> dict[str, object]:
    return dict((await journey.trial.rows(DELIVERIES, journey.id))[0])


async def test_a_server_that_is_down_for_six_hours_gets_the_message_once_when_it_is_back(
    by_smtp: Trial, mailbox: Mailbox
) -> None:
    await mailbox.down()
    journey = await by_smtp.abandon()
    await journey.passes(7 * HOUR)
    assert (await first(journey))["state"] == DeliveryState.RELEASED
    tries = await journey.decided()
    assert set(tries) == {("reminder", "sent", "sent"), ("reminder", "later", "provider_down")}
    await mailbox.up()
    await journey.passes(HOUR)
    delivery = await first(journey)
    assert delivery["state"] == DeliveryState.SENT
    assert len(mailbox.messages) == 1
    assert delivery["handed_at"] == pytest.approx(journey.since + 7 * HOUR + 15 * MINUTE, abs=20 * MINUTE)
    releases = delivery["releases"]
    assert isinstance(releases, list)
    assert delivery["attempts"] == len(releases) + 1 > 10
    await journey.passes(3 * DAY)
    assert len(mailbox.messages) == 2


async def test_an_objection_during_an_outage_is_the_end_and_nothing_is_sent_when_it_is_over(
    by_smtp: Trial, mailbox: Mailbox
) -> None:
    await mailbox.down()
    journey = await by_smtp.abandon()
    await journey.passes(2 * HOUR)
    await journey.objects()
    await journey.ends()
    await mailbox.up()
    assert await journey.outcome() is Outcome.OPTED_OUT
    assert (await first(journey))["state"] == DeliveryState.RELEASED
    assert mailbox.messages == []


async def test_a_pause_during_an_outage_holds_the_message_when_it_is_over(by_smtp: Trial, mailbox: Mailbox) -> None:
    await mailbox.down()
    journey = await by_smtp.abandon()
    await journey.passes(2 * HOUR)
    await journey.staff(ActName.PAUSE)
    await mailbox.up()
    await journey.passes(5 * HOUR)
    assert mailbox.messages == []
    await journey.staff(ActName.RESUME)
    await journey.passes(MINUTE)
    assert await journey.delivered() == [("reminder", "sent")]
    assert len(mailbox.messages) == 1


async def test_a_line_that_is_lost_after_the_message_leaves_it_unknown_and_no_second_one_goes(
    by_smtp: Trial, mailbox: Mailbox
) -> None:
    mailbox.drop_after_data()
    journey = await by_smtp.abandon()
    await journey.passes(2 * HOUR)
    assert await journey.delivered() == [("reminder", "unknown")]
    mailbox.accept()
    await journey.passes(2 * DAY)
    assert len(mailbox.messages) == 1
    assert await journey.decided() == [("reminder", "sent", "sent"), ("reminder", "unknown", "no_proof")]
    await journey.passes(2 * DAY)
    assert await journey.delivered() == [("reminder", "unknown"), ("social-proof", "sent")]


async def test_a_refused_address_is_skipped_now_and_suppressed_for_the_steps_to_come(trial: Trial) -> None:
    trial.problem = lambda _: Refused("550 no such mailbox", address=True)
    journey = await trial.abandon()
    await journey.passes(9 * DAY)
    await journey.ends()
    assert await journey.decided() == [
        ("reminder", "sent", "sent"),
        ("reminder", "skipped", "provider_refused"),
        ("social-proof", "skipped", "suppressed"),
        ("incentive", "skipped", "suppressed"),
    ]
    assert len(trial.memory.attempts) == 1
    assert await journey.outcome() is Outcome.EXHAUSTED


async def test_a_provider_that_names_its_time_is_asked_again_then(trial: Trial) -> None:
    answers = iter([TemporarilyUnavailable("429 slow down", 45 * MINUTE)])
    trial.problem = lambda _: next(answers, None)
    journey = await trial.abandon()
    await journey.passes(3 * HOUR)
    delivery = await first(journey)
    assert (delivery["state"], delivery["attempts"]) == (DeliveryState.SENT, 2)
    row = await journey.row()
    assert (await trial.rows(DELIVERIES, journey.id))[0]["handed_at"] - row["j0"] == about(45 * MINUTE)


async def test_a_misconfigured_sender_holds_people_and_sends_when_it_is_put_right(trial: Trial) -> None:
    trial.problem = lambda _: Misconfigured("535 wrong password")
    journey = await trial.abandon()
    await journey.passes(2 * HOUR)
    assert (await journey.decided())[-1] == ("reminder", "later", "provider_misconfigured")
    trial.problem = lambda _: None
    await journey.passes(HOUR)
    assert await journey.delivered() == [("reminder", "sent")]
    assert len(trial.memory.messages) == 1


class Blocking(Memory):
    """Takes a message, or not, and does not answer until it is let go."""

    def __init__(self, *, takes: bool) -> None:
        super().__init__()
        self.takes, self.called, self.release = takes, asyncio.Event(), asyncio.Event()

    async def send(self, message: Message) -> Receipt:
        if self.takes:
            await super().send(message)
        self.called.set()
        await self.release.wait()
        raise Unproven("let go")


@pytest.mark.parametrize(("takes", "state"), [(True, "sent"), (False, "unknown")])
async def test_a_worker_that_stops_while_a_message_is_handed_leaves_it_to_a_look_up(
    install: Install, *, takes: bool, state: str
) -> None:
    blocking = Blocking(takes=takes)
    trial = await install(mail=blocking)
    async with trial.working():
        journey = await trial.abandon()
        moving = asyncio.create_task(journey.passes(2 * HOUR))
        await asyncio.wait_for(blocking.called.wait(), 10)
    assert await journey.delivered() == [("reminder", "handed")]
    async with trial.working():
        await moving
        assert await journey.delivered() == [("reminder", state)]
        assert len(blocking.messages) == int(takes)


async def test_an_objection_does_not_wait_for_a_provider_that_does_not_answer(install: Install) -> None:
    blocking = Blocking(takes=True)
    trial = await install(mail=blocking)
    async with trial.working():
        journey = await trial.abandon()
        moving = asyncio.create_task(journey.passes(2 * HOUR))
        await asyncio.wait_for(blocking.called.wait(), 10)
        await journey.objects()
        await journey.ends()
        assert await journey.outcome() is Outcome.OPTED_OUT
        blocking.release.set()
        await moving
    assert len(blocking.messages) == 1
