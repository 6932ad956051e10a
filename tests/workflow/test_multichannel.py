"""Steps with several channels on a real Temporal: the first that is allowed, or all of them, and never one twice."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.base import Receipt, Refused, Sender, TemporarilyUnavailable, Unproven
from channels.memory import Memory
from models.events import ConsentEntry, Event, EventType
from models.message import Message
from models.vocabulary import Channel, ConsentState, Outcome
from runtime import clock
from store.acts import ActName, By, pause_all, resume_all
from store.schema import DECISIONS, DELIVERIES
from tests.trial import DAY, HOUR, Journey, Trial
from tests.workflow.conftest import Install
from tests.workflow.test_outages import Blocking

EMAIL, SMS = Channel.EMAIL, Channel.SMS
MINUTE = timedelta(minutes=1)
FIRST, ALL = "[sms, email]", "{all: [email, sms]}"
MORE = "{name: more, at: J+1, channel: [sms, email], template: cart/last-call}"


def policy(channels: str, *more: str, **keys: str) -> str:
    """Return a cart policy whose first step goes by these channels at J0; more steps are written out."""
    head = ["name: cart", "trigger: {kind: cart}", *(f"{key}: {value}" for key, value in keys.items()), "steps:"]
    return "\n".join([*head, f"  - {{name: last-call, at: J0, channel: {channels}}}", *(f"  - {one}" for one in more)])


def local(hour: int) -> str:
    """Return a zone in which it is about this hour now; people in the United States may get SMS on every day."""
    ahead = (hour - clock.now().hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}"


def said(channel: Channel, state: ConsentState = ConsentState.GRANTED, purpose: str = "marketing") -> ConsentEntry:
    return ConsentEntry(channel, purpose, state, "form", clock.now() - DAY)


class Two:
    """An installation that sends by e-mail and SMS, and the customers who leave their carts in it."""

    def __init__(self, trial: Trial, sms: Memory) -> None:
        self.trial, self.sms = trial, sms

    async def abandons(self, *channels: Channel, hour: int = 12, **person: Any) -> Journey:
        """Have somebody who agreed to these channels leave a cart two hours ago, where it is this hour now."""
        numbered = f"+3361234{len(self.trial.journeys):04d}"
        consents = tuple(said(channel) for channel in channels)
        who = {"phone": numbered, "country": "US", "timezone": local(hour), "consents": consents} | person
        return await self.trial.abandon(at=clock.now() - 2 * HOUR, **who)

    async def got(self, journey: Journey) -> list[str]:
        """Return what a customer got, by channel and step."""
        keys = [message.key.split("/", 1) for message in (*self.sms.messages, *self.trial.memory.messages)]
        return [step for owner, step in keys if owner == journey.id]

    async def decided(self, journey: Journey) -> list[tuple[str, str, str]]:
        """Return channel, verdict and reason of each decision."""
        rows = await self.trial.rows(DECISIONS, journey.id)
        return [(row["channel"], row["verdict"], row["reason"]) for row in rows]

    async def says(self, journey: Journey, channel: Channel, purpose: str, state: ConsentState) -> None:
        """Have a customer allow or forbid something now."""
        word = ConsentEntry(channel, purpose, state, "page", clock.now())
        who = replace(journey.who, consents=(word,))
        told = Event(f"says-{journey.id}-{channel}", EventType.IDENTIFY, "", clock.now(), who)
        await self.trial.ingest(told, clock.now())

    async def switch(self, change: Callable[..., None], channel: Channel) -> None:
        await self.trial.database.write(change, channel, By("ops", None, clock.now()))

    async def loses(self, journey: Journey) -> None:
        """Let Temporal lose the run, and make it again from the store."""
        await journey.handle.terminate()
        await journey.ends()
        assert await self.trial.relay.rebuild() == 1


async def two(install: Install, text: str, sms: Memory | None = None, mail: Sender | None = None) -> Two:
    trial = await install(text, mail)
    texts = sms or Memory(SMS)
    trial.others = {SMS: texts}
    return Two(trial, texts)


async def test_the_first_channel_that_is_allowed_takes_the_message_alone(install: Install) -> None:
    here = await two(install, policy(FIRST))
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.ends()
    assert await here.got(journey) == ["last-call/sms"]
    assert await here.decided(journey) == [("sms", "sent", "sent")]
    assert await journey.outcome() is Outcome.EXHAUSTED


FALLBACKS: dict[str, tuple[dict[str, Any], str]] = {
    "no consent to text messages": ({"consents": (said(EMAIL),)}, "no_lawful_basis"),
    "no telephone": ({"phone": None}, "no_address"),
    "text messages were withdrawn": (
        {"consents": (said(EMAIL), said(SMS, ConsentState.WITHDRAWN))},
        "opted_out",
    ),
    "this topic was declined there": (
        {"consents": (said(EMAIL), said(SMS), said(SMS, ConsentState.WITHDRAWN, "cart_reminders"))},
        "opted_out",
    ),
}


@pytest.mark.parametrize("why", FALLBACKS)
async def test_a_channel_that_is_closed_gives_way_to_the_next(install: Install, why: str) -> None:
    person, reason = FALLBACKS[why]
    here = await two(install, policy(FIRST))
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL, **person)
        await journey.ends()
    assert await here.got(journey) == ["last-call/email"]
    assert await here.decided(journey) == [("sms", "skipped", reason), ("email", "sent", "sent")]


async def test_a_channel_without_a_provider_gives_way_to_the_next(install: Install) -> None:
    here = await two(install, policy(FIRST))
    here.trial.others = {}
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.ends()
    assert await here.decided(journey) == [("sms", "skipped", "channel_missing"), ("email", "sent", "sent")]


NIGHT = '{sms: {from: "21:00", to: "09:00"}}'


async def test_a_channel_that_opens_after_the_window_gives_way_to_the_next(install: Install) -> None:
    text = policy(FIRST, quiet_hours=NIGHT).replace("at: J0,", "at: J0, window: 2h,")
    here = await two(install, text)
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL, hour=23)
        await journey.ends()
    assert await here.got(journey) == ["last-call/email"]
    assert await here.decided(journey) == [("sms", "skipped", "quiet_hours"), ("email", "sent", "sent")]


async def test_a_channel_that_opens_within_the_window_is_waited_for(install: Install) -> None:
    here = await two(install, policy(FIRST, quiet_hours=NIGHT))
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL, hour=23)
        await journey.passes(5 * HOUR)
        assert await here.got(journey) == []
        await journey.passes(8 * HOUR)
        await journey.ends()
    assert await here.got(journey) == ["last-call/sms"]
    assert await here.decided(journey) == [("sms", "later", "quiet_hours"), ("sms", "sent", "sent")]


async def test_a_text_message_of_which_nobody_knows_is_followed_by_no_mail(install: Install) -> None:
    here = await two(install, policy(FIRST), Memory(SMS, lambda _: Unproven("line lost")))
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.ends()
    assert await here.got(journey) == ["last-call/sms"]
    assert await here.decided(journey) == [("sms", "sent", "sent"), ("sms", "unknown", "no_proof")]
    assert here.trial.memory.attempts == []


async def test_a_refused_number_gives_way_to_the_mail_and_is_not_tried_again(install: Install) -> None:
    sms = Memory(SMS, lambda _: Refused("21614 not a mobile number", address=True))
    here = await two(install, policy(FIRST, MORE), sms)
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.passes(HOUR)
        assert await here.got(journey) == ["last-call/email"]
        assert await here.decided(journey) == [
            ("sms", "sent", "sent"),
            ("sms", "skipped", "provider_refused"),
            ("email", "sent", "sent"),
        ]
        await journey.passes(2 * DAY)
        await journey.ends()
    assert await here.got(journey) == ["last-call/email", "more/email"]
    assert len(sms.attempts) == 1


async def test_an_outage_of_one_provider_holds_its_channel_and_nothing_falls_back(install: Install) -> None:
    down = {"is": True}
    sms = Memory(SMS, lambda _: TemporarilyUnavailable("503") if down["is"] else None)
    here = await two(install, policy(FIRST), sms)
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        other = await here.abandons(EMAIL)
        await other.ends()  # whoever gets an e-mail does not wait for the provider of text messages
        await journey.passes(3 * HOUR)
        assert await here.got(journey) == []
        down["is"] = False
        await journey.passes(HOUR)
        await journey.ends()
    assert await here.got(journey) == ["last-call/sms"]


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


async def test_a_worker_that_dies_while_the_text_message_is_handed_sends_no_mail(install: Install) -> None:
    sms = Blocking(takes=True)
    here = await two(install, policy(FIRST), sms)
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await asyncio.wait_for(sms.called.wait(), 10)
    async with here.trial.working():
        await journey.passes(HOUR)
        await journey.ends()
    assert await journey.delivered() == [("last-call", "sent")]
    assert here.trial.memory.attempts == []


@pytest.mark.parametrize("takes", [True, False])
async def test_a_run_that_is_lost_after_the_fallback_was_handed_never_goes_back_to_the_first_channel(
    install: Install, *, takes: bool
) -> None:
    mail = Blocking(takes=takes)
    here = await two(install, policy(FIRST), mail=mail)
    async with here.trial.working():
        journey = await here.abandons(EMAIL)
        await asyncio.wait_for(mail.called.wait(), 10)
    await here.says(journey, SMS, "marketing", ConsentState.GRANTED)
    await here.loses(journey)
    async with here.trial.working():
        await journey.ends()
    assert here.sms.attempts == []
    assert await journey.delivered() == [("last-call", "sent" if takes else "unknown")]
    assert len(mail.attempts) == (1 if takes else 0)


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


async def test_a_topic_declined_on_one_channel_leaves_the_other(install: Install) -> None:
    here = await two(install, policy(FIRST, MORE))
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.parks()
        await here.says(journey, SMS, "cart_reminders", ConsentState.WITHDRAWN)
        await journey.passes(2 * DAY)
        await journey.ends()
    assert await here.got(journey) == ["last-call/sms", "more/email"]
    assert ("sms", "skipped", "opted_out") in await here.decided(journey)


async def test_an_objection_to_one_channel_ends_the_journey_and_leaves_the_other_for_the_next(install: Install) -> None:
    here = await two(install, policy(FIRST, "{name: reminder, at: J+3, channel: email}"))
    async with here.trial.working():
        journey = await here.abandons(SMS, EMAIL)
        await journey.parks()
        await here.says(journey, SMS, "marketing", ConsentState.WITHDRAWN)
        await journey.ends()
        assert await journey.outcome() is Outcome.OPTED_OUT
        again = await here.abandons(SMS, EMAIL, phone=journey.who.phone, consents=(said(EMAIL),))
        await again.parks()
    assert await here.decided(again) == [("sms", "skipped", "opted_out"), ("email", "sent", "sent")]


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


async def test_the_switch_of_one_channel_holds_those_who_would_get_it_and_nobody_else(install: Install) -> None:
    here = await two(install, policy(FIRST))
    await here.switch(pause_all, SMS)
    async with here.trial.working():
        held, free = await here.abandons(SMS, EMAIL), await here.abandons(EMAIL)
        await free.ends()
        assert await here.decided(free) == [("sms", "skipped", "no_lawful_basis"), ("email", "sent", "sent")]
        await held.passes(3 * MINUTE)
        assert await here.decided(held) == [("sms", "later", "kill_switch")]
        await here.switch(resume_all, SMS)
        await held.passes(2 * MINUTE)
        await held.ends()
    assert await here.decided(held) == [("sms", "later", "kill_switch"), ("sms", "sent", "sent")]
    assert len(here.trial.memory.attempts) == 1


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
