"""After a restore from a backup: what was due in the time that the store has lost may have gone out unknown to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from models.policy import CartTrigger, Policy
from models.situation import Situation, quiet_since
from models.step import Step


@dataclass(frozen=True, slots=True)
class Lost:
    """What the store knows nothing of: from the moment of its backup to the restore."""

    begins: datetime
    ends: datetime


def may_have_gone_out(lost: Lost, situation: Situation, policy: Policy, step: Step, until: datetime) -> bool:
    """Say whether a step, useful until then, was due in the lost time and so may have been handed over in it.

    A journey that begins after the restore counts from when it would have begun: its cart was quiet for long enough,
    or its spell of inactivity lasted long enough, within the lost time.
    """
    journey = situation.journey
    if journey.j0 is None:
        return False
    begun = journey.j0
    if begun > lost.ends:
        begun = min(begun, quiet_since(situation) + _waits(policy))
        if not lost.begins <= begun <= lost.ends:
            return False
    due = begun + timedelta(seconds=journey.paused_s) + step.after
    return due <= lost.ends and until > lost.begins


def _waits(policy: Policy) -> timedelta:
    """Return how long after somebody's last activity a journey of this policy begins."""
    trigger = policy.trigger
    return trigger.abandoned_after if isinstance(trigger, CartTrigger) else trigger.inactive_after
