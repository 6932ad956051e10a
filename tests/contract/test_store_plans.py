"""Every statement of the hot paths finds its rows by an index, as the engine itself says of a store with many rows."""

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Table, insert

from models.events import CartFacts, ConsentEntry, Event, EventType, Line, OrderFacts, OrderStatus, Person
from models.vocabulary import Channel, ConsentState
from store import outbox, retention, search
from store.db import Database, Postgres, Sqlite
from store.looks import wanted
from store.schema import (
    CARTS,
    CONSENTS,
    CUSTOMERS,
    DECISIONS,
    DELIVERIES,
    EVENTS,
    JOURNEYS,
    METADATA,
    NOTICES,
    ORDER_LINES,
    ORDER_TOKENS,
    ORDERS,
    OUTBOX,
    SUPPRESSIONS,
)
from tests.builders import DAY, HOUR, NOON
from tests.known_shop import SHOP, KnownShop
from tests.rows import dummy

MANY = 4000
BIG = (
    *(CUSTOMERS, CONSENTS, SUPPRESSIONS, CARTS, ORDERS, ORDER_TOKENS, ORDER_LINES, EVENTS),
    *(JOURNEYS, DECISIONS, DELIVERIES, NOTICES, OUTBOX),
)
"""The tables that grow with the shop; the others fit on a page, and a scan of a page is no harm."""

Statement = tuple[str, tuple[Any, ...]]


@pytest.fixture
async def crowded(shop: KnownShop) -> KnownShop:
    """A shop with so many rows in every table that a scan costs more than an index."""
    for table in BIG:
        await shop.db.write(_fill, table)
    await shop.db.compact([table.name for table in BIG])
    return shop


def _fill(connection: Connection, table: Table) -> None:
    connection.execute(insert(table), [_row(table, number) for number in range(MANY)])


def _row(table: Table, number: int) -> dict[str, object]:
    """Return a row like no other, of a customer of its own, that is over and done with."""
    row = {column.name: dummy(column, f"{column.name}-{number}") for column in table.c}
    over = {"shop": "main", "status": "closed", "set_aside": False, "next_try_at": NOON + DAY, "external_id": None}
    row |= {name: value for name, value in over.items() if name in row}
    if "at" in row:
        row["at"] = NOON - timedelta(minutes=number)
    return row | ({"kind": "cart", "root_id": None} if table in (CUSTOMERS, JOURNEYS) else {}) if row else row


