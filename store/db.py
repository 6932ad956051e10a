"""The store's one door: engines, and the two kinds of transaction that every statement runs in.

Statements are written once, as plain functions of a SQLAlchemy `Connection`. SQLite runs a whole transaction in one
hop to a thread (a hop per statement costs five times as much), PostgreSQL runs it over asyncpg.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import get_ident
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import create_async_engine

from store.sealing import KEYS, Keys, keys_of

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
    """One database, and how its transactions begin and end; `files` are those of SQLite, its logs included."""

    files: Sequence[Path] = ()

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on one consistent view; it changes nothing."""
        raise NotImplementedError

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in a transaction: its changes are committed together, or not at all."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close every connection."""
        raise NotImplementedError

    async def compact(self, tables: Collection[str]) -> None:
        """Give the room of deleted rows back, and overwrite what stood there as far as the engine can.

        Others go on reading and writing; on SQLite writers wait meanwhile. Raises `StoreError` when somebody reads so
        long that it cannot be done now.
        """
        raise NotImplementedError

    async def ping(self) -> None:
        """Raise `StoreError` unless the database answers."""
        await self.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())


class Sqlite(Database):
    """SQLite in WAL mode with a power-safe commit; writers take the write lock at once, one after the other."""

    def __init__(self, url: str, keys: Keys) -> None:
        """Open nothing yet."""
        place = url.replace("+aiosqlite", "")
        self.engine = create_engine(place, hide_parameters=True, execution_options={KEYS: keys})
        file = Path(self.engine.url.database or "")
        self.files = [file.with_name(file.name + end) for end in ("", "-wal", "-journal")]
        event.listen(self.engine, "connect", _prepare)
        self._lines = _Lines(self.engine)
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(2, "store-reader")

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.read`."""
        return await self._run(self._readers, "BEGIN", lambda connection: work(connection, *args, **kwargs))

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """See `Database.write`."""
        return await self._run(self._writer, "BEGIN IMMEDIATE", lambda connection: work(connection, *args, **kwargs))

    async def _run(self, threads: ThreadPoolExecutor, begin: str, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, self._lines.transaction, begin, work)

    async def compact(self, tables: Collection[str]) -> None:
        """Write the whole file anew, and empty the log beside it; our own writers wait in line, not in vain."""
        await asyncio.get_running_loop().run_in_executor(self._writer, _vacuum, self.engine)

    async def aclose(self) -> None:
        """See `Database.aclose`."""
        self._writer.shutdown()
        self._readers.shutdown()
        self._lines.close()
        self.engine.dispose()


class Postgres(Database):
    """PostgreSQL over asyncpg at READ COMMITTED: whoever decides about a customer locks the rows first."""

    def __init__(self, url: str, keys: Keys, pool_size: int) -> None:
        """Open nothing yet; up to `pool_size` connections stay open, in a rush there are twice as many."""
        self.engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_recycle=1800,
            hide_parameters=True,
            execution_options={KEYS: keys},
        )
        event.listen(self.engine.sync_engine, "checkout", _alive)
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
                async with self.engine.connect() as connection:
                    return await connection.run_sync(_committed, lambda one: work(one, *args, **kwargs))
            except (DBAPIError, OSError) as error:
                tries += 1
                if tries == _TRIES or getattr(getattr(error, "orig", None), "sqlstate", None) not in _TRY_AGAIN:
                    raise explained(error) from None

    async def compact(self, tables: Collection[str]) -> None:
        """Free the dead rows of these tables, and draw the planner's samples of their values anew."""
        try:
            async with self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                for name in tables:
                    await connection.exec_driver_sql(f'VACUUM (ANALYZE) "{name}"')
        except (DBAPIError, OSError) as error:
            raise explained(error) from None

    async def aclose(self) -> None:
        """See `Database.aclose`."""
        await self.engine.dispose()


def connect(url: str, secret: str = "", pool_size: int = 10) -> Database:
    """Return the database that a SQLAlchemy URL names; SQLite or PostgreSQL, with up to twice `pool_size` connections.

    What the store hides is keyed by the installation's `secret`; who gives none may look, and never hides an address.
    """
    if url.startswith("sqlite"):
        return Sqlite(url, keys_of(secret))
    if url.startswith("postgresql+asyncpg"):
        return Postgres(url, keys_of(secret), pool_size)
    raise StoreError(f"RELAUNCH_DATABASE_URL must begin with sqlite:// or postgresql+asyncpg://, not {url[:12]!r}")


def _alive(connection: Any, record: object, proxy: object) -> None:  # noqa: ANN401 - the driver's own connection
    """Have a connection replaced that the server has closed meanwhile; the driver knows that without asking."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _committed(connection: Connection, work: Callable[[Connection], T]) -> T:
    with connection.begin():
        return work(connection)


class _Lines:
    """One connection to SQLite for each thread, kept open: to fetch one for each transaction takes longer than it does.

    SQLAlchemy sees one transaction that goes on and on; where it really begins and ends is said to the driver.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: dict[int, Connection] = {}

    def transaction(self, begin: str, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction of this thread's connection; with any error that connection is given up."""
        try:
            connection = self._open.get(get_ident()) or self._opened()
            driver: Any = connection.connection.driver_connection
            driver.execute(begin)
            result = work(connection)
            driver.execute("COMMIT")
        except (DBAPIError, sqlite3.Error) as error:
            self._drop()
            raise explained(error) from None
        except BaseException:
            self._drop()
            raise
        return result

    def close(self) -> None:
        """Close all, when no thread is at work any more."""
        while self._open:
            self._open.popitem()[1].close()

    def _opened(self) -> Connection:
        connection = self._open[get_ident()] = self._engine.connect()
        return connection

    def _drop(self) -> None:
        """Give the connection back, which undoes what was not committed."""
        connection = self._open.pop(get_ident(), None)
        if connection is not None:
            connection.close()


def _vacuum(engine: Engine) -> None:
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
    except DBAPIError as error:
        raise explained(error) from None
    if busy:
        raise StoreError("the store is being read for so long that its log cannot be emptied now")


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
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
