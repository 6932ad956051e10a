"""Scores: engagement, RFM quintiles, loyalty, depth of inactivity, serial abandoners."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.score import (
    Depth,
    Loyalty,
    Part,
    Population,
    Purchases,
    depth,
    engagement,
    loyalty,
    quintile,
    rfm,
    serial_abandoner,
)

purchases = st.builds(Purchases, st.integers(0, 8), st.integers(1, 4), st.integers(0, 6))
populations = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), purchases, min_size=1, max_size=30)


def test_engagement_adds_ten_twenty_and_fifty() -> None:
    score = engagement(opens=3, clicks=2, purchases=1)
    assert score.value == 120
    assert score.parts == (Part("open", 3, 30), Part("click", 2, 40), Part("purchase", 1, 50))


def test_ten_different_values_make_two_of_each_quintile() -> None:
    values = list(range(10))
    assert [quintile(value, values) for value in values] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_equals_share_the_middle_of_their_ranks() -> None:
    values = [1, 1, 1, 1, 1, 1, 2, 2, 3, 9]
    assert [quintile(value, values) for value in (1, 2, 3, 9)] == [2, 4, 5, 5]
    assert quintile(7, [7, 7, 7]) == 3


def test_a_value_beyond_the_population_is_ranked_as_if_it_were_in_it() -> None:
    assert quintile(5, []) == 3
    assert quintile(0, [1, 2, 3, 4]) == 1
    assert quintile(9, [1, 2, 3, 4]) == 5


def test_recency_is_reversed_and_the_parts_explain() -> None:
    scores = rfm({str(n): Purchases(days_since_last=n, orders=6 - n, spent=600 - 100 * n) for n in range(1, 6)})
    best = scores["1"]
    assert (best.recency, best.frequency, best.monetary, best.score) == (5, 5, 5, 5.0)
    assert best.parts == (Part("days_since_last", 1, 5), Part("orders", 5, 5), Part("spent", 500, 5))
    assert scores["5"].score == 1.0


def test_the_score_is_the_mean_to_two_decimals() -> None:
    members = {str(n): Purchases(days_since_last=n, orders=n, spent=n) for n in range(1, 6)}
    assert rfm(members)["1"].score == 2.33


@pytest.mark.parametrize(
    ("orders", "name"), [(0, Loyalty.NEW), (1, Loyalty.REGULAR), (2, Loyalty.REGULAR), (3, Loyalty.LOYAL)]
)
def test_loyalty_counts_orders(orders: int, name: Loyalty) -> None:
    assert loyalty(orders).value is name
    assert loyalty(orders).parts == (Part("orders", orders),)


@pytest.mark.parametrize(
    ("days", "name"),
    [(181, Depth.SLIGHT), (269, Depth.SLIGHT), (270, Depth.MIDDLING), (359, Depth.MIDDLING), (360, Depth.DEEP)],
)
def test_depth_is_measured_in_thresholds(days: int, name: Depth) -> None:
    score = depth(days, timedelta(days=180))
    assert score.value is name
    assert score.parts == (Part("inactive_days", days), Part("threshold_days", 180))


@pytest.mark.parametrize(("abandons", "coupons", "serial"), [(3, 1, True), (2, 1, False), (9, 0, False)])
def test_a_serial_abandoner_abandons_often_and_has_had_a_coupon(abandons: int, coupons: int, serial: bool) -> None:
    assert serial_abandoner(abandons, coupons).value is serial


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_quintiles_rise_with_the_value_and_stay_within_one_to_five(values: list[int]) -> None:
    ascending = sorted(values)
    scores = [quintile(value, ascending) for value in ascending]
    assert scores == sorted(scores)
    assert {*scores} <= {1, 2, 3, 4, 5}


@given(populations, st.randoms(use_true_random=False))
def test_rfm_does_not_depend_on_the_order_of_customers(members: dict[str, Purchases], random: object) -> None:
    shuffled = list(members.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random
    assert rfm(dict(shuffled)) == rfm(members)


@given(populations)
def test_the_better_buyer_never_scores_lower(members: dict[str, Purchases]) -> None:
    scores = rfm(members)
    for (name, one), (other, two) in product(members.items(), repeat=2):
        if one.days_since_last <= two.days_since_last:
            assert scores[name].recency >= scores[other].recency
        if one.orders >= two.orders:
            assert scores[name].frequency >= scores[other].frequency
        if one.spent >= two.spent:
            assert scores[name].monetary >= scores[other].monetary


@given(populations)
def test_one_member_scores_alone_as_among_all(members: dict[str, Purchases]) -> None:
    population = Population.of(members.values())
    assert {customer: population.rfm(bought) for customer, bought in members.items()} == rfm(members)