@contextmanager
def overheard(db: Database) -> Iterator[list[Statement]]:
    """Listen to everything that the store says to its driver."""
    heard: list[Statement] = []
    dialect = engine_of(db).dialect
    one, many = dialect.do_execute, dialect.do_executemany

    def execute(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        heard.append((statement, tuple(parameters or ())))
        one(cursor, statement, parameters, context)

    def executemany(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        heard.append((statement, tuple(parameters[0])))
        many(cursor, statement, parameters, context)

    dialect.do_execute, dialect.do_executemany = execute, executemany  # type: ignore[method-assign]
    try:
        yield heard
    finally:
        dialect.do_execute, dialect.do_executemany = one, many  # type: ignore[method-assign]


def engine_of(db: Database) -> Engine:
    assert isinstance(db, Sqlite | Postgres)
    return db.engine if isinstance(db, Sqlite) else db.engine.sync_engine


async def scans(db: Database, heard: list[Statement]) -> list[str]:
    """Return the statements for which the engine reads a big table from one end to the other."""
    distinct = {text: parameters for text, parameters in heard if text.split()[0] in ("SELECT", "UPDATE", "DELETE")}
    assert distinct, "nothing was heard"
    found = []
    for text, parameters in distinct.items():
        plan = await db.read(_plan, text, parameters)
        found += [f"{table}: {text}" for table in plan]
    return found


def _plan(connection: Connection, text: str, parameters: tuple[Any, ...]) -> list[str]:
    big = {table.name for table in BIG}
    if connection.dialect.name == "sqlite":
        names = {*big, *(one.split()[-1] for one in _aliases(text, big))}
        lines = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)]
        # All of a shop is all there is: an index that is used for the shop alone is read from one end to the other.
        scans = [line for line in lines if line.startswith("SCAN ") or line.endswith(" (shop=?)")]
        return [line.split()[1] for line in scans if line.split()[1] in names]
    (row,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {text}", parameters)
    plan = row[0] if isinstance(row[0], list) else json.loads(row[0])
    read = [node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"]
    return [table for table in read if table in big]


def _aliases(text: str, big: set[str]) -> Iterator[str]:
    """Return `table AS alias` for every big table that a statement gives another name."""
    words = text.replace(",", " ").replace("(", " ").replace(")", " ").split()
    for first, middle, last in zip(words, words[1:], words[2:], strict=False):
        if first in big and middle == "AS":
            yield f"{first} {last}"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def jeanne() -> Person:
    consent = ConsentEntry(Channel.EMAIL, "marketing", ConsentState.GRANTED, "checkout", NOON - DAY)
    return Person("jeanne", "jeanne@example.com", "+33612345678", consents=(consent,))


def checkout() -> Event:
    cart = CartFacts("co-1", "ca-1", (Line("vase", "Vase", 4500),), replaces=True, currency="EUR", value=4500)
    return Event("k1", EventType.CHECKOUT_STARTED, "Checkout Started", NOON, jeanne(), cart)


def ordered() -> Event:
    lines = (Line("vase", "Vase", 4500),)
    order = OrderFacts("o-1", OrderStatus.PAID, NOON, ("co-1", "ca-1"), "EUR", 4500, lines=lines)
    return Event("k2", EventType.ORDER_COMPLETED, "Order Completed", NOON + 2 * HOUR, jeanne(), order=order)


async def takes_in(shop: KnownShop) -> None:
    await shop.hears(checkout(), at=NOON)
    await shop.hears(checkout(), at=NOON)
    await shop.hears(ordered(), at=NOON + 2 * HOUR)


async def sends(shop: KnownShop) -> None:
    await shop.hears(checkout(), at=NOON)
    (journey,) = await shop.rows(JOURNEYS, shop="main", status="waiting")
    await shop.assess(journey["id"], NOON + HOUR)
    await shop.db.read(wanted, SHOP, journey["customer_id"])
    await shop.hand_over(journey["id"], at=NOON + 2 * HOUR)


async def relays(shop: KnownShop) -> None:
    await shop.db.read(outbox.any_due, NOON)
    await shop.db.write(outbox.claim, NOON, 100)
    await shop.db.read(outbox.lag, NOON)


async def opts_out(shop: KnownShop) -> None:
    await shop.hears(checkout(), at=NOON)
    await shop.opt_out("jeanne@example.com", NOON + HOUR)


async def joins(shop: KnownShop) -> None:
    guest, account = replace(jeanne(), external_id=None, phone=None), replace(jeanne(), email_verified=True)
    for number, who in enumerate((guest, Person("jeanne"), account)):
        await shop.hears(Event(f"i{number}", EventType.IDENTIFY, "Identify", NOON, who), at=NOON)
    await sends(shop)


async def looks_up(shop: KnownShop) -> None:
    await shop.hears(checkout(), at=NOON)
    await shop.db.read(search.find_customers, email="jeanne@example.com")
    await shop.db.read(search.find_customers, id_="jeanne")
    await shop.db.read(search.find_customers, phones=["+33612345678"])


async def prunes(shop: KnownShop) -> None:
    page = [f"key-{number}" for number in range(1000)]
    assert await shop.db.write(retention.delete_events, "main", page) == len(page)


@pytest.mark.parametrize("work", [takes_in, sends, relays, opts_out, joins, looks_up, prunes])
async def test_no_big_table_is_read_from_one_end_to_the_other(
    crowded: KnownShop, work: Callable[[KnownShop], Awaitable[None]]
) -> None:
    with overheard(crowded.db) as heard:
        await work(crowded)
    found = await scans(crowded.db, heard)
    assert not found, "\n".join(found)


async def test_a_scan_would_be_noticed(crowded: KnownShop) -> None:
    statement = "SELECT customers.id FROM customers WHERE customers.first_name = 'Jeanne'"
    assert await scans(crowded.db, [(statement, ())]) == [f"customers: {statement}"]


def test_every_table_is_big_or_small() -> None:
    assert set(BIG) < set(METADATA.tables.values())
