"""Files of history: how far each is in the store, in the same commit as the rows themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from models.events import Event
from models.products import Product
from store.batch import IMPORT
from store.catalogue import save_products
from store.db import ConflictError
from store.intake import ingest
from store.rows import as_row, fetch, select_state
from store.schema import IMPORTS


@dataclass(frozen=True, slots=True)
class Import:
    """One file of one shop: how many of its rows are behind us, how many of them were taken, how many refused.

    An empty row is neither.
    """

    id: str
    shop: str
    kind: str
    rows: int
    accepted: int
    rejected: int
    started_at: datetime
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """So many rows of a file, how many of them were refused, and what the others mean."""

    rows: int
    rejected: int
    events: Sequence[Event] = ()
    products: Sequence[Product] = ()


def begin(connection: Connection, id_: str, shop: str, kind: str, at: datetime) -> Import:
    """Return how far a file is, nowhere when it was never seen."""
    known = _found(connection, id_)
    if known is None:
        known = Import(id_, shop, kind, 0, 0, 0, at)
        connection.execute(insert(IMPORTS), [as_row(known)])
    return known


def advance(connection: Connection, asked: Import, batch: Batch, at: datetime) -> Import:
    """Store the rows behind those of `asked`, and return how far the file is now: both, or neither.

    No journey begins or moves with them, whatever their age; what ends one ends it. Raises `ConflictError` when
    somebody else has stored them meanwhile.
    """
    known = _found(connection, asked.id, lock=True)
    if known is None or known.rows != asked.rows or known.done_at is not None:
        raise ConflictError("somebody else imports this file just now")
    if batch.events:
        ingest(connection, asked.shop, batch.events, None, at, IMPORT)
    save_products(connection, asked.shop, batch.products, at)
    taken = len(batch.events) + len(batch.products)
    return _save(
        connection,
        replace(
            known,
            rows=known.rows + batch.rows,
            accepted=known.accepted + taken,
            rejected=known.rejected + batch.rejected,
        ),
    )


def finish(connection: Connection, asked: Import, at: datetime) -> Import:
    """Remember that the whole file is in the store."""
    return _save(connection, replace(asked, done_at=at))


def _found(connection: Connection, id_: str, *, lock: bool = False) -> Import | None:
    statement = select(*select_state(IMPORTS, Import)).where(IMPORTS.c.id == id_)
    found = fetch(connection, Import, statement.with_for_update() if lock else statement)
    return found[0] if found else None


def _save(connection: Connection, now: Import) -> Import:
    connection.execute(update(IMPORTS).where(IMPORTS.c.id == now.id).values(as_row(now)))
    return now
