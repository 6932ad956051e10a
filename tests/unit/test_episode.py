from datetime import datetime

import pytest

from models.cart import CartState
from models.episode import Former, JourneyState, episode_of, may_begin
from models.policy import CartTrigger
from models.vocabulary import Kind, Outcome, Status
from tests.builders import DAY, HOUR, MINUTE, NOON

TRIGGER = CartTrigger(abandoned_after=HOUR, max_age=3 * DAY, reentry=7 * DAY)


def begins(active: datetime, *former: Former, at: datetime | None = None) -> bool:
    cart = CartState("cart-1", "main", "T1", created_at=NOON, last_activity_at=active, customer_id="jeanne")
    return may_begin(cart, list(former), TRIGGER, at or active)


def ended(outcome: Outcome, at: datetime = NOON, whose: str = "jeanne") -> Former:
    return Former(outcome, at, whose)


def test_a_first_abandonment_begins() -> None:
    assert begins(NOON)


def test_a_cart_of_exactly_the_greatest_age_begins_and_an_older_one_is_history() -> None:
    assert begins(NOON, at=NOON + 3 * DAY)
    assert not begins(NOON, at=NOON + 3 * DAY + MINUTE)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.CANCELLED])
def test_after_an_end_the_cart_rests_for_the_reentry_time(outcome: Outcome) -> None:
    assert not begins(NOON + 7 * DAY - MINUTE, ended(outcome))
    assert begins(NOON + 7 * DAY, ended(outcome))


def test_without_new_activity_nothing_begins_however_long_it_rested() -> None:
    trigger = CartTrigger(max_age=30 * DAY, reentry=7 * DAY)
    cart = CartState("cart-1", "main", "T1", created_at=NOON, last_activity_at=NOON, customer_id="jeanne")
    assert not may_begin(cart, [ended(Outcome.EXHAUSTED)], trigger, NOON + 9 * DAY)


def test_the_last_end_counts() -> None:
    both = ended(Outcome.EXHAUSTED), ended(Outcome.OPTED_OUT, NOON + 5 * DAY)
    assert not begins(NOON + 8 * DAY, *both)
    assert begins(NOON + 12 * DAY, *both)


def test_what_was_cancelled_never_begins_again_whosever_it_was() -> None:
    assert not begins(NOON + 300 * DAY, ended(Outcome.CANCELLED))
    assert not begins(NOON + 300 * DAY, ended(Outcome.CANCELLED, whose="paul"))


def test_the_end_of_a_former_owners_journey_is_no_rest_for_the_new_one() -> None:
    assert begins(NOON + MINUTE, ended(Outcome.CART_EMPTIED, whose="paul"))


def test_an_episode_is_named_for_its_cart_and_number() -> None:
    assert episode_of(Kind.CART, "cart-1", 0) == "cart/cart-1/0"


def test_a_closed_journey_waits_for_nothing() -> None:
    one = JourneyState("j1", "main", Kind.CART, "jeanne", "cart/1/0", NOON, "cart", "hash", NOON, next_action_at=NOON)
    one.close(Outcome.PURCHASED, NOON + HOUR, 7)
    assert not one.open
    assert (one.status, one.outcome, one.closed_seq, one.next_action_at) == (Status.CLOSED, "purchased", 7, None)
