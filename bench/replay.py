"""Statements as the store sends them to its driver, written down, and run again by the bare driver alone."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Any, Final, NamedTuple, Protocol

import asyncpg

from bench.measure import at_once
from bench.parts import bare_sqlite
from store.db import Database, Postgres, Sqlite

LANES: Final = 8
"""How many messages are under way at once, on both sides; PostgreSQL has a connection for each."""


class Statement(NamedTuple):
    """A statement as the driver gets it."""

    text: str
    parameters: Sequence[Any]


Transaction = Sequence[Statement]


@contextmanager
def recorded(db: Database) -> Iterator[list[Statement]]:
    """Write down what a store sends to its driver inside the block; begin and commit take another way."""
    assert isinstance(db, Sqlite | Postgres)
    dialect: Any = db.engine.dialect
    execute, said = dialect.do_execute, list[Statement]()

    def listening(cursor: object, text: str, parameters: Sequence[Any], context: object = None) -> None:
        said.append(Statement(text, parameters))
        execute(cursor, text, parameters, context)

    dialect.do_execute = listening
    try:
        yield said
    finally:
        del dialect.do_execute


class Bare(Protocol):
    """A driver on a store, and nothing else of ours."""

    async def run(self, messages: Sequence[Sequence[Transaction]]) -> None:
        """Run every message's transactions in their order, each committed."""
        ...


class OnSqlite:
    """Python's own driver on one connection with the pragmas of ours; it keeps prepared statements by itself."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use this connection."""
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator["OnSqlite"]:
        """Open a file for the block."""
        with closing(bare_sqlite(plain(url))) as connection:
            yield cls(connection)

    async def run(self, messages: Sequence[Sequence[Transaction]]) -> None:
        """See `Bare.run`: one after the other in one thread, because SQLite has one writer."""
        await asyncio.to_thread(self._run, [one for message in messages for one in message])

    def _run(self, transactions: Sequence[Transaction]) -> None:
        execute = self._connection.execute
        for transaction in transactions:
            execute("BEGIN IMMEDIATE")
            for text, parameters in transaction:
                execute(text, parameters).fetchall()
            execute("COMMIT")


class OnPostgres:
    """asyncpg with a connection for each lane, on which every statement is prepared once."""

    def __init__(self, connections: Sequence[asyncpg.Connection]) -> None:
        """Use these connections."""
        self._connections = [(one, dict[str, Any]()) for one in connections]

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator["OnPostgres"]:
        """Connect for the block."""
        connections = [await asyncpg.connect(plain(url)) for _ in range(LANES)]
        try:
            yield cls(connections)
        finally:
            for one in connections:
                await one.close()

    async def run(self, messages: Sequence[Sequence[Transaction]]) -> None:
        """See `Bare.run`: as many messages at once as there are connections."""
        free = list(self._connections)

        async def one(message: Sequence[Transaction]) -> None:
            line = free.pop()
            for transaction in message:
                await _replay(*line, transaction)
            free.append(line)

        await at_once(LANES, messages, one)


async def _replay(connection: asyncpg.Connection, prepared: dict[str, Any], transaction: Transaction) -> None:
    async with connection.transaction():
        for text, parameters in transaction:
            if text not in prepared:
                prepared[text] = await connection.prepare(text)
            await prepared[text].fetch(*parameters)


def plain(url: str) -> str:
    """Return a store's URL as its bare driver understands it: a path for SQLite."""
    scheme, _, rest = url.partition("://")
    return rest.removeprefix("/") if scheme.startswith("sqlite") else f"{scheme.partition('+')[0]}://{rest}"
