"""Values for any column of any table, so that a test need not know the tables."""

from typing import Any

from sqlalchemy import JSON, Boolean, Column, Date, DateTime, Float, Integer, LargeBinary, Numeric, Table
from sqlalchemy.types import TypeDecorator

from tests.builders import NOON


def dummy(column: Column[Any], text: str) -> object:
    """Return a value for a column, with the text in it where it can hold any."""
    kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    match kind:
        case Boolean():
            return False
        case DateTime():
            return NOON
        case Date():
            return NOON.date()
        case Integer() | Numeric() | Float():
            return 7
        case JSON():
            return {"deep": [{"er": text}]}
        case LargeBinary():
            return text.encode()
        case _:
            return text


def texts_of(table: Table) -> list[Column[Any]]:
    """Return the columns that can hold text."""
    return [one for one in table.c if isinstance(dummy(one, ""), str | bytes | dict)]
