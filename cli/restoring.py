"""`relaunch restored`: said once after the store was restored from a backup, before anything is started again."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import load, local, on_store
from cli.failures import CommandError
from cli.options import AsJson
from cli.show import moment, print_json, say

if TYPE_CHECKING:
    from runtime.installation import Installation
    from store.restoring import Doubtful


def register(app: typer.Typer) -> None:
    """Add `restored`."""
    app.command(
        "restored",
        short_help="Say that the store came back from a backup.",
        epilog="Example: relaunch restored --from 2026-11-22T03:00:00+01:00",
    )(restored)


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

    from runtime.home import hold  # noqa: PLC0415 - slow to load

    with hold(load().home):  # a running `up` may be sending just what is called unknown here
        found, now = on_store(work)
    if as_json:
        print_json({"from": lost.isoformat(), "until": now.isoformat(), "journeys": found.journeys, "due": found.due})
        return
    zone = local().zone()
    span = f"{moment(lost.isoformat(), zone)} to {moment(now.isoformat(), zone)}"
    say(f"the store knows nothing of the time from {span}")
    say(f"open journeys: {found.journeys}; a step due by now, called unknown and not sent: {found.due}")
    say("[yellow]objections and orders of that time are lost[/]; before `relaunch up`:")
    say("`relaunch pause-all` holds every message until you have brought them back")
    say("`relaunch poll --again` asks your storefront for its orders once more")
    say("`relaunch import FILE` takes in what your CRM knows of objections")


def _time(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        given = None
    if given is None or given.tzinfo is None:
        raise typer.BadParameter("write a time with its zone, like 2026-01-31T03:00:00+01:00", param_hint="--from")
    return given.astimezone(UTC)
