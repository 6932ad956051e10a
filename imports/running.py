"""Importing a file: batch after batch, each committed with how far it goes, so that a stop loses nothing."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from imports.columns import ImportKind, column, missing, plain
from imports.errors import ErrorsFile
from imports.meaning import Meaning, Wrong
from imports.reading import Reading, Row, Source, Unusable
from models.events import Event
from models.products import Product
from runtime.shop_settings import ShopSettings
from store import imports
from store.db import Database
from store.imports import Batch, Import

BATCH: Final = 500
"""Rows of one commit."""
_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import has come: the rows in the store, and the bytes read."""

    standing: Import
    position: int


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a file: its standing, and the columns that said nothing to us.

    `before` is how many rows an earlier run had stored; `again` says that it had stored all of them.
    """

    standing: Import
    before: int
    again: bool
    unknown: Sequence[str] = ()


def import_id(shop: str, kind: ImportKind, source: Source) -> str:
    """Return the id of a file's import: another shop, another kind or another content is another one."""
    return hashlib.sha256(f"{shop}\n{kind}\n{source.digest}".encode()).hexdigest()


async def run(
    db: Database,
    shop: ShopSettings,
    source: Source,
    kind: ImportKind,
    now: Callable[[], datetime],
    told: Callable[[Progress], None],
) -> Done:
    """Store a file of history; `told` hears of every commit.

    Nothing that it holds begins or moves a journey; an order, an objection or an emptied cart ends one. Goes on behind
    the rows that an earlier run has stored. Raises `Unusable`, `StoreError`, and `ConflictError` when another process
    imports the same file.
    """
    number = import_id(shop.id, kind, source)
    standing = await db.write(imports.begin, number, shop.id, kind, now())
    if standing.done_at is not None:
        return Done(standing, standing.rows, again=True)
    before = standing.rows
    with Reading(source) as reading:
        if reading.is_csv and (lacking := missing(kind, reading.header)):
            raise Unusable(f"{source.path.name} has no column {', '.join(lacking)}: see docs/import.md")
        errors, unknown = ErrorsFile(source.path, before + reading.before), dict[str, None]()
        rows = islice(reading.rows(), before, None)
        while batch := list(islice(rows, BATCH)):
            _note(unknown, kind, batch)
            read, wrong = _read(Meaning(kind, shop.country, now(), reading.is_csv), batch)
            errors.say(wrong)
            standing = await db.write(imports.advance, standing, read, now())
            told(Progress(standing, reading.position))
    standing = await db.write(imports.finish, standing, now())
    return Done(standing, before, False, list(unknown))


def _read(meaning: Meaning, rows: Sequence[Row]) -> tuple[Batch, list[Wrong]]:
    events, products, wrong, refused = list[Event](), list[Product](), list[Wrong](), 0
    for row in _filled(rows):
        found, problems = meaning.read(row)
        wrong += problems
        match found:
            case Event():
                events.append(found)
            case Product():
                products.append(found)
            case None:
                refused += 1
    return Batch(len(rows), refused, events, products), wrong


def _filled(rows: Sequence[Row]) -> Iterator[Row]:
    return (row for row in rows if row.values or row.problem)


def _note(unknown: dict[str, None], kind: ImportKind, rows: Sequence[Row]) -> None:
    """Remember the columns that say nothing to us, the first few of them."""
    if len(unknown) < _NAMES:
        names = {name: None for row in rows for name in row.values if column(kind, plain(name)) is None}
        unknown |= dict(islice(names.items(), _NAMES))
