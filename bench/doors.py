"""The two doors that take the same events: our API, and a bare endpoint with the same checks, tables and pragmas.

Run as `python -m bench.doors ours|bare FOLDER PORT`: each is a process of its own, as a door is.
"""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter
from temporalio.client import Client

from api.app import create_app
from api.shapes import EventShape
from bench.parts import installed
from relay import Relay
from runtime import clock, logs
from store.ids import new_id

Row = tuple[object, ...]
TABLES = {
    "customers": "id shop external_id email email_key first_name traits seq clock_s first_seen_at profile_at",
    "consents": "id customer_id channel purpose state source at recorded_at seq",
    "carts": "id shop token customer_id journey_id currency value lines checkout_url created_at"
    " last_activity_at episodes",
    "journeys": "id shop kind customer_id cart_id cart_token episode since policy policy_hash arm status started_at"
    " paused_s",
    "outbox": "id journey_id call created_at next_try_at attempts set_aside",
    "events": "shop key type name customer_id cart_id product_id at received_at",
}
"""The tables that a batch inserts into, each with the columns that the bare endpoint fills."""

_EVENTS = TypeAdapter(list[EventShape])


async def nowhere() -> Client:
    """Be a Temporal that never answers."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def ours(folder: Path, port: int) -> None:
    """Serve our API; its relay waits for a Temporal that never answers, so only the door itself costs."""
    logs.configure("json", "info")
    async with installed(folder) as installation:
        app = create_app(installation, Relay(installation.db, nowhere, clock.now), nowhere)
        await _serve(app, port)


async def bare(folder: Path, port: int) -> None:
    """Serve one endpoint that validates a batch and inserts its rows, and does nothing else."""
    threads = ThreadPoolExecutor(1)
    connection = await asyncio.get_running_loop().run_in_executor(threads, _opened, folder / "relaunch.db")
    app = FastAPI()

    @app.post("/v1/events", status_code=202)
    async def events(request: Request) -> JSONResponse:
        shapes = _EVENTS.validate_json(await request.body())
        await asyncio.get_running_loop().run_in_executor(threads, _insert, connection, shapes)
        return JSONResponse({"accepted": len(shapes)}, 202)

    await _serve(app, port)


async def _serve(app: FastAPI, port: int) -> None:
    await uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False)).serve()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _insert(connection: sqlite3.Connection, shapes: Sequence[EventShape]) -> None:
    """Insert the rows of a batch: one `executemany` a table, one transaction."""
    rows = rows_of(shapes, datetime.now(UTC))
    connection.execute("BEGIN IMMEDIATE")
    for table, columns in TABLES.items():
        names = columns.split()
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
        connection.executemany(statement, rows[table])
    connection.execute("COMMIT")


def rows_of(shapes: Sequence[EventShape], now: datetime) -> dict[str, list[Row]]:
    """Return the rows that a batch adds to each table: for every checkout those of a new customer with a journey."""
    rows: dict[str, list[Row]] = {table: [] for table in TABLES}
    received = _text(now)
    for shape in shapes:
        at, customer_id, cart_id = _text(shape.timestamp or now), None, None
        if shape.event == "Checkout Started":
            customer_id, cart_id = new_id(), new_id()
            _checkout(rows, shape, customer_id, cart_id, at, received)
        rows["events"].append(
            ("main", shape.message_id, shape.event, shape.event, customer_id, cart_id, None, at, received)
        )
    return rows


def _checkout(
    rows: dict[str, list[Row]], shape: EventShape, customer_id: str, cart_id: str, at: str, received: str
) -> None:
    customer, cart, journey_id = shape.customer, shape.properties, new_id()
    assert customer is not None
    assert cart is not None
    name = (customer.email, customer.email, customer.first_name, "{}")
    rows["customers"].append((customer_id, "main", customer.id, *name, 1, 0, at, at))
    for one in customer.consents or ():
        what = (one.channel, one.purpose, one.state, one.source, _text(one.at))
        rows["consents"].append((new_id(), customer_id, *what, received, 1))
    lines = [line.model_dump() for line in cart.products or ()]
    value = sum((line.price or 0) * (line.quantity or 1) for line in cart.products or ())
    about = (cart.currency, value, json.dumps(lines), cart.checkout_url)
    rows["carts"].append((cart_id, "main", cart.cart_id, customer_id, journey_id, *about, at, at, 1))
    plan = (f"{cart_id}:0", at, "cart", "0", "treatment", "waiting", received, 0)
    rows["journeys"].append((journey_id, "main", "cart", customer_id, cart_id, cart.cart_id, *plan))
    rows["outbox"].append((new_id(), journey_id, "start", received, received, 0, 0))


def _text(moment: datetime) -> str:
    """Write a moment as the store does."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


if __name__ == "__main__":
    asyncio.run({"ours": ours, "bare": bare}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3])))
