"""For how long data is kept: what each thing is measured by, and how much one run of the chore may end."""

from dataclasses import dataclass
from datetime import datetime, timedelta

EVERY = timedelta(days=1)
SOON = timedelta(hours=1)
"""When a run goes on that had more to do than one run may."""
PEOPLE = 500
MESSAGES = 5_000
EVENTS = 50_000
"""How many of each one run ends at most."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Everything from before these moments goes.

    `people`: prospects and customers by their own last action, which is shopping, clicking, ordering or consenting; an
    open is none, nor is anything that the shop does (CNIL's reference for customer management: three years). `events`:
    behaviour by when it happened. `messages`: the text of a message by when it was handed over; that it was stays.
    """

    people: datetime
    events: datetime
    messages: datetime


def cutoffs(at: datetime, days: int, message_days: int) -> Cutoffs:
    """Return what has been kept for long enough at this moment."""
    people = at - timedelta(days=days)
    return Cutoffs(people, people, at - timedelta(days=message_days))


@dataclass(frozen=True, slots=True)
class Ended:
    """How much has gone, or would go."""

    people: int
    events: int
    messages: int

    @property
    def more(self) -> bool:
        """Say whether a run has done as much as it may, so that something may be left."""
        return self.people >= PEOPLE or self.events >= EVENTS or self.messages >= MESSAGES
