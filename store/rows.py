"""Moving rows between tables and the values that the code works with."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Connection, Select, Table, bindparam, insert, update

from store.driven import Driven, Values

T = TypeVar("T")


def columns_of(kind: type) -> tuple[str, ...]:
    """Return the names of a state class, which are the names of its table's columns."""
    return tuple(one.name for one in fields(kind))


def fetch(connection: Connection, kind: type[T], statement: Select[Any]) -> list[T]:
    """Run a select whose columns are named like the fields of `kind`, and return the values."""
    result = connection.execute(statement)
    names = tuple(result.keys())
    return [kind(**dict(zip(names, row, strict=True))) for row in result]


def select_state(table: Table, kind: type) -> Sequence[Any]:
    """Return the columns of a table that a state class keeps."""
    return [table.c[name] for name in columns_of(kind)]


def select_all(connection: Connection, kind: type[T], statement: Driven, values: Values) -> list[T]:
    """Run a select of `select_state`, and return the values."""
    return [kind(*row) for row in statement.rows(connection, values)]


def insert_all(connection: Connection, table: Table, states: Iterable[object]) -> None:
    """Insert state values as rows."""
    insert_rows(connection, table, [as_row(state) for state in states])


def insert_rows(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows that name the same columns, each of them."""
    if rows:
        _insert(table, tuple(rows[0])).run_all(connection, rows)


def update_all(connection: Connection, table: Table, states: Iterable[object]) -> None:
    """Write state values back to their rows, by id."""
    rows = [as_row(state) for state in states]
    if rows:
        changes = [{f"new_{name}": value for name, value in row.items()} for row in rows]
        _update(table, tuple(rows[0])).run_all(connection, changes)


@cache
def _insert(table: Table, names: tuple[str, ...]) -> Driven:
    return Driven(insert(table), names)


@cache
def _update(table: Table, names: tuple[str, ...]) -> Driven:
    new: dict[str, BindParameter[object]] = {name: bindparam(f"new_{name}") for name in names if name != "id"}
    return Driven(update(table).where(table.c.id == bindparam("new_id")).values(new))


def as_row(state: object) -> dict[str, Any]:
    """Return a state value as a row."""
    return {name: getattr(state, name) for name in state.__slots__}  # type: ignore[attr-defined] # slotted dataclass
