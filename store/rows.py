"""Moving rows between tables and the values that the code works with."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Select, Table, bindparam, insert, update

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


def insert_all(connection: Connection, table: Table, states: Iterable[object]) -> None:
    """Insert state values as rows."""
    rows = [as_row(state) for state in states]
    if rows:
        connection.execute(insert(table), rows)


def update_all(connection: Connection, table: Table, states: Iterable[object]) -> None:
    """Write state values back to their rows, by id."""
    rows = [{f"new_{name}": value for name, value in as_row(state).items()} for state in states]
    if rows:
        connection.execute(_update(table, tuple(name.removeprefix("new_") for name in rows[0])), rows)


_updates: dict[tuple[str, tuple[str, ...]], Executable] = {}


def _update(table: Table, names: tuple[str, ...]) -> Executable:
    """Return the update of these columns by id; made once, so that its compiled form is found again."""
    key = (table.name, names)
    if key not in _updates:
        _updates[key] = (
            update(table)
            .where(table.c.id == bindparam("new_id"))
            .values({name: bindparam(f"new_{name}") for name in names if name != "id"})
        )
    return _updates[key]


def as_row(state: object) -> dict[str, Any]:
    """Return a state value as a row."""
    return {name: getattr(state, name) for name in state.__slots__}  # type: ignore[attr-defined] # slotted dataclass
