"""What shops have still to be told, on the command line: what waits, what was given up, and trying it again."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import local, on_store
from cli.failures import CommandError
from cli.options import AsJson
from cli.show import moment, print_json, say, table

if TYPE_CHECKING:
    from runtime.installation import Installation
    from store.announcements import AnnouncementRow

app = typer.Typer(help="What shops have still to be told of their customers.")
_SOME = "0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77"
RowId = Annotated[str, typer.Argument(metavar="ID", help="The row's id, as `relaunch announcements` shows it.")]


def register(parent: typer.Typer) -> None:
    """Add `announcements`."""
    app.callback(invoke_without_command=True, epilog="Example: relaunch announcements --json")(announcements)
    app.command(
        "retry",
        short_help="Try a row, or all that is set aside, at once.",
        epilog=f"Example: relaunch announcements retry {_SOME}",
    )(retry)
    app.command("drop", epilog=f"Example: relaunch announcements drop {_SOME}")(drop)
    parent.add_typer(app, name="announcements")


def announcements(context: typer.Context, as_json: AsJson = False) -> None:
    """List what a shop has not been told yet, what is set aside first; 1000 rows at most.

    A row that failed too often waits for retry or drop, and what follows it of the same customer waits with it.
    """
    if context.invoked_subcommand is not None:
        return
    from store import announcements as rows  # noqa: PLC0415 - slow to load
    from store.rows import as_row  # noqa: PLC0415

    async def work(installation: "Installation") -> "list[AnnouncementRow]":
        return await installation.db.read(rows.unheard)

    found = on_store(work)
    if as_json:
        print_json([as_row(one) for one in found])
        return
    zone = local().zone()
    table(
        "announcements",
        ("id", "customer", "what", "state", "tries", "problem", "next try"),
        [
            (
                one.id,
                one.customer_id,
                one.type,
                "set aside" if one.set_aside else "waiting",
                one.attempts,
                one.problem,
                None if one.set_aside else moment(one.next_try_at, zone),
            )
            for one in found
        ],
        wide=("customer", "tries", "next try"),
    )


def retry(
    row: Annotated[str | None, typer.Argument(metavar="[ID]", help="The row's id; or --all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is set aside.")] = False,
) -> None:
    """Try a row, or all that is set aside, again at once; the relay of a running `up` does it."""
    if (row is None) is not everything:
        raise CommandError("name a row, or --all")
    from runtime import clock  # noqa: PLC0415 - slow to load
    from store import announcements as rows  # noqa: PLC0415

    async def work(installation: "Installation") -> int:
        return await installation.db.write(rows.retry, row, clock.now())

    tried = on_store(work)
    if row is not None and not tried:
        raise CommandError(_unknown(row))
    say("tried again as soon as a relay runs")


def drop(row: RowId) -> None:
    """Give a row up: the shop is never told, and hears what follows it."""
    from store import announcements as rows  # noqa: PLC0415 - slow to load

    async def work(installation: "Installation") -> bool:
        return await installation.db.write(rows.drop, row)

    if not on_store(work):
        raise CommandError(_unknown(row))
    say("dropped")


def _unknown(row: str) -> str:
    return f"there is no row {row[:40]!r} that waits: the shop may have been told meanwhile"
