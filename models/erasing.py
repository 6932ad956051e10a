"""Forgetting a person, as a plan: the states of the job, how long each may wait, and when it is tried again."""

from datetime import timedelta
from enum import StrEnum


class ErasureState(StrEnum):
    """How far a job has come; each state but the last two is left by one step, which may be repeated.

    `asked`: the person is nobody to any door, what was being handed over may still be answered. `erased`: rows and
    stored messages are gone. `removed`: so are the files of the messages. `compacted`: so is what databases keep of
    deleted rows. `certified`: everything was searched and nothing was found. `incomplete`: the certificate names what
    was found, or what could not be searched, and nobody tries any more.
    """

    ASKED = "asked"
    ERASED = "erased"
    REMOVED = "removed"
    COMPACTED = "compacted"
    CERTIFIED = "certified"
    INCOMPLETE = "incomplete"


DONE = (ErasureState.CERTIFIED, ErasureState.INCOMPLETE)

SETTLES = timedelta(minutes=3)
"""After so long a hand-over that nobody answered for is unknown: a send may take two minutes (`workflows.calls`)."""
CERTIFY_WITHIN = timedelta(days=7)
"""So long a certificate waits for what cannot be searched, or for what was found to go; then it says so."""
LOOK_AGAIN = timedelta(seconds=2)
"""How soon a job looks again whether its hand-overs have settled."""
_LONGEST = timedelta(hours=1)


def pause(attempts: int) -> timedelta:
    """Return how long to wait after so many failures: 1 s, 2 s, 4 s, … up to an hour."""
    return min(timedelta(seconds=2 ** min(attempts, 12)), _LONGEST)
