"""Steps for all channels, on a real Temporal: each gets the message once, and a stop between them is obeyed."""

import asyncio

from channels.base import Receipt
from channels.memory import Memory
from models.message import Message
from models.vocabulary import Outcome
from store.acts import ActName, pause_all, resume_all
from store.schema import DELIVERIES
from tests.trial import Journey
from tests.two_channels import ALL, EMAIL, MINUTE, SMS, policy, two
from tests.workflow.conftest import Install


async def test_all_channels_get_the_message_once_each(install: Install) -> None:
    here = await two(install, policy(ALL))
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.ends()
    assert sorted(await here.got(journey)) == ["last-call/email", "last-call/sms"]
    assert await here.decided(journey) == [("email", "sent", "sent"), ("sms", "sent", "sent")]
    assert await journey.outcome() is Outcome.EXHAUSTED


async def test_of_all_channels_those_that_are_closed_are_left_out(install: Install) -> None:
    here = await two(install, policy("{all: [sms, email]}"))
    async with here.trial.working():
        journey = await here.abandons(EMAIL)
        await journey.ends()
    assert await here.got(journey) == ["last-call/email"]


class Buying(Memory):
    """Takes the message, and the customer buys before its answer has come."""

    journey: Journey | None = None

    async def send(self, message: Message) -> Receipt:
        receipt = await super().send(message)
        assert self.journey is not None
        await self.journey.buys()
        return receipt


async def test_a_stop_between_two_channels_leaves_the_second_unsent(install: Install) -> None:
    mail = Buying()
    here = await two(install, policy(ALL), mail=mail)
    mail.journey = await here.abandons(SMS, EMAIL)
    async with here.trial.working():
        await mail.journey.ends()
    assert await mail.journey.outcome() is Outcome.PURCHASED
    assert await here.got(mail.journey) == ["last-call/email"]
    assert here.sms.attempts == []


async def test_a_run_that_is_lost_between_all_channels_goes_on_with_the_second(install: Install) -> None:
    here = await two(install, policy(ALL))
    await here.switch(pause_all, SMS)
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        async with asyncio.timeout(10):
            while len(await here.decided(journey)) < 2:
                await here.trial.database.ping()
        await here.loses(journey)
        await here.switch(resume_all, SMS)
        await journey.passes(2 * MINUTE)
        await journey.ends()
    assert here.trial.memory.attempts == [f"{journey.id}/last-call/email"]
    assert here.sms.attempts == [f"{journey.id}/last-call/sms"]
    assert await journey.outcome() is Outcome.EXHAUSTED


async def test_a_run_that_is_lost_after_all_channels_had_it_repeats_none(install: Install) -> None:
    here = await two(install, policy(ALL, "{name: reminder, at: J+3, channel: email}"))
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.parks()
        before = await here.decided(journey)
        await here.loses(journey)
        await journey.parks()
        assert await here.decided(journey) == before
    assert (len(here.sms.attempts), len(here.trial.memory.attempts)) == (1, 1)


async def test_send_now_goes_by_every_channel_of_the_step(install: Install) -> None:
    later = "{name: more, at: J+5, channel: {all: [email, sms]}, template: cart/last-call}"
    here = await two(install, policy("email", later, pressure="{messages: 9, per: 7d, gap: 0h}"))
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.parks()
        await journey.handle.execute_update("send_now")
        assert [key for key in here.sms.attempts if "/more/" in key] == [f"{journey.id}/more/sms"]
        await journey.ends()
    assert await journey.outcome() is Outcome.EXHAUSTED


async def test_of_all_channels_the_one_that_is_switched_off_follows_when_it_is_on_again(install: Install) -> None:
    here = await two(install, policy(ALL))
    await here.switch(pause_all, SMS)
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.passes(3 * MINUTE)
        assert await here.got(journey) == ["last-call/email"]
        await here.switch(resume_all, SMS)
        await journey.passes(2 * MINUTE)
        await journey.ends()
    assert sorted(await here.got(journey)) == ["last-call/email", "last-call/sms"]


async def test_staff_can_cancel_between_two_channels(install: Install) -> None:
    here = await two(install, policy(ALL))
    await here.switch(pause_all, SMS)
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.passes(MINUTE)
        await journey.staff(ActName.CANCEL, "called us")
        await journey.ends()
        await here.switch(resume_all, SMS)
    assert here.sms.attempts == []
    (delivery,) = await here.trial.rows(DELIVERIES, journey.id)
    assert delivery["channel"] == "email"
