"""A step with several channels: which one is asked when, what gives way to the next, and where a new run goes on."""

from dataclasses import replace
from datetime import time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import QuietHours
from models.decide import Close, Progress, Send, Wait, decide
from models.gate import gate
from models.journey import PlannedStep, SendResult, SendStatus
from models.policy import Pressure, from_json, plan, to_json
from models.policy_file import parse_policies
from models.question import Question, Ruling, skip, stop
from models.situation import DeliveryRecord, SuppressionReason
from models.step import ROAD_CLOSED, Spread, Step, step_from_json, step_to_json
from models.vocabulary import Channel, DeliveryState, Outcome, Reason, Verdict
from tests.situations import CARTS, CUSTOMER, DAY, GRANTED, HOUR, NOON, QUIET, facing, handed, question

EMAIL, SMS, CALL = Channel.EMAIL, Channel.SMS, Channel.CALL
FIRST = Step("reminder", timedelta(), 3 * DAY, (SMS, EMAIL), "cart/reminder")
ALL = replace(FIRST, spread=Spread.ALL)
ALLOWED = (GRANTED, replace(GRANTED, channel=SMS))
SENT, UNKNOWN, REFUSED = DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.REFUSED
HANDED, RELEASED = DeliveryState.HANDED, DeliveryState.RELEASED


def asked(step: Step = FIRST, channel: Channel = SMS, **changes: object) -> Question:
    """Ask whether a step may go by a channel, to somebody who allows both."""
    policy = replace(CARTS, steps=(step,), hash="", **changes)  # type: ignore[arg-type]
    situation = replace(QUIET, consents=ALLOWED)
    return question(situation, policy, step=step, channel=channel, reachable={EMAIL, SMS}, until=NOON + DAY)


def answer(ruling: Ruling) -> tuple[str, str]:
    return ruling.verdict, ruling.reason


# What passes a step on to its next channel.


@pytest.mark.parametrize("reason", Reason)
def test_only_what_speaks_against_the_channel_passes_the_message_on(reason: Reason) -> None:
    assert asked(FIRST).passes_on(skip(reason)) == (reason in ROAD_CLOSED)
    assert asked(ALL).passes_on(skip(reason))
    assert not asked(ALL, EMAIL).passes_on(skip(reason))  # there is no next one


def test_what_went_out_is_passed_on_to_the_others_only_when_all_shall_get_it() -> None:
    went = Ruling(Verdict.SENT, Reason.SENT)
    assert [asked(step).passes_on(went) for step in (FIRST, ALL)] == [False, True]


def test_a_stop_passes_nothing_on() -> None:
    assert not asked(ALL).passes_on(stop(Reason.PURCHASED, Outcome.PURCHASED))


def test_the_message_itself_is_refused_once_for_all_channels() -> None:
    """A condition that is not met, a sold-out cart, the holdout: no channel makes that better."""
    for reason in (Reason.WHEN, Reason.OUT_OF_STOCK, Reason.HOLDOUT, Reason.WINDOW_ENDED, Reason.ALREADY_SENT):
        assert not FIRST.passes_on(reason)


@pytest.mark.parametrize(("late", "verdict"), [(timedelta(), "skipped"), (timedelta(seconds=1), "later")])
def test_a_channel_that_opens_when_the_window_is_over_gives_way_and_one_that_opens_before_waits(
    late: timedelta, verdict: str
) -> None:
    quiet = {SMS: QuietHours(time(12), time(15))}  # noon in UTC is one o'clock in Paris: it opens in two hours
    ruling = gate(replace(asked(quiet_hours=quiet), until=NOON + 2 * HOUR + late))
    assert answer(ruling) == (verdict, "quiet_hours")


def test_the_last_channel_waits_although_it_opens_too_late() -> None:
    quiet = {EMAIL: QuietHours(time(12), time(15))}
    ruling = gate(replace(asked(channel=EMAIL, quiet_hours=quiet), until=NOON + HOUR))
    assert answer(ruling) == ("later", "quiet_hours")


