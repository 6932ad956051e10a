"""The doors that take the same events: our API, and bare endpoints with the same checks, tables and pragmas.

Run as `python -m bench.doors SIDE FOLDER PORT`, with SIDE of `ours`, `bare` or `driver`: each is a process of its own,
as a door is.
"""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter
from sqlalchemy import Connection, insert
from temporalio.client import Client

from api.app import create_app
from api.shapes import EventShape
from bench.parts import bare_sqlite, installed
from relay import Relay
from runtime import clock, collector, logs
from store.ids import new_id
from store.schema import CARTS, CONSENTS, CUSTOMERS, EVENTS, JOURNEYS, OUTBOX

Row = dict[str, object]
Rows = dict[str, list[Row]]
Write = Callable[[Rows], Awaitable[None]]
TABLES: Final = {table.name: table for table in (CUSTOMERS, CONSENTS, CARTS, JOURNEYS, OUTBOX, EVENTS)}
"""The tables that a batch inserts into."""

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
        collector.settle()  # as `relaunch api` does
        await serve(app, port)


async def bare(folder: Path, port: int) -> None:
    """Serve an endpoint that validates a batch and inserts its rows through the store's library, and nothing else."""
    async with installed(folder) as installation:

        async def write(rows: Rows) -> None:
            await installation.db.write(_insert, rows)

        await serve(_endpoint(write), port)


async def driver(folder: Path, port: int) -> None:
    """Serve the same with the bare driver, which knows no types."""
    threads = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()
    connection = await loop.run_in_executor(threads, bare_sqlite, folder / "relaunch.db")

    async def write(rows: Rows) -> None:
        await loop.run_in_executor(threads, _drive, connection, rows)

    await serve(_endpoint(write), port)


def _endpoint(write: Write) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/events", status_code=202)
    async def events(request: Request) -> JSONResponse:
        shapes = _EVENTS.validate_json(await request.body())
        await write(rows_of(shapes, clock.now()))
        return JSONResponse({"accepted": len(shapes)}, 202)

    return app


async def serve(app: FastAPI, port: int) -> None:
    """Answer on a port of this machine until somebody ends the process."""
    await uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False)).serve()


def _insert(connection: Connection, rows: Rows) -> None:
    """Insert the rows of a batch: one `executemany` a table, one transaction."""
    for name, table in TABLES.items():
        connection.execute(insert(table), rows[name])


def _drive(connection: sqlite3.Connection, rows: Rows) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table, added in rows.items():
        names = list(added[0])
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
        connection.executemany(statement, [[_plain(value) for value in row.values()] for row in added])
    connection.execute("COMMIT")


def _plain(value: object) -> object:
    """Write a moment and a document as the store does."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    return json.dumps(value) if isinstance(value, list | dict) else value


def rows_of(shapes: Sequence[EventShape], now: datetime) -> Rows:
    """Return the rows that a batch adds to each table: for every checkout those of a new customer with a journey."""
    rows: Rows = {table: [] for table in TABLES}
    for shape in shapes:
        row: Row = {"shop": "main", "key": shape.message_id, "type": shape.event, "name": shape.event}
        row |= {"customer_id": None, "cart_id": None, "at": shape.timestamp or now, "received_at": now}
        if shape.event == "Checkout Started":
            row |= _checkout(rows, shape, shape.timestamp or now, now)
        rows["events"].append(row)
    return rows


def _checkout(rows: Rows, shape: EventShape, at: datetime, now: datetime) -> Row:
    """Add the rows of a new customer, cart and journey; return what the event says of them."""
    who, cart = shape.customer, shape.properties
    assert who is not None
    assert cart is not None
    customer_id, cart_id, journey_id = new_id(), new_id(), new_id()
    row: Row = {"id": customer_id, "shop": "main", "external_id": who.id, "email": who.email, "email_key": who.email}
    row |= {"first_name": who.first_name, "traits": {}, "seq": 1, "clock_s": 0, "first_seen_at": at, "profile_at": at}
    rows["customers"].append(row)
    for one in who.consents or ():
        row = {"id": new_id(), "customer_id": customer_id, "channel": one.channel, "purpose": one.purpose}
        row |= {"state": one.state, "source": one.source, "at": one.at, "recorded_at": now, "seq": 1}
        rows["consents"].append(row)
    lines = [line.model_dump() for line in cart.products or ()]
    row = {"id": cart_id, "shop": "main", "token": cart.cart_id, "customer_id": customer_id, "journey_id": journey_id}
    row |= {"currency": cart.currency, "value": 4500, "lines": lines, "checkout_url": cart.checkout_url}
    rows["carts"].append(row | {"created_at": at, "last_activity_at": at, "episodes": 1})
    row = {"id": journey_id, "shop": "main", "kind": "cart", "customer_id": customer_id, "cart_id": cart_id}
    row |= {"cart_token": cart.cart_id, "episode": f"{cart_id}:0", "since": at, "policy": "cart", "policy_hash": "0"}
    row |= {"arm": "treatment", "status": "waiting", "step": "reminder", "next_action_at": at + timedelta(hours=1)}
    rows["journeys"].append(row | {"started_at": now, "paused_s": 0})
    row = {"id": new_id(), "journey_id": journey_id, "call": "start", "created_at": now, "next_try_at": now}
    rows["outbox"].append(row | {"attempts": 0, "set_aside": False})
    return {"customer_id": customer_id, "cart_id": cart_id}


if __name__ == "__main__":
    sides = {"ours": ours, "bare": bare, "driver": driver}
    asyncio.run(sides[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3])))
