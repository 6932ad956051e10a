from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.kpis import Figure, groups_of, incremental, share, totals_of
from models.tallies import Book, Candidate, Count, Key, Place, Tally, attributed, converted, step_of
from models.vocabulary import Arm, Kind

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CART = Key("cart", "v1", "new", Arm.TREATMENT)
REMINDER = step_of(CART, "reminder", "email", None)
PLACE = Place(CART, Kind.CART, REMINDER)
ORDER = Candidate("o1", NOON + HOUR, 1000, "EUR", "j1", "d1", NOON, NOON, PLACE)


def totals(book: Book) -> dict[str, Figure]:
    return totals_of(book, (0, 0), "")


def test_an_order_belongs_to_the_latest_delivery_before_it() -> None:
    older = replace(ORDER, delivery="d0", journey="j0", handed_at=NOON - HOUR)
    later = replace(ORDER, delivery="d2", journey="j2", handed_at=NOON + 2 * HOUR)
    assert list(attributed([older, ORDER, later])) == [ORDER]


def test_an_order_before_every_delivery_belongs_to_none() -> None:
    assert list(attributed([replace(ORDER, handed_at=ORDER.placed_at + timedelta(seconds=1))])) == []


def test_an_order_told_in_whole_seconds_follows_the_delivery_of_that_second() -> None:
    quick = replace(ORDER, placed_at=NOON, handed_at=NOON + timedelta(milliseconds=900))
    assert list(attributed([quick])) == [quick]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5), st.integers(0, 3))))
def test_no_order_is_attributed_twice_or_to_a_later_delivery(rows: list[tuple[int, int, int]]) -> None:
    candidates = [
        replace(ORDER, order=f"o{order}", handed_at=ORDER.placed_at + hours * HOUR, journey=f"j{journey}")
        for order, hours, journey in rows
    ]
    found = list(attributed(candidates))
    assert len({one.order for one in found}) == len(found)
    assert {one.order for one in found} == {one.order for one in candidates if one.handed_at <= one.placed_at}
    assert all(one.handed_at <= one.placed_at for one in found)


@pytest.mark.parametrize(("days", "counts"), [(-1, False), (0, True), (14, True), (15, False)])
def test_an_order_counts_for_an_arm_from_j0_until_fourteen_days_later(days: int, counts: bool) -> None:
    assert converted(NOON, NOON + timedelta(days=days)) is counts


def test_a_share_of_nothing_is_unknown_and_not_zero() -> None:
    assert share(0, 0, "w") == {"numerator": 0, "denominator": 0, "value": None, "window": "w"}
    assert share(1, 4, "w")["value"] == 0.25


def test_what_nobody_measured_is_null_and_says_why() -> None:
    figures = totals(Book())
    for name in ("open_rate", "click_rate", "complaint_rate", "roi", "csat", "cltv", "cac", "incremental_conversion"):
        assert figures[name]["value"] is None
        assert figures[name]["numerator"] is None
        assert figures[name]["note"]


def test_every_figure_has_a_numerator_a_denominator_a_value_and_a_window() -> None:
    for figure in totals(Book()).values():
        assert {"numerator", "denominator", "value", "window"} <= figure.keys()


def test_an_order_of_an_attributed_figure_counts_for_the_journey_and_for_its_step() -> None:
    book = Book()
    book.count(PLACE, Count.SENT)
    book.reach(PLACE, 1)
    book.reach(Place(CART, Kind.CART), 1)
    book.recover([ORDER, replace(ORDER, order="o2", net=501)])
    whole, step = groups_of(book)
    assert (whole["step"], step["step"], step["channel"]) == (None, "reminder", "email")
    for name in ("cart_conversion_attributed", "recovered_orders_attributed", "recovered_value_attributed"):
        assert whole[name] == step[name] == totals(book)[name]
    assert totals(book)["cart_conversion_attributed"]["value"] == 1
    assert totals(book)["recovered_orders_attributed"]["value"] == 2
    assert totals(book)["recovered_value_attributed"]["value"] == 1501
    assert totals(book)["average_recovered_value_attributed"]["value"] == 750
    assert totals(book)["average_recovered_value_attributed"]["currency"] == "EUR"


def test_money_of_two_currencies_is_not_added_up() -> None:
    book = Book()
    book.recover([ORDER, replace(ORDER, order="o2", currency="CHF", net=300)])
    for name in ("recovered_value_attributed", "average_recovered_value_attributed"):
        assert totals(book)[name]["value"] is None
        assert totals(book)[name]["by_currency"] == {"CHF": 300, "EUR": 1000}


def test_a_win_back_is_no_cart_conversion() -> None:
    book, place = Book(), Place(CART, Kind.INACTIVE)
    book.reach(place, 1)
    book.recover([replace(ORDER, place=place)])
    assert totals(book)["cart_conversion_attributed"]["denominator"] == 0
    assert totals(book)["cart_conversion_attributed"]["numerator"] == 0
    assert totals(book)["recovered_orders_attributed"]["value"] == 1


def arm(enrolled: int, orders: int) -> Tally:
    tally = Tally()
    tally.counts.update({Count.ENROLLED: enrolled, Count.CONVERTED: orders})
    return tally


def test_the_headline_is_the_difference_of_the_arms() -> None:
    figure = incremental(arm(1000, 60), arm(500, 20))
    assert figure["value"] == 0.02
    assert isinstance(figure["holdout"], dict)
    assert (figure["holdout"]["numerator"], figure["holdout"]["denominator"]) == (20, 500)
    assert "note" not in figure


def test_a_difference_of_small_arms_says_that_it_cannot_tell() -> None:
    assert "cannot tell yet" in str(incremental(arm(1000, 60), arm(99, 20))["note"])
    assert "cannot tell yet" in str(incremental(arm(1000, 60), arm(500, 9))["note"])


def test_without_a_holdout_there_is_no_difference() -> None:
    figure = incremental(arm(1000, 60), arm(0, 0))
    assert figure["value"] is None
    assert "holdout" in str(figure["note"])
