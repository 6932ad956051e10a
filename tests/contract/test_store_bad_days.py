"""A store that is locked or full refuses whole, loses nothing, and takes the same batch when it can again."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import make_url

from models.events import Event
from store import intake
from store.audit import audit
from store.db import Sqlite, StoreError
from store.sealing import keys_of
from tests.builders import NOON, checkout, granted, line, person
from tests.databases import SqliteFiles
from tests.known_shop import known_shop

FEW_PAGES = 20


def batch() -> list[Event]:
    """Return checkouts that need more room than a few pages have."""
    lines = [line(f"product-{number}") for number in range(200)]
    return [checkout(person(f"c{one}", granted(NOON)), f"T{one}", lines) for one in range(40)]


@pytest.fixture
async def url(tmp_path: Path, sqlite_files: SqliteFiles) -> str:
    return await sqlite_files.fresh(tmp_path)


async def test_a_full_store_refuses_whole_and_takes_the_same_batch_later(url: str) -> None:
    store = Sqlite(url, keys_of("secret"))
    shop = await known_shop(store)
    pages = await store.write(lambda c: int(c.exec_driver_sql("PRAGMA page_count").scalar_one()))
    await store.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages + FEW_PAGES}").scalar_one())
    with pytest.raises(StoreError, match="full"):
        await store.write(intake.ingest, "main", batch(), shop.cart, NOON)
    await store.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").scalar_one())
    result = await store.write(intake.ingest, "main", batch(), shop.cart, NOON)
    assert (result.accepted, result.duplicates) == (40, 0)
    assert await store.read(audit) == []
    await store.aclose()


async def test_a_locked_store_refuses_whole_and_takes_the_same_batch_later(url: str) -> None:
    store = Sqlite(url, keys_of("secret"))
    shop = await known_shop(store)
    await store.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout = 20").scalar_one())
    holder = sqlite3.connect(str(make_url(url).database), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="busy"):
        await store.write(intake.ingest, "main", batch(), shop.cart, NOON)
    holder.execute("ROLLBACK")
    result = await store.write(intake.ingest, "main", batch(), shop.cart, NOON)
    assert (result.accepted, result.duplicates) == (40, 0)
    assert await store.read(audit) == []
    holder.close()
    await store.aclose()
