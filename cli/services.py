"""Runs the parts of an installation, one or all, until somebody asks them to stop."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from temporalio.client import Client
from temporalio.runtime import Runtime

from announcing import Announcing
from devserver.process import Server, ServerError
from relay import Relay
from rights.erasing import Erasing
from rights.leaving import Leaving
from rights.retaining import Retaining
from runtime import clock, collector, schedules, temporal
from runtime.installation import Installation
from runtime.storefronts import apis_of
from worker import working

if TYPE_CHECKING:
    from fastapi import FastAPI

_log = structlog.get_logger()
_PAUSE_S = 2.0


class Services:
    """The parts of one process; each is restarted when it fails, and all stop together."""

    def __init__(self, installation: Installation, address: str | None, runtime: Runtime | None = None) -> None:
        """Reach Temporal at `address`, else where the settings say."""
        self.installation = installation
        self.connection = temporal.Connection(installation.settings, address, runtime)
        self.relay = Relay(installation.db, self.connection.client, clock.now)
        self.stopping = asyncio.Event()
        self.ready = asyncio.Event()
        self.metrics_url: str | None = None

    def stop_on_signals(self) -> None:
        """Stop on Ctrl-C and SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stopping.set)

    @asynccontextmanager
    async def running(self, *parts: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Run these parts beside the block; they are stopped at its end, in order, each given time to finish."""
        tasks = [asyncio.create_task(self._kept_up(part)) for part in parts]
        try:
            yield
        finally:
            self.stopping.set()
            await asyncio.wait(tasks, timeout=20)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _kept_up(self, part: Callable[[], Awaitable[None]]) -> None:
        """Run a part again when it fails; what is wrong is said each time."""
        while not self.stopping.is_set():
            try:
                await part()
            except Exception as error:  # noqa: BLE001 - whatever it was, the other parts go on
                known = isinstance(error, temporal.TemporalError | ServerError)
                problem = str(error) if known else type(error).__name__
                _log.warning("part.failed", part=part.__name__, problem=problem)
                await self.stops_within(_PAUSE_S)

    async def stops_within(self, seconds: float) -> bool:
        """Wait for the end; False when it has not come by then."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)
        return self.stopping.is_set()

    async def worker(self) -> None:
        """Run journeys; first make Temporal know what it needs."""
        client, settings = await self.connection.client(), self.installation.settings
        await temporal.register_search_attributes(client)
        await temporal.set_rates(client, settings.accounts.rates)
        await schedules.schedule_sweep(client, settings.sweep_every)
        async with AsyncExitStack() as stack:
            senders = self.installation.senders()
            for sender in senders.values():
                stack.push_async_callback(sender.aclose)
            apis = apis_of(settings)
            for api in apis.values():
                stack.push_async_callback(api.aclose)
            await schedules.schedule_polls(client, settings.poll_every, apis)
            await stack.enter_async_context(working(client, self.installation, senders, apis))
            await self.stopping.wait()

    async def relaying(self) -> None:
        """Make the runs that Temporal has lost, then tell it whatever the store has for it."""
        task = asyncio.create_task(self.relay.run())
        try:
            await self.relay.rebuild()
            await self.stopping.wait()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def keeping(self) -> None:
        """Forget whom and what is to be forgotten, and tell shops what they have to hear; Temporal may be away."""
        db, settings = self.installation.db, self.installation.settings
        runners = [
            Erasing(db, settings, self.connection.client, clock.now).run(),
            Leaving(db, clock.now).run(),
            Retaining(db, settings, clock.now).run(),
        ]
        if not self.installation.rehearsal:  # nothing real is told of what is only tried
            runners.append(Announcing(db, settings.shops, clock.now).run())
        tasks = [asyncio.create_task(one) for one in runners]
        try:
            await self.stopping.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def api(self) -> None:
        """Answer HTTP."""
        from api.app import create_app  # noqa: PLC0415 - a worker starts sooner without the API

        await self._serve(create_app(*self._parts()), self.installation.settings.port)

    async def health(self) -> None:
        """Answer how this process does, where the settings say so; a part that runs by itself has no API."""
        from api.app import create_health  # noqa: PLC0415 - as above

        if port := self.installation.settings.health_port:
            await self._serve(create_health(*self._parts()), port)
        await self.stopping.wait()

    def _parts(self) -> tuple[Installation, Relay, Callable[[], Awaitable[Client]]]:
        return self.installation, self.relay, self.connection.client

    async def _serve(self, app: "FastAPI", port: int) -> None:
        from cli.serving import server_of  # noqa: PLC0415 - as above

        server = server_of(app, self.installation.settings.host, port, self.metrics_url)
        collector.settle()
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.02)
        self.ready.set()
        stopping = asyncio.create_task(self.stopping.wait())
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await serving

    async def temporal_kept(self, server: Server) -> None:
        """Start the server again when it dies."""
        died = asyncio.create_task(server.died())
        stopping = asyncio.create_task(self.stopping.wait())
        await asyncio.wait([died, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (died, stopping):
            task.cancel()
        if not self.stopping.is_set():
            _log.error("temporal.died", address=server.address)
            await server.start()
            await self.relay.rebuild()


def embedded(binary: Path, installation: Installation) -> Server:
    """Return the Temporal server of this machine, with its database in the home."""
    settings = installation.settings
    return Server(
        binary,
        settings.home,
        namespace=settings.temporal_namespace,
        search_attributes=temporal.SEARCH_ATTRIBUTES,
    )


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
