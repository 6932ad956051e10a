import asyncio
import traceback
from datetime import datetime

import pytest
from sqlalchemy import Connection, func, insert, select, update

from store.db import Database, StoreError, connect
from store.rows import as_row
from store.schema import CUSTOMERS, SHOPS
from tests.builders import NOON, identify, person
from tests.known_shop import RECORD, KnownShop


def write_shop(connection: Connection) -> None:
    connection.execute(insert(SHOPS), [as_row(RECORD)])


async def test_a_transaction_that_fails_leaves_nothing(db: Database) -> None:
    def half(connection: Connection) -> None:
        write_shop(connection)
        raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        await db.write(half)
    assert await db.read(lambda connection: connection.execute(select(SHOPS.c.id)).all()) == []


async def test_what_a_driver_says_of_a_row_is_told_to_nobody(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")), identify(person("paul")))
    same = update(CUSTOMERS).values(external_id="jeanne")
    with pytest.raises(StoreError, match="the store refused") as caught:
        await shop.db.write(lambda connection: connection.execute(same))
    told = "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None
    assert "jeanne" not in told


async def test_a_moment_without_a_zone_is_refused_without_its_row(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")))
    naive = update(CUSTOMERS).where(CUSTOMERS.c.email == "jeanne@example.com").values(profile_at=datetime(2026, 3, 2))  # noqa: DTZ001
    with pytest.raises(Exception, match="without a time zone") as caught:
        await shop.db.write(lambda connection: connection.execute(naive))
    assert "jeanne" not in str(caught.value)


async def test_moments_come_back_in_utc(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")))
    latest = await shop.db.read(
        lambda connection: connection.execute(select(func.max(CUSTOMERS.c.profile_at))).scalar()
    )
    assert latest == NOON
    assert latest.utcoffset() == NOON.utcoffset()


async def test_writers_in_one_row_wait_for_each_other(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")))
    more = update(CUSTOMERS).values(clock_s=CUSTOMERS.c.clock_s + 1)
    await asyncio.gather(*(shop.db.write(lambda connection: connection.execute(more)) for _ in range(20)))
    assert (await shop.row(CUSTOMERS))["clock_s"] == 20


async def test_a_reader_changes_nothing_on_postgresql(db: Database, engine: str) -> None:
    if engine == "postgres":
        with pytest.raises(StoreError, match="25006"):  # read_only_sql_transaction
            await db.read(write_shop)
    assert await db.read(lambda connection: connection.execute(select(SHOPS.c.id)).all()) == []


async def test_a_store_that_is_there_answers(db: Database) -> None:
    await db.ping()


async def test_a_store_that_is_not_there_says_so() -> None:
    database = connect("postgresql+asyncpg://nobody@localhost:1/nothing")
    with pytest.raises(StoreError, match="the store refused: ConnectionRefusedError"):
        await database.ping()
    await database.aclose()


def test_a_database_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(StoreError, match="RELAUNCH_DATABASE_URL must begin with sqlite:// or postgresql"):
        connect("mysql://localhost/relaunch")
