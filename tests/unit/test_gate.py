"""The gate: each check alone, all of them in order, and the proof that none of them can be taken away unseen."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import gate as gates
from models.calendar import QuietHours
from models.events import OrderStatus
from models.gate import CHECKS, gate
from models.look import Look
from models.operators import Op
from models.policy import PURCHASE, Pressure
from models.question import HELD, Question, ShopRules
from models.restored import Lost
from models.rules import Comparison
from models.situation import ConsentRecord, DeliveryRecord, Rival, Situation, SuppressionReason, ended_before_j0
from models.step import Spread
from models.vocabulary import (
    Arm,
    Basis,
    Channel,
    ConsentState,
    DeliveryState,
    Kind,
    LastLook,
    Outcome,
    Reason,
    Status,
    Verdict,
)
from tests.situations import (
    CART,
    CUSTOMER,
    DAY,
    GRANTED,
    HOUR,
    LAST_CALL,
    NOON,
    QUIET,
    SLEEPERS,
    facing,
    handed,
    of_journey,
    order,
    question,
)

EMAIL, SMS = Channel.EMAIL, Channel.SMS
ALICE = replace(CUSTOMER, last_activity_at=NOON - timedelta(minutes=20))
SPELL = replace(QUIET, journey=replace(QUIET.journey, kind=Kind.INACTIVE), cart=None)
WITHDRAWN = ConsentRecord(EMAIL, "marketing", ConsentState.WITHDRAWN, "page", NOON - HOUR)
TWO_ITEMS = replace(CART, lines=(*CART.lines, replace(CART.lines[0], product_id="p2")))
RIVAL = Rival("j2", "vip", 90, (EMAIL,), NOON + HOUR)
PROOF = {"consent": "", "purpose": "marketing", "source": "form", "wording": None, "actor": None}
LOOKED = Look("magento", NOON - timedelta(seconds=1))
AWAY = replace(LOOKED, problem="magento cannot be reached: check its URL and that it runs")
RICH = Comparison("cart.value", Op.GTE, 10_000)

Trouble = Callable[[Question], Question]


def with_policy(asked: Question, **changes: object) -> Question:
    return replace(asked, policy=replace(asked.policy, hash="", **changes))  # type: ignore[arg-type]


def with_step(asked: Question, **changes: object) -> Question:
    return replace(asked, step=replace(asked.step, **changes))  # type: ignore[arg-type]


def without_lines(asked: Question) -> Question:
    cart = asked.situation.cart
    return facing(asked, cart=replace(cart, lines=()) if cart else None)


# Everything that may speak against a message, in the order in which it is asked, with a situation made of it alone.
TROUBLES: dict[str, Trouble] = {
    "closed": lambda asked: of_journey(asked, status=Status.CLOSED, outcome=Outcome.PURCHASED),
    "settled": lambda asked: facing(asked, deliveries={EMAIL: DeliveryRecord("d1", DeliveryState.UNKNOWN)}),
    "paused": lambda asked: of_journey(asked, paused_at=NOON - HOUR),
    "erased": lambda asked: facing(asked, customer=None),
    "opted_out": lambda asked: facing(asked, consents=(*asked.situation.consents, WITHDRAWN)),
    "suppressed": lambda asked: facing(asked, suppressed={EMAIL: SuppressionReason.BOUNCE}),
    "purchased": lambda asked: facing(asked, orders=(order(NOON - HOUR),)),
    "reengaged": lambda _: question(replace(SPELL, customer=ALICE), SLEEPERS),
    "emptied": without_lines,
    "restored": lambda asked: replace(asked, shop=replace(asked.shop, lost=Lost(NOON - HOUR, NOON))),
    "window_ended": lambda asked: replace(asked, until=NOON),
    "switched_off": lambda asked: facing(asked, switched_off=frozenset({"all"})),
    "snoozed": lambda asked: facing(asked, customer=replace(CUSTOMER, snoozed_until=NOON + DAY)),
    "active_now": lambda asked: facing(asked, customer=ALICE),
    "when": lambda asked: with_step(asked, when=RICH),
    "rendered": lambda asked: replace(asked, broken=Reason.TEMPLATE_ERROR),
    "basis": lambda asked: facing(asked, consents=()),
    "quiet_hours": lambda asked: with_policy(asked, quiet_hours={EMAIL: QuietHours(time(12), time(15))}),
    "pressure": lambda asked: facing(asked, handed=(handed(NOON - HOUR),)),
    "outranked": lambda asked: facing(asked, rivals=(RIVAL,)),
    "in_stock": lambda asked: facing(asked, stock={"p1": 0}),
    "held_out": lambda asked: of_journey(asked, arm=Arm.HOLDOUT),
    "last_look": lambda asked: replace(asked, look=AWAY),
}
# Where the next check would stop the message too, for a reason of its own.
BACKED_UP = {"erased": {"suppressed"}, "opted_out": {"basis"}}


def test_a_message_that_nothing_speaks_against_goes_out_with_its_basis_and_segment() -> None:
    ruling = gate(question())
    assert (ruling.verdict, ruling.reason, ruling.basis) == (Verdict.SENT, Reason.SENT, Basis.CONSENT)
    assert ruling.inputs == {"segment": "default", "proof": PROOF | {"at": GRANTED.at.isoformat()}}


def test_the_checks_are_asked_in_this_order() -> None:
    assert [check.__name__ for check in CHECKS] == list(TROUBLES)


@pytest.mark.parametrize("name", TROUBLES)
def test_each_check_has_a_situation_in_which_it_alone_speaks(name: str) -> None:
    asked = TROUBLES[name](question())
    speaking = [check.__name__ for check in CHECKS if check(asked) is not None]
    assert speaking[0] == name
    assert set(speaking[1:]) == BACKED_UP.get(name, set())


@pytest.mark.parametrize("name", TROUBLES)
def test_a_gate_without_one_of_its_checks_answers_otherwise(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = TROUBLES[name](question())
    whole = gate(asked)
    monkeypatch.setattr(gates, "CHECKS", tuple(check for check in CHECKS if check.__name__ != name))
    mutant = gate(asked)
    assert (mutant.verdict, mutant.reason) != (whole.verdict, whole.reason)
    assert name in BACKED_UP or mutant.verdict is Verdict.SENT


@given(st.sets(st.sampled_from([name for name in TROUBLES if name != "reengaged"]), min_size=1))
def test_of_several_objections_the_first_is_the_answer(names: set[str]) -> None:
    asked = question()
    for name in reversed([name for name in TROUBLES if name in names]):
        asked = TROUBLES[name](asked)
    first = next(name for name in TROUBLES if name in names)
    alone = gate(TROUBLES[first](question()))
    assert gate(asked).reason is alone.reason


STOPS: dict[str, tuple[Question, Reason, Outcome]] = {
    "a journey that is over keeps its outcome": (
        of_journey(question(), status=Status.CLOSED, outcome=Outcome.CANCELLED),
        Reason.JOURNEY_CLOSED,
        Outcome.CANCELLED,
    ),
    "nobody is left": (facing(question(), customer=None), Reason.ERASED, Outcome.ERASED),
    "the last word is no": (
        facing(question(), consents=(GRANTED, WITHDRAWN)),
        Reason.OPTED_OUT,
        Outcome.OPTED_OUT,
    ),
    "the address objected": (
        facing(question(), suppressed={EMAIL: SuppressionReason.OBJECTION}),
        Reason.OPTED_OUT,
        Outcome.OPTED_OUT,
    ),
    "the address complained": (
        facing(question(), suppressed={EMAIL: SuppressionReason.COMPLAINT}),
        Reason.OPTED_OUT,
        Outcome.OPTED_OUT,
    ),
    "an order after the cart": (
        facing(question(), orders=(order(NOON - HOUR, own=False),)),
        Reason.PURCHASED,
        Outcome.PURCHASED,
    ),
    "an order of the cart itself, placed before its last touch": (
        facing(question(), orders=(order(NOON - 5 * HOUR, tokens=frozenset({"t1"})),)),
        Reason.PURCHASED,
        Outcome.PURCHASED,
    ),
    "an order in a spell of inactivity": (
        question(replace(SPELL, orders=(order(NOON - HOUR),)), SLEEPERS),
        Reason.PURCHASED,
        Outcome.PURCHASED,
    ),
    "a sleeper is back": (question(replace(SPELL, customer=ALICE), SLEEPERS), Reason.REENGAGED, Outcome.REENGAGED),
    "the cart is gone": (facing(question(), cart=None), Reason.CART_EMPTIED, Outcome.CART_EMPTIED),
    "the topic is declined": (
        facing(question(), consents=(GRANTED, replace(WITHDRAWN, purpose="cart_reminders"))),
        Reason.OPTED_OUT,
        Outcome.OPTED_OUT,
    ),
    "the next channel objected as well": (
        facing(
            question(),
            consents=(WITHDRAWN, replace(GRANTED, channel=SMS)),
            suppressed={SMS: SuppressionReason.COMPLAINT},
        ),
        Reason.OPTED_OUT,
        Outcome.OPTED_OUT,
    ),
    "neither consent nor purchase, now and later": (
        facing(question(), consents=()),
        Reason.NO_LAWFUL_BASIS,
        Outcome.NO_LAWFUL_BASIS,
    ),
}


@pytest.mark.parametrize("case", STOPS)
def test_a_stop_ends_the_journey_with_its_outcome(case: str) -> None:
    asked, reason, outcome = STOPS[case]
    ruling = gate(asked)
    assert (ruling.verdict, ruling.reason, ruling.outcome) == (Verdict.STOPPED, reason, outcome)


SKIPS: dict[str, tuple[Question, Reason]] = {
    "handed, and nothing more known": (
        facing(question(), deliveries={EMAIL: DeliveryRecord("d1", DeliveryState.HANDED)}),
        Reason.ALREADY_SENT,
    ),
    "accepted": (facing(question(), deliveries={EMAIL: DeliveryRecord("d1", DeliveryState.SENT)}), Reason.ALREADY_SENT),
    "refused for good": (
        facing(question(), deliveries={EMAIL: DeliveryRecord("d1", DeliveryState.REFUSED)}),
        Reason.ALREADY_SENT,
    ),
    "another channel had it": (
        facing(
            with_step(question(), channels=(SMS, EMAIL)), deliveries={SMS: DeliveryRecord("d2", DeliveryState.SENT)}
        ),
        Reason.ALREADY_SENT,
    ),
    "nobody knows whether another channel had it": (
        facing(
            with_step(question(), channels=(SMS, EMAIL)), deliveries={SMS: DeliveryRecord("d2", DeliveryState.UNKNOWN)}
        ),
        Reason.ALREADY_SENT,
    ),
    "an objection to this channel, and consent to a later one": (
        facing(question(), consents=(WITHDRAWN, replace(GRANTED, channel=SMS))),
        Reason.OPTED_OUT,
    ),
    "the topic declined on this channel, and consent to the next one of the step": (
        facing(
            with_step(question(), channels=(EMAIL, SMS)),
            consents=(GRANTED, replace(WITHDRAWN, purpose="cart_reminders"), replace(GRANTED, channel=SMS)),
        ),
        Reason.OPTED_OUT,
    ),
    "no e-mail address": (facing(question(), customer=replace(CUSTOMER, email=None)), Reason.NO_ADDRESS),
    "no phone number": (
        facing(question(step=LAST_CALL, reachable={SMS}), customer=replace(CUSTOMER, phone=None)),
        Reason.NO_ADDRESS,
    ),
    "push has no address yet": (with_step(question(channel=Channel.PUSH), channels=(Channel.PUSH,)), Reason.NO_ADDRESS),
    "the address bounced": (facing(question(), suppressed={EMAIL: SuppressionReason.BOUNCE}), Reason.SUPPRESSED),
    "no provider for text messages": (question(step=LAST_CALL), Reason.CHANNEL_MISSING),
    "the window is over": (question(until=NOON - HOUR), Reason.WINDOW_ENDED),
    "the cart is not worth it": (with_step(question(), when=RICH), Reason.WHEN),
    "the template is gone": (question(broken=Reason.TEMPLATE_MISSING), Reason.TEMPLATE_MISSING),
    "no basis now, but one for a later channel": (
        facing(question(), consents=(replace(GRANTED, channel=SMS),)),
        Reason.NO_LAWFUL_BASIS,
    ),
    "sold out": (facing(question(), stock={"p1": 0}), Reason.OUT_OF_STOCK),
    "the holdout": (of_journey(question(), arm=Arm.HOLDOUT), Reason.HOLDOUT),
}


@pytest.mark.parametrize("case", SKIPS)
def test_a_skip_leaves_the_journey_open(case: str) -> None:
    asked, reason = SKIPS[case]
    ruling = gate(asked)
    assert (ruling.verdict, ruling.reason, ruling.outcome) == (Verdict.SKIPPED, reason, None)


HOLDS: dict[str, tuple[Question, Reason, timedelta]] = {
    "staff has paused": (of_journey(question(), paused_at=NOON), Reason.PAUSED, HELD),
    "everything is switched off": (
        facing(question(), switched_off=frozenset({"all"})),
        Reason.KILL_SWITCH,
        HELD,
    ),
    "e-mail is switched off": (facing(question(), switched_off=frozenset({EMAIL})), Reason.KILL_SWITCH, HELD),
    "the shop's sender is wrong": (
        question(broken=Reason.PROVIDER_MISCONFIGURED),
        Reason.PROVIDER_MISCONFIGURED,
        HELD,
    ),
    "the storefront cannot be asked": (question(look=AWAY), Reason.STOREFRONT_AWAY, HELD),
    "the storefront was not asked": (question(look=replace(AWAY, at=None)), Reason.STOREFRONT_AWAY, HELD),
    "busy in the shop": (facing(question(), customer=ALICE), Reason.ACTIVE_NOW, timedelta(minutes=40)),
    "dinner in Paris": (
        with_policy(question(), quiet_hours={EMAIL: QuietHours(time(12), time(15))}),
        Reason.QUIET_HOURS,
        2 * HOUR,
    ),
    "a break that the customer asked for": (
        facing(question(), customer=replace(CUSTOMER, snoozed_until=NOON + 3 * DAY)),
        Reason.SNOOZED,
        DAY,
    ),
    "the last hour of a break": (
        facing(question(), customer=replace(CUSTOMER, snoozed_until=NOON + HOUR)),
        Reason.SNOOZED,
        HOUR,
    ),
    "a better message in an hour": (facing(question(), rivals=(RIVAL,)), Reason.OUTRANKED, 21 * HOUR),
    "a message an hour ago": (facing(question(), handed=(handed(NOON - HOUR),)), Reason.PRESSURE, 19 * HOUR),
    "three messages this week": (
        facing(question(), handed=tuple(handed(NOON - days * DAY) for days in (6, 4, 2))),
        Reason.PRESSURE,
        DAY,
    ),
}


@pytest.mark.parametrize("case", HOLDS)
def test_a_hold_says_until_when(case: str) -> None:
    asked, reason, length = HOLDS[case]
    ruling = gate(asked)
    assert (ruling.verdict, ruling.reason, ruling.until) == (Verdict.LATER, reason, NOON + length)


PASSES: dict[str, Question] = {
    "proof that nothing was accepted": facing(
        question(), deliveries={EMAIL: DeliveryRecord("d1", DeliveryState.RELEASED)}
    ),
    "a provider that takes a repetition for the first": replace(
        facing(question(), deliveries={EMAIL: DeliveryRecord("d1", DeliveryState.UNKNOWN, NOON + HOUR)}),
        repeatable=True,
    ),
    "a break that is over": facing(question(), customer=replace(CUSTOMER, snoozed_until=NOON)),
    "a rival of the same rank": facing(question(), rivals=(replace(RIVAL, priority=50),)),
    "a rival on another channel": facing(question(), rivals=(replace(RIVAL, channels=(SMS,)),)),
    "a rival in a few days": facing(question(), rivals=(replace(RIVAL, due=NOON + DAY),)),
    "a rival that should have gone out long ago": facing(question(), rivals=(replace(RIVAL, due=NOON - DAY),)),
    "the text message was refused, the e-mail may go": facing(
        with_step(question(), channels=(SMS, EMAIL)), deliveries={SMS: DeliveryRecord("d2", DeliveryState.REFUSED)}
    ),
    "all channels get it": facing(
        with_step(question(), channels=(SMS, EMAIL), spread=Spread.ALL),
        deliveries={SMS: DeliveryRecord("d2", DeliveryState.SENT)},
    ),
    "an objection to another channel": facing(question(), suppressed={SMS: SuppressionReason.OBJECTION}),
    "another channel is switched off": facing(question(), switched_off=frozenset({SMS})),
    "an order that was not paid": facing(question(), orders=(order(NOON - HOUR, status=OrderStatus.PENDING),)),
    "the storefront knows of no order": question(look=LOOKED),
    "a storefront that cannot be asked, and a policy that does not wait for it": with_policy(
        question(look=AWAY), last_look=LastLook.GO
    ),
    "an order from before the cart": facing(question(), orders=(order(NOON - 3 * HOUR),)),
    "an order from before the spell": question(replace(SPELL, orders=(order(NOON - 3 * HOUR),)), SLEEPERS),
    "quiet to the minute": facing(question(), customer=replace(CUSTOMER, last_activity_at=NOON - HOUR)),
    "unknown stock": facing(question(), stock={"p1": None}),
    "one item of two is left": facing(question(), cart=TWO_ITEMS, stock={"p1": 0, "p2": 1}),
    "a message of another channel": facing(question(), handed=(handed(NOON - HOUR, SMS),)),
    "the gap is over": facing(question(), handed=(handed(NOON - 20 * HOUR),)),
    "the week is over": facing(question(), handed=tuple(handed(NOON - days * DAY) for days in (7, 6, 5))),
    "a sale before is a soft opt-in": facing(question(), consents=(), orders=(order(NOON - 30 * DAY),)),
    "quiet hours in the shop's zone only": with_policy(
        question(shop=ShopRules("Asia/Tokyo")), quiet_hours={EMAIL: QuietHours(time(21), time(22))}
    ),
}


@pytest.mark.parametrize("case", PASSES)
def test_what_does_not_stop_a_message(case: str) -> None:
    assert gate(PASSES[case]).verdict is Verdict.SENT


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("purchase", [PURCHASE, *((one,) for one in OrderStatus)])
def test_an_order_ends_a_journey_in_just_the_states_that_its_policy_names(
    status: OrderStatus, purchase: tuple[OrderStatus, ...]
) -> None:
    asked = with_policy(facing(question(), orders=(order(NOON - HOUR, status=status),)), purchase=purchase)
    ended = Outcome.PURCHASED if status in purchase else None
    assert gate(asked).outcome is ended
    assert ended_before_j0(asked.situation, purchase) is ended


def test_a_decision_remembers_which_storefront_was_asked_and_when() -> None:
    asked = question(look=LOOKED)
    told = {"storefront": "magento", "looked_at": (NOON - timedelta(seconds=1)).isoformat()}
    assert gate(asked).inputs == gate(question()).inputs | told
    problem = {"problem": "magento cannot be reached: check its URL and that it runs"}
    held = gate(replace(asked, look=AWAY))
    assert held.inputs == told | problem | {"until": (NOON + HELD).isoformat()}
    gone = gate(with_policy(replace(asked, look=AWAY), last_look=LastLook.GO))
    assert gone.inputs == gate(question()).inputs | told | problem
    assert gate(replace(asked, look=replace(AWAY, at=None))).inputs["looked_at"] is None


def test_a_storefront_that_is_away_holds_no_step_beyond_its_window() -> None:
    ruling = gate(question(look=AWAY, until=NOON))
    assert (ruling.verdict, ruling.reason) == (Verdict.SKIPPED, Reason.WINDOW_ENDED)


def test_quiet_hours_fall_back_on_the_shops_zone() -> None:
    asked = with_policy(question(shop=ShopRules("Asia/Tokyo")), quiet_hours={EMAIL: QuietHours(time(21), time(22))})
    nowhere = facing(asked, customer=replace(CUSTOMER, timezone="Moon/Sea"))
    assert gate(nowhere).until == NOON + HOUR


BEFORE: dict[str, tuple[Situation, Outcome | None]] = {
    "nothing": (QUIET, None),
    "erased": (replace(QUIET, customer=None), Outcome.ERASED),
    "bought": (replace(QUIET, orders=(order(NOON - HOUR),)), Outcome.PURCHASED),
    "back": (replace(SPELL, customer=ALICE), Outcome.REENGAGED),
    "still asleep": (SPELL, None),
    "no cart": (replace(QUIET, cart=None), Outcome.CART_EMPTIED),
    "an empty cart": (without_lines(question()).situation, Outcome.CART_EMPTIED),
}


@pytest.mark.parametrize("case", BEFORE)
def test_what_ends_a_journey_before_it_has_begun(case: str) -> None:
    situation, outcome = BEFORE[case]
    assert ended_before_j0(situation, PURCHASE) is outcome


minutes = st.integers(0, 60 * 24 * 10).map(lambda number: timedelta(minutes=number))
caps = st.builds(
    Pressure,
    messages=st.integers(1, 4),
    per=st.integers(1, 10).map(lambda number: number * DAY),
    gap=st.integers(0, 30).map(lambda number: number * HOUR),
)


def pressed(cap: Pressure) -> Question:
    return with_policy(question(), pressure=cap)


@given(caps, st.lists(minutes, max_size=30))
def test_nobody_ever_gets_more_than_the_cap_in_any_span(cap: Pressure, tries: list[timedelta]) -> None:
    got: list[datetime] = []
    for moment in sorted(NOON + length for length in tries):
        asked = facing(replace(pressed(cap), at=moment), handed=tuple(handed(at) for at in got))
        if gates.pressure(asked) is None:
            got.append(moment)
    assert all(sum(start <= at < start + cap.per for at in got) <= cap.messages for start in got)
    assert all(later - earlier >= cap.gap for earlier, later in pairwise(got))


@given(caps, st.lists(minutes, max_size=8))
def test_whoever_waits_as_long_as_the_cap_says_may_send(cap: Pressure, ago: list[timedelta]) -> None:
    asked = facing(pressed(cap), handed=tuple(handed(NOON - length) for length in ago))
    ruling = gates.pressure(asked)
    if ruling is not None:
        assert ruling.until is not None
        assert gates.pressure(replace(asked, at=ruling.until)) is None
        assert gates.pressure(replace(asked, at=ruling.until - timedelta(seconds=1))) is not None
