"""Looking for what names somebody in every column of every table, page by page, so that nobody waits for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    cast,
    null,
    select,
    text,
    tuple_,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from models.needles import Needle, Sort
from store.belongings import OWNED, mine, owner
from store.schema import CUSTOMERS, DELIVERIES, JOURNEYS, METADATA

_PAGE: Final = 500
_PAGE_OF_MESSAGES: Final = 20
_OURS: Final = {
    *("shop", "kind", "episode", "policy", "policy_hash", "segment", "arm", "status", "outcome", "step", "channel"),
    *("type", "state", "verdict", "call", "key", "provider", "provider_id", "actor", "act", "cart_token", "basis"),
    *("purpose", "result", "closed_by", "done_by", "data"),
}
"""Columns that hold our own words, ids and the shop's numbers: somebody may be called like one of these."""


@dataclass(frozen=True, slots=True)
class Find:
    """A spelling that stands somewhere: in which column, in which row, and whose row that is."""

    spelling: bytes
    column: str
    row: str
    owner: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """What one page of a table came to; `last` is where the next one begins, None after the last one."""

    rows: int
    finds: Sequence[Find] = field(default=())
    last: tuple[Any, ...] | None = None


def tables() -> Sequence[str]:
    """Return the names of the tables that hold text of any kind."""
    return [table.name for table in METADATA.sorted_tables if _texts(table)]


def search_page(connection: Connection, name: str, spellings: Collection[bytes], after: tuple[Any, ...] | None) -> Page:
    """Look through one page of a table for spellings (ASCII letters in lower case), from `after` on."""
    table = METADATA.tables[name]
    keys, texts = list(table.primary_key), _texts(table)
    size = _PAGE_OF_MESSAGES if any(isinstance(one.type, LargeBinary) for one in texts) else _PAGE
    whose = owner(table) if table in OWNED else null()
    statement = select(*keys, whose, *[_plain(one) for one in texts]).order_by(*keys).limit(size)
    if after is not None:
        statement = statement.where(tuple_(*keys) > tuple_(*after))
    rows = connection.execute(statement).all()
    values = [[_bytes(value) for value in row[len(keys) + 1 :]] for row in rows]
    page = b"\0".join(chain.from_iterable(values))
    present = [one for one in spellings if one in page]
    finds = [
        Find(one, f"{name}.{column.name}", "/".join(map(str, row[: len(keys)])), row[len(keys)])
        for one in present
        for row, texts_of_row in zip(rows, values, strict=True)
        for column, value in zip(texts, texts_of_row, strict=True)
        if one in value
    ]
    return Page(len(rows), finds, tuple(rows[-1][: len(keys)]) if len(rows) == size else None)


def search_samples(connection: Connection, spellings: Collection[bytes]) -> tuple[int, list[Find]]:
    """Look through the samples of values that PostgreSQL keeps for its planner; return their number and the finds."""
    if connection.dialect.name != "postgresql":
        return 0, []
    statement = "SELECT tablename || '.' || attname, most_common_vals::text, histogram_bounds::text FROM pg_stats "
    rows = connection.execute(text(statement + "WHERE schemaname = current_schema()")).all()
    return len(rows), [
        Find(one, f"pg_stats of {row[0]}", "", None)
        for row in rows
        for one in spellings
        if any(one in _bytes(sample) for sample in row[1:])
    ]


def search_own(connection: Connection, customer: str, names: Collection[Needle]) -> list[str]:
    """Look for what tells nothing elsewhere, as a first name, in what is left about a customer; return the columns."""
    found = []
    for table in OWNED:
        free = [one for one in _texts(table) if one.name not in _OURS]
        for row in connection.execute(select(*[_plain(one) for one in free]).where(mine(table, customer))).all():
            pairs = zip(free, row, strict=True)
            found += [f"{table.name}.{one.name}" for one, value in pairs if _named(names, _bytes(value))]
    return found


def spoken(connection: Connection, customer: str) -> set[str]:
    """Return the words of ours that stand in a customer's journeys, in lower case: the shop, the policy, its steps."""
    columns = [one for one in _texts(JOURNEYS) if one.name in _OURS]
    rows = connection.execute(select(*columns).where(JOURNEYS.c.customer_id == customer)).all()
    return {str(value).lower() for row in rows for value in row if value is not None}


def holders(connection: Connection, needle: Needle) -> set[str]:
    """Return the customers who have what a needle names, or something longer that contains it."""
    columns: Sequence[ColumnElement[str | None]] = {
        Sort.ADDRESS: [CUSTOMERS.c.email_key, CUSTOMERS.c.email],
        Sort.PHONE: [CUSTOMERS.c.phone],
        Sort.ID: [CUSTOMERS.c.external_id],
        Sort.NAME: [CUSTOMERS.c.first_name],
    }[needle.sort]
    found: set[str] = set()
    for column in columns:
        for form in {needle.text, needle.text.lower()}:
            statement = select(CUSTOMERS.c.id).where(column.contains(form, autoescape=True))
            found |= set(connection.execute(statement).scalars())
    return found


def owners_of(connection: Connection, deliveries: Collection[str]) -> dict[str, str]:
    """Return whose these deliveries are, by id."""
    statement = select(DELIVERIES.c.id, DELIVERIES.c.customer_id).where(DELIVERIES.c.id.in_(deliveries))
    return {row.id: row.customer_id for row in connection.execute(statement)}


def deliveries_of(connection: Connection, customer: str) -> list[str]:
    """Return the ids of a customer's deliveries, by which the files of their messages are named."""
    return list(connection.execute(select(DELIVERIES.c.id).where(DELIVERIES.c.customer_id == customer)).scalars())


def journeys_of(connection: Connection, customer: str) -> list[str]:
    """Return the ids of a customer's journeys, by which Temporal knows their runs."""
    statement = select(JOURNEYS.c.id).where(JOURNEYS.c.customer_id == customer).order_by(JOURNEYS.c.id)
    return list(connection.execute(statement).scalars())


def _texts(table: Table) -> list[Column[Any]]:
    """Return the columns that may hold text: all but numbers, moments and flags."""
    return [one for one in table.c if not isinstance(_kind(one), Boolean | Date | DateTime | Float | Integer | Numeric)]


def _kind(column: Column[Any]) -> TypeEngine[Any]:
    kind = column.type
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


def _plain(column: Column[Any]) -> ColumnElement[Any]:
    """Return a column as it is stored: a document is not parsed, for it is searched as text."""
    return cast(column, Text) if isinstance(column.type, JSON) else column


def _bytes(value: object) -> bytes:
    if value is None:
        return b""
    return (value if isinstance(value, bytes) else str(value).encode(errors="replace")).lower()


def _named(names: Collection[Needle], value: bytes) -> bool:
    return any(one.named_in(value) for one in names)
