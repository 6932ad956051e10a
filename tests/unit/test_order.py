from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from models.events import OrderFacts, OrderStatus
from models.order import OrderState
from tests.builders import MINUTE, NOON

NEWS = st.tuples(st.sampled_from(OrderStatus), st.integers(0, 5), st.integers(1, 9))


def order(*news: tuple[OrderStatus, datetime, int]) -> OrderState:
    """Return an order after these pieces of news: a status, its time, and the value in units."""
    (first, at, value), *rest = news
    state = OrderState("id", "main", "o1", first, at, at)
    for status, when, worth in ((first, at, value), *rest):
        state.apply(OrderFacts("o1", status, currency="EUR", value=worth), when, when)
    return state


def test_the_newest_word_wins() -> None:
    assert order((OrderStatus.PAID, NOON, 9), (OrderStatus.CANCELLED, NOON + MINUTE, 9)).status == "cancelled"
    assert order((OrderStatus.CANCELLED, NOON + MINUTE, 9), (OrderStatus.PAID, NOON, 9)).status == "cancelled"
    assert order((OrderStatus.CANCELLED, NOON, 9), (OrderStatus.PAID, NOON + MINUTE, 9)).status == "paid"


def test_a_paid_order_is_never_unpaid_again_by_a_clock_that_runs_fast() -> None:
    for late in (timedelta(0), 5 * MINUTE):
        assert order((OrderStatus.PAID, NOON, 9), (OrderStatus.PENDING, NOON + late, 9)).status == "paid"
        assert order((OrderStatus.PENDING, NOON + late, 9), (OrderStatus.PAID, NOON, 9)).status == "paid"


def test_of_two_words_of_one_second_the_one_later_in_an_orders_life_counts() -> None:
    for first, second in permutations([OrderStatus.AUTHORIZED, OrderStatus.PAID]):
        assert order((first, NOON, 9), (second, NOON, 9)).status == "paid"
    for first, second in permutations([OrderStatus.PAID, OrderStatus.REFUNDED]):
        assert order((first, NOON, 9), (second, NOON, 9)).status == "refunded"


@given(st.lists(NEWS, min_size=1, max_size=5))
def test_news_in_any_order_leave_the_same_order(news: Sequence[tuple[OrderStatus, int, int]]) -> None:
    told = [(status, NOON + minutes * MINUTE, value) for status, minutes, value in news]
    ways = [order(*way) for way in permutations(told)]
    assert len({(one.status, one.placed_at, one.updated_at) for one in ways}) == 1