def test_a_channel_that_had_enough_messages_gives_way() -> None:
    full = facing(asked(caps={SMS: Pressure(1, 7 * DAY, HOUR)}), handed=(handed(NOON - DAY, SMS),))
    assert answer(gate(full)) == ("skipped", "pressure")
    assert answer(gate(replace(full, channel=EMAIL))) == ("sent", "sent")
    assert answer(gate(replace(full, until=NOON + 9 * DAY))) == ("later", "pressure")


def test_the_switch_of_a_channel_holds_whoever_would_get_it() -> None:
    held = facing(asked(), switched_off=frozenset({SMS}))
    assert answer(gate(held)) == ("later", "kill_switch")
    assert answer(gate(replace(held, channel=EMAIL))) == ("sent", "sent")
    assert answer(gate(facing(held, consents=(GRANTED,)))) == ("skipped", "no_lawful_basis")


def test_the_switch_of_everything_holds_everybody() -> None:
    held = facing(asked(), switched_off=frozenset({"all"}), consents=(GRANTED,))
    assert answer(gate(held)) == ("later", "kill_switch")


def test_the_switch_of_the_only_channel_holds_everybody() -> None:
    alone = replace(FIRST, channels=(SMS,))
    held = facing(asked(alone), switched_off=frozenset({SMS}), consents=())
    assert answer(gate(held)) == ("later", "kill_switch")


@pytest.mark.parametrize("reason", [SuppressionReason.OBJECTION, SuppressionReason.BOUNCE])
def test_a_closed_address_closes_its_channel_and_not_the_other(reason: SuppressionReason) -> None:
    closed = facing(asked(), suppressed={SMS: reason})
    assert gate(closed).verdict == "skipped"
    assert answer(gate(replace(closed, channel=EMAIL))) == ("sent", "sent")


def test_a_journey_ends_when_its_last_road_is_closed() -> None:
    nobody = facing(asked(), consents=())
    assert answer(gate(nobody)) == ("stopped", "no_lawful_basis")
    assert answer(gate(facing(asked(), suppressed=dict.fromkeys(Channel, SuppressionReason.OBJECTION)))) == (
        "stopped",
        "opted_out",
    )


def test_a_call_needs_a_consent_of_its_own_however_often_somebody_bought() -> None:
    step = replace(FIRST, channels=(CALL, EMAIL))
    calling = replace(asked(step, CALL), reachable={CALL, EMAIL}, at=NOON + 2 * HOUR)  # three o'clock in Paris
    assert answer(gate(calling)) == ("skipped", "no_lawful_basis")
    agreed = facing(calling, consents=(*ALLOWED, replace(GRANTED, channel=CALL)))
    assert answer(gate(agreed)) == ("sent", "sent")
    assert answer(gate(facing(agreed, customer=replace(CUSTOMER, phone=None)))) == ("skipped", "no_address")


# How a journey goes through the channels of a step.

PLAN = (PlannedStep("one", 0, 3 * 86400, (SMS, EMAIL)), PlannedStep("two", 3 * 86400, 86400, (EMAIL,)))
BEGUN = Progress(j0=NOON, plan=PLAN)
MORE = SendResult(SendStatus.SKIPPED, more=True)


def test_the_channels_of_a_step_are_asked_in_their_order() -> None:
    assert decide(BEGUN, NOON) == Send("one", NOON + 3 * DAY, SMS)
    second = BEGUN.sent("one", MORE)
    assert decide(second, NOON) == Send("one", NOON + 3 * DAY, EMAIL)
    done = second.sent("one", SendResult(SendStatus.SENT))
    assert decide(done, NOON) == Wait(NOON + 3 * DAY)
    assert decide(done, NOON + 3 * DAY) == Send("two", NOON + 4 * DAY, EMAIL)


@pytest.mark.parametrize("status", [SendStatus.SENT, SendStatus.SKIPPED, SendStatus.UNKNOWN])
def test_an_answer_that_asks_for_no_more_settles_the_step(status: SendStatus) -> None:
    assert BEGUN.sent("one", SendResult(status)).settled == {"one"}


