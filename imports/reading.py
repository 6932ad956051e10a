"""Reading files of any size row by row: CSV with a header, or JSON lines, in UTF-8."""

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from pydantic_core import from_json

CHUNK: Final = 1024 * 1024
_OTHERS: Final = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_FLATTENED: Final = ("customer", "properties")


class Unusable(Exception):
    """A file cannot be imported at all; says why and what to do, never what stands in it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be read: where it is, how many bytes it has, and the SHA-256 of them."""

    path: Path
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as a spreadsheet shows it, and its values by column; `problem` when it cannot be read.

    A row of CSV holds texts, one of JSON lines the values of JSON. An empty row has neither values nor problem.
    """

    number: int
    values: Mapping[str, object]
    problem: str | None = None


def examine(path: Path) -> Source:
    """Read a file once from end to end, in pieces, and return what it is.

    Raises `Unusable` for one that is empty, not UTF-8, or so long without an end of line that it has no rows.
    """
    digest, size = hashlib.sha256(), 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _opened(path) as file:
        while chunk := file.read(CHUNK):
            if size == 0:
                _check_mark(path, chunk)
            waiting = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                raise _not_utf8(path, size - waiting + error.start) from None
            if len(chunk) == CHUNK and b"\n" not in chunk and b"\r" not in chunk:
                raise Unusable(f"{path.name} has lines of more than 1 MB: are they rows?")
            digest.update(chunk)
            size += len(chunk)
    if decoder.getstate()[0]:
        raise _not_utf8(path, size - len(decoder.getstate()[0]))
    if size == 0:
        raise Unusable(f"{path.name} is empty")
    return Source(path, size, digest.hexdigest())


def _opened(path: Path) -> BinaryIO:
    if path.exists() and not path.is_file():
        raise Unusable(f"{path.name} is no file")
    try:
        return path.open("rb")
    except OSError as error:
        raise Unusable(f"cannot read {path.name}: {error.strerror}") from None


def _check_mark(path: Path, chunk: bytes) -> None:
    for mark, name in _OTHERS.items():
        if chunk.startswith(mark):
            raise Unusable(f"{path.name} is in {name}: save it as UTF-8")


def _not_utf8(path: Path, place: int) -> Unusable:
    return Unusable(f"{path.name} is not UTF-8, the first other byte is at {place}: save it as UTF-8")


class Reading:
    """An open file: its rows in order, and how many of its bytes have been read.

    `header` are the columns of CSV, `before` is how many rows stand before the first one: the header, and empty ones.
    """

    def __init__(self, source: Source) -> None:
        """Open it, and look at its first line; raises `Unusable`."""
        self._file = _opened(source.path)
        self._text = io.TextIOWrapper(self._file, "utf-8-sig", newline="")
        self.before, first = 0, ""
        while not first.strip() and (line := self._text.readline()):
            self.before, first = self.before + bool(first), line
        if first.lstrip().startswith("["):
            raise Unusable(f"{source.path.name} is one JSON list: write one object a line")
        self.is_csv = not first.lstrip().startswith("{")
        self._lines = chain([first], self._text)  # a file of empty lines has no rows
        self.header: list[str] = []
        if self.is_csv:
            self._csv = csv.reader(self._lines, delimiter=_delimiter(first))
            self.header = self._head(source.path.name)
            self.before += 1

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self._text.close()

    @property
    def position(self) -> int:
        """Return how many bytes have been read."""
        return self._file.tell()

    def rows(self) -> Iterator[Row]:
        """Return all rows, the empty ones too, so that their number says where each stands."""
        return self._of_csv() if self.is_csv else self._of_json()

    def _head(self, name: str) -> list[str]:
        try:
            header = [cell.strip() for cell in next(self._csv, [])]
        except csv.Error:
            header = []
        if not any(header):
            raise Unusable(f"{name} has no header: the first row names the columns")
        twice = {one for one in header if one and header.count(one) > 1}
        if twice:
            raise Unusable(f"{name} has the column {min(twice)[:64]} twice")
        return header

    def _of_csv(self) -> Iterator[Row]:
        number, cells = self.before, list[str]()
        while True:
            number += 1
            try:
                cells = next(self._csv)
            except StopIteration:
                return
            except csv.Error:  # a cell of more than 128 kB: most often a quotation mark that nothing closes
                yield Row(number, {}, "a cell is too long, or a quotation mark is not closed")
                continue
            if not any(cells):
                yield Row(number, {})
            elif len(cells) != len(self.header):
                yield Row(number, {}, f"has {len(cells)} cells, the header has {len(self.header)}")
            else:
                yield Row(number, {name: cell for name, cell in zip(self.header, cells, strict=True) if cell.strip()})

    def _of_json(self) -> Iterator[Row]:
        for number, line in enumerate(self._lines, self.before + 1):
            if not line.strip():
                yield Row(number, {})
                continue
            try:
                value = from_json(line)
            except ValueError:
                value = None
            if isinstance(value, dict):
                yield Row(number, _flat(value))
            else:
                yield Row(number, {}, "is no JSON object")


def _delimiter(line: str) -> str:
    """Return what stands between the cells of a header, commas or semicolons; what is in quotes does not count."""
    outside = "".join(line.split('"')[::2])
    return ";" if outside.count(";") > outside.count(",") else ","


def _flat(row: dict[str, Any]) -> dict[str, object]:
    """Return a row with the names of columns, from one that may be shaped like an event."""
    flat: dict[str, object] = {}
    for name, value in row.items():
        if name in _FLATTENED and isinstance(value, dict):
            flat |= _flat({f"{name}.{part}": inner for part, inner in value.items()})
        elif name in ("traits", "customer.traits") and isinstance(value, dict):
            flat |= {f"traits.{part}": inner for part, inner in value.items()}
        elif value is not None:
            flat[name] = value
    return flat
