from datetime import datetime
from itertools import permutations

import pytest

from models.consent import latest, lawful_basis, objected
from models.situation import ConsentRecord, OrderRecord, Situation
from models.vocabulary import Basis, Channel, ConsentState
from tests.builders import DAY, HOUR, NOON
from tests.situations import CUSTOMER, JOURNEY

EMAIL, SMS, PUSH = Channel.EMAIL, Channel.SMS, Channel.PUSH


def said(
    state: ConsentState, at: datetime = NOON, channel: Channel = EMAIL, purpose: str = "marketing"
) -> ConsentRecord:
    return ConsentRecord(channel, purpose, state, "form", at)


def yes(at: datetime = NOON, channel: Channel = EMAIL, purpose: str = "marketing") -> ConsentRecord:
    return said(ConsentState.GRANTED, at, channel, purpose)


def no(at: datetime = NOON, channel: Channel = EMAIL, purpose: str = "marketing") -> ConsentRecord:
    return said(ConsentState.WITHDRAWN, at, channel, purpose)


def situation(*ledger: ConsentRecord, orders: tuple[OrderRecord, ...] = ()) -> Situation:
    return Situation(JOURNEY, CUSTOMER, (("c1", 1),), None, orders, ledger)


def bought(at: datetime = NOON - DAY, *, own: bool = True, paid: bool = True) -> OrderRecord:
    return OrderRecord(frozenset(), paid, 4500, coupon=False, placed_at=at, own=own)


def test_the_last_word_is_the_newest_in_whatever_order_the_words_came() -> None:
    words = yes(NOON), no(NOON + HOUR), yes(NOON + DAY)
    assert {latest(order, EMAIL) for order in permutations(words)} == {words[2]}


def test_of_two_words_at_once_the_withdrawal_counts() -> None:
    assert latest([no(), yes()], EMAIL) == latest([yes(), no()], EMAIL) == no()


def test_a_word_counts_for_its_channel_and_for_marketing_only() -> None:
    assert latest([yes(channel=SMS), yes(purpose="tracking")], EMAIL) is None
    assert latest([], EMAIL) is None


def test_whoever_withdrew_last_has_objected() -> None:
    assert objected(situation(yes(), no(NOON + HOUR)), EMAIL)
    assert not objected(situation(no(), yes(NOON + HOUR)), EMAIL)
    assert not objected(situation(), EMAIL)


def test_a_consent_is_a_basis_for_its_channel() -> None:
    assert lawful_basis(situation(yes()), EMAIL, NOON) is Basis.CONSENT
    assert lawful_basis(situation(yes()), SMS, NOON) is None


@pytest.mark.parametrize(("channel", "basis"), [(EMAIL, Basis.SOFT_OPT_IN), (SMS, Basis.SOFT_OPT_IN), (PUSH, None)])
def test_a_purchase_of_their_own_is_a_soft_opt_in(channel: Channel, basis: Basis | None) -> None:
    assert lawful_basis(situation(orders=(bought(),)), channel, NOON) is basis


@pytest.mark.parametrize("order", [bought(own=False), bought(paid=False), bought(NOON + DAY)])
def test_no_other_order_is_one(order: OrderRecord) -> None:
    assert lawful_basis(situation(orders=(order,)), EMAIL, NOON) is None


def test_a_withdrawal_ends_the_soft_opt_in_too() -> None:
    assert lawful_basis(situation(no(), orders=(bought(),)), EMAIL, NOON) is None


def test_an_address_in_a_checkout_is_no_basis() -> None:
    assert lawful_basis(situation(), EMAIL, NOON) is None
