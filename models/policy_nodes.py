"""Policy text as positioned YAML values: every reading that fails notes line and field, and goes on."""

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

import yaml

from models.durations import parse_duration

MAX_ENTRIES = 500
MAX_VALUE = 500
_WHOLE = re.compile(r"[-+]?[0-9]{1,15}", re.ASCII)
_DECIMAL = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{1,15}", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FLAGS = {"true": True, "false": False}

T = TypeVar("T")


class Mark(Protocol):
    """A place in the text, whichever of the YAML parsers made it; lines count from 0."""

    line: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: its line (from 1), its field with list places from 0, like `steps[2].channel`, and what to do."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return the mistake on one line."""
        return f"line {self.line}: {self.field + ': ' if self.field else ''}{self.message}"


def hint(word: str, known: Collection[str]) -> str:
    """Return `; did you mean 'x'?` when one of the known words is close, else which ones there are."""
    close = difflib.get_close_matches(word[:60], known, 1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(sorted(known))}" if 0 < len(known) <= 12 else ""


@dataclass(frozen=True, slots=True)
class Spot:
    """One value of the text: where it stands, what it is called, and the list that collects all mistakes."""

    node: yaml.Node
    path: str
    line: int
    problems: list[Problem]

    def report(self, message: str, key: str = "") -> None:
        """Note a mistake here, or at a key of this mapping that is wrong or missing."""
        found = self.peek(key) if key else None
        line, path = (found.line, found.path) if found else (self.line, _joined(self.path, key))
        self.problems.append(Problem(line, path, message))

    @property
    def is_mapping(self) -> bool:
        """Say whether this value has keys."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Say whether this value has items."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_value(self) -> bool:
        """Say whether one value is written here, not a mapping, a list or nothing."""
        return isinstance(self.node, yaml.ScalarNode) and not self.is_null

    @property
    def is_null(self) -> bool:
        """Say whether nothing is written here."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.tag == "tag:yaml.org,2002:null"

    def entries(self, known: Collection[str] | None = None, what: str = "key") -> dict[str, "Spot"]:
        """Return the values of a mapping by key, empty ones left out; without `known` any key with any value."""
        if not isinstance(self.node, yaml.MappingNode):
            self.report("should be a mapping, like {key: value}")
            return {}
        found: dict[str, Spot] = {}
        for key_node, value in self.node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
            line = line_of(key_node.start_mark)
            spot = Spot(value, _joined(self.path, _short(key)), line, self.problems)
            if known is not None and key not in known:
                spot.report(f"unknown {what}" + hint(key, known))
            elif key in found:
                spot.report(f"written twice; first in line {found[key].line}")
            else:
                found[key] = spot
        return {key: spot for key, spot in found.items() if known is None or not spot.is_null}

    def peek(self, key: str) -> "Spot | None":
        """Return one value of a mapping and note nothing."""
        quiet = Spot(self.node, self.path, self.line, [])
        found = quiet.entries().get(key)
        return None if found is None or found.is_null else Spot(found.node, found.path, found.line, self.problems)

    def items(self) -> list["Spot"]:
        """Return the values of a list; an empty one is a mistake."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.report("should be a list, like [a, b]")
            return []
        if not 0 < len(self.node.value) <= MAX_ENTRIES:
            self.report("is an empty list" if not self.node.value else f"has more than {MAX_ENTRIES} entries")
        return [
            Spot(node, f"{self.path}[{place}]", line_of(node.start_mark), self.problems)
            for place, node in enumerate(self.node.value[:MAX_ENTRIES])
        ]

    def text(self) -> str | None:
        """Return a scalar as it is written, whatever YAML makes of it: `NO` is no flag and `22:00` no number."""
        if not isinstance(self.node, yaml.ScalarNode) or self.is_null:
            self.report("should be one value")
            return None
        value = str(self.node.value).strip()
        if not value or len(value) > MAX_VALUE or _UNPRINTABLE.search(value):
            self.report(f"should be a text of 1 to {MAX_VALUE} printable characters on one line")
            return None
        return value

    def parsed(self, parse: Callable[[str], T]) -> T | None:
        """Return what `parse` makes of the text; its ValueError is a mistake."""
        text = self.text()
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            self.report(f"'{_short(text or '')}': {error}")
            return None

    def scalar(self) -> str | int | float | bool | None:
        """Return a number, true or false, or else a text; what is quoted is a text."""
        text = self.text()
        if text is None or (isinstance(self.node, yaml.ScalarNode) and self.node.style is not None):
            return text
        if text.lower() in _FLAGS:
            return _FLAGS[text.lower()]
        if _WHOLE.fullmatch(text):
            return int(text)
        return float(text) if _DECIMAL.fullmatch(text) else text

    def whole(self, low: int, high: int) -> int | None:
        """Return a whole number from `low` to `high`."""
        value = self.scalar()
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        if value is not None:
            self.report(f"should be a whole number from {low} to {high}")
        return None

    def choice(self, known: Collection[str]) -> str | None:
        """Return a text that is one of the known words."""
        text = self.text()
        if text is None or text in known:
            return text
        self.report(f"unknown value '{_short(text)}'" + hint(text, known))
        return None

    def matching(self, pattern: re.Pattern[str], what: str) -> str | None:
        """Return a text that matches the pattern as a whole."""
        text = self.text()
        if text is None or pattern.fullmatch(text):
            return text
        self.report(f"'{_short(text)}' is not {what}")
        return None


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path and key else path or key


def read_length(entries: Mapping[str, Spot], key: str, default: timedelta, *, zero: bool = False) -> timedelta:
    """Return the length of time at a key, or the default when it is absent or wrong; 0 only where it makes sense."""
    length = entries[key].parsed(parse_duration) if key in entries else None
    if length is not None and not length and not zero:
        entries[key].report("should be longer than 0")
    return length if length or (zero and length is not None) else default


def line_of(mark: Mark | None) -> int:
    """Return the line of a place, from 1."""
    return mark.line + 1 if mark else 1


def _short(text: str) -> str:
    return _UNPRINTABLE.sub("?", text[:60])
