"""Column types and helpers that every table shares."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON, BigInteger, Column, DateTime, Dialect, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel


class Instant(TypeDecorator[datetime]):
    """An aware moment in UTC: `timestamptz` on PostgreSQL, text in UTC on SQLite, which knows no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Choose the column type of the engine."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone; write UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Document = JSON().with_variant(JSONB(), "postgresql")


def instant(*, null: bool = False, index: bool = False) -> Any:  # noqa: ANN401 - SQLModel's Field is untyped here
    """Make a column for a moment."""
    return Field(default=None, sa_column=Column(Instant(), nullable=null, index=index))


def money() -> Any:  # noqa: ANN401 - SQLModel's Field is untyped here
    """Make a column for an amount in minor units: 64 bits."""
    return Field(default=0, sa_column=Column(BigInteger, nullable=False))


def document(*, null: bool = False) -> Any:  # noqa: ANN401 - SQLModel's Field is untyped here
    """Make a column for a JSON document."""
    return Field(default=None, sa_column=Column(Document, nullable=null))


def table_of(model: type[SQLModel]) -> Table:
    """Return the Core table of a model, for statements that need no object."""
    return cast("Table", model.__table__)  # type: ignore[attr-defined] # SQLModel adds it at run time