def test_the_last_channel_settles_the_step_whatever_it_asks_for() -> None:
    assert BEGUN.sent("one", MORE).sent("one", MORE).settled == {"one"}


def test_a_channel_that_waits_is_asked_again_and_not_the_one_before() -> None:
    waiting = BEGUN.sent("one", MORE).sent("one", SendResult(SendStatus.LATER, until=NOON + HOUR))
    assert decide(waiting, NOON) == Wait(NOON + HOUR)
    assert decide(waiting, NOON + HOUR) == Send("one", NOON + 3 * DAY, EMAIL)


def test_the_next_channel_does_not_wait_for_what_held_the_one_before() -> None:
    held = BEGUN.sent("one", SendResult(SendStatus.LATER, until=NOON + HOUR))
    assert decide(held.sent("one", MORE), NOON + HOUR) == Send("one", NOON + 3 * DAY, EMAIL)


def test_staff_has_every_channel_of_the_next_step_at_once() -> None:
    hurried = BEGUN.sent("one", SendResult(SendStatus.SENT)).hurried()
    plan_ = (PLAN[0], replace(PLAN[1], channels=(EMAIL, SMS)))
    first = decide(replace(hurried, plan=plan_), NOON)
    both = replace(hurried, plan=plan_).sent("two", SendResult(SendStatus.SENT, more=True))
    assert (first, decide(both, NOON)) == (Send("two", NOON + 4 * DAY, EMAIL), Send("two", NOON + 4 * DAY, SMS))
    assert not both.sent("two", SendResult(SendStatus.SENT)).asked


def test_a_stop_between_two_channels_ends_the_journey() -> None:
    assert decide(BEGUN.sent("one", MORE).stopped(Outcome.PURCHASED), NOON) == Close(Outcome.PURCHASED)


def test_a_plan_from_before_there_were_several_channels_means_the_first() -> None:
    old = Progress(j0=NOON, plan=(PlannedStep("one", 0, 86400),))
    assert decide(old, NOON) == Send("one", NOON + DAY, None)
    assert old.sent("one", SendResult(SendStatus.SENT, more=True)).settled == {"one"}


# Where a run that is made again goes on.

OVER: dict[str, tuple[Step, dict[Channel, DeliveryState], dict[Channel, Reason], bool]] = {
    "nothing was asked": (FIRST, {}, {}, False),
    "the first one had it": (FIRST, {SMS: SENT}, {}, True),
    "nobody knows whether the first one had it": (FIRST, {SMS: UNKNOWN}, {SMS: Reason.NO_PROOF}, True),
    "the first one is handed": (FIRST, {SMS: HANDED}, {}, False),
    "the first one was released": (FIRST, {SMS: RELEASED}, {}, False),
    "the first one was refused": (FIRST, {SMS: REFUSED}, {SMS: Reason.PROVIDER_REFUSED}, False),
    "the first one is closed": (FIRST, {}, {SMS: Reason.NO_LAWFUL_BASIS}, False),
    "the message is refused": (FIRST, {}, {SMS: Reason.WHEN}, True),
    "the window was over for the released one": (FIRST, {SMS: RELEASED}, {SMS: Reason.WINDOW_ENDED}, True),
    "the first one is closed and the second had it": (FIRST, {EMAIL: SENT}, {SMS: Reason.NO_ADDRESS}, True),
    "the first one is closed and the second is handed": (FIRST, {EMAIL: HANDED}, {SMS: Reason.NO_ADDRESS}, False),
    "another worker found the second handed": (
        FIRST,
        {EMAIL: HANDED},
        {SMS: Reason.NO_ADDRESS, EMAIL: Reason.ALREADY_SENT},
        False,
    ),
    "both are closed": (FIRST, {}, {SMS: Reason.NO_ADDRESS, EMAIL: Reason.SUPPRESSED}, True),
    "one of all had it": (ALL, {SMS: SENT}, {}, False),
    "all had it": (ALL, {SMS: SENT, EMAIL: UNKNOWN}, {}, True),
    "one of all had it and the other is closed": (ALL, {SMS: SENT}, {EMAIL: Reason.OPTED_OUT}, True),
    "one of all is closed": (ALL, {}, {SMS: Reason.WHEN}, False),
    "one of all is handed": (ALL, {SMS: HANDED, EMAIL: SENT}, {}, False),
}


