"""Steps for the first channel that is allowed, on a real Temporal: never two of them, whatever crashes between."""

import asyncio
from typing import Any

import pytest

from channels.base import Refused, TemporarilyUnavailable, Unproven
from channels.memory import Memory
from models.vocabulary import ConsentState, Outcome
from store.acts import pause_all, resume_all
from tests.trial import DAY, HOUR
from tests.two_channels import EMAIL, FIRST, MINUTE, MORE, SMS, policy, said, two
from tests.workflow.conftest import Install
from tests.workflow.test_outages import Blocking


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
