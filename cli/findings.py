"""What `relaunch doctor` finds: one thing, how bad it is, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is: an error keeps messages from going out, a warning keeps them from being right."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `todo` is empty when there is nothing to do."""

    check: str
    state: State
    text: str
    todo: str = ""
