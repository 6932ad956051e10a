"""Policies as values: plan, segments, threshold, versions, and the stored form."""

import json
from dataclasses import replace
from datetime import time, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import QuietHours
from models.durations import format_duration, format_moment, parse_duration, parse_moment, parse_share
from models.events import SOLD, OrderStatus
from models.journey import PlannedStep
from models.offers import Offer
from models.operators import Op
from models.policy import (
    CartTrigger,
    InactiveTrigger,
    Policy,
    Pressure,
    Sector,
    Segment,
    from_json,
    plan,
    segment_of,
    threshold,
    to_json,
)
from models.policy_file import parse_policies
from models.rules import AllOf, AnyOf, Comparison, Not, Rule
from models.step import Spread, Step
from models.stored import content_hash
from models.vocabulary import Channel, Kind, LastLook
from models.windows import hours_problem

DAY = timedelta(days=1)
HIGH = Segment("high-value", Comparison("cart.value", Op.GTE, 15000))
NEW = Segment("new", Comparison("customer.orders", Op.EQ, 0))
REMINDER = Step("reminder", timedelta(0), 3 * DAY, (Channel.EMAIL,), "cart/reminder")
CART = Policy("cart", CartTrigger(), (REMINDER,), segments=(HIGH, NEW, Segment("regular")))

lengths = st.integers(1, 10**6).map(lambda seconds: timedelta(seconds=seconds))
names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
texts = st.from_regex(r"[A-Za-z0-9é'\"#:%-]{1,12}", fullmatch=True)
leaves: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Comparison, st.just("cart.value"), st.just(Op.GTE), st.integers(0, 9999) | st.just(0.5)),
    st.builds(Comparison, st.just("customer.country"), st.just(Op.IN), st.lists(texts, min_size=1).map(tuple)),
    st.builds(
        Comparison, st.just("traits.x"), st.sampled_from([Op.EQ, Op.NE]), texts | st.integers(-9, 9) | st.booleans()
    ),
    st.builds(Comparison, st.just("cart.coupon"), st.just(Op.EXISTS), st.booleans()),
)
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=5,
)
maybe_rules = st.none() | rules
offers = st.builds(
    Offer,
    st.dictionaries(st.sampled_from(["a", "default"]), st.integers(0, 100), min_size=1),
    lengths,
    st.none() | texts,
    st.none(),
    st.none() | st.integers(1, 10**6),
    st.none() | texts,
    lengths,
)
cart_triggers = st.builds(
    lambda after, more, reentry: CartTrigger(after, after + more, reentry), lengths, lengths, lengths
)
inactive_triggers = st.builds(
    lambda sector, after, reentry, some, more: InactiveTrigger(sector, after, reentry, some, after + more),
    st.sampled_from(Sector),
    lengths,
    lengths,
    st.integers(1, 1000),
    lengths,
)
pressures = st.builds(Pressure, st.integers(1, 9), lengths, lengths)
hours = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda clock: time(*clock))
quiet_hours = st.builds(QuietHours, hours, hours).filter(lambda quiet: quiet.start != quiet.end)
purchases = st.sets(st.sampled_from(OrderStatus), min_size=1).map(
    lambda chosen: tuple(one for one in OrderStatus if one in chosen)
)


