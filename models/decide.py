"""What a journey does next: a pure function of its progress and its clock, shared by the workflow and its tests."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from models.journey import Assessment, PlannedStep, SendResult, SendStatus, View
from models.vocabulary import Channel, Outcome


@dataclass(frozen=True)
class Assess:
    """Ask the store whether the journey is due."""


@dataclass(frozen=True)
class Wait:
    """Wait for a fact, a staff act, or this moment (None: only for a fact or an act)."""

    until: datetime | None


@dataclass(frozen=True)
class Send:
    """Send a step through the gate on one channel; from `until` on it is worthless."""

    step: str
    until: datetime
    channel: Channel | None = None


@dataclass(frozen=True)
class Close:
    """End the journey."""

    outcome: Outcome


Command = Assess | Wait | Send | Close


@dataclass(frozen=True)
class Progress:
    """How far a journey has come; every method returns the next progress and changes nothing.

    `j0` is None until the journey was found due. `shift` is the length of all finished pauses since then.
    `not_before` holds the current question back (the gate or the assessment said "later"). `tried` counts the channels
    of the next step that were asked already.
    """

    j0: datetime | None = None
    plan: tuple[PlannedStep, ...] = ()
    settled: frozenset[str] = frozenset()
    shift: timedelta = timedelta()
    paused_at: datetime | None = None
    not_before: datetime | None = None
    asked: bool = False
    tried: int = 0
    outcome: Outcome | None = None

    def assessed(self, answer: Assessment) -> "Progress":
        """Take the store's answer in; a stop that was heard meanwhile stays."""
        return replace(
            self,
            j0=answer.j0,
            plan=answer.plan,
            settled=self.settled | frozenset(answer.settled),
            shift=self.shift + timedelta(seconds=answer.paused_s),
            paused_at=self.paused_at or answer.paused_at,
            not_before=answer.until,
            outcome=self.outcome or answer.outcome,
        )

    def sent(self, step: str, result: SendResult) -> "Progress":
        """Take a step's result in: every answer but "later" and "stop" settles the step, or one channel of it."""
        planned = next_step(self)
        if result.more and planned is not None and self.tried + 1 < len(planned.channels):
            return replace(self, tried=self.tried + 1, not_before=None)
        settled = result.status in (SendStatus.SENT, SendStatus.SKIPPED, SendStatus.UNKNOWN)
        return replace(
            self,
            settled=self.settled | {step} if settled else self.settled,
            not_before=None if settled else result.until,
            asked=False,
            tried=0 if settled else self.tried,
            outcome=self.outcome or result.outcome,
        )

    def stopped(self, outcome: Outcome) -> "Progress":
        """Hear a stop; the first one wins."""
        return replace(self, outcome=self.outcome or outcome)

    def paused(self, at: datetime) -> "Progress":
        """Hold everything from `at` on."""
        return replace(self, paused_at=self.paused_at or at)

    def resumed(self, at: datetime) -> "Progress":
        """Go on, with what is left shifted by the length of the pause."""
        if self.paused_at is None:
            return self
        length = max(at - self.paused_at, timedelta()) if self.j0 else timedelta()
        return replace(self, paused_at=None, shift=self.shift + length)

    def hurried(self) -> "Progress":
        """Send the next step now, through the whole gate."""
        return replace(self, asked=True)


def next_step(progress: Progress) -> PlannedStep | None:
    """Return the first step that is not settled; steps go in order."""
    return next((planned for planned in progress.plan if planned.step not in progress.settled), None)


def _window(j0: datetime, shift: timedelta, planned: PlannedStep) -> tuple[datetime, datetime]:
    starts = j0 + shift + timedelta(seconds=planned.after_s)
    return starts, starts + timedelta(seconds=planned.window_s)


def decide(progress: Progress, now: datetime) -> Command:
    """Say what to do at `now`: stops come before everything, a pause before everything else."""
    if progress.outcome is not None:
        return Close(progress.outcome)
    if progress.paused_at is not None:
        return Wait(None)
    if progress.j0 is None:
        held = progress.not_before is not None and now < progress.not_before
        return Wait(progress.not_before) if held else Assess()
    planned = next_step(progress)
    if planned is None:
        return Close(Outcome.EXHAUSTED)
    return _step(progress, progress.j0, planned, now)


def _step(progress: Progress, j0: datetime, planned: PlannedStep, now: datetime) -> Command:
    """A step is due at its place after J0, shifted by pauses, held back by "later", but never past its window."""
    starts, ends = _window(j0, progress.shift, planned)
    due = min(max(starts, progress.not_before or starts), ends)
    if now < due and not progress.asked:
        return Wait(due)
    return Send(planned.step, ends, planned.channels[progress.tried] if planned.channels else None)


def view(progress: Progress, now: datetime) -> View:
    """Return what a query shows: the next step and when it is due."""
    planned = next_step(progress)
    match command := decide(progress, now):
        case Wait():
            at = command.until
        case Send() | Assess():
            at = now
        case Close():
            at = None
    return View(planned.step if planned else None, at, progress.paused_at is not None, progress.outcome)
