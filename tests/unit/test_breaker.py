from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.breaker import Breaker


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def failing(clock: Clock, times: int) -> Breaker:
    breaker = Breaker(3, 30.0, clock)
    for _ in range(times):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_a_few_failures_stop_nobody(clock: Clock) -> None:
    assert failing(clock, 2).allows()


def test_a_row_of_failures_stops_everybody_for_a_while(clock: Clock) -> None:
    breaker = failing(clock, 3)
    clock.now += 29.9
    assert not breaker.allows()


def test_after_the_while_one_alone_may_try(clock: Clock) -> None:
    breaker = failing(clock, 3)
    clock.now += 30
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_a_probe_that_fails_begins_another_while(clock: Clock) -> None:
    breaker = failing(clock, 3)
    clock.now += 30
    breaker.allows()
    clock.now += 2
    breaker.failed()
    clock.now += 29
    assert not breaker.allows()
    clock.now += 1
    assert breaker.allows()


def test_a_probe_that_nobody_hears_of_again_does_not_stop_the_next(clock: Clock) -> None:
    breaker = failing(clock, 3)
    clock.now += 30
    breaker.allows()
    clock.now += 30
    assert breaker.allows()


def test_one_that_works_lets_everybody_through_again(clock: Clock) -> None:
    breaker = failing(clock, 3)
    clock.now += 30
    breaker.allows()
    breaker.worked()
    breaker.failed()
    breaker.failed()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


@given(st.lists(st.floats(0, 20), max_size=60))
def test_a_server_that_stays_away_is_hardly_asked(pauses: list[float]) -> None:
    clock = Clock()
    breaker = Breaker(3, 30.0, clock)
    asked = []
    for pause in pauses:
        clock.now += pause
        if breaker.allows():
            asked.append(clock.now)
            breaker.failed()
    assert len(asked) <= 3 + sum(pauses) / 30
    assert all(later - earlier >= 30 for earlier, later in pairwise(asked[2:]))
