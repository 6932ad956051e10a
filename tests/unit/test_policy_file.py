"""The policy file: what it means, and the policies that are shipped."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from models.calendar import QuietHours
from models.operators import Op
from models.policy import CartTrigger, InactiveTrigger, Policy, Pressure, Sector
from models.policy_file import check, parse_policies
from models.rules import AllOf, AnyOf, Comparison, Not
from models.vocabulary import Channel

POLICIES = Path(__file__).parents[2] / "policies"
STEPS = ("reminder", "social-proof", "incentive")
TEMPLATES = {f"email/{kind}/{step}" for kind in ("cart", "inactive") for step in STEPS} | {"sms/cart/last-call"}
HEAD = "name: cart\ntrigger: {kind: cart}\n"
DAY = timedelta(days=1)

EXAMPLE = """\
name: cart
trigger: {kind: cart, abandoned_after: 1h, max_age: 3d, reentry: 7d}
locale: fr
holdout: 0%
audience: {all: [{cart.value: {gte: 1000}}, {not: {customer.serial_abandoner: true}}]}
segments:                       # first match wins
  - {name: high-value, when: {cart.value: {gte: 15000}}}
  - {name: new,        when: {customer.orders: {eq: 0}}}
  - {name: regular}
steps:
  - {name: reminder,     at: J0,   channel: email, template: cart/reminder}
  - {name: social-proof, at: J+3,  channel: email, template: cart/social-proof}
  - {name: incentive,    at: J+7,  channel: email, template: cart/incentive,
     offer: {percent: {high-value: 15, default: 10}, valid: 7d, code: RETOUR10}}
  - {name: last-call,    at: J+10, channel: sms,   when: {segment: {in: [high-value]}}}
---
name: inactive
trigger: {kind: inactive, sector: default, inactive_after: 180d, reentry: 90d, per_sweep: 1000}
audience: {all: [{customer.inactive_days: {gt: 180}}, {customer.engagement: {lt: 30}},
  {any: [{traits.age_band: {eq: 18-34}}, {customer.orders: {gte: 1}}]}]}
"""


def only(text: str) -> Policy:
    """Read a text that holds one policy."""
    (policy,) = parse_policies(text)
    return policy


def test_the_documented_example_is_without_mistakes() -> None:
    assert check(EXAMPLE, templates=TEMPLATES) == []
    cart, inactive = parse_policies(EXAMPLE, templates=TEMPLATES)
    assert cart.trigger == CartTrigger(timedelta(hours=1), 3 * DAY, 7 * DAY)
    assert cart.audience == AllOf(
        (
            Comparison("cart.value", Op.GTE, 1000),
            Not(Comparison("customer.serial_abandoner", Op.EQ, True)),
        )
    )
    assert [(step.after, step.window) for step in cart.steps] == [
        (0 * DAY, 3 * DAY),
        (3 * DAY, 4 * DAY),
        (7 * DAY, 3 * DAY),
        (10 * DAY, 3 * DAY),
    ]
    assert cart.steps[2].offer
    assert cart.steps[2].offer.percent == {"high-value": 15, "default": 10}
    assert (cart.steps[3].channels, cart.steps[3].template) == ((Channel.SMS,), "cart/last-call")
    assert inactive.trigger == InactiveTrigger()


def test_a_policy_without_steps_has_the_three_usual_ones() -> None:
    policy = only("name: winback\ntrigger: {kind: inactive}\n")
    assert [(step.name, step.after) for step in policy.steps] == [
        ("reminder", 0 * DAY),
        ("social-proof", 3 * DAY),
        ("incentive", 7 * DAY),
    ]
    assert [step.template for step in policy.steps] == [f"inactive/{name}" for name in STEPS]
    assert (policy.holdout, policy.pressure, policy.quiet_hours) == (0.0, Pressure(3, 7 * DAY, DAY * 20 / 24), {})


def test_a_written_step_takes_the_template_of_its_own_policy_and_name() -> None:
    (step,) = only("name: vip\ntrigger: {kind: cart}\nsteps: [{name: hello, at: J0, channel: email}]\n").steps
    assert step.template == "vip/hello"


@pytest.mark.parametrize(("sector", "days"), [("default", 180), ("fashion", 90), ("luxury", 365)])
def test_a_sector_has_its_own_threshold(sector: str, days: int) -> None:
    trigger = only(f"name: a\ntrigger: {{kind: inactive, sector: {sector}}}\n").trigger
    assert isinstance(trigger, InactiveTrigger)
    assert (trigger.sector, trigger.inactive_after) == (Sector(sector), days * DAY)


def test_several_operators_and_several_fields_must_all_hold() -> None:
    audience = only(HEAD + "audience: {cart.value: {gte: 1, lt: 9}, cart.coupon: {exists: false}}\n").audience
    value = AllOf((Comparison("cart.value", Op.GTE, 1), Comparison("cart.value", Op.LT, 9)))
    assert audience == AllOf((value, Comparison("cart.coupon", Op.EXISTS, False)))


def test_values_are_what_their_field_holds_and_not_what_yaml_guesses() -> None:
    rule = "{any: [{customer.country: {in: [NO, FR]}}, {traits.vip: yes}, {traits.age: {lt: 35}}, {traits.zip: '09'}]}"
    assert only(HEAD + f"audience: {rule}\nquiet_hours: {{email: {{from: 22:00, to: 8:00}}}}\n").audience == AnyOf(
        (
            Comparison("customer.country", Op.IN, ("NO", "FR")),
            Comparison("traits.vip", Op.EQ, "yes"),
            Comparison("traits.age", Op.LT, 35),
            Comparison("traits.zip", Op.EQ, "09"),
        )
    )


def test_quiet_hours_need_no_quotes() -> None:
    policy = only(HEAD + "quiet_hours: {email: {from: 22:00, to: 8:00}}\n")
    assert policy.quiet_hours == {Channel.EMAIL: QuietHours(time(22), time(8))}


def test_comments_and_spacing_do_not_make_another_version() -> None:
    spread = "# ours\ntrigger:\n  kind: cart\n\n\nname: cart   # the first\nholdout: 0%\npressure: {messages: 3}\n"
    assert only(spread).hash == only(HEAD).hash != only(HEAD + "locale: en\n").hash


def test_the_shipped_policies_start_a_shop_plainly() -> None:
    for kind in ("cart", "inactive"):
        (policy,) = parse_policies((POLICIES / f"{kind}.yaml").read_text(), templates=TEMPLATES)
        assert (policy.name, policy.kind, policy.holdout, policy.quiet_hours) == (kind, kind, 0.0, {})
        assert policy.pressure == Pressure(3, 7 * DAY, timedelta(hours=20))
        assert [(step.name, step.after, step.template) for step in policy.steps] == [
            ("reminder", 0 * DAY, f"{kind}/reminder"),
            ("social-proof", 3 * DAY, f"{kind}/social-proof"),
            ("incentive", 7 * DAY, f"{kind}/incentive"),
        ]
        assert not any(step.offer for step in policy.steps)
