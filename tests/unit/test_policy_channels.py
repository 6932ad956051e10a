"""Mistakes in what a policy says of channels, pressure and priority: each with its line, its field and a way out."""

import pytest

from models.policy import Pressure
from models.policy_file import check, parse_policies
from models.step import Spread
from models.vocabulary import Channel
from tests.builders import DAY, HOUR

EMAIL, SMS = Channel.EMAIL, Channel.SMS
TEMPLATES = {"email/cart/a", "sms/cart/a", "call/cart/a", "email/cart/only-mail"}
HEAD = "name: cart\ntrigger: {kind: cart}\n"


def mistakes(text: str) -> list[tuple[int, str, str]]:
    """Return line, field and words of every mistake."""
    return [(one.line, one.field, one.message) for one in check(text, templates=TEMPLATES)]


def step(channel: str, template: str = "cart/a") -> str:
    """Return a policy whose one step goes by this, written in line 4."""
    return f"{HEAD}steps:\n  - {{name: a, at: J0, template: {template}, channel: {channel}}}\n"


CHANNELS: dict[str, tuple[str, str, str]] = {
    "an empty list": ("[]", "steps[0].channel", "is an empty list"),
    "a name that no channel has": (
        "[sms, pigeon]",
        "steps[0].channel[1]",
        "unknown value 'pigeon'; known: call, email, push, sms",
    ),
    "a misspelt one": ("[emial]", "steps[0].channel[0]", "unknown value 'emial'; did you mean 'email'?"),
    "one twice": ("[sms, email, sms]", "steps[0].channel[2]", "sms stands further up already"),
    "both ways at once": (
        "{first: [sms], all: [email]}",
        "steps[0].channel",
        "write either {first: [sms, email]} or {all: [email, sms]}",
    ),
    "neither way": ("{}", "steps[0].channel", "write either {first: [sms, email]} or {all: [email, sms]}"),
    "one value where a list belongs": ("{all: sms}", "steps[0].channel.all", "should be a list, like [a, b]"),
    "a mapping in a list": ("[{sms: email}]", "steps[0].channel[0]", "should be one value"),
}


@pytest.mark.parametrize("case", CHANNELS)
def test_a_mistake_in_channels_is_named(case: str) -> None:
    written, field, words = CHANNELS[case]
    assert mistakes(step(written)) == [(4, field, words)]


def test_an_unknown_way_to_spread_is_answered_with_the_known_ones() -> None:
    found = mistakes(step("{any: [sms, email]}"))
    assert (4, "steps[0].channel.any", "unknown key; known: all, first") in found


def test_every_channel_of_a_step_needs_its_template() -> None:
    (found,) = mistakes(step("[sms, email, call]", "cart/only-mail")[:-1].replace(", call]", "]"))
    assert found[:2] == (4, "steps[0].template")
    assert found[2].startswith("there is no sms template 'cart/only-mail'")
    assert len(mistakes(step("{all: [sms, email, call]}", "cart/only-mail"))) == 2


PRESSURES: dict[str, tuple[str, str, str]] = {
    "a channel that does not exist": (
        "{smss: {messages: 1}}",
        "pressure.smss",
        "unknown key; did you mean 'sms'?",
    ),
    "no number of messages": (
        "{sms: {messages: 0}}",
        "pressure.sms.messages",
        "should be a whole number from 1 to 100",
    ),
    "a number in place of a cap": ("{sms: 1}", "pressure.sms", "should be a mapping, like {key: value}"),
    "a period without a unit": (
        "{sms: {per: 30}}",
        "pressure.sms.per",
        "'30': not a length of time; write a whole number and a unit, like 30m, 1h, 3d or 2w",
    ),
    "no period": ("{sms: {per: 0d}}", "pressure.sms.per", "should be longer than 0"),
    "a key of another place": (
        "{sms: {from: 8h}}",
        "pressure.sms.from",
        "unknown key; known: gap, messages, per",
    ),
}


@pytest.mark.parametrize("case", PRESSURES)
def test_a_mistake_in_a_cap_is_named(case: str) -> None:
    written, field, words = PRESSURES[case]
    assert mistakes(f"{step('sms')}pressure: {written}\n") == [(5, field, words)]


@pytest.mark.parametrize("written", ["0", "101", "-1", "high", "1.5", "[1]"])
def test_a_priority_is_a_whole_number_from_1_to_100(written: str) -> None:
    ((line, field, words),) = mistakes(f"{step('sms')}priority: {written}\n")
    assert (line, field) == (5, "priority")
    assert words in ("should be a whole number from 1 to 100", "should be one value")


def test_several_mistakes_are_told_together_in_the_order_of_their_lines() -> None:
    text = f"{step('[sms, sms]')}priority: 0\npressure:\n  sms: {{messages: 0}}\n  email: {{gap: x}}\n"
    assert [(line, field) for line, field, _ in mistakes(text)] == [
        (4, "steps[0].channel[1]"),
        (5, "priority"),
        (7, "pressure.sms.messages"),
        (8, "pressure.email.gap"),
    ]


def test_a_sound_policy_reads_as_it_is_written() -> None:
    text = (
        step("{all: [email, sms]}") + "priority: 90\npressure: {messages: 4, gap: 0h, sms: {messages: 1, per: 30d}}\n"
    )
    (policy,) = parse_policies(text, templates=TEMPLATES)
    assert (policy.steps[0].channels, policy.steps[0].spread) == ((EMAIL, SMS), Spread.ALL)
    assert policy.priority == 90
    assert policy.cap(EMAIL) == Pressure(4, 7 * DAY, 0 * HOUR)
    assert policy.cap(SMS) == Pressure(1, 30 * DAY, 0 * HOUR)  # what it does not say is the policy's


@pytest.mark.parametrize(("kind", "priority"), [("cart", 50), ("inactive", 30)])
def test_a_cart_matters_more_than_silence_unless_a_policy_says_otherwise(kind: str, priority: int) -> None:
    (policy,) = parse_policies(f"name: p\ntrigger: {{kind: {kind}}}\n")
    assert policy.priority == priority