def leave_time(quiet: dict[Channel, QuietHours]) -> bool:
    return all(hours_problem(channel, hours, "FR") is None for channel, hours in quiet.items())


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Build a policy that a file could hold."""
    gaps = draw(st.lists(lengths, min_size=1, max_size=4))
    steps = []
    after = timedelta(0)
    for place, gap in enumerate(gaps):
        channels = draw(st.lists(st.sampled_from(Channel), min_size=1, max_size=3, unique=True))
        spread = draw(st.sampled_from(Spread)) if len(channels) > 1 else Spread.FIRST
        when, offer = draw(maybe_rules), draw(st.none() | offers)
        steps.append(Step(f"s{place}", after, gap, tuple(channels), "cart/x", when, offer, spread))
        after += gap
    return Policy(
        name=draw(names),
        trigger=draw(cart_triggers | inactive_triggers),
        steps=tuple(steps),
        locale=draw(st.sampled_from([None, "fr", "en-GB"])),
        holdout=draw(st.integers(0, 10000)) / 10000,
        audience=draw(maybe_rules),
        segments=(Segment("a", draw(rules)), Segment("b", draw(maybe_rules))),
        pressure=draw(pressures),
        caps=draw(st.dictionaries(st.sampled_from(Channel), pressures)),
        priority=draw(st.integers(1, 100)),
        quiet_hours=draw(st.dictionaries(st.sampled_from(Channel), quiet_hours).filter(leave_time)),
        purchase=draw(purchases),
        last_look=draw(st.sampled_from(LastLook)),
    )


def test_the_first_segment_that_matches_is_taken() -> None:
    name, why = segment_of(CART, {"cart.value": 20000, "customer.orders": 0})
    assert name == "high-value"
    assert [leaf.field for leaf in why.leaves] == ["cart.value"]


def test_a_later_segment_explains_why_not_the_earlier_ones() -> None:
    name, why = segment_of(CART, {"cart.value": 100, "customer.orders": 2})
    assert name == "regular"
    assert [(leaf.field, leaf.result) for leaf in why.leaves] == [("cart.value", False), ("customer.orders", False)]


def test_a_customer_whom_no_segment_matches_is_in_the_default_one() -> None:
    name, why = segment_of(replace(CART, segments=(HIGH,)), {})
    assert (name, why.result) == ("default", False)


def test_the_plan_is_in_seconds() -> None:
    assert plan(CART) == (PlannedStep("reminder", 0, 259200, (Channel.EMAIL,)),)


def test_a_step_is_found_by_name() -> None:
    assert CART.step("reminder") is REMINDER
    assert CART.step("goodbye") is None


def test_the_threshold_is_the_triggers_or_the_default_sectors() -> None:
    assert threshold(CART) == 180 * DAY
    assert threshold(replace(CART, trigger=InactiveTrigger(inactive_after=90 * DAY))) == 90 * DAY
    assert replace(CART, trigger=InactiveTrigger()).kind is Kind.INACTIVE


def test_another_content_is_another_version() -> None:
    louder = replace(CART, pressure=Pressure(messages=4), hash="")
    assert len(CART.hash) == 16
    assert louder.hash != CART.hash


def test_a_stored_version_keeps_the_hash_of_what_was_stored() -> None:
    record = to_json(CART) | {"note": "a field of an older release"}
    assert from_json(record).hash == content_hash(record) != CART.hash


def test_a_version_from_before_policies_named_their_purchases_keeps_its_hash_and_its_meaning() -> None:
    record = {key: value for key, value in to_json(CART).items() if key not in ("purchase", "last_look")}
    stored = from_json(record)
    assert stored.hash == content_hash(record) != CART.hash
    assert (stored.purchase, stored.last_look) == (SOLD, LastLook.HOLD)
    assert stored == replace(CART, purchase=SOLD, hash=stored.hash)


def test_a_damaged_record_is_refused_by_the_name_of_the_field() -> None:
    with pytest.raises(ValueError, match="'steps'"):
        from_json(to_json(CART) | {"steps": 3})
    with pytest.raises(ValueError, match="'pressure'"):
        from_json({key: value for key, value in to_json(CART).items() if key != "pressure"})
    with pytest.raises(ValueError, match="'payed'"):
        from_json(to_json(CART) | {"purchase": ["payed"]})
    with pytest.raises(ValueError, match="'last_look'"):
        from_json(to_json(CART) | {"last_look": 3})


@given(policies())
def test_a_policy_survives_being_stored(policy: Policy) -> None:
    assert from_json(json.loads(json.dumps(to_json(policy)))) == policy


@given(policies())
def test_the_stored_form_is_a_policy_file(policy: Policy) -> None:
    text = yaml.safe_dump(to_json(policy), allow_unicode=True, width=10**6)
    assert parse_policies(text) == [policy]


@given(st.integers(0, 315_360_000))
def test_a_length_of_time_is_read_as_it_was_written(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_duration(format_duration(length)) == length
    assert parse_moment(format_moment(length)) == length


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("J0", 0 * DAY),
        ("J+3", 3 * DAY),
        ("J+36h", 1.5 * DAY),
        ("J+90m", DAY / 16),
        ("J+2w", 14 * DAY),
        ("J+0", 0 * DAY),
    ],
)
def test_a_moment_counts_days_unless_it_says_otherwise(text: str, length: timedelta) -> None:
    assert parse_moment(text) == length


@pytest.mark.parametrize(
    "text", ["", "3", "d", "1.5h", "-1d", "3 jours", "3y", "1h30m", "3651d", "999999999w", "٣d", "J+3"]
)
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"length of time|unknown unit|ten years"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["J", "J1", "J-3", "3", "J+", "D+3", "J+3y", "j0", "J+3651"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a moment|unknown unit|ten years"):
        parse_moment(text)


def test_a_share_is_a_percentage_or_a_fraction() -> None:
    assert [parse_share(text) for text in ("0%", "2.5%", "100%", "0", "0.1")] == [0.0, 0.025, 1.0, 0.0, 0.1]
    for wrong in ("10", "1", "101%", "-1%", "1,5%", "%", "ten"):
        with pytest.raises(ValueError, match=r"not a share|more than 100%"):
            parse_share(wrong)


@pytest.mark.parametrize("length", [timedelta(seconds=-1), timedelta(milliseconds=1)])
def test_a_length_that_cannot_be_written_is_refused(length: timedelta) -> None:
    with pytest.raises(ValueError, match="whole, positive"):
        format_duration(length)
