"""Fixtures that several rooms share: a fresh database a test, on SQLite and on PostgreSQL."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.db import Database, connect
from tests.databases import PostgresServer, SqliteFiles, sqlite_url
from tests.known_shop import KnownShop, known_shop

SDK_THREADS_END_S = 0.5
ENGINES = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    return PostgresServer()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Whoever asks for this, or for what stands on it, runs once on each engine."""
    return str(request.param)


@pytest.fixture
async def database_url(
    engine: str, tmp_path: Path, sqlite_files: SqliteFiles, postgres_server: PostgresServer
) -> AsyncIterator[str]:
    """The URL of a fresh database that has the schema."""
    if engine == "sqlite":
        yield await sqlite_files.fresh(tmp_path)
        return
    url = await postgres_server.fresh()
    yield url
    await postgres_server.drop(url)


@pytest.fixture
async def empty_url(engine: str, tmp_path: Path, postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The URL of a database that has nothing yet."""
    if engine == "sqlite":
        yield sqlite_url(tmp_path / "empty.db")
        return
    url = await postgres_server.empty()
    yield url
    await postgres_server.drop(url)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """A fresh store, once on each engine."""
    database = connect(database_url)
    yield database
    await database.aclose()


@pytest.fixture
async def sqlite_db(tmp_path: Path, sqlite_files: SqliteFiles) -> AsyncIterator[Database]:
    """A fresh store on SQLite alone, for tests of what comes after it."""
    database = connect(await sqlite_files.fresh(tmp_path))
    yield database
    await database.aclose()


@pytest.fixture
async def shop(db: Database) -> KnownShop:
    """A store that knows one shop and its policies, once on each engine."""
    return await known_shop(db)


def pytest_unconfigure() -> None:
    """Let the Temporal SDK's threads end: they can abort an interpreter that goes at once, after all work is done."""
    threading.Event().wait(SDK_THREADS_END_S)
