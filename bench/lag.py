"""How late Temporal hears of a new cart while events pour in, and whether a full store makes that worse."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count, islice
from pathlib import Path

from sqlalchemy import Connection, insert, select
from temporalio.client import Client

from bench.knocks import lines, percentile, steady
from bench.measure import Figure, Size
from bench.parts import ROOT, Parts, home, parts, say
from bench.webhooks import opened, signed
from cli.services import free_port
from runtime import clock
from store.ids import new_id
from store.schema import CARTS, CUSTOMERS, JOURNEYS

RATE = 200.0
ONE_IN = 10
STORED = (10_000, 100_000)
SECONDS = 60
_PAGE = 5000
_PAGE_BYTES = 4096
_SETTLE_S = 3.0


async def outbox_lag_p99_s(size: Size) -> list[Figure]:
    """The time from the commit of a new cart to the start of its run in Temporal, in s, 99 of 100 below; no baseline.

    200 signed webhooks a second come for 60 s, one in ten of them a new checkout of a new customer, the others touches
    of it. API and relay are one process, Temporal's server another, on one machine with what sends. Measured twice, on
    a store with 10,000 carts and on the same with 100,000: `flat` is the second by the first, `memory_flat` the same
    of the process's resident memory.
    """
    stored, seconds = (STORED, SECONDS) if size.runs > 1 else ((100, 200), 2)
    lags: list[float] = []
    memory: list[float] = []
    with home() as folder:
        async with parts(folder) as all_parts, _whole(folder, all_parts) as (port, pid):
            numbers = count(1)
            for goal in stored:
                say(f"outbox_lag_p99_s: {goal} carts")
                await _fill(all_parts, goal)
                since = clock.now()
                knocks = list(islice(_knocks(numbers), int(RATE * seconds)))
                await steady(await lines(port), knocks, RATE)  # the server closes lines that are idle
                await asyncio.sleep(_SETTLE_S)
                lags.append(percentile(await _lags(all_parts, since), 0.99))
                memory.append(_resident(pid))
    details = {"memory_mb": memory[-1], "memory_flat": memory[-1] / memory[0], "flat": lags[-1] / lags[0]}
    return [Figure("outbox_lag_p99_s", "s", lags, details=details)]


def _knocks(numbers: Iterator[int]) -> Iterator[bytes]:
    """Return webhooks, ten of each checkout, a few checkouts at a time."""
    while True:
        wave, at = list(islice(numbers, 5)), clock.now() - timedelta(minutes=1)
        for touch in range(ONE_IN):
            for one in wave:
                yield signed(one, touch, at)


async def _lags(all_parts: Parts, since: datetime) -> list[float]:
    """Return for each journey that began since then how long after its commit its run was started, in s."""
    began = await all_parts.installation.db.read(_began, since)
    started = await _started(all_parts.client)
    missing = began.keys() - started.keys()
    if missing:
        raise RuntimeError(f"Temporal has not heard of {len(missing)} journeys of {len(began)}")
    return [max((started[one] - at).total_seconds(), 0.0) for one, at in began.items()]


def _began(connection: Connection, since: datetime) -> dict[str, datetime]:
    rows = connection.execute(select(JOURNEYS.c.id, JOURNEYS.c.started_at).where(JOURNEYS.c.started_at >= since))
    return {row.id: row.started_at for row in rows}


async def _started(client: Client) -> dict[str, datetime]:
    runs = client.list_workflows("WorkflowType = 'Relaunch'", page_size=1000)
    return {one.id: one.start_time async for one in runs}


async def _fill(all_parts: Parts, goal: int) -> None:
    """Have so many old carts in the store, each of a customer of its own."""
    db = all_parts.installation.db
    there = await db.read(lambda connection: len(connection.execute(select(CARTS.c.id)).all()))
    while there < goal:
        number = min(_PAGE, goal - there)
        await db.write(_add, there, number)
        there += number


def _add(connection: Connection, first: int, number: int) -> None:
    at = clock.now() - timedelta(days=30)
    numbers = range(first, first + number)
    people = [{"id": new_id(), "shop": "main", "email": f"old-{one}@customer.example"} for one in numbers]
    extra = {"traits": {}, "seq": 1, "clock_s": 0, "first_seen_at": at, "profile_at": at, "last_activity_at": at}
    connection.execute(insert(CUSTOMERS), [one | extra | {"email_key": one["email"]} for one in people])
    cart = {"shop": "main", "currency": "EUR", "value": 4500, "lines": [], "created_at": at, "last_activity_at": at}
    rows = [
        cart | {"id": new_id(), "token": f"old-{one}", "customer_id": who["id"], "episodes": 0}
        for one, who in zip(numbers, people, strict=True)
    ]
    connection.execute(insert(CARTS), rows)


@asynccontextmanager
async def _whole(folder: Path, all_parts: Parts) -> AsyncIterator[tuple[int, int]]:
    """Open API and relay in a process of their own, on what there is; return its port, and its id."""
    port, url = free_port(), all_parts.installation.settings.database_url
    command = [sys.executable, "-m", "bench.hooks", "whole", str(folder), str(port), url, all_parts.address]
    with (folder / "door.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=log, stderr=log)
        try:
            await opened(port, process, folder / "door.log")
            yield port, process.pid
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


def _resident(pid: int) -> float:
    """Return the memory that a process holds, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6
