"""Mistakes in a policy file: every one is reported at once, with its line and field, and none breaks the reader."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.policy_file import PolicyError, check, parse_policies

STEPS = ("reminder", "social-proof", "incentive")
TEMPLATES = {f"email/{kind}/{step}" for kind in ("cart", "inactive") for step in STEPS} | {"sms/cart/last-call"}
HEAD = "name: cart\ntrigger: {kind: cart}\n"
DAY = timedelta(days=1)

SOUND = """\
name: cart
trigger: {kind: cart, abandoned_after: 1h}
holdout: 5%
audience: {all: [{cart.value: {gte: 1000, lt: 9000}}, {not: {traits.age_band: 18-34}}]}
segments: [{name: big, when: {cart.value: {gte: 15000}}}, {name: rest}]
steps:
  - {name: incentive, at: J0, channel: email, offer: {percent: {big: 15, default: 10}, valid: 7d, code: A}}
  - {name: last-call, at: J+10, channel: sms, window: 12h, when: {segment: {in: [big]}}}
quiet_hours: {email: {from: 22:00, to: 8:00}}
---
name: inactive
trigger: {kind: inactive, sector: luxury, per_sweep: 10}
"""


def fields(text: str) -> list[tuple[int, str]]:
    """Return line and field of every mistake."""
    return [(problem.line, problem.field) for problem in check(text, templates=TEMPLATES)]


def message(text: str) -> str:
    """Return what is said about the one mistake of a text."""
    (problem,) = check(text, templates=TEMPLATES)
    return problem.message


def test_every_mistake_of_a_file_is_reported_in_one_go() -> None:
    text = """\
name: cart
trigger: {kind: cart, abandoned_after: 1x, after: 3d}
holdout: 140%
audience: {cart.vale: {gte: 10}}
segments:
  - {name: big, when: {cart.value: {gte: many}}}
  - {name: deep, when: {customer.depth: {in: [slight, deeep]}}}
steps:
  - {name: reminder, at: J+3, channel: emial}
  - name: reminder
    at: J+1
    channel: sms
  - {name: last, at: J+1, channel: email, template: cart/remindr, when: {segment: {in: [vip]}},
     offer: {percent: {vip: 10, big: 150}, valid: 0d, code: A, pool: b}}
