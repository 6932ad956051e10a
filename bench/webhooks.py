"""How many signed webhooks the door takes in a second, how long one waits, and what a repetition costs."""

import asyncio
import base64
import hmac
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count, islice
from pathlib import Path
from statistics import median

from sqlalchemy import text

from bench import hooks
from bench.knocks import Line, lines, percentile, request, rush, steady
from bench.measure import Figure, Size, in_turn
from bench.parts import ROOT, SECRET, cpu_of, home, installed, last_words, say
from bench.stores import Engine, postgres, sqlite
from cli.services import free_port
from runtime import clock
from store.db import connect

SIDES = ("ours", "bare")
_PATIENCE_S = 30
_TOUCHES = 4
_STEADY_S = 10.0


@dataclass(frozen=True, slots=True)
class Door:
    """A door that is open: lines to it, and its process."""

    lines: Sequence[Line]
    pid: int


class Checkouts:
    """Makes signed webhooks: each checkout is made once, by a new person, and then touched three times."""

    def __init__(self) -> None:
        """Begin with the first person."""
        self._numbers = count(1)

    def signed(self, number: int) -> list[bytes]:
        """Return so many requests, in an order in which no checkout is touched before it is made."""
        return list(islice(self._all(), number))

    def _all(self) -> Iterator[bytes]:
        while True:
            wave = [next(self._numbers) for _ in range(10)]
            at = clock.now() - timedelta(minutes=10)
            for touch in range(_TOUCHES):
                for one in wave:
                    yield signed(one, touch, at)


def signed(number: int, touch: int, at: datetime) -> bytes:
    """Return the request by which a checkout is made, or touched for the so-manieth time."""
    body = json.dumps(_checkout(number, touch, at)).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
    topic = "checkouts/update" if touch else "checkouts/create"
    headers = {"X-Shopify-Hmac-SHA256": signature, "X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": "shop.example"}
    return request("/v1/webhooks/shopify", body, headers)


async def ingest_webhook_sqlite(size: Size) -> list[Figure]:
    """Signed Shopify webhooks per second on SQLite; see `_webhooks`."""
    return [await _webhooks("ingest_webhook_sqlite", sqlite, size)]


async def ingest_webhook_postgres(size: Size) -> list[Figure]:
    """Signed Shopify webhooks per second on PostgreSQL; see `_webhooks`."""
    return [await _webhooks("ingest_webhook_postgres", postgres, size)]


async def _webhooks(name: str, engine: Engine, size: Size) -> Figure:
    """Webhooks committed per second, against a bare endpoint that verifies the same HMAC and inserts one row.

    One webhook in four makes a checkout of a new customer, the others touch one. The bare endpoint is FastAPI under
    uvicorn as ours is, with the bare driver and no event parsed. Each door is a process of its own with a store of its
    own; sixty-four lines knock without pause. No Temporal answers, as in `ingest_events`. `p99_ms` is how long an
    answer took at half of the measured speed, when requests come at that rate whether or not the door keeps up.
    """
    with home() as folder:
        checkouts = Checkouts()
        async with AsyncExitStack() as stack:
            stores = await stack.enter_async_context(engine(folder))
            doors = [await stack.enter_async_context(door(side, folder / side, await stores.empty())) for side in SIDES]
            rushes = [partial(_rush, one, checkouts, size.messages) for one in doors]
            runs, baseline = await in_turn(size.runs, *rushes, say=lambda told: say(f"{name}: {told}"))
            peak = median(one for one, _ in runs)
            knocks = checkouts.signed(int(peak / 2 * (_STEADY_S if size.runs > 1 else 1)))
            waited = await steady(doors[0].lines, knocks, peak / 2)
    cpu, bare_cpu = (median(each for _, each in side) for side in (runs, baseline))
    details = {"cpu_ms": cpu, "baseline_cpu_ms": bare_cpu, "p99_ms": 1000 * percentile(waited, 0.99)}
    return Figure(name, "webhooks/s", [one for one, _ in runs], [one for one, _ in baseline], details)


async def ingest_duplicate(size: Size) -> list[Figure]:
    """How long a repeated webhook takes the door, in ms of its time, against its first delivery (SQLite)."""
    with home() as folder:
        checkouts, took = Checkouts(), dict[bool, list[float]]({False: [], True: []})
        async with sqlite(folder) as stores, door("ours", folder / "ours", await stores.empty()) as one:
            for number in range(-1, size.runs):
                say(f"ingest_duplicate: run {number + 1} of {size.runs}")
                knocks = checkouts.signed(size.messages)
                for again in (False, True):
                    began = time.perf_counter()
                    await rush(one.lines[:1], knocks)
                    if number >= 0:
                        took[again].append(1000 * (time.perf_counter() - began) / len(knocks))
    return [Figure("ingest_duplicate", "ms", took[True], took[False])]


async def _rush(one: Door, checkouts: Checkouts, number: int) -> tuple[float, float]:
    """Knock so often; return webhooks per second, and the door's CPU in ms for each."""
    knocks = checkouts.signed(number)
    cpu, began = cpu_of(one.pid), time.perf_counter()
    await rush(one.lines, knocks)
    return number / (time.perf_counter() - began), 1000 * (cpu_of(one.pid) - cpu) / number


@asynccontextmanager
async def door(side: str, folder: Path, url: str) -> AsyncIterator[Door]:
    """Open a door on a store of its own, in a process of its own."""
    async with installed(folder, database_url=url):  # makes the tables
        pass
    if side == "bare":
        db = connect(url)
        await db.write(lambda connection: connection.execute(text(hooks.TABLE)))
        await db.aclose()
    port = free_port()
    command = [sys.executable, "-m", "bench.hooks", side, str(folder), str(port), url]
    with (folder / "door.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=log, stderr=log)
        try:
            yield Door(await opened(port, process, folder / "door.log"), process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def opened(port: int, process: asyncio.subprocess.Process, log: Path) -> list[Line]:
    """Return lines to a door as soon as it answers."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            try:
                return await lines(port)
            except OSError:
                if process.returncode is not None:
                    raise RuntimeError(f"the door did not open: {last_words(log)}") from None
                await asyncio.sleep(0.05)


def _checkout(number: int, touch: int, at: datetime) -> dict[str, object]:
    """Return a checkout as Shopify sends it, without the fields that nobody here reads."""
    line = {
        "product_id": 7001,
        "variant_id": 8001,
        "title": "Vase of the house",
        "quantity": 1 + touch,
        "price": "45.00",
    }
    return {
        "id": 10_000_000 + number,
        "token": f"token-{number}",
        "cart_token": f"cart-{number}",
        "email": f"person-{number}@customer.example",
        "created_at": at.isoformat(),
        "updated_at": (at + timedelta(seconds=touch)).isoformat(),
        "abandoned_checkout_url": f"https://shop.example/checkouts/token-{number}/recover",
        "currency": "EUR",
        "presentment_currency": "EUR",
        "total_price": f"{45 * (1 + touch)}.00",
        "line_items": [line],
        "customer": {"id": 20_000_000 + number, "email": f"person-{number}@customer.example", "first_name": "Jeanne"},
        "shipping_address": {"country_code": "FR", "first_name": "Jeanne"},
    }
