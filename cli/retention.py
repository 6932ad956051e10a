"""`relaunch retention`: ends what was kept for long enough now, or only says what would go."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import Json, local, on_store
from cli.options import AsJson
from cli.show import moment, print_json, say, table

if TYPE_CHECKING:
    from runtime.installation import Installation

_SHOWN = 20


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """End what was kept for long enough: people by their own last action, behaviour, and the text of messages.

    A running `up` does the same once a day, see RELAUNCH_RETENTION and RELAUNCH_MESSAGE_RETENTION.
    """
    found = on_store(_would if dry_run else _does)
    if as_json:
        print_json(found)
        return
    zone, people = local().zone(), found.get("quiet", [])
    if people:
        rows = [(one["customer_id"], one["shop"], moment(one["since"], zone)) for one in people[:_SHOWN]]
        table("people", ("id", "shop", "last action of their own"), rows)
    if len(people) > _SHOWN:
        say(f"[dim]and {len(people) - _SHOWN} more: --json shows all[/]")
    counts = f"{found['people']} people, {found['events']} events, {found['messages']} texts of messages"
    say(f"{counts} would go" if dry_run else f"{counts} go: people are erased as soon as `relaunch up` runs")
    if found["more"]:
        say("that is as much as one run may; the rest goes an hour later")


async def _would(installation: "Installation") -> Json:
    """Return what a run would end now."""
    from models.retention import PEOPLE, cutoffs  # noqa: PLC0415 - slow to load
    from runtime import clock  # noqa: PLC0415
    from store.retention import count, quiet_people  # noqa: PLC0415

    settings = installation.settings
    limits = cutoffs(clock.now(), settings.retention, settings.message_retention)
    ended = await installation.db.read(count, limits)
    quiet = await installation.db.read(quiet_people, limits.people, "", PEOPLE)
    people = [{"customer_id": one.customer_id, "shop": one.shop, "since": one.since.isoformat()} for one in quiet]
    return _counts(ended.people, ended.events, ended.messages, more=ended.more) | {"quiet": people}


async def _does(installation: "Installation") -> Json:
    """End it, as much as one run may; the daily run of an `up` is not due any more today."""
    from models.retention import EVERY  # noqa: PLC0415 - slow to load
    from rights.retaining import CHORE, Retaining  # noqa: PLC0415
    from runtime import clock  # noqa: PLC0415
    from store import chores  # noqa: PLC0415

    await installation.db.write(chores.claim, CHORE, clock.now(), EVERY)
    ended = await Retaining(installation.db, installation.settings, clock.now).once()
    return _counts(ended.people, ended.events, ended.messages, more=ended.more)


def _counts(people: int, events: int, messages: int, *, more: bool) -> Json:
    return {"people": people, "events": events, "messages": messages, "more": more}