@pytest.mark.parametrize("case", OVER)
def test_a_step_is_over_when_nothing_is_left_to_do(case: str) -> None:
    step, states, skipped, over = OVER[case]
    assert step.is_over(states, skipped) is over


@given(
    st.sampled_from([FIRST, ALL]),
    st.lists(st.sampled_from(["sent", "unknown", "refused", "closed", "against", "lost"]), min_size=2, max_size=2),
    st.integers(0, 1),
)
def test_a_run_made_again_at_any_moment_ends_as_the_first_would_have(step: Step, fates: list[str], lost: int) -> None:
    """Live through a step, with and without losing the run after an answer, and compare what was handed over."""
    far = dict(zip(step.channels, fates, strict=True))
    assert lived(step, far, lost) == lived(step, far, None)


def lived(step: Step, fates: dict[Channel, str], lost: int | None) -> dict[Channel, DeliveryState]:
    """Return the deliveries of a step whose channels have these fates; the run may be lost after an answer."""
    states: dict[Channel, DeliveryState] = {}
    skipped: dict[Channel, Reason] = {}
    planned = plan(replace(CARTS, steps=(step,), hash=""))
    progress = Progress(j0=NOON, plan=planned)
    for turn in range(10):
        command = decide(progress, NOON)
        if not isinstance(command, Send) or command.channel is None:
            return states
        progress = progress.sent(step.name, once(step, command.channel, fates[command.channel], states, skipped))
        if turn == lost:
            over = (step.name,) if step.is_over(states, skipped) else ()
            progress = Progress(j0=NOON, plan=planned, settled=frozenset(over))
    raise AssertionError("it never ends")


def once(
    step: Step, channel: Channel, fate: str, states: dict[Channel, DeliveryState], skipped: dict[Channel, Reason]
) -> SendResult:
    """Answer as the send does: what was handed over is known, what is closed stays closed."""
    if fate in ("closed", "against"):
        skipped[channel] = Reason.NO_ADDRESS if fate == "closed" else Reason.WHEN
        return SendResult(SendStatus.SKIPPED, more=step.passes_on(skipped[channel]))
    if fate == "lost" and channel not in states:  # the worker dies, and a look-up finds nothing
        states[channel] = UNKNOWN
    states.setdefault(channel, DeliveryState(fate) if fate != "lost" else UNKNOWN)
    refused = states[channel] is REFUSED
    more = refused or step.spread is Spread.ALL
    return SendResult(SendStatus.SKIPPED if refused else SendStatus(states[channel]), more=more)


# How a policy writes it.


@pytest.mark.parametrize("channels", ["sms", "[sms, email]", "{first: [sms, email]}", "{all: [email, sms, call]}"])
def test_what_a_policy_says_of_channels_survives_the_store(channels: str) -> None:
    text = f"name: cart\ntrigger: {{kind: cart}}\nsteps: [{{name: a, at: J0, channel: {channels}}}]"
    (policy,) = parse_policies(text)
    again = from_json(to_json(policy))
    assert again == policy
    assert step_from_json(step_to_json(policy.steps[0])) == policy.steps[0]


def test_one_channel_is_one_channel_however_it_is_written() -> None:
    texts = ("sms", "[sms]", "{first: [sms]}", "{all: [sms]}")
    policies = [
        parse_policies(f"name: cart\ntrigger: {{kind: cart}}\nsteps: [{{name: a, at: J0, channel: {one}}}]")[0]
        for one in texts
    ]
    assert len({policy.hash for policy in policies}) == 1
    assert all(policy == policies[0] for policy in policies)


def test_a_delivery_by_another_channel_settles_a_step_for_the_first_and_not_one_for_all() -> None:
    for step, verdict in ((FIRST, "skipped"), (ALL, "sent")):
        had = facing(asked(step), deliveries={EMAIL: DeliveryRecord("d", SENT)})
        assert gate(had).verdict == verdict