quiet_hours: {email: {from: "25:00"}}
---
name: cart
trigger: {kind: inactive, sector: fashon}
colour: red
"""
    assert fields(text) == [
        (2, "trigger.abandoned_after"),
        (2, "trigger.after"),
        (3, "holdout"),
        (4, "audience.cart.vale"),
        (6, "segments[0].when.cart.value.gte"),
        (7, "segments[1].when.customer.depth.in[1]"),
        (9, "steps[0].channel"),
        (10, "steps[1].name"),
        (10, "steps[1].template"),
        (13, "steps[2].at"),
        (13, "steps[2].template"),
        (13, "steps[2].when.segment.in[0]"),
        (14, "steps[2].offer.percent.big"),
        (14, "steps[2].offer.percent.vip"),
        (14, "steps[2].offer.pool"),
        (14, "steps[2].offer.valid"),
        (15, "quiet_hours.email.from"),
        (15, "quiet_hours.email.to"),
        (17, "name"),
        (18, "trigger.sector"),
        (19, "colour"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("audiense: {}", "did you mean 'audience'?"),
        ("audience: {cart.vale: 3}", "did you mean 'cart.value'?"),
        ("audience: {cart.value: {ge: 3}}", "did you mean 'gte'?"),
        ("audience: {cart.value: {contains: a}}", "cart.value, which holds a number"),
        ("audience: {cart.value: 150 EUR}", "in minor units"),
        ("audience: {customer.serial_abandoner: maybe}", "true or false"),
        ("audience: {cart.value: [1, 2]}", "like {in: [a, b]}"),
        ("audience: {segment: {eq: regular}}", "`when` of a step"),
        ("audience: {}", "empty rule"),
        ("audience: {all: []}", "empty list"),
        ("audience: [3]", "a rule is a mapping"),
        ("segments: [{name: a}, {name: b}]", "never reached: 'a'"),
        ("segments: [{name: a, when: {cart.items: 1}}, {name: a}]", "further up"),
        ("steps: [{name: a, at: J0, channel: email, template: cart/remindr}]", "did you mean 'cart/reminder'?"),
        ("steps: [{name: a, at: J0, channel: sms, template: cart/reminder}]", "no sms template 'cart/reminder'"),
        ("steps: [{name: last-call, at: J0, channel: sms, window: 0d}]", "longer than 0"),
        ("steps: [{name: ../a, at: J0, channel: email, template: cart/reminder}]", "not a name"),
        ("holdout: 10", "in percent"),
        ("locale: french", "like fr or en-GB"),
        ("pressure: {per: 1y}", "unknown unit 'y'"),
        ("pressure: {gap: -1h}", "cannot be negative"),
        ("pressure: {gap: 11000d}", "longer than ten years"),
        ("pressure: {messages: 2.5}", "whole number from 1 to 100"),
        ("quiet_hours: {email: {from: 9:00, to: 09:00}}", "same time"),
        ("name: other", "written twice; first in line 1"),
        ("locale: !!str fr", "tags"),
        ("locale: &a fr\nholdout: *a", "aliases"),
        ("audience: " + "{not: " * 40 + "{cart.value: 1}" + "}" * 40, "nested deeper"),
        ("locale: [", "cannot be read as YAML"),
        ("\tlocale: fr", "cannot be read as YAML"),
        ("locale: \x00", "control character"),
        ('locale: "\\UFFFFFFFF"', "impossible character"),
        ("#" * 100_001, "longer than 100000"),
    ],
)
def test_a_mistake_says_what_to_do(line: str, said: str) -> None:
    assert said in message(HEAD + line + "\n")


@pytest.mark.parametrize(
    ("trigger", "field"),
    [
        ("{kind: cart, abandoned_after: 3d, max_age: 3d}", "trigger.max_age"),
        ("{kind: inactive, inactive_after: 4w, max_inactive: 28d}", "trigger.max_inactive"),
        ("{kind: inactive, abandoned_after: 1h}", "trigger.abandoned_after"),
        ("{kind: inactive, per_sweep: 0}", "trigger.per_sweep"),
        ("{abandoned_after: 1h}", "trigger.kind"),
        ("cart", "trigger"),
    ],
)
def test_a_trigger_must_make_sense(trigger: str, field: str) -> None:
    assert fields(f"name: a\ntrigger: {trigger}\n") == [(2, field)]


def test_a_window_ends_where_the_next_step_begins_at_the_latest() -> None:
    steps = "steps:\n  - {name: a, at: J0, channel: email, window: %s, template: cart/reminder}\n"
    more = "  - {name: last-call, at: J+2, channel: sms, window: 5d}\n"
    assert [step.window for step in parse_policies(HEAD + steps % "12h" + more)[0].steps] == [DAY / 2, 5 * DAY]
    assert fields(HEAD + steps % "49h" + more) == [(4, "steps[0].window")]


def test_steps_come_one_after_the_other() -> None:
    steps = "steps:\n  - {name: reminder, at: J+1, channel: email}\n  - {name: last-call, at: %s, channel: sms}\n"
    assert fields(HEAD + steps % "J+25h") == []
    assert fields(HEAD + steps % "J+24h") == fields(HEAD + steps % "J0") == [(5, "steps[1].at")]


def test_missing_parts_are_named() -> None:
    assert fields("locale: fr\n") == [(1, "name"), (1, "trigger")]
    assert fields(HEAD + "steps:\n  - {}\n") == [(4, "steps[0].at"), (4, "steps[0].channel"), (4, "steps[0].name")]
    assert fields("") == fields("# nothing\n---\n") == [(1, "")]


def test_mistakes_before_a_place_that_is_no_yaml_are_reported_too() -> None:
    assert fields(HEAD + "holdout: 10\n---\nname: [\n") == [(3, "holdout"), (6, "")]


def test_the_error_says_every_mistake_on_one_line() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policies(HEAD + "holdout: 10\nlocale: x\n")
    assert len(caught.value.problems) == 2
    assert str(caught.value).startswith("line 3: holdout: '10': not a share")
    assert "\n" not in str(caught.value)


@given(st.text("name: cart\n{}[]-&*!'\"%J+3dhx.", max_size=80) | st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert check(text) or parse_policies(text)
    assert check(HEAD + text) or parse_policies(HEAD + text)


@given(
    st.integers(0, len(SOUND) - 1), st.integers(1, 12), st.sampled_from(["", "x", ":", "{", "]", "\n", "- 3", "null"])
)
def test_a_damaged_file_is_read_or_reported_and_never_breaks(start: int, length: int, instead: str) -> None:
    text = SOUND[:start] + instead + SOUND[start + length :]
    assert check(text, templates=TEMPLATES) or parse_policies(text)
