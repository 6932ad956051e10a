"""Asking for hundreds of rows by name in one statement that stays the same, however many names there are.

A parameter for each name makes a new statement for each number of names, which is compiled, prepared and kept anew.
"""

import json
from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy import ARRAY, Boolean, ColumnElement, Dialect, String, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Names(TypeDecorator[Sequence[str]]):
    """Texts in one parameter: an array on PostgreSQL, a JSON list on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(String))

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | Sequence[str] | None:
        return json.dumps(value) if dialect.name == "sqlite" else value


class _Among(FunctionElement[bool]):
    """Whether a column holds one of the names that a parameter lists."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: OperatorType | None = None) -> Self:
        """Stay as it is: compared as a value (`... = 1`), SQLite would look at every row of the table."""
        return self


@compiles(_Among)
def _on_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    column, names = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({names}))"  # noqa: S608 - both come from the compiler


@compiles(_Among, "postgresql")
def _on_postgres(element: _Among, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - the compiler's own
    column, names = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} = ANY ({names})"


def among(column: ColumnElement[str], parameter: str) -> ColumnElement[bool]:
    """Return the condition that a column of texts holds one of the list that is given for a parameter."""
    return _Among(column, bindparam(parameter, type_=_Names()))
