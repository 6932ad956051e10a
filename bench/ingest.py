"""How many events the door takes in a second, committed."""

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

import httpx

from bench.doors import TABLES
from bench.measure import Figure, Size, in_turn
from bench.parts import KEY, ROOT, cpu_of, home, installed, last_words, say
from cli.services import free_port
from runtime import clock

CLIENTS = 4
SIDES = ("ours", "bare", "driver")
_CHECKOUTS, _ADDED, _STEPS, _VIEWS = 15, 10, 5, 20
_Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Door:
    """A door that is open: how to reach it, and its process."""

    http: httpx.AsyncClient
    pid: int


class Visitors:
    """Makes bodies of 50 events; each has new people, so that no body is like another."""

    def __init__(self) -> None:
        """Begin with the first person."""
        self._numbers = count(1)

    def bodies(self, number: int) -> list[bytes]:
        """Return bodies to be sent in this order, each with the next steps of carts that the one before it began."""
        at = clock.now() - timedelta(minutes=10)
        bodies: list[bytes] = []
        before: list[str] = []
        for _ in range(number):
            names = self._names()
            bodies.append(json.dumps(_body(names, before or names[::-1], at)).encode())
            before = names
        return bodies

    def _names(self) -> list[str]:
        return [f"person-{next(self._numbers)}" for _ in range(_CHECKOUTS)]


def _body(names: Sequence[str], before: Sequence[str], at: datetime) -> list[_Body]:
    """Return 15 checkouts of new customers, 10 more products in them, 5 steps of older carts, and 20 views."""
    events = [_checkout(name, at) for name in names]
    events += [_event(name, "Product Added", at, 1, _lines(name, "bowl")) for name in names[:_ADDED]]
    events += [_event(name, "Checkout Step Viewed", at, 2, _cart(name) | {"step": "2"}) for name in before[:_STEPS]]
    for number in range(_VIEWS):
        viewed: _Body = {"products": [_product("lamp")]}
        events.append(_event(names[number % _CHECKOUTS], "Product Viewed", at, 3 + number, viewed))
    return events


async def ingest_events(size: Size) -> list[Figure]:
    """Events accepted per second over HTTP in batches of 50, against a bare FastAPI endpoint.

    The bare endpoint checks the body with the same pydantic shapes and inserts as many rows into the same tables
    through the same library: one `executemany` a table, one transaction, the same pragmas. What is ours alone: the
    key, deduplication, locks, event-time order, what is already known and its updates. `driver_events_per_s` is the
    same endpoint with the bare driver in place of SQLAlchemy, `ratio_to_driver` ours by that.

    Each door is a process of its own with a database of its own; four clients send without pause. No Temporal
    answers, so the relay's work, which `journey_throughput` holds, is not in this figure.
    """
    with home() as folder:
        visitors = Visitors()
        async with AsyncExitStack() as stack:
            doors = [await stack.enter_async_context(_door(side, folder / side)) for side in SIDES]
            rushes = [partial(_rush, door, visitors, size.batches) for door in doors]
            runs, baseline, driver = await in_turn(size.runs, *rushes, say=lambda text: say(f"ingest_events: {text}"))
        _compare(folder)
    figure = Figure(
        "ingest_events",
        "events/s",
        [one for one, _ in runs],
        [one for one, _ in baseline],
        {
            "cpu_ms_per_event": median(cpu for _, cpu in runs),
            "baseline_cpu_ms_per_event": median(cpu for _, cpu in baseline),
            "driver_events_per_s": median(one for one, _ in driver),
            "ratio_to_driver": median(one for one, _ in runs) / median(one for one, _ in driver),
        },
    )
    return [figure]


async def _rush(door: Door, visitors: Visitors, batches: int) -> tuple[float, float]:
    """Have every client send so many bodies; return events per second, and the door's CPU in ms per event."""
    bodies = [visitors.bodies(batches) for _ in range(CLIENTS)]
    cpu, began = cpu_of(door.pid), time.perf_counter()
    accepted = sum(await asyncio.gather(*(_send(door.http, mine) for mine in bodies)))
    wall = time.perf_counter() - began
    return accepted / wall, 1000 * (cpu_of(door.pid) - cpu) / accepted


async def _send(http: httpx.AsyncClient, bodies: Sequence[bytes]) -> int:
    accepted = 0
    for body in bodies:
        answer = await http.post("/v1/events", content=body, headers={"content-type": "application/json"})
        accepted += answer.raise_for_status().json()["accepted"]
    return accepted


def _compare(folder: Path) -> None:
    """Refuse figures of doors that did not insert equally many rows everywhere."""
    counts = {side: _counts(folder / side / "relaunch.db") for side in SIDES}
    if any(one != counts["ours"] for one in counts.values()):
        raise RuntimeError(f"the doors inserted different rows: {counts}")


def _counts(path: Path) -> dict[str, int]:
    connection = sqlite3.connect(path)
    counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}  # noqa: S608
    connection.close()
    return counts


@asynccontextmanager
async def _door(side: str, folder: Path) -> AsyncIterator[Door]:
    """Open a door on a store of its own, in a process of its own."""
    async with installed(folder):  # makes the tables
        pass
    port = free_port()
    command = [sys.executable, "-m", "bench.doors", side, str(folder), str(port)]
    with (folder / "door.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=log, stderr=log)
        headers = {"Authorization": f"Bearer {KEY}"}
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as http:
                await _opens(http, process, folder / "door.log")
                yield Door(http, process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def _opens(http: httpx.AsyncClient, process: asyncio.subprocess.Process, log: Path) -> None:
    """Wait until somebody answers."""
    async with asyncio.timeout(30):
        while True:
            try:
                await http.get("/healthz")
            except httpx.TransportError:
                if process.returncode is not None:
                    raise RuntimeError(f"the door did not open: {last_words(log)}") from None
                await asyncio.sleep(0.05)
            else:
                return


def _event(name: str, event: str, at: datetime, second: int, properties: _Body) -> _Body:
    return {
        "messageId": f"{name}-{event}-{second}",
        "event": event,
        "timestamp": (at + timedelta(seconds=second)).isoformat(),
        "customer": {"id": name},
        "properties": properties,
    }


def _checkout(name: str, at: datetime) -> _Body:
    consent = {"channel": "email", "purpose": "marketing", "state": "granted", "source": "checkout"}
    customer = {
        "id": name,
        "email": f"{name}@customer.example",
        "first_name": "Jeanne",
        "consents": [consent | {"at": at.isoformat()}],
    }
    lines = {"currency": "EUR", "checkout_url": f"https://shop.example/c/{name}"} | _lines(name, "vase", "lamp", "rug")
    return _event(name, "Checkout Started", at, 0, lines) | {"customer": customer}


def _cart(name: str) -> _Body:
    return {"cart_id": f"cart-{name}"}


def _lines(name: str, *products: str) -> _Body:
    return _cart(name) | {"products": [_product(product) for product in products]}


def _product(name: str) -> _Body:
    return {
        "product_id": name,
        "name": f"{name} of the house",
        "price": 4500,
        "quantity": 1,
        "category": "home",
        "url": f"https://shop.example/p/{name}",
    }
