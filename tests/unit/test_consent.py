from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.consent import SOFT_OPT_IN_LIFE, allows, latest, lawful_basis, objected
from models.events import OrderStatus
from models.gate import gate
from models.question import ShopRules
from models.situation import ConsentRecord, OrderRecord, Situation
from models.step import Step
from models.vocabulary import Basis, Channel, ConsentState, Kind, Purpose, SoftOptIn, Verdict
from tests.situations import CARTS, CUSTOMER, DAY, HOUR, JOURNEY, NOON, QUIET, SLEEPERS, question

EMAIL, SMS, PUSH, CALL = Channel.EMAIL, Channel.SMS, Channel.PUSH, Channel.CALL
YES, NO = ConsentState.GRANTED, ConsentState.WITHDRAWN
CART, AWAY = Purpose.CART_REMINDERS, Purpose.WIN_BACK


def said(state: ConsentState, at: datetime, channel: Channel = EMAIL, purpose: str = "marketing") -> ConsentRecord:
    return ConsentRecord(channel, purpose, state, "form", at)


def yes(at: datetime = NOON, channel: Channel = EMAIL, purpose: str = "marketing") -> ConsentRecord:
    return said(YES, at, channel, purpose)


def no(at: datetime = NOON, channel: Channel = EMAIL, purpose: str = "marketing") -> ConsentRecord:
    return said(NO, at, channel, purpose)


def situation(*ledger: ConsentRecord, orders: tuple[OrderRecord, ...] = (), kind: Kind = Kind.CART) -> Situation:
    return Situation(replace(JOURNEY, kind=kind), CUSTOMER, (("c1", 1),), None, orders, ledger)


def bought(at: datetime = NOON - DAY, *, own: bool = True, paid: bool = True) -> OrderRecord:
    status = OrderStatus.PAID if paid else OrderStatus.PENDING
    return OrderRecord(frozenset(), status, 4500, coupon=False, placed_at=at, own=own, order_id="O1")


def basis(found: Situation, channel: Channel = EMAIL, scope: SoftOptIn = SoftOptIn.BUYERS_ONLY) -> Basis | None:
    lawful = lawful_basis(found, channel, NOON, scope)
    return lawful.basis if lawful else None


def test_the_last_word_is_the_newest_in_whatever_order_the_words_came() -> None:
    words = yes(NOON), no(NOON + HOUR), yes(NOON + DAY)
    assert {latest(order, EMAIL) for order in permutations(words)} == {words[2]}


def test_of_two_words_at_once_the_withdrawal_counts() -> None:
    assert latest([no(), yes()], EMAIL) == latest([yes(), no()], EMAIL) == no()


def test_a_word_counts_for_its_channel_and_its_purpose_only() -> None:
    words = [yes(channel=SMS), yes(purpose="tracking")]
    assert latest(words, EMAIL) is None
    assert latest(words, EMAIL, "tracking") == words[1]
    assert latest([], EMAIL) is None


def test_whoever_withdrew_last_has_objected() -> None:
    assert objected(situation(yes(), no(NOON + HOUR)), EMAIL)
    assert not objected(situation(no(), yes(NOON + HOUR)), EMAIL)
    assert not objected(situation(), EMAIL)


def test_a_consent_is_a_basis_for_its_channel_and_is_its_own_proof() -> None:
    word = replace(yes(NOON - DAY), id="w1", wording_hash="abc", actor="shopify")
    lawful = lawful_basis(situation(word), EMAIL, NOON, SoftOptIn.NONE)
    assert lawful is not None
    assert lawful.basis is Basis.CONSENT
    assert lawful.proof == {
        "consent": "w1",
        "purpose": "marketing",
        "source": "form",
        "at": (NOON - DAY).isoformat(),
        "wording": "abc",
        "actor": "shopify",
    }
    assert basis(situation(word), SMS) is None


@pytest.mark.parametrize("channel", [EMAIL, SMS])
def test_a_purchase_of_their_own_is_a_soft_opt_in_and_the_order_its_proof(channel: Channel) -> None:
    lawful = lawful_basis(situation(orders=(bought(),)), channel, NOON, SoftOptIn.BUYERS_ONLY)
    assert lawful is not None
    assert lawful.basis is Basis.SOFT_OPT_IN
    assert lawful.proof == {"order": "O1", "placed_at": (NOON - DAY).isoformat(), "scope": "buyers_only"}


@pytest.mark.parametrize("channel", [PUSH, CALL])
def test_a_purchase_allows_neither_notifications_nor_calls(channel: Channel) -> None:
    assert basis(situation(orders=(bought(),)), channel) is None


OLD = bought(NOON - SOFT_OPT_IN_LIFE)


@pytest.mark.parametrize("order", [bought(own=False), bought(paid=False), bought(NOON + DAY), OLD])
def test_no_other_order_is_one(order: OrderRecord) -> None:
    assert basis(situation(orders=(order,))) is None


def test_a_shop_may_do_without_soft_opt_in() -> None:
    assert basis(situation(orders=(bought(),)), scope=SoftOptIn.NONE) is None


def test_an_account_counts_only_where_the_shop_says_so() -> None:
    account = replace(situation(), customer=replace(CUSTOMER, has_account=True))
    assert basis(account) is None
    assert basis(account, scope=SoftOptIn.BUYERS_AND_ACCOUNTS) is Basis.SOFT_OPT_IN
    assert basis(situation(), scope=SoftOptIn.BUYERS_AND_ACCOUNTS) is None


def test_a_withdrawal_ends_the_soft_opt_in_too() -> None:
    assert basis(situation(no(), orders=(bought(),))) is None


