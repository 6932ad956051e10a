"""What PostgreSQL alone does: several relays side by side, a pool that outlives a restart of the server."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text

from store import outbox
from store.db import Database, connect
from store.outbox import Call, OutboxRow
from tests.builders import NOON
from tests.databases import PostgresServer

IMPATIENT_S = 5.0


@pytest.fixture
async def url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    fresh = await postgres_server.fresh()
    yield fresh
    await postgres_server.drop(fresh)


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    database = connect(url, "secret", pool_size=2)
    yield database
    await database.aclose()


async def test_a_relay_does_not_wait_for_what_another_is_claiming_at_this_moment(url: str, db: Database) -> None:
    rows = [OutboxRow(f"row-{one}", f"journey-{one}", Call.START, None, NOON, NOON) for one in (1, 2)]
    await db.write(outbox.add_rows, rows)
    other = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        async with other.transaction():
            await other.execute("SELECT * FROM outbox WHERE id = 'row-1' FOR UPDATE")
            claimed = await asyncio.wait_for(db.write(outbox.claim, NOON, 10), IMPATIENT_S)
    finally:
        await other.close()
    assert [row.id for row in claimed] == ["row-2"]


async def test_connections_that_the_server_has_closed_are_replaced_before_anybody_uses_them(
    url: str, db: Database
) -> None:
    await asyncio.gather(*(db.ping() for _ in range(4)))
    other = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        gone = await other.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert gone >= 2
        while await other.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") > 1:
            pass
    finally:
        await other.close()
    await db.write(lambda connection: connection.execute(text("SELECT 1")))
    await asyncio.gather(*(db.ping() for _ in range(4)))


async def test_a_rush_waits_for_its_turn_and_never_opens_more_than_twice_the_pool(url: str, db: Database) -> None:
    at_work = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    counts = await asyncio.gather(
        *(db.read(lambda connection: connection.execute(text(at_work)).scalar_one()) for _ in range(60))
    )
    assert max(counts) <= 4
