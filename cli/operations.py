"""Running an installation from the command line: the kill switch, the sweep, the outbox, proof and migrations."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import announcements, figures, polling, proof, sweeping
from cli.client import load, local, on_store
from cli.customers import Closed
from cli.failures import CommandError
from cli.options import AsJson, Reason
from cli.show import moment, print_json, safe, say, table

if TYPE_CHECKING:
    from datetime import datetime

    from runtime.installation import Installation
    from store.outbox import OutboxRow

_ACTOR = "cli"
outbox = typer.Typer(help="What Temporal has still to be told.")
database = typer.Typer(help="The store's schema.", no_args_is_help=True)
RowId = Annotated[str, typer.Argument(metavar="ID", help="The row's id, as `relaunch outbox` shows it.")]


def register(app: typer.Typer) -> None:
    """Add `pause-all`, `resume-all`, `audit`, `sweep`, `poll`, `outbox`, `announcements`, `db` and `kpis`."""
    app.command("pause-all", epilog='Example: relaunch pause-all --reason "wrong price in the shop"')(pause_all)
    app.command("resume-all", epilog="Example: relaunch resume-all --channel email")(resume_all)
    app.command("kpis", epilog="Example: relaunch kpis --from 2026-01-01 --to 2026-02-01 --policy cart")(figures.kpis)
    app.command("audit", epilog="Example: relaunch audit && echo all hold")(proof.audit)
    app.command("sweep", epilog="Example: relaunch sweep --dry-run")(sweeping.sweep)
    app.command(
        "poll", short_help="Ask storefronts now for what no webhook told.", epilog="Example: relaunch poll --shop main"
    )(polling.poll)
    outbox.callback(invoke_without_command=True, epilog="Example: relaunch outbox --json")(list_outbox)
    outbox.command(
        "retry",
        short_help="Try a row again at once, from the beginning.",
        epilog="Example: relaunch outbox retry 0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77",
    )(retry)
    outbox.command("drop", epilog="Example: relaunch outbox drop 0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77")(drop)
    app.add_typer(outbox, name="outbox")
    announcements.register(app)
    database.command("upgrade", epilog="Example: relaunch db upgrade")(upgrade)
    app.add_typer(database, name="db", epilog="Example: relaunch db upgrade")


def pause_all(
    channel: Annotated[Closed, typer.Option(help="What is held; everything by default.")] = Closed.ALL,
    reason: Reason = None,
) -> None:
    """Hold every message that is not handed over yet.

    Effective within a second; journeys wait, and lose only steps whose time ends meanwhile.
    """
    from store import acts  # noqa: PLC0415 - slow to load

    async def work(installation: "Installation") -> None:
        await installation.db.write(acts.pause_all, channel, acts.By(_ACTOR, reason, _now()))

    on_store(work)
    what = "all channels" if channel is Closed.ALL else channel
    say(f"[yellow]paused[/]: nothing is handed over on {what} until `relaunch resume-all`")


def resume_all(
    channel: Annotated[Closed, typer.Option(help="What goes on; everything by default.")] = Closed.ALL,
    reason: Reason = None,
) -> None:
    """Let messages go out again."""
    from store import acts  # noqa: PLC0415 - slow to load
    from store.situations import switched_off  # noqa: PLC0415

    async def work(installation: "Installation") -> list[str]:
        one = None if channel is Closed.ALL else channel
        await installation.db.write(acts.resume_all, one, acts.By(_ACTOR, reason, _now()))
        return sorted(await installation.db.read(switched_off))

    still = on_store(work)
    if still:
        say(f"[yellow]still paused[/]: {safe(', '.join(still))}; `relaunch resume-all` lets everything go on")
    else:
        say("[green]resumed[/]: waiting messages go out within a minute")


def list_outbox(context: typer.Context, as_json: AsJson = False) -> None:
    """List what Temporal has still to be told.

    A row that failed too often is set aside and waits for retry or drop.
    """
    if context.invoked_subcommand is not None:
        return
    from store import outbox as rows  # noqa: PLC0415 - slow to load
    from store.rows import as_row  # noqa: PLC0415

    async def work(installation: "Installation") -> "list[OutboxRow]":
        return await installation.db.read(rows.all_rows)

    found = on_store(work)
    if as_json:
        print_json([as_row(one) for one in found])
        return
    zone = local().zone()
    table(
        "outbox",
        ("id", "journey", "call", "state", "tries", "problem", "next try"),
        [
            (
                one.id,
                one.journey_id,
                one.call,
                "set aside" if one.set_aside else "waiting",
                one.attempts,
                one.problem,
                None if one.set_aside else moment(one.next_try_at, zone),
            )
            for one in found
        ],
        wide=("journey", "next try"),
    )


def retry(row: RowId) -> None:
    """Try a row again at once, from the beginning; the relay of a running `up` does it."""
    from store import outbox as rows  # noqa: PLC0415 - slow to load

    async def work(installation: "Installation") -> bool:
        return await installation.db.write(rows.retry, row, _now())

    _row_was_there(row, there=on_store(work))
    say("it is tried again as soon as a relay runs")


def drop(row: RowId) -> None:
    """Give a row up: Temporal is never told. The store's own facts stand."""
    from store import outbox as rows  # noqa: PLC0415 - slow to load

    async def work(installation: "Installation") -> bool:
        return await installation.db.write(rows.drop, row)

    _row_was_there(row, there=on_store(work))
    say("dropped")


def _row_was_there(row: str, *, there: bool) -> None:
    if not there:
        raise CommandError(f"there is no row {row[:40]!r} in the outbox: Temporal may have been told meanwhile")


def upgrade() -> None:
    """Bring the store's schema up to date; every start does the same."""
    import asyncio  # noqa: PLC0415 - slow to load

    from runtime.home import make_home  # noqa: PLC0415
    from store import migrate  # noqa: PLC0415

    settings = load()
    make_home(settings.home)
    asyncio.run(migrate.upgrade(settings.database_url))
    say(f"the store is up to date: schema {migrate.HEAD}")


def _now() -> "datetime":
    from runtime import clock  # noqa: PLC0415 - slow to load

    return clock.now()
