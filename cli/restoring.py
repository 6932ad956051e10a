"""`relaunch restored`: said once after the store was restored from a backup, before anything is started again."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import local, on_store
from cli.failures import CommandError
from cli.options import AsJson
from cli.show import moment, print_json, say

if TYPE_CHECKING:
    from runtime.installation import Installation
    from store.restoring import Doubtful


def register(app: typer.Typer) -> None:
    """Add `restored`."""
    app.command("restored", epilog="Example: relaunch restored --from 2026-11-22T03:00:00+01:00")(restored)


def restored(
    begins: Annotated[str, typer.Option("--from", metavar="TIME", help="When the backup was made.")],
    as_json: AsJson = False,
) -> None:
    """Say that the store was restored from a backup of that time; run it before `relaunch up`.

    Whatever was due since then may have gone out: it is recorded as unknown and never sent again. What people have
    said since then is lost, too: read it in again before the first message (docs/operating.md).
    """
    lost = _time(begins)

    async def work(installation: "Installation") -> "tuple[Doubtful, datetime]":
        from runtime import clock  # noqa: PLC0415 - slow to load
        from store import restoring  # noqa: PLC0415

        now = clock.now()
        if lost > now:
            raise CommandError("--from lies in the future: give the time at which the backup was made")
        return await installation.db.write(restoring.restored, lost, now), now

    found, now = on_store(work)
    if as_json:
        print_json({"from": lost.isoformat(), "until": now.isoformat(), "journeys": found.journeys, "due": found.due})
        return
    zone = local().zone()
    span = f"{moment(lost.isoformat(), zone)} to {moment(now.isoformat(), zone)}"
    say(f"the store knows nothing of the time from {span}")
    say(f"{found.journeys} open journeys; of {found.due} the next step was due by now: it is called unknown, not sent")
    say("[yellow]objections and orders of that time are lost:[/] `relaunch poll --again` and `relaunch import` bring")
    say("back what storefronts and your CRM know of them; `relaunch pause-all` holds everything until then")


def _time(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        given = None
    if given is None or given.tzinfo is None:
        raise typer.BadParameter("write a time with its zone, like 2026-01-31T03:00:00+01:00", param_hint="--from")
    return given.astimezone(UTC)
