"""What a row of a file means: the same as the event or the product that it would be at the generic door."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from api.bodies import problem_of
from api.checks import AHEAD, Door, Problem
from api.meaning import event_of
from api.products import product_of
from api.shapes import EventShape, ProductShape
from imports.columns import COLUMNS, Column, ImportKind, Sort, column, plain
from imports.reading import Row
from models.events import Event, EventType
from models.products import Product

CALL: Final = "import"
"""A row without a time counts once, in whatever file it comes again."""

_EVENT: Final = {
    ImportKind.CUSTOMERS: EventType.IDENTIFY,
    ImportKind.CONSENTS: EventType.IDENTIFY,
    ImportKind.ORDERS: EventType.ORDER_COMPLETED,
    ImportKind.CARTS: EventType.CART_UPDATED,
}
_WHOLE: Final = re.compile(r"[+-]?\d{1,15}")
_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?")
_LEADING_ZERO: Final = re.compile(r"[+-]?0\d")
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Wrong:
    """Which column of which row is wrong, and why; never a value. A row that is only `noted` is taken all the same."""

    row: int
    column: str
    problem: str
    noted: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """What rows are read with: their kind, the shop's country for telephone numbers, and when they are read."""

    kind: ImportKind
    country: str
    at: datetime
    is_csv: bool

    def read(self, row: Row) -> tuple[Event | Product | None, Sequence[Wrong]]:
        """Return what a row means, None when it cannot be taken, and what is wrong with it."""
        if row.problem:
            return None, [Wrong(row.number, "", row.problem)]
        body, wrong = self._body(row)
        if wrong:
            return None, wrong
        try:
            found = self._found(body)
        except ValidationError as error:
            return None, self._told(row, problem_of(error))
        except Problem as error:
            return None, self._told(row, str(error))
        notes = found.notes if isinstance(found, Event) else ()
        return found, [Wrong(one.row, one.column, one.problem, noted=True) for n in notes for one in self._told(row, n)]

    def _body(self, row: Row) -> tuple[dict[str, Any], list[Wrong]]:
        """Return the row as a body of the generic door, without the columns that are not known."""
        body: dict[str, Any] = {}
        wrong: list[Wrong] = []
        for name, value in row.values.items():
            known = column(self.kind, plain(name))
            if known is None:
                continue
            if self.is_csv and isinstance(value, str):
                try:
                    value = _cell(value.strip(), known.sort)  # noqa: PLW2901 - as it would be in JSON
                except ValueError:
                    wrong.append(Wrong(row.number, name, f"must be {_article(known.sort)}"))
                    continue
            _put(body, known, value)
        return body, wrong

    def _found(self, body: dict[str, Any]) -> Event | Product:
        if self.kind is ImportKind.PRODUCTS:
            return product_of(ProductShape.model_validate_json(to_json(body)), self.at + AHEAD)
        if self.kind is ImportKind.CONSENTS and "customer" in body:
            body["timestamp"] = body["customer"].get("consents", [{}])[0].get("at")
        shape = EventShape.model_validate_json(to_json(body | {"event": _EVENT[self.kind]}))
        if shape.timestamp is None and "timestamp" in COLUMNS[self.kind] and COLUMNS[self.kind]["timestamp"].needed:
            raise Problem("timestamp", "is missing")
        return event_of(shape, Door(self.country, self.at, CALL))

    def _told(self, row: Row, words: str) -> list[Wrong]:
        """Return what the door says of fields as what is wrong with columns, each once."""
        names = {known.path: name for name in row.values if (known := column(self.kind, plain(name)))}
        names |= {one.path: name for name, one in COLUMNS[self.kind].items() if one.path not in names}
        if self.kind is ImportKind.CONSENTS:
            names["timestamp"] = names["customer.consents[0].at"]
        found: dict[tuple[str, str], Wrong] = {}
        for part in words.split("; "):
            path, colon, why = part.partition(": ")
            place, problem = _named(names, path, why) if colon else ("", part)
            found.setdefault((place, problem), Wrong(row.number, place, problem))
        return list(found.values())


def _named(names: Mapping[str, str], path: str, why: str) -> tuple[str, str]:
    """Return the column that a path means, and what is wrong in it."""
    whole = next((one for one in sorted(names, key=len, reverse=True) if path.startswith(one)), None)
    if whole is None:
        return path, why
    inside = path.removeprefix(whole).removeprefix(".")
    return names[whole], f"{inside}: {why}" if inside else why


def _put(body: dict[str, Any], known: Column, value: object) -> None:
    """Put a value where it stands in a body; a number among the parts of a place is one in a list of one."""
    inner: Any = body
    for part, following in zip(known.place, known.place[1:], strict=False):
        if isinstance(part, int):
            inner = inner[part]
        else:
            inner = inner.setdefault(part, [{}] if isinstance(following, int) else {})
    inner[known.place[-1]] = value


def _cell(text: str, sort: Sort) -> object:
    """Return what a cell of CSV says; raises ValueError when it is not of that sort."""
    match sort:
        case Sort.TEXT:
            return text
        case Sort.ANY:
            return _any(text)
        case Sort.FLAG if text.lower() in _FLAGS:
            return _FLAGS[text.lower()]
        case Sort.WHOLE if _WHOLE.fullmatch(text):
            return int(text)
        case Sort.NUMBER if _NUMBER.fullmatch(text):
            return float(text)
        case Sort.JSON:
            return from_json(text)
        case _:
            raise ValueError(sort)


def _any(text: str) -> object:
    """Return a number or a flag for what can be nothing else; a postal code with a leading zero is a text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _LEADING_ZERO.match(text) or not _NUMBER.fullmatch(text):
        return text
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def _article(sort: Sort) -> str:
    return f"a {sort}" if sort in (Sort.WHOLE, Sort.NUMBER) else str(sort)
