"""Column types and helpers that every table shares."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON, BigInteger, Column, DateTime, Dialect, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, SQLModel

_SQLITE_LENGTH = len("2026-01-31 12:00:00.000000")


class Instant(TypeDecorator[datetime]):
    """An aware moment in UTC: `timestamptz` on PostgreSQL, text in UTC on SQLite, which knows no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Choose the column type of the engine."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], datetime | str | None]:
        """Return what writes a moment; a moment without a zone is refused."""
        return _as_text if dialect.name == "sqlite" else _as_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[datetime | str | None], datetime | None]:
        """Return what reads a moment, in UTC."""
        return _read


def _as_utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    moment = _as_utc(value)
    return None if moment is None else moment.isoformat(" ", "microseconds")[:_SQLITE_LENGTH]


def _read(value: datetime | str | None) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


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
