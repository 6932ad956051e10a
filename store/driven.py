"""Statements of which many are run: compiled once for each engine, and handed to its driver without a detour.

SQLAlchemy takes several times as long to run a small statement as the engine does. Here its compiler and its column
types are kept, and what lies between them and the driver is left out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import Float, TypeEngine

Values = Mapping[str, object]
_Translate = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement for one driver: how each parameter is written, those that are always the same, how rows are read."""

    text: str
    parameters: Sequence[tuple[str, _Translate]]
    fixed: Values
    columns: Sequence[tuple[int, Callable[[Any], Any]]]

    def written(self, values: Values) -> tuple[object, ...]:
        """Return the parameters in the order of the text; raises KeyError for one that is missing."""
        given = {**self.fixed, **values} if self.fixed else values
        return tuple([given[name] if write is None else write(given[name]) for name, write in self.parameters])

    def read(self, rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """Return rows as what their columns mean."""
        if not self.columns:
            return [tuple(row) for row in rows]
        found = []
        for row in rows:
            values = list(row)
            for index, read in self.columns:
                values[index] = read(values[index])
            found.append(tuple(values))
        return found


class Driven:
    """A statement that is made once and run often, in a transaction that `Database` has begun.

    Its parameters are given by name, all of them. An insert writes `columns`, all of the table's by default;
    constants that the table has for the others are not written.
    No parameter may stand for several: use `store.lists.among`. Errors are those of SQLAlchemy; with any of them, and
    when it is cancelled, the connection is given up, as nobody looks whether it can still be used.
    """

    def __init__(self, statement: Select[Any] | Insert | Update | Delete, columns: Sequence[str] | None = None) -> None:
        """Compile nothing yet."""
        self._statement, self._columns = statement, columns
        self._plans: dict[str, _Plan] = {}

    def run(self, connection: Connection, values: Values) -> None:
        """Run it for its effect."""
        plan = self._plan(connection.dialect)
        _call(connection, connection.dialect.do_execute, plan.text, plan.written(values))

    def run_all(self, connection: Connection, rows: Iterable[Values]) -> None:
        """Run it once with each of these parameters."""
        plan = self._plan(connection.dialect)
        _call(connection, connection.dialect.do_executemany, plan.text, [plan.written(values) for values in rows])

    def rows(self, connection: Connection, values: Values) -> list[tuple[Any, ...]]:
        """Return the rows of a select."""
        plan = self._plan(connection.dialect)
        cursor = _call(connection, connection.dialect.do_execute, plan.text, plan.written(values))
        return plan.read(cursor.fetchall())

    def first(self, connection: Connection, values: Values) -> tuple[Any, ...] | None:
        """Return the first row of a select, None when there is none."""
        rows = self.rows(connection, values)
        return rows[0] if rows else None

    def _plan(self, dialect: Dialect) -> _Plan:
        plan = self._plans.get(dialect.name)
        if plan is None:
            plan = self._plans[dialect.name] = self._planned(dialect)
        return plan

    def _planned(self, dialect: Dialect) -> _Plan:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
        binds = [(name, compiled.binds[name]) for name in compiled.positiontup]
        columns = self._statement.selected_columns if isinstance(self._statement, Select) else ()
        return _Plan(
            compiled.string,
            [(name, _of(bind.type, dialect).bind_processor(dialect)) for name, bind in binds],
            {name: bind.value for name, bind in binds if not bind.required},
            [(index, read) for index, column in enumerate(columns) if (read := _reader(column.type, dialect))],
        )


def _of(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> _Translate:
    if isinstance(kind, Float):  # as the driver gives it; SQLAlchemy would want the driver's type code
        return None
    return _of(kind, dialect).result_processor(dialect, None)


def _call(connection: Connection, call: Callable[..., None], text: str, parameters: object) -> Any:  # noqa: ANN401 - the driver's cursor
    cursor = connection.connection.cursor()
    try:
        call(cursor, text, parameters)
    except BaseException as error:
        connection.invalidate(error)
        if isinstance(error, connection.dialect.loaded_dbapi.Error):
            raise DBAPIError(None, None, error, hide_parameters=True, connection_invalidated=True) from None
        raise
    return cursor
