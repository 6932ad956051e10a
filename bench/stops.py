"""How long a journey lives on after its customer has said no."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count

import httpx
import uvicorn
from temporalio.client import Client, WorkflowHandle

from api.app import create_app
from bench.bare import BARE_QUEUE, Bare, bare_worker
from bench.journeys import parked
from bench.measure import Figure, Size, in_turn
from bench.parts import KEY, Parts, home, parts, say
from bench.people import abandon
from channels.memory import Memory
from cli.services import free_port
from models.vocabulary import Channel
from relay import Relay
from runtime import clock
from store.runs import load_run
from worker import working

_DAYS = 3 * 86400.0
_names = count(1)
_Handle = WorkflowHandle[object, object]


async def stop_latency(size: Size) -> list[Figure]:
    """Milliseconds from `POST /v1/opt-outs` to the closed run, against a bare signal to a closed run.

    Worker, relay and API share one process, as in `relaunch up`; the request goes over a real socket. Every journey
    is the shipped policy's and waits between J0 and J+3; every bare workflow waits after its first activity. Each
    run ends one of them, and is over when a client that was already waiting hears that it is closed.
    """
    with home() as folder:
        async with parts(folder) as on, _worker(on), bare_worker(on.client), _api(on) as http:
            say("stop_latency: waiting journeys")
            rounds = size.stops + 1
            waiting = await _journeys(on, rounds)
            bare = await _bare(on.client, rounds)

            async def ours() -> float:
                journey, customer = waiting.pop()
                body = {"customer_id": customer, "channel": "email"}
                return await _until_closed(journey, lambda: _posted(http, body))

            async def signalled() -> float:
                handle = bare.pop()
                return await _until_closed(handle, lambda: handle.signal("stopped"))

            say("stop_latency: stopping them one by one")
            ms, bare_ms = await in_turn(size.stops, ours, signalled)
    return [Figure("stop_latency", "ms", ms, bare_ms)]


async def _until_closed(handle: _Handle, stop: Callable[[], Awaitable[None]]) -> float:
    """Stop a run, and return after how many milliseconds it was closed."""
    closed = asyncio.create_task(handle.result())
    await asyncio.sleep(0.05)  # so that the client waits at the server before the clock starts
    began = time.perf_counter()
    await stop()
    await closed
    return 1000 * (time.perf_counter() - began)


async def _posted(http: httpx.AsyncClient, body: dict[str, str]) -> None:
    (await http.post("/v1/opt-outs", json=body)).raise_for_status()


async def _journeys(on: Parts, number: int) -> list[tuple[_Handle, str]]:
    """Return journeys that wait past J0, each with its customer's id."""
    rows = await abandon(on.installation, number)
    await Relay(on.installation.db, on.connect, clock.now).deliver(rows)
    found = []
    for row in rows:
        handle: _Handle = on.client.get_workflow_handle(row.journey_id)
        await parked(handle)
        run = await on.installation.db.read(load_run, row.journey_id)
        assert run is not None
        found.append((handle, run.customer_id))
    return found


async def _bare(client: Client, number: int) -> list[_Handle]:
    handles: list[_Handle] = []
    for _ in range(number):
        name = f"bare-{next(_names)}"
        await client.start_workflow(Bare.run, [_DAYS, _DAYS], id=name, task_queue=BARE_QUEUE)
        handles.append(client.get_workflow_handle(name))
    for handle in handles:
        await parked(handle)
    return handles


@asynccontextmanager
async def _worker(on: Parts) -> AsyncIterator[None]:
    async with working(on.client, on.installation, {Channel.EMAIL: Memory(Channel.EMAIL)}, {}):
        yield


@asynccontextmanager
async def _api(on: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the API on a free port of this machine; yield a client with an admin's key."""
    relay = Relay(on.installation.db, on.connect, clock.now)
    port = free_port()
    app = create_app(on.installation, relay, on.connect)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0.02)
    try:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as http:
            yield http
    finally:
        server.should_exit = True
        await serving
