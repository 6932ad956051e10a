"""What a benchmark's line says: medians, extremes, ratios, and the order in which the two sides are measured."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measure import Figure, in_turn, rounded

SPEEDS = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=9)


def test_a_figure_is_the_median_of_its_runs_beside_that_of_its_baseline() -> None:
    line = Figure("speed", "things/s", [3.0, 9.0, 6.0], [10.0, 12.0, 8.0]).to_json()

    assert (line["value"], line["baseline"], line["ratio"]) == (6.0, 10.0, 0.6)
    assert (line["min"], line["max"]) == (3.0, 9.0)
    assert line["runs"] == [3.0, 9.0, 6.0]


def test_single_ratios_compare_neighbouring_runs() -> None:
    line = Figure("speed", "things/s", [3.0, 9.0, 6.0], [10.0, 12.0, 8.0]).to_json()

    assert (line["ratio_min"], line["ratio_max"]) == (0.3, 0.75)


def test_a_figure_without_a_baseline_has_no_ratio() -> None:
    line = Figure("length", "events", [46, 46]).to_json()

    assert line["value"] == 46
    assert [line[name] for name in ("baseline", "ratio", "ratio_min", "ratio_max")] == [None] * 4


@given(SPEEDS, SPEEDS)
def test_a_value_lies_between_its_extremes(ours: list[float], bare: list[float]) -> None:
    line = Figure("speed", "things/s", ours, bare).to_json()

    assert rounded(min(ours)) == line["min"] <= line["value"] <= line["max"] == rounded(max(ours))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("number", "shown"), [(1234.567, 1235.0), (0.00123456, 0.001235), (2437, 2437), (123456, 123456)]
)
def test_four_digits_count_and_whole_numbers_stay_whole(number: float, shown: float) -> None:
    assert rounded(number) == shown


def test_sides_are_measured_in_turn_and_the_warm_up_does_not_count() -> None:
    order: list[str] = []

    def side(name: str) -> Callable[[], Awaitable[int]]:
        async def run() -> int:
            order.append(name)
            return len(order)

        return run

    ours, bare = asyncio.run(in_turn(2, side("ours"), side("bare"), warm_up=1))

    assert order == ["ours", "bare"] * 3
    assert (ours, bare) == ([3, 5], [4, 6])


def test_each_round_is_announced() -> None:
    async def nothing() -> None: ...

    said: list[str] = []
    asyncio.run(in_turn(2, nothing, nothing, say=said.append))

    assert said == ["warming up", "run 1 of 2", "run 2 of 2"]
