"""Brings a database to the schema of this version, once, whoever comes first; later callers only look."""

import asyncio
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from store.db import StoreError, explained

HEAD: Final = "0003"
"""The schema that this version works with; the file of each in `migrations/versions` begins with its number."""

_SCRIPTS: Final = Path(__file__).with_name("migrations")
_PATIENCE_S: Final = 60.0
# Any number will do, as long as nobody else locks the same one.
_LOCK: Final = 7_376_221_893


async def upgrade(url: str) -> None:
    """Bring a database to `HEAD`; several callers at once are safe, and one that is there already costs one look.

    Raises `StoreError` when the database cannot be reached, or was written by a newer version.
    """
    try:
        if url.startswith("sqlite"):
            await asyncio.to_thread(_upgrade_sqlite, url)
        else:
            await _upgrade_postgres(_postgres(url))
    except (DBAPIError, OSError) as error:
        raise explained(error) from None


async def current(url: str) -> str | None:
    """Return the number of a database's schema, None for a database that is empty or missing.

    Raises `StoreError` when it cannot be reached.
    """
    try:
        if url.startswith("sqlite"):
            return await asyncio.to_thread(_number_in_file, url)
        async with _postgres(url).connect() as connection:
            return await connection.run_sync(_number)
    except (DBAPIError, OSError) as error:
        raise explained(error) from None


def _upgrade_sqlite(url: str) -> None:
    with _sqlite(url).connect() as connection:
        connection.connection.driver_connection.isolation_level = None  # type: ignore[union-attr] # we say BEGIN
        if _done(_number(connection)):
            return
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # now, or the first connections of a store race for it
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if not _done(_number(connection)):
            _run(connection)
        connection.exec_driver_sql("COMMIT")


async def _upgrade_postgres(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        if _done(await connection.run_sync(_number)):
            return
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if not _done(await connection.run_sync(_number)):
            await connection.run_sync(_run)


def _number_in_file(url: str) -> str | None:
    if not Path(make_url(url).database or "").is_file():  # a look must not make it
        return None
    with _sqlite(url).connect() as connection:
        return _number(connection)


def _sqlite(url: str) -> Engine:
    place = url.replace("+aiosqlite", "")
    return create_engine(place, poolclass=NullPool, connect_args={"timeout": _PATIENCE_S}, hide_parameters=True)


def _postgres(url: str) -> AsyncEngine:
    return create_async_engine(url, poolclass=NullPool, hide_parameters=True)


def _number(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _done(number: str | None) -> bool:
    """Say whether there is nothing to do; raise `StoreError` for a schema that only a newer version knows."""
    if number is not None and not list(_SCRIPTS.glob(f"versions/{number}_*.py")):
        raise StoreError(
            f"the database has schema {number}, and this version of Relaunch works with {HEAD}: "
            "install the newer version again, or restore the backup made before it"
        )
    return number == HEAD


def _run(connection: Connection) -> None:
    """Take every step that is missing, in the caller's transaction; alembic is big, so it is imported for this only."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
