"""The commands that run things: everything on one machine, or one part for several machines."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from runtime.installation import Installation
    from settings import Settings

Part = Literal["worker", "api", "relay"]


def register(app: typer.Typer) -> None:
    """Add `up`, `worker`, `api` and `relay`."""
    app.command("up", help="Run everything on this machine. Example: relaunch up --port 8080")(up)
    for part, what in _PARTS.items():
        app.command(part, help=f"{what} Example: relaunch {part}")(_command(part))


_PARTS: dict[Part, str] = {
    "worker": "Run a Temporal worker only, for several machines.",
    "api": "Run the HTTP API only, for several machines.",
    "relay": "Run the relay only, for several machines. It tells Temporal what was decided, and forgets people, too.",
}


def up(
    rehearsal: Annotated[bool, typer.Option("--rehearsal", help="Let time be moved; messages say so.")] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the API.")] = None,
) -> None:
    """Run everything on this machine until Ctrl-C or SIGTERM."""
    asyncio.run(_up(_settings(port), rehearsal=rehearsal))


def _command(part: Part) -> Callable[[], None]:
    def run() -> None:
        asyncio.run(_part(_settings(None), part))

    return run


def _settings(port: int | None) -> "Settings":
    from runtime import logs  # noqa: PLC0415 - `relaunch --help` must not wait for this
    from settings import load_settings  # noqa: PLC0415

    settings = load_settings(**({} if port is None else {"port": port}))
    logs.configure(settings.log_format, settings.log_level)
    return settings


async def _up(settings: "Settings", *, rehearsal: bool) -> None:
    from cli.services import Services, embedded, free_port  # noqa: PLC0415
    from devserver.provide import provide  # noqa: PLC0415
    from runtime import temporal  # noqa: PLC0415
    from runtime.home import hold  # noqa: PLC0415
    from runtime.installation import opened  # noqa: PLC0415

    console = Console(stderr=True)
    async with AsyncExitStack() as stack:
        stack.enter_context(hold(settings.home))
        installation = await stack.enter_async_context(opened(settings, rehearsal=rehearsal))
        server = None
        if settings.temporal_address is None:
            binary = await asyncio.to_thread(provide, console.print)
            server = await stack.enter_async_context(embedded(binary, installation))
        metrics = free_port()
        services = Services(installation, server.address if server else None, temporal.metered(metrics))
        services.metrics_url = f"http://127.0.0.1:{metrics}/metrics"
        services.stop_on_signals()
        parts = [services.api, services.worker, services.relaying, services.keeping]
        if server is not None:
            running = server

            async def embedded_temporal() -> None:
                await services.temporal_kept(running)

            parts.append(embedded_temporal)
        async with services.running(*parts):
            await _greet(console, services.ready, services.stopping, installation, services.connection.address)
            await services.stopping.wait()
    console.print("stopped; the next `relaunch up` goes on from here")


async def _part(settings: "Settings", part: Part) -> None:
    from cli.services import Services, free_port  # noqa: PLC0415
    from runtime import temporal  # noqa: PLC0415
    from runtime.installation import opened  # noqa: PLC0415

    async with opened(settings) as installation:
        metrics = free_port()
        services = Services(installation, None, temporal.metered(metrics))
        services.metrics_url = f"http://127.0.0.1:{metrics}/metrics"
        services.stop_on_signals()
        relay = [services.relaying, services.keeping, services.health]
        runs = {"worker": [services.worker, services.health], "api": [services.api], "relay": relay}[part]
        async with services.running(*runs):
            await services.stopping.wait()


async def _greet(
    console: Console,
    ready: asyncio.Event,
    stopping: asyncio.Event,
    installation: "Installation",
    temporal_address: str | None,
) -> None:
    """Say where everything is, and show new keys this once."""
    waits = [asyncio.create_task(ready.wait()), asyncio.create_task(stopping.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    table = Table.grid(padding=(0, 2))
    for row in facts(installation, temporal_address):
        table.add_row(*row)
    console.print(table)


def facts(installation: "Installation", temporal_address: str | None) -> Iterator[tuple[str, str]]:
    """Yield what a start says, name and value in markup; keys that were made before are named by their place."""
    from models.vocabulary import Channel  # noqa: PLC0415 - slow to load

    settings = installation.settings
    if installation.rehearsal:
        yield "[bold yellow]rehearsal[/]", "time can be moved; nothing here is for real customers"
    yield "API", f"http://{settings.host}:{settings.port}  (documentation at /docs)"
    yield "Temporal", temporal_address or ""
    named = settings.accounts.chosen.get(Channel.EMAIL, "SMTP" if settings.smtp_url else None)
    yield "messages", f"by {named}" if named else f"as files in {settings.outbox_dir}"
    shown = [secret for secret in installation.new if secret.name != "secret_key"]
    for secret in shown:
        yield secret.name.replace("_", " "), f"[bold]{secret.value}[/]  (kept in the home; shown this once)"
    kept = [name for name in ("api_key", "ingest_key") if getattr(settings, name) is None]
    if kept and not shown:
        yield "keys", f"{' and '.join(kept)} in {settings.home}"
