"""What rules may know of a customer, and when a message is lawful: each fact from the situation it is read from."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models.consent import latest, lawful_basis, objected
from models.events import SOLD, OrderStatus
from models.facts import FIELDS, Fact, field_of
from models.known import known, serial_abandoner
from models.operators import Op
from models.policy import Segment
from models.rules import Comparison
from models.signals import Signals
from models.situation import ConsentRecord, OrderRecord, Situation, bought, joins, quiet_since
from models.vocabulary import Basis, Channel, ConsentState, Kind, SoftOptIn
from tests.situations import CARTS, CUSTOMER, DAY, GRANTED, HOUR, NOON, QUIET, SLEEPERS, handed, order

EMAIL, SMS, PUSH = Channel.EMAIL, Channel.SMS, Channel.PUSH
ASLEEP = replace(
    QUIET,
    journey=replace(QUIET.journey, kind=Kind.INACTIVE, since=NOON - 300 * DAY),
    customer=replace(CUSTOMER, last_activity_at=NOON - 300 * DAY),
    cart=None,
)
BUSY = replace(
    QUIET,
    customer=replace(CUSTOMER, rfm=(5, 4, 2)),
    orders=(order(NOON - 10 * DAY), order(NOON - 400 * DAY, value=1000), order(NOON - DAY, own=False)),
    opens=2,
    clicks=1,
    abandons=3,
)
WATCHED = replace(
    QUIET,
    stock={"p1": 3, "p2": None, "p3": 40},
    handed=(handed(NOON - HOUR), handed(NOON - 30 * DAY)),
    signals=Signals(95.5, 0.8, 7),
)


@pytest.mark.parametrize(
    ("situation", "name", "value"),
    [
        (QUIET, "cart.value", 9000),
        (QUIET, "cart.quantity", 2),
        (QUIET, "cart.items", 1),
        (QUIET, "cart.step", "payment"),
        (QUIET, "cart.coupon", None),
        (QUIET, "cart.currency", "EUR"),
        (QUIET, "cart.categories", ("home",)),
        (QUIET, "cart.age_hours", 2.0),
        (QUIET, "cart.stock", None),
        (WATCHED, "cart.stock", 3),
        (WATCHED, "customer.unanswered", 1),
        (replace(WATCHED, customer=replace(CUSTOMER, last_activity_at=None)), "customer.unanswered", 2),
        (QUIET, "behaviour.hesitation", None),
        (WATCHED, "behaviour.time_on_page_s", 95.5),
        (WATCHED, "behaviour.hesitation", 0.8),
        (WATCHED, "behaviour.erratic_clicks", 7),
        (QUIET, "customer.orders", 0),
        (BUSY, "customer.orders", 2),
        (BUSY, "customer.lifetime_value", 10_000),
        (BUSY, "customer.engagement", 2 * 10 + 20 + 50),
        (BUSY, "customer.abandons", 3),
        (BUSY, "customer.loyalty", "regular"),
        (QUIET, "customer.loyalty", "new"),
        (BUSY, "customer.serial_abandoner", False),
        (QUIET, "customer.inactive_days", 2 / 24),
        (ASLEEP, "customer.inactive_days", 300.0),
        (ASLEEP, "customer.depth", "middling"),
        (QUIET, "customer.country", "FR"),
        (QUIET, "customer.locale", "fr"),
        (BUSY, "customer.rfm.recency", 5),
        (BUSY, "customer.rfm.frequency", 4),
        (BUSY, "customer.rfm.monetary", 2),
        (BUSY, "customer.rfm.score", 3.67),
        (QUIET, "traits.region", "Bretagne"),
        (QUIET, "segment", "default"),
    ],
)
def test_a_fact_is_read_from_the_situation(situation: Situation, name: str, value: Fact) -> None:
    policy = SLEEPERS if situation is ASLEEP else CARTS
    assert known(situation, policy, NOON)[name] == value


def test_every_fact_has_a_name_that_rules_may_use_and_every_such_name_is_a_fact() -> None:
    found = known(BUSY, CARTS, NOON)
    assert all(field_of(name) for name in found)
    assert set(FIELDS) - set(found) == set()


def test_nothing_is_known_of_a_cart_that_is_not_there_or_of_somebody_who_was_erased() -> None:
    assert not [name for name in known(ASLEEP, SLEEPERS, NOON) if name.startswith("cart.")]
    gone = known(replace(QUIET, customer=None), CARTS, NOON)
    assert not [name for name in gone if name.startswith(("customer.", "traits."))]


def test_somebody_who_was_never_seen_is_inactive_since_the_spell_began() -> None:
    spell = replace(ASLEEP, customer=replace(CUSTOMER, last_activity_at=None))
    assert known(spell, SLEEPERS, NOON)["customer.inactive_days"] == 300.0
    unseen = replace(QUIET, customer=replace(CUSTOMER, last_activity_at=None))
    assert known(unseen, CARTS, NOON)["customer.inactive_days"] is None


def test_the_segment_is_the_first_that_fits_the_facts() -> None:
    rich = Segment("rich", Comparison("cart.value", Op.GTE, 5000))
    policy = replace(CARTS, hash="", segments=(rich, Segment("rest")))
    assert known(QUIET, policy, NOON)["segment"] == "rich"


def test_facts_are_worked_out_once_for_a_policy_and_a_moment_and_never_taken_for_those_of_another() -> None:
    situation = replace(QUIET)
    facts = known(situation, CARTS, NOON)
    assert known(situation, CARTS, NOON) is facts
    assert known(situation, CARTS, NOON + HOUR)["cart.age_hours"] == 3.0
    assert known(situation, replace(CARTS, segments=(Segment("rest"),)), NOON)["segment"] == "rest"
    assert known(replace(situation, stock={"p1": 1}), CARTS, NOON)["cart.stock"] == 1
    assert known(situation, CARTS, NOON) == facts


@pytest.mark.parametrize(
    ("abandons", "coupon_age", "ordered", "serial"),
    [(3, 10, False, True), (3, 89, True, True), (3, 91, False, False), (2, 10, False, False), (3, None, False, False)],
)
def test_a_serial_abandoner_left_three_carts_and_got_a_coupon_in_ninety_days(
    abandons: int, coupon_age: int | None, ordered: bool, serial: bool
) -> None:
    at = NOON - DAY * (coupon_age or 0)
    got = () if ordered or coupon_age is None else (handed(at, coupon=True),)
    orders = (order(at, coupon=True),) if ordered else ()
    assert serial_abandoner(replace(QUIET, abandons=abandons, handed=got, orders=orders), NOON) is serial


def said(state: ConsentState, ago: timedelta, channel: Channel = EMAIL, purpose: str = "marketing") -> ConsentRecord:
    return ConsentRecord(channel, purpose, state, "form", NOON - ago)


YES, NO = ConsentState.GRANTED, ConsentState.WITHDRAWN
SALE = order(NOON - 30 * DAY)


@pytest.mark.parametrize(
    ("consents", "orders", "channel", "basis"),
    [
        ((GRANTED,), (), EMAIL, Basis.CONSENT),
        ((GRANTED,), (SALE,), EMAIL, Basis.CONSENT),
        ((said(YES, DAY), said(NO, HOUR)), (), EMAIL, None),
        ((said(NO, DAY), said(YES, HOUR)), (), EMAIL, Basis.CONSENT),
        ((said(YES, HOUR), said(NO, HOUR)), (), EMAIL, None),
        ((said(NO, HOUR),), (SALE,), EMAIL, None),
        ((), (SALE,), EMAIL, Basis.SOFT_OPT_IN),
        ((), (SALE,), SMS, Basis.SOFT_OPT_IN),
        ((), (SALE,), PUSH, None),
        ((), (order(NOON + HOUR),), EMAIL, None),
        ((), (replace(SALE, status=OrderStatus.PENDING),), EMAIL, None),
        ((), (replace(SALE, own=False),), EMAIL, None),
        ((), (), EMAIL, None),
        ((said(YES, HOUR, SMS),), (), EMAIL, None),
        ((said(YES, HOUR, purpose="newsletter"),), (), EMAIL, None),
        ((said(NO, HOUR, purpose="newsletter"),), (SALE,), EMAIL, Basis.SOFT_OPT_IN),
    ],
)
def test_the_lawful_basis_is_consent_or_an_own_sale_and_never_an_address_alone(
    consents: tuple[ConsentRecord, ...], orders: tuple[OrderRecord, ...], channel: Channel, basis: Basis | None
) -> None:
    lawful = lawful_basis(replace(QUIET, consents=consents, orders=orders), channel, NOON, SoftOptIn.BUYERS_ONLY)
    assert (lawful.basis if lawful else None) is basis


def test_an_objection_is_the_last_word_on_that_channel() -> None:
    spoken = replace(QUIET, consents=(said(YES, DAY), said(NO, HOUR), said(YES, HOUR, SMS)))
    assert objected(spoken, EMAIL)
    assert not objected(spoken, SMS)
    assert not objected(replace(QUIET, consents=()), EMAIL)
    assert latest(spoken.consents, PUSH) is None


CART_TOKENS = frozenset({"t1"})


@pytest.mark.parametrize(
    ("order_tokens", "placed", "joined"),
    [
        (frozenset({"t1", "x"}), -23 * HOUR, True),
        (frozenset({"t1"}), -25 * HOUR, False),
        (frozenset({"x"}), -timedelta(minutes=4), True),
        (frozenset(), -timedelta(minutes=6), False),
        (frozenset(), HOUR, True),
    ],
)
def test_an_order_joins_a_cart_by_its_token_or_by_coming_after_it(
    order_tokens: frozenset[str], placed: timedelta, joined: bool
) -> None:
    assert joins(order_tokens, NOON + placed, CART_TOKENS, NOON) is joined


def test_only_a_paid_order_is_a_purchase() -> None:
    assert bought(replace(QUIET, orders=(order(NOON),)), SOLD)
    assert not bought(replace(QUIET, orders=(order(NOON, status=OrderStatus.PENDING),)), SOLD)
    assert not bought(replace(ASLEEP, orders=(order(NOON - 301 * DAY),)), SOLD)


def test_the_last_activity_is_in_the_cart_or_anywhere_in_the_shop() -> None:
    elsewhere = replace(QUIET, customer=replace(CUSTOMER, last_activity_at=NOON))
    assert quiet_since(QUIET) == NOON - 2 * HOUR
    assert quiet_since(elsewhere) == NOON
    assert quiet_since(replace(ASLEEP, customer=None)) == NOON - 300 * DAY
