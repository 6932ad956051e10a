import asyncio
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from store import migrate
from store.db import Database, StoreError, connect
from store.schema import METADATA, SHOPS
from tests.databases import PostgresServer, SqliteFiles, sqlite_url
from tests.known_shop import known_shop

ROOT = Path(__file__).parents[2]
# Also the conditions of partial indexes, at which a comparison by columns does not look.
INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA))


def indexes(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text(INDEXES[connection.dialect.name]))
    return {name: sql for name, sql in rows if not name.startswith("alembic")}


async def test_the_migrations_make_exactly_the_tables_that_the_code_declares(db: Database) -> None:
    assert await db.read(differences) == []


async def test_the_migrations_make_exactly_the_indexes_that_the_code_declares(db: Database, empty_url: str) -> None:
    declared = connect(empty_url)
    await declared.write(METADATA.create_all)
    expected = await declared.read(indexes)
    await declared.aclose()
    assert "journeys_one_open" in expected
    assert await db.read(indexes) == expected


async def test_the_number_of_the_code_is_that_of_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "store" / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


async def test_an_empty_database_is_brought_up_to_date(empty_url: str) -> None:
    assert await migrate.current(empty_url) is None
    await migrate.upgrade(empty_url)
    assert await migrate.current(empty_url) == migrate.HEAD


async def test_a_look_at_a_missing_file_does_not_make_it(tmp_path: Path) -> None:
    assert await migrate.current(sqlite_url(tmp_path / "none.db")) is None
    assert not (tmp_path / "none.db").exists()


async def test_several_may_bring_it_up_to_date_at_once(empty_url: str) -> None:
    await asyncio.gather(*(migrate.upgrade(empty_url) for _ in range(5)))
    assert await migrate.current(empty_url) == migrate.HEAD


async def test_several_processes_may_bring_one_file_up_to_date_at_once(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "relaunch.db")
    script = f"import asyncio; from store import migrate; asyncio.run(migrate.upgrade({url!r}))"
    racers = [await asyncio.create_subprocess_exec(sys.executable, "-c", script, cwd=ROOT) for _ in range(2)]
    assert [await one.wait() for one in racers] == [0, 0]
    assert await migrate.current(url) == migrate.HEAD


async def test_what_is_stored_survives_another_upgrade(database_url: str) -> None:
    database = connect(database_url)
    await known_shop(database)
    await migrate.upgrade(database_url)
    assert len(await database.read(lambda connection: connection.execute(SHOPS.select()).all())) == 2
    await database.aclose()


async def test_a_database_that_is_up_to_date_costs_one_look(tmp_path: Path, sqlite_files: SqliteFiles) -> None:
    url = await sqlite_files.fresh(tmp_path)
    took = []
    for _ in range(5):
        start = time.perf_counter()
        await migrate.upgrade(url)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.05


async def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    database = connect(database_url)
    await database.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9001'")))
    await database.aclose()
    with pytest.raises(StoreError, match=r"schema 9001, and this version of Relaunch works with 0003: install"):
        await migrate.upgrade(database_url)
    assert await migrate.current(database_url) == "9001"


async def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("these are notes, not rows " * 100)
    with pytest.raises(StoreError, match="the store refused: notadb"):
        await migrate.upgrade(sqlite_url(tmp_path / "notes.db"))


async def test_a_failed_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "relaunch.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE switches (channel TEXT)")  # in the way of the last one
    with pytest.raises(StoreError, match="the store refused: error"):
        await migrate.upgrade(sqlite_url(file))
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("switches",)]


async def test_a_server_that_is_away_is_said_to_be_away(postgres_server: PostgresServer) -> None:
    url = await postgres_server.empty()
    await postgres_server.drop(url)
    with pytest.raises(StoreError, match="the store refused"):
        await migrate.upgrade(url)
