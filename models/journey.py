"""What travels between a journey's workflow and its activities: plain, frozen, small, and without personal data.

The journey itself is not named: its id is the workflow's, which every activity is told by Temporal.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.vocabulary import Channel, Outcome

TASK_QUEUE = "relaunch"
OUTCOME_ATTRIBUTE = "RelaunchOutcome"
"""The search attribute that a journey sets when it closes; the namespace must know it."""


@dataclass(frozen=True)
class Start:
    """The input of a journey's workflow, whose id is the journey's.

    `clock_s` is how far its customer's clock runs ahead (rehearsal only).
    """

    clock_s: int = 0


@dataclass(frozen=True)
class PlannedStep:
    """One step of the plan: seconds after J0, how many seconds it stays useful, and its channels in order.

    A plan from before there were several channels has none, and its step's first one is meant.
    """

    step: str
    after_s: int
    window_s: int
    channels: tuple[Channel, ...] = ()


@dataclass(frozen=True)
class AssessRequest:
    """Ask the store what the journey should do now; `at` is the journey's clock."""

    at: datetime


@dataclass(frozen=True)
class Assessment:
    """The store's answer: not yet (`until`), over (`outcome`), or due with its `j0` and `plan`.

    `settled` names the steps that a former run of this journey has already settled, `paused_s` is how long its
    finished pauses since J0 lasted, and `paused_at` is set while staff has it paused.
    """

    until: datetime | None = None
    outcome: Outcome | None = None
    j0: datetime | None = None
    plan: tuple[PlannedStep, ...] = ()
    settled: tuple[str, ...] = ()
    paused_at: datetime | None = None
    paused_s: int = 0


class SendStatus(StrEnum):
    """How a step's send ended."""

    SENT = "sent"
    SKIPPED = "skipped"
    LATER = "later"
    UNKNOWN = "unknown"
    STOP = "stop"


@dataclass(frozen=True)
class SendRequest:
    """Ask for one step on one channel at `at`; from `until` on the step is worthless."""

    step: str
    at: datetime
    until: datetime
    channel: Channel | None = None


@dataclass(frozen=True)
class SendResult:
    """What became of it: `until` comes with LATER, `outcome` with STOP; `more` asks for the step's next channel."""

    status: SendStatus
    until: datetime | None = None
    outcome: Outcome | None = None
    more: bool = False


@dataclass(frozen=True)
class CloseRequest:
    """Record why the journey ended; without effect when somebody recorded an outcome before."""

    outcome: Outcome
    at: datetime


@dataclass(frozen=True)
class View:
    """What a query shows of a running journey: its next step, when, and whether it is held or over."""

    step: str | None
    next_action_at: datetime | None
    paused: bool
    outcome: Outcome | None


@dataclass(frozen=True)
class SweepRequest:
    """Find inactive subscribers at `at`, from `cursor` on: "" for the beginning, else what the last page gave."""

    at: datetime
    cursor: str = ""


@dataclass(frozen=True)
class SweepPage:
    """How many journeys a page started, and where the next page begins (None: it was the last)."""

    started: int
    cursor: str | None


def queue_of(channel: Channel) -> str:
    """Return the task queue of a channel's sends, so that each has its own rate and holds up nobody else."""
    return f"{TASK_QUEUE}-{channel}"


def delivery_key(journey: str, step: str, channel: Channel) -> str:
    """Return the key under which this step may reach its customer at most once, whatever is retried."""
    return f"{journey}/{step}/{channel}"
