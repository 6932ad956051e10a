"""The same webhooks in any order, number and batches: always the same facts, whatever the storefront's clocks say."""

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from models.events import Event
from store.audit import audit
from store.db import connect
from store.intake import ingest
from store.schema import CARTS, CUSTOMERS, ORDER_LINES, ORDER_TOKENS, ORDERS
from storefronts.shopify import STOREFRONT
from tests.databases import SqliteFiles
from tests.known_shop import known_shop
from tests.month import DAY, FIRST_DAY, month

LATER = FIRST_DAY + 20 * DAY
_numbers = itertools.count()


def told(seed: int) -> list[Event]:
    """Return what the webhooks of a few people mean, each once."""
    found: dict[str, Event] = {}
    for one in month(seed, carts=6, orders=4, days=1).webhooks:
        headers = {"X-Shopify-Topic": one.topic, "X-Shopify-Webhook-Id": one.id}
        for event in STOREFRONT.translate(one.body, headers, shop_country="FR", at=LATER):
            found[event.key] = event
    return list(found.values())


def facts(connection: Connection) -> dict[str, Any]:
    """Return everything that the webhooks have left, but for ids and sequence numbers."""
    emails: dict[str | None, str | None] = {
        row.id: row.email for row in connection.execute(select(CUSTOMERS.c.id, CUSTOMERS.c.email))
    }
    orders = {row.id: row for row in connection.execute(select(ORDERS))}
    people = ("external_id", "email", "first_name", "last_activity_at", "first_seen_at")
    carts = ("token", "alias", "value", "lines", "step", "checkout_url", "created_at", "last_activity_at")
    bought = ("order_id", "status", "value", "refunded", "currency", "placed_at", "updated_at")
    return {
        "people": _rows(connection, CUSTOMERS, people),
        "carts": _rows(connection, CARTS, carts),
        "owners": sorted((row.token, emails.get(row.customer_id)) for row in connection.execute(select(CARTS))),
        "orders": _rows(connection, ORDERS, bought),
        "buyers": sorted((one.order_id, emails.get(one.customer_id)) for one in orders.values()),
        "tokens": sorted(
            (orders[row.order_id].order_id, row.token) for row in connection.execute(select(ORDER_TOKENS))
        ),
        "lines": sorted(
            (orders[row.order_id].order_id, row.product_id, row.quantity)
            for row in connection.execute(select(ORDER_LINES))
        ),
    }


def _rows(connection: Connection, table: Any, names: Sequence[str]) -> list[tuple[Any, ...]]:
    rows = connection.execute(select(*[table.c[name] for name in names]))
    return sorted((tuple(row) for row in rows), key=repr)


async def after(url: str, batches: Sequence[Sequence[Event]]) -> dict[str, Any]:
    db = connect(url, "secret")
    try:
        await known_shop(db)
        for batch in batches:
            await db.write(ingest, "main", batch, None, LATER, "shopify")
        assert await db.read(audit) == []
        return await db.read(facts)
    finally:
        await db.aclose()


@st.composite
def shuffles(draw: st.DrawFn) -> tuple[int, list[list[int]]]:
    """Return a seed, and the numbers of its events in some order, some of them twice, in batches."""
    seed = draw(st.integers(0, 10_000))
    numbers = range(len(told(seed)))
    order = draw(st.permutations([*numbers, *draw(st.lists(st.sampled_from(numbers), max_size=6))]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=8)))
    return seed, [order[first:last] for first, last in itertools.pairwise([0, *cuts, len(order)]) if first < last]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shuffles")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shuffled=shuffles())
def test_every_shuffle_leaves_the_same_facts(home: Path, shuffled: tuple[int, list[list[int]]]) -> None:
    seed, batches = shuffled
    events = told(seed)
    asyncio.run(_compare(home, events, [[events[one] for one in batch] for batch in batches]))


async def _compare(home: Path, events: list[Event], batches: list[list[Event]]) -> None:
    files, found = SqliteFiles(home), []
    for way in ([sorted(events, key=lambda one: one.at)], batches):
        folder = home / str(next(_numbers))
        folder.mkdir()
        found.append(await after(await files.fresh(folder), way))
    assert found[0] == found[1]