def test_an_address_in_a_checkout_is_no_basis() -> None:
    assert basis(situation()) is None


def test_a_withdrawn_topic_ends_journeys_of_its_kind_only() -> None:
    words = (yes(NOON - DAY), no(NOON - HOUR, purpose=CART))
    assert basis(situation(*words, kind=Kind.CART)) is None
    assert basis(situation(*words, kind=Kind.INACTIVE)) is Basis.CONSENT


def test_a_consent_to_a_topic_is_a_basis_for_its_kind_only_and_never_outlives_an_objection() -> None:
    assert basis(situation(yes(purpose=AWAY), kind=Kind.INACTIVE)) is Basis.CONSENT
    assert basis(situation(yes(purpose=AWAY), kind=Kind.CART)) is None
    assert basis(situation(no(NOON - DAY), yes(purpose=AWAY), kind=Kind.INACTIVE)) is None


def test_a_consent_to_be_measured_allows_no_message_and_a_consent_to_messages_no_measuring() -> None:
    measured = situation(yes(purpose=Purpose.OPEN_TRACKING))
    assert basis(measured) is None
    assert allows(measured, EMAIL, Purpose.OPEN_TRACKING)
    assert not allows(measured, EMAIL, Purpose.CLICK_TRACKING)
    assert not allows(measured, SMS, Purpose.OPEN_TRACKING)
    assert not allows(situation(yes()), EMAIL, Purpose.OPEN_TRACKING)
    withdrawn = situation(yes(NOON - DAY, purpose=Purpose.OPEN_TRACKING), no(purpose=Purpose.OPEN_TRACKING))
    assert not allows(withdrawn, EMAIL, Purpose.OPEN_TRACKING)


# The rule once more, told as the law tells it, and on purpose not as the code does.


def permitted(found: Situation, channel: Channel, scope: SoftOptIn) -> bool:
    """Replay the ledger from its beginning, a no after the yes of the same moment, and look at what stands."""
    stands: dict[tuple[str, str], str] = {}
    for word in sorted(found.consents, key=lambda one: (one.at, one.state == "withdrawn")):
        stands[word.channel, word.purpose] = word.state
    topic = {"cart": "cart_reminders", "inactive": "win_back"}[found.journey.kind]
    words = {stands.get((channel, "marketing")), stands.get((channel, topic))} - {None}
    if words:
        return words == {"granted"}
    if channel not in ("email", "sms") or scope == "none":
        return False
    years = timedelta(days=3 * 365)
    buyer = any(one.own and one.sold and timedelta() <= NOON - one.placed_at < years for one in found.orders)
    customer = found.customer
    return buyer or (scope == "buyers_and_accounts" and customer is not None and customer.has_account)


# Few moments, so that words fall together.
MOMENTS = st.sampled_from([NOON - HOUR * back for back in (0, 1, 2, 24, 24 * 30, 24 * 400)])
PURPOSES = st.sampled_from([*Purpose, "newsletter", "tracking", "Marketing"])
WORDS = st.builds(said, st.sampled_from(ConsentState), MOMENTS, st.sampled_from(Channel), PURPOSES)
AGES = st.sampled_from([timedelta(), HOUR, DAY, 400 * DAY, SOFT_OPT_IN_LIFE - HOUR, SOFT_OPT_IN_LIFE, -HOUR])
ORDERS = st.builds(lambda age, own, paid: bought(NOON - age, own=own, paid=paid), AGES, st.booleans(), st.booleans())


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Anybody who has said and bought anything, in any order; nothing but the law speaks against a message."""
    kind = draw(st.sampled_from(Kind))
    return replace(
        QUIET,
        journey=replace(JOURNEY, kind=kind),
        customer=replace(CUSTOMER, has_account=draw(st.booleans())),
        consents=tuple(draw(st.lists(WORDS, max_size=8))),
        orders=tuple(draw(st.lists(ORDERS, max_size=3))),
    )


def asked(found: Situation, channels: Iterable[Channel], scope: SoftOptIn) -> Verdict:
    policy = CARTS if found.journey.kind is Kind.CART else SLEEPERS
    tried = tuple(channels)
    step = Step("step", timedelta(), 3 * DAY, tried, "cart/reminder")
    rules = ShopRules("Europe/Paris", "FR", scope)
    policy = replace(policy, steps=(step,))
    return gate(question(found, policy, channel=tried[0], reachable=set(Channel), shop=rules)).verdict


@given(situations(), st.sampled_from(Channel), st.sampled_from(SoftOptIn))
def test_over_any_ledger_a_message_has_a_basis_exactly_when_the_law_gives_one(
    found: Situation, channel: Channel, scope: SoftOptIn
) -> None:
    assert (lawful_basis(found, channel, NOON, scope) is not None) == permitted(found, channel, scope)


@given(situations(), st.permutations(list(Channel)), st.sampled_from(SoftOptIn))
def test_over_any_ledger_nothing_is_sent_without_a_basis(
    found: Situation, channels: list[Channel], scope: SoftOptIn
) -> None:
    if asked(found, channels, scope) is Verdict.SENT:
        assert permitted(found, channels[0], scope)


@given(situations(), st.sampled_from([EMAIL, SMS]), st.sampled_from(SoftOptIn))
def test_over_any_ledger_of_who_bought_nothing_lately_everything_lawful_is_sent(
    found: Situation, channel: Channel, scope: SoftOptIn
) -> None:
    settled = tuple(one for one in found.orders if one.placed_at < NOON - 2 * DAY)
    found = replace(found, orders=settled)
    assert (asked(found, [channel], scope) is Verdict.SENT) == permitted(found, channel, scope)
