"""`relaunch sweep`: looks for inactive subscribers now, page by page, or only says whom it would find."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import Json, local, on_store
from cli.options import AsJson
from cli.show import console, moment, print_json, say, table

if TYPE_CHECKING:
    from rich.status import Status

    from runtime.installation import Installation

_SHOWN = 20


def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say who would be found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find inactive subscribers now, and relaunch them.

    The schedule does the same by itself, see RELAUNCH_SWEEP_EVERY.
    """

    async def work(installation: "Installation") -> list[Json]:
        out = console(err=True)
        with out.status("looking for inactive subscribers") as status:
            return await (_find if dry_run else _start)(installation, status)

    found = on_store(work)
    if as_json:
        print_json(found)
        return
    zone = local().zone()
    names = ("customer_id", "policy", "inactive_since") if dry_run else ("journey_id",)
    rows = [[moment(one[name], zone) if name.endswith("since") else one[name] for name in names] for one in found]
    heads = ("id", "policy", "inactive since") if dry_run else ("id",)
    if rows:
        table("inactive subscribers" if dry_run else "journeys", heads, rows[:_SHOWN])
    if len(rows) > _SHOWN:
        say(f"[dim]and {len(rows) - _SHOWN} more: --json shows all[/]")
    people = f"{len(found)} inactive {'subscriber' if len(found) == 1 else 'subscribers'}"
    say(f"{people} would be relaunched" if dry_run else f"{people}: journeys start as soon as a relay runs")


async def _find(installation: "Installation", status: "Status") -> list[Json]:
    """Return whom a sweep would start now, changing nothing."""
    from runtime import clock  # noqa: PLC0415 - slow to load
    from store import sweeps  # noqa: PLC0415

    at, rows = clock.now(), list[Json]()
    cursor: sweeps.Cursor | None = sweeps.Cursor()
    while cursor is not None:
        page, cursor = await installation.db.read(sweeps.find_page, cursor, at)
        rows += [
            {
                "customer_id": one.customer_id,
                "shop": one.shop,
                "policy": one.policy.name,
                "inactive_since": one.since.isoformat(),
            }
            for one in page
        ]
        status.update(f"looking for inactive subscribers: {len(rows)} found")
    return rows


async def _start(installation: "Installation", status: "Status") -> list[Json]:
    """Start the journeys of a sweep, a page in a transaction, so that a stop in between loses nothing."""
    from runtime import clock  # noqa: PLC0415 - slow to load
    from store import sweeps  # noqa: PLC0415

    at, rows = clock.now(), list[Json]()
    cursor: sweeps.Cursor | None = sweeps.Cursor()
    while cursor is not None:
        page, cursor = await installation.db.write(sweeps.start_page, cursor, at, clock.now())
        rows += [{"journey_id": one.journey_id} for one in page]
        status.update(f"starting journeys: {len(rows)}")
    return rows
