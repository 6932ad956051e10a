"""Call-backs on the command line: whom staff shall call, what to say, and how it ended."""

from datetime import datetime
from typing import Annotated

import typer

from cli.client import Json, Local, local, place, talk
from cli.options import AsJson
from cli.show import amount, calm, moment, print_json, safe, say, table
from models.vocabulary import CallResult, TaskState

_ALL = 1_000_000
app = typer.Typer(help="Call-backs that journeys ask of your staff.")


def register(parent: typer.Typer) -> None:
    """Add `tasks`."""
    some = "0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77"
    app.callback(invoke_without_command=True, epilog="Example: relaunch tasks --all")(tasks)
    app.command("close", epilog=f"Example: relaunch tasks close {some} --result reached")(close)
    parent.add_typer(app, name="tasks")


def tasks(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Closed and moot ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the call-backs that may be made, oldest first.

    Nobody is on it who bought, objected or was erased meanwhile.
    """
    if context.invoked_subcommand is not None:
        return
    status = None if everything else TaskState.OPEN
    found = talk(lambda api: api.items(place("tasks"), _ALL, status=status))
    if as_json:
        print_json(found)
        return
    ways = local()
    names = ("id", "state", "who", "phone", "cart", "step", "call from", "call by", "asked")
    table("call-backs", names, [_row(one, ways) for one in found["items"]], wide=("step", "asked"))
    for one in found["items"]:
        if one["status"] == TaskState.OPEN and one["briefing"] is not None:
            say(f"\n[bold]{safe(one['id'])}[/]")
            typer.echo(calm(one["briefing"]))


def close(
    task: Annotated[str, typer.Argument(metavar="ID", help="The call-back's id, as `relaunch tasks` shows it.")],
    result: Annotated[CallResult, typer.Option(help="How it ended; `declined` closes telephone and journeys to them.")],
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What to remember of it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Close a call-back with its result.

    Who declines has objected to calls: nobody calls them again, and their open journeys end.
    """
    body = {"result": result, "note": note} if note is not None else {"result": result}
    found = talk(lambda api: api.post(place("tasks", task, "close"), body), changes=result is CallResult.DECLINED)
    if as_json:
        print_json(found)
        return
    declined = "; nobody calls them again" if result is CallResult.DECLINED else ""
    say(f"[green]closed[/]: {safe(found['result'])}{declined}")


def _row(one: Json, ways: Local) -> tuple[object, ...]:
    zone = ways.zone(one["shop"])
    state = one["result"] or one["status"]
    return (
        one["id"],
        f"{state}: {one['reason']}" if one["status"] == TaskState.MOOT else state,
        one["first_name"],
        one["phone"],
        amount(one["value"], one["currency"]),
        f"{one['policy']}, {one['step']}",
        _earliest(one, zone),
        moment(one["call_by"], zone),
        moment(one["asked_at"], zone),
    )


def _earliest(one: Json, zone: str) -> str | None:
    """Return from when on the call may be made, and what holds it until then."""
    if one["status"] != TaskState.OPEN:
        return None
    if one["not_before"] is None:
        return "now"
    return f"{moment(datetime.fromisoformat(one['not_before']), zone)} ({one['reason']})"
