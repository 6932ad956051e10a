"""The doors that take one signed webhook: ours, and a bare endpoint that checks the signature and inserts one row.

Run as `python -m bench.hooks SIDE FOLDER PORT URL [TEMPORAL]`, with SIDE of `ours`, `bare` or `whole`, which is ours
with its relay at work: each is a process of its own.
"""

import asyncio
import base64
import hmac
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from api.app import create_app
from bench.doors import nowhere, serve
from bench.parts import SECRET, bare_sqlite, installed
from bench.replay import plain
from relay import Relay
from runtime import clock, collector, logs, temporal
from store.ids import new_id

TABLE = "CREATE TABLE bare_webhooks (id text PRIMARY KEY, topic text NOT NULL, body text NOT NULL)"
_ADD = "INSERT INTO bare_webhooks (id, topic, body) VALUES ({})"
Keep = Callable[[str, str], Awaitable[object]]


async def ours(folder: Path, port: int, url: str) -> None:
    """Serve our API; its relay waits for a Temporal that never answers, so only the door itself costs."""
    logs.configure("json", "info")
    async with installed(folder, database_url=url) as installation:
        app = create_app(installation, Relay(installation.db, nowhere, clock.now), nowhere)
        collector.settle()  # as `relaunch api` does
        await serve(app, port)


async def whole(folder: Path, port: int, url: str) -> None:
    """Serve our API beside a relay that tells a real Temporal."""
    logs.configure("json", "info")
    async with installed(folder, database_url=url) as installation:
        connection = temporal.Connection(installation.settings, sys.argv[5])
        relay = Relay(installation.db, connection.client, clock.now)
        relaying = asyncio.create_task(relay.run())
        collector.settle()
        await serve(create_app(installation, relay, connection.client), port)
        relaying.cancel()


async def bare(_folder: Path, port: int, url: str) -> None:
    """Serve an endpoint that verifies the same HMAC and inserts one row through the bare driver, and nothing else."""
    async with (_sqlite if url.startswith("sqlite") else _postgres)(url) as keep:
        await serve(_endpoint(keep), port)


def _endpoint(keep: Keep) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/webhooks/shopify")
    async def webhook(request: Request) -> JSONResponse:
        body = await request.body()
        made = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()
        if not hmac.compare_digest(made, request.headers["x-shopify-hmac-sha256"]):
            return JSONResponse({}, 401)
        await keep(request.headers["x-shopify-topic"], body.decode())
        return JSONResponse({"accepted": 1, "duplicates": 0})

    @app.get("/healthz")
    async def health() -> JSONResponse:
        return JSONResponse({})

    return app


@asynccontextmanager
async def _sqlite(url: str) -> AsyncIterator[Keep]:
    threads, loop = ThreadPoolExecutor(1), asyncio.get_running_loop()
    connection = await loop.run_in_executor(threads, bare_sqlite, plain(url))

    async def keep(topic: str, body: str) -> None:
        await loop.run_in_executor(threads, _insert, connection, topic, body)

    yield keep


def _insert(connection: sqlite3.Connection, topic: str, body: str) -> None:
    connection.execute(_ADD.format("?, ?, ?"), (new_id(), topic, body))


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[Keep]:
    async with asyncpg.create_pool(plain(url), min_size=10, max_size=20) as pool:
        insert = partial(pool.execute, _ADD.format("$1, $2, $3"))

        async def keep(topic: str, body: str) -> None:
            await insert(new_id(), topic, body)

        yield keep


if __name__ == "__main__":
    sides = {"ours": ours, "bare": bare, "whole": whole}
    asyncio.run(sides[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
