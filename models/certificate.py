"""The certificate of an erasure: what was searched where, how much of it, what was found, and what it cannot prove."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.stored import Json

VERSION = 1
_SHOWN = 20


class Result(StrEnum):
    """What a certificate says in one word; `incomplete` when a place could not be searched and nothing was found."""

    CLEAN = "clean"
    FOUND = "found"
    INCOMPLETE = "incomplete"


class Place(StrEnum):
    """Where a person's data may lie."""

    STORE = "store"
    STORE_FILE = "store_file"
    OUTBOX = "outbox"
    HOME = "home"
    HISTORIES = "temporal_histories"
    TEMPORAL_FILE = "temporal_file"


@dataclass(frozen=True, slots=True)
class Searched:
    """One place that was searched: how much of it, and where something was found; never what.

    `extent` counts rows, files, bytes or runs. `of_others` counts finds in what another customer's record holds: two
    people may share an address. `apart` is False where the two could not be told apart, and such needles were left out.
    """

    place: Place
    name: str
    extent: Mapping[str, int]
    found: Sequence[str] = ()
    of_others: int = 0
    apart: bool = True

    def as_json(self) -> dict[str, Json]:
        """Return it as the certificate shows it."""
        shown: dict[str, Json] = {"place": self.place, "name": self.name, **self.extent, "found": len(self.found)}
        if self.found:
            shown["where"] = list(self.found[:_SHOWN])
        if self.of_others:
            shown["of_other_customers"] = self.of_others
        if not self.apart:
            shown["left_out"] = "what another customer has too"
        return shown


@dataclass(frozen=True, slots=True)
class Gap:
    """A place that could not be searched, and why; it is tried again."""

    place: Place
    why: str


BEYOND: Sequence[tuple[str, str]] = (
    ("backups", "copies made before the erasure still hold the person until you delete them; restoring one undoes it"),
    ("freed blocks of the disk", "what a file system does with blocks that a file no longer uses is not ours to see"),
    ("logs outside the home", "standard error goes where your system sends it; no personal data is written to it"),
    ("the provider, the storefront, the inbox", "they hold their own copies: ask them"),
)
"""What no certificate of ours can prove."""
SERVER_FILES = (
    "files of the PostgreSQL server",
    "its log (WAL) and free room of its files are its administrator's to see",
)
CLUSTER_FILES = ("files of the Temporal cluster", "its histories were read through its API, its database was not")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Everything that a search for one person came to; `terms` counts what was searched for, by sort."""

    made_at: datetime
    terms: Mapping[str, int]
    shared: int
    searched: Sequence[Searched]
    gaps: Sequence[Gap]
    beyond: Sequence[tuple[str, str]] = field(default=BEYOND)

    @property
    def result(self) -> Result:
        """Return the one word."""
        if any(one.found for one in self.searched):
            return Result.FOUND
        return Result.INCOMPLETE if self.gaps else Result.CLEAN

    def as_json(self) -> dict[str, Json]:
        """Return the document that is kept; nothing in it names anybody."""
        return {
            "version": VERSION,
            "result": self.result,
            "made_at": self.made_at.isoformat().replace("+00:00", "Z"),
            "searched_for": {**self.terms, "also_held_by_another_customer": self.shared},
            "searched": [one.as_json() for one in self.searched],
            "not_searched": [{"place": gap.place, "why": gap.why} for gap in self.gaps],
            "not_proved": [{"place": place, "why": why} for place, why in self.beyond],
        }
