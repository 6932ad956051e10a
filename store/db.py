"""The store's one door: engines, and the two kinds of transaction that every statement runs in.

Statements are written once, as plain functions of a SQLAlchemy `Connection`. SQLite runs a whole transaction in one
hop to a thread (a hop per statement costs five times as much), PostgreSQL runs it over asyncpg.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

T = TypeVar("T")
P = ParamSpec("P")

# PostgreSQL's words for "somebody else was first, try again": serialization failure, deadlock, and a row that another
# transaction inserted in the same moment.
_TRY_AGAIN = {"40001", "40P01", "23505"}
_TRIES = 5


class StoreError(Exception):
    """The store cannot do what was asked: it is missing, locked, full or older than this version."""


class NotFoundError(Exception):
    """There is no such thing in the store."""


class ConflictError(Exception):
    """The thing is in no state to be changed so."""


class Database:
    """One database, and how its transactions begin and end."""

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one consistent view; it changes nothing."""
        raise NotImplementedError

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in a transaction: its changes are committed together, or not at all."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close every connection."""
        raise NotImplementedError

    async def ping(self) -> None:
        """Raise `StoreError` unless the database answers."""
        await self.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())


class Sqlite(Database):
    """SQLite in WAL mode with a power-safe commit; writers take the write lock at once, one after the other."""

    def __init__(self, url: str) -> None:
        """Open nothing yet."""
        self.engine = create_engine(url.replace("+aiosqlite", ""), hide_parameters=True)
        event.listen(self.engine, "connect", _prepare)
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(2, "store-reader")

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.read`."""
        return await self._run(self._readers, "BEGIN", lambda connection: work(connection, *args, **kwargs))

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.write`."""
        return await self._run(self._writer, "BEGIN IMMEDIATE", lambda connection: work(connection, *args, **kwargs))

    async def _run(self, threads: ThreadPoolExecutor, begin: str, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, _transaction, self.engine, begin, work)

    async def aclose(self) -> None:
        """See `Database.aclose`."""
        self._writer.shutdown()
        self._readers.shutdown()
        self.engine.dispose()


class Postgres(Database):
    """PostgreSQL over asyncpg at READ COMMITTED: whoever decides about a customer locks the rows first."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        """Open nothing yet; at most twice `pool_size` connections."""
        self.engine = create_async_engine(
            url, pool_size=pool_size, max_overflow=pool_size, pool_recycle=1800, hide_parameters=True
        )
        self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.read`."""
        try:
            async with self._reader.connect() as connection:
                return await connection.run_sync(work, *args, **kwargs)
        except (DBAPIError, OSError) as error:
            raise explained(error) from None

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.write`; run again when another transaction was first."""
        tries = 0
        while True:
            try:
                async with self.engine.begin() as connection:
                    return await connection.run_sync(work, *args, **kwargs)
            except (DBAPIError, OSError) as error:
                tries += 1
                if tries == _TRIES or getattr(getattr(error, "orig", None), "sqlstate", None) not in _TRY_AGAIN:
                    raise explained(error) from None

    async def aclose(self) -> None:
        """See `Database.aclose`."""
        await self.engine.dispose()


def connect(url: str) -> Database:
    """Return the database that a SQLAlchemy URL names; SQLite or PostgreSQL."""
    if url.startswith("sqlite"):
        return Sqlite(url)
    if url.startswith("postgresql+asyncpg"):
        return Postgres(url)
    raise StoreError(f"RELAUNCH_DATABASE_URL must begin with sqlite:// or postgresql+asyncpg://, not {url[:12]!r}")


def _transaction(engine: Engine, begin: str, work: Callable[[Connection], T]) -> T:
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(begin)
            result = work(connection)
            connection.exec_driver_sql("COMMIT")
            return result
    except DBAPIError as error:
        raise explained(error) from None


def explained(error: Exception) -> StoreError:
    """Translate what a driver says; its own words may quote a row, so they stay out, and so does their cause."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", type(cause).__name__)  # the module's own errors have no code
        return StoreError(f"the store refused: {name.removeprefix('SQLITE_').lower()}")
    return StoreError(f"the store refused: {type(cause).__name__} {getattr(cause, 'sqlstate', None) or ''}".rstrip())


def _prepare(connection: Any, record: object) -> None:  # noqa: ANN401 - the driver's own connection
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
