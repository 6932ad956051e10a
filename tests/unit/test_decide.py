"""What a journey does next: generated lives of journeys, and the rules that every one of them keeps."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decide import Assess, Close, Progress, Send, Wait, decide, next_step, view
from models.journey import Assessment, PlannedStep, SendResult, SendStatus
from models.vocabulary import Outcome
from tests.situations import DAY, HOUR, NOON

MINUTE = timedelta(minutes=1)
NAMES = ("one", "two", "three", "four")
SETTLING = (SendStatus.SENT, SendStatus.SKIPPED, SendStatus.UNKNOWN)
spans = st.integers(1, 6 * 24 * 60).map(lambda number: number * MINUTE)


@st.composite
def plans(draw: st.DrawFn) -> tuple[PlannedStep, ...]:
    """Steps in order; the window of each ends where the next begins, or later."""
    starts = sorted(draw(st.sets(st.integers(0, 14 * 24), min_size=1, max_size=4)))
    return tuple(
        PlannedStep(name, start * 3600, following * 3600 - start * 3600)
        for name, (start, following) in zip(NAMES, pairwise([*starts, starts[-1] + 72]), strict=False)
    )


@dataclass
class Life:
    """One journey driven to its end by whatever hypothesis draws; `log` is everything that it was told to do."""

    draw: st.DataObject
    plan: tuple[PlannedStep, ...]
    acts: int
    now: datetime = NOON
    progress: Progress = field(default_factory=Progress)
    log: list[tuple[datetime, Assess | Wait | Send | Close]] = field(default_factory=list)
    held: timedelta = timedelta()
    paused_at: datetime | None = None
    hurried: set[str] = field(default_factory=set)
    early: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    stopped: bool = False

    def lives(self) -> "Life":
        for _ in range(200):
            command = decide(self.progress, self.now)
            self.log.append((self.now, command))
            match command:
                case Close():
                    return self
                case Assess():
                    self.progress = self.progress.assessed(self._assessment())
                case Wait():
                    self._waits(command.until)
                case Send():
                    self._sends(command)
        raise AssertionError("a journey without an end")

    def _assessment(self) -> Assessment:
        kind = self.draw.draw(st.sampled_from(["due", "due", "later", "over"]))
        if kind == "over":
            return Assessment(outcome=Outcome.NOT_ELIGIBLE)
        if kind == "later":
            return Assessment(until=self.now + self.draw.draw(spans))
        return Assessment(j0=self.now, plan=self.plan)

    def _waits(self, until: datetime | None) -> None:
        """The wait ends by itself, or before that by an act."""
        assert until is None or until > self.now
        length = (until - self.now) if until else None
        moment = self.draw.draw(spans)
        if until is not None and length is not None and (self.acts == 0 or moment >= length):
            self.now = until
            return
        self.acts -= 1
        self.now += moment
        self._acts()

    def _acts(self) -> None:
        act = self.draw.draw(st.sampled_from(["pause", "stop", "hurry"]))
        if self.progress.paused_at is not None:
            if self.progress.j0 is not None and self.paused_at is not None:
                self.held += self.now - self.paused_at
            self.progress, self.paused_at = self.progress.resumed(self.now), None
        elif act == "pause":
            self.progress, self.paused_at = self.progress.paused(self.now), self.now
        elif act == "stop":
            self.progress, self.stopped = self.progress.stopped(Outcome.PURCHASED), True
        elif self.progress.j0 is not None:
            step = next_step(self.progress)
            self.hurried |= {step.step} if step else set()
            self.progress = self.progress.hurried()

    def _sends(self, command: Send) -> None:
        """The gate answers; what it holds it holds into the future, and a window that is over is skipped."""
        j0, planned = self.progress.j0, next_step(self.progress)
        assert j0 is not None
        assert planned is not None
        if self.now - self.held < j0 + timedelta(seconds=planned.after_s) and planned.step not in self.hurried:
            self.early.append(planned.step)
        result = self.draw.draw(st.sampled_from(list(SendStatus))) if self.now < command.until else SendStatus.SKIPPED
        until = self.now + self.draw.draw(spans) if result is SendStatus.LATER else None
        outcome = Outcome.OPTED_OUT if result is SendStatus.STOP else None
        self.now += self.draw.draw(st.sampled_from([timedelta(), MINUTE]))
        if self.acts and self.draw.draw(st.booleans()):
            self.acts -= 1
            self._acts()
        self.progress = self.progress.sent(command.step, SendResult(result, until, outcome))
        held = decide(self.progress, self.now)
        if result is SendStatus.LATER and isinstance(held, Wait) and held.until and held.until > command.until:
            self.beyond.append(command.step)

    @property
    def sends(self) -> list[tuple[datetime, Send]]:
        return [(at, command) for at, command in self.log if isinstance(command, Send)]


lives = st.builds(lambda draw, plan, acts: Life(draw, plan, acts).lives(), st.data(), plans(), st.integers(0, 6))


@given(lives)
def test_every_journey_ends_and_sends_nothing_after_a_stop(life: Life) -> None:
    *before, (_, last) = life.log
    assert isinstance(last, Close)
    assert not [command for _, command in before if isinstance(command, Close)]
    if life.stopped:
        assert last.outcome in (Outcome.PURCHASED, Outcome.OPTED_OUT)


@given(lives)
def test_steps_keep_their_order_and_none_comes_again_after_it_is_settled(life: Life) -> None:
    names = [send.step for _, send in life.sends]
    assert names == sorted(names, key=NAMES.index)
    if life.log[-1][1] == Close(Outcome.EXHAUSTED):
        assert life.progress.settled == {planned.step for planned in life.plan}


@given(lives)
def test_a_journey_waits_for_the_future_or_while_it_is_paused_for_staff(life: Life) -> None:
    waits = [(at, command.until) for at, command in life.log if isinstance(command, Wait)]
    assert all(until is None or until > at for at, until in waits)


@given(lives)
def test_a_step_is_never_sent_before_its_place_unless_staff_hurries_it(life: Life) -> None:
    assert not life.early


@given(lives)
def test_a_held_step_is_asked_again_when_its_window_ends_at_the_latest(life: Life) -> None:
    assert not life.beyond


@given(plans(), st.lists(st.tuples(spans, spans), max_size=5))
def test_a_pause_shifts_what_is_left_by_its_length_and_never_sends_two_at_once(
    plan: tuple[PlannedStep, ...], pauses: list[tuple[timedelta, timedelta]]
) -> None:
    progress, now, held = Progress(j0=NOON, plan=plan), NOON, timedelta()
    sent: list[tuple[timedelta, str]] = []
    left = list(pauses)
    while not isinstance(command := decide(progress, now), Close):
        if isinstance(command, Send):
            sent.append((now - NOON - held, command.step))
            progress = progress.sent(command.step, SendResult(SendStatus.SENT))
            continue
        assert isinstance(command, Wait)
        assert command.until is not None
        if left and now + left[0][0] < command.until:
            start, length = left.pop(0)
            progress = progress.paused(now + start).resumed(now + start + length)
            now, held = now + start + length, held + length
        else:
            now = command.until
    assert sent == [(timedelta(seconds=planned.after_s), planned.step) for planned in plan]


PLAN = (PlannedStep("one", 0, 3 * 86400), PlannedStep("two", 3 * 86400, 3 * 86400))
BEGUN = Progress(j0=NOON, plan=PLAN)
HALFWAY = BEGUN.sent("one", SendResult(SendStatus.SENT))


def test_a_journey_is_assessed_first_and_again_when_the_store_said_later() -> None:
    later = Progress().assessed(Assessment(until=NOON + HOUR))
    assert decide(Progress(), NOON) == Assess()
    assert decide(later, NOON) == Wait(NOON + HOUR)
    assert decide(later, NOON + HOUR) == Assess()


def test_a_plan_without_steps_is_exhausted() -> None:
    assert decide(Progress(j0=NOON), NOON) == Close(Outcome.EXHAUSTED)


def test_a_step_waits_for_its_place_and_carries_the_end_of_its_window() -> None:
    assert decide(BEGUN, NOON) == Send("one", NOON + 3 * DAY)
    assert decide(HALFWAY, NOON) == Wait(NOON + 3 * DAY)
    assert decide(HALFWAY, NOON + 3 * DAY) == Send("two", NOON + 6 * DAY)


@pytest.mark.parametrize("status", SETTLING)
def test_a_result_settles_its_step(status: SendStatus) -> None:
    assert BEGUN.sent("one", SendResult(status)).settled == {"one"}


def test_a_later_step_is_asked_when_the_gate_said_and_at_the_end_of_its_window_at_the_latest() -> None:
    held = BEGUN.sent("one", SendResult(SendStatus.LATER, until=NOON + HOUR))
    assert decide(held, NOON) == Wait(NOON + HOUR)
    assert decide(held, NOON + HOUR) == Send("one", NOON + 3 * DAY)
    far = BEGUN.sent("one", SendResult(SendStatus.LATER, until=NOON + 9 * DAY))
    assert decide(far, NOON) == Wait(NOON + 3 * DAY)


def test_the_first_stop_that_is_heard_wins() -> None:
    stopped = BEGUN.stopped(Outcome.PURCHASED).stopped(Outcome.OPTED_OUT)
    late = stopped.sent("one", SendResult(SendStatus.STOP, outcome=Outcome.ERASED))
    assert decide(late.assessed(Assessment(outcome=Outcome.EXPIRED)), NOON) == Close(Outcome.PURCHASED)


def test_a_paused_journey_waits_for_staff_alone_and_a_stop_still_ends_it() -> None:
    paused = HALFWAY.paused(NOON)
    assert decide(paused, NOON + 30 * DAY) == Wait(None)
    assert decide(paused.stopped(Outcome.CANCELLED), NOON) == Close(Outcome.CANCELLED)
    assert paused.paused(NOON + HOUR) == paused


def test_a_journey_paused_before_it_began_is_assessed_when_it_goes_on_and_nothing_is_shifted() -> None:
    resumed = Progress().paused(NOON).resumed(NOON + DAY)
    assert decide(resumed, NOON + DAY) == Assess()
    assert resumed.shift == timedelta()
    assert Progress().resumed(NOON) == Progress()


def test_a_run_that_is_made_again_goes_on_where_the_store_says() -> None:
    answer = Assessment(j0=NOON, plan=PLAN, settled=("one",), paused_s=3600)
    again = Progress().assessed(answer)
    assert decide(again, NOON) == Wait(NOON + 3 * DAY + HOUR)
    held = Progress().assessed(Assessment(j0=NOON, plan=PLAN, paused_at=NOON + HOUR))
    assert decide(held, NOON + DAY) == Wait(None)


def test_staff_can_have_the_next_step_now_once() -> None:
    hurried = HALFWAY.hurried()
    assert decide(hurried, NOON + HOUR) == Send("two", NOON + 6 * DAY)
    held = hurried.sent("two", SendResult(SendStatus.LATER, until=NOON + DAY))
    assert decide(held, NOON + HOUR) == Wait(NOON + 3 * DAY)


def test_the_view_shows_the_next_step_and_its_moment() -> None:
    shown = view(HALFWAY, NOON)
    assert (shown.step, shown.next_action_at, shown.paused, shown.outcome) == ("two", NOON + 3 * DAY, False, None)
    assert view(BEGUN, NOON + HOUR).next_action_at == NOON + HOUR
    assert view(HALFWAY.paused(NOON), NOON).paused
    closed = view(HALFWAY.stopped(Outcome.ERASED), NOON)
    assert (closed.next_action_at, closed.outcome) == (None, Outcome.ERASED)
