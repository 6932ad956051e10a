"""Whether a call-back that was asked of staff may still be made: the gate's own checks, asked again when it is read.

A message is said the moment it is handed over. A call is made hours later, by somebody who reads a list: nobody may be
called after a stop, so everything that stops or holds a message counts until the task is closed.
"""

from dataclasses import dataclass
from datetime import datetime

from models.gate import Check, active_now, basis, quiet_hours, snoozed, switched_off
from models.gate_stops import closed, emptied, erased, opted_out, paused, purchased, reengaged, suppressed
from models.question import Question, Ruling
from models.vocabulary import Outcome, Reason, TaskState

STOPPED = (
    Outcome.ERASED,
    Outcome.OPTED_OUT,
    Outcome.PURCHASED,
    Outcome.REENGAGED,
    Outcome.CART_EMPTIED,
    Outcome.CANCELLED,
)
"""The outcomes after which nobody calls; a journey that has done all its steps leaves its call-back to be made."""

_ENDS: tuple[Check, ...] = (erased, opted_out, suppressed, purchased, reengaged, emptied, basis)
_HOLDS: tuple[Check, ...] = (paused, switched_off, snoozed, active_now, quiet_hours)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a call-back stands and why; an open one with `until` must wait until then."""

    state: TaskState
    reason: Reason | None = None
    until: datetime | None = None


def standing(question: Question) -> Standing:
    """Return where a call-back stands that nobody has closed; the question is that of its step, asked now."""
    stopped = question.situation.journey.outcome in STOPPED
    ending = closed(question) if stopped else _first(_ENDS, question)
    if ending is not None:
        return Standing(TaskState.MOOT, ending.reason)
    held = _first(_HOLDS, question)
    if held is None:
        return Standing(TaskState.OPEN)
    customer = question.situation.customer
    # A journey asks again each day whether the break is over; whoever reads the list wants to know its end.
    until = customer.snoozed_until if held.reason is Reason.SNOOZED and customer else held.until
    return Standing(TaskState.OPEN, held.reason, until)


def _first(checks: tuple[Check, ...], question: Question) -> Ruling | None:
    return next((ruling for check in checks if (ruling := check(question)) is not None), None)
