"""Requests of the law on the command line: what is asked, by when, and that it was done."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.client import Json, local, place, talk
from cli.options import AsJson
from cli.show import moment, print_json, safe, say, table

_ALL = 1_000_000
app = typer.Typer(help="What the law asks of the shop, and by when.")


def register(parent: typer.Typer) -> None:
    """Add `requests`."""
    some = "0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77"
    app.callback(invoke_without_command=True, epilog="Example: relaunch requests --open")(requests)
    app.command("done", epilog=f"Example: relaunch requests done {some}")(done)
    parent.add_typer(app, name="requests")


def requests(
    context: typer.Context,
    open_only: Annotated[bool, typer.Option("--open", help="Only what is not done, oldest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """List requests to see, or to forget, what is kept of somebody; a whole shop's, too.

    A request to see is answered with `relaunch export`; erasures are carried out and closed by themselves.
    """
    if context.invoked_subcommand is not None:
        return
    found = talk(lambda api: api.items(place("requests"), _ALL, open="true" if open_only else None))
    if as_json:
        print_json(found)
        return
    names = ("id", "what", "state", "due", "customer", "number", "shop", "asked")
    table("requests", names, [_row(one) for one in found["items"]], wide=("customer", "number", "shop", "asked"))


def done(
    request: Annotated[str, typer.Argument(metavar="ID", help="The request's id, as `relaunch requests` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Say that a request has been answered."""
    found = talk(lambda api: api.post(place("requests", request, "done")))
    if as_json:
        print_json(found)
        return
    say(f"[green]done[/]: {safe(found['kind'])}, by {safe(found['done_by'])}")


def _row(one: Json) -> tuple[object, ...]:
    zone = local().zone(one["shop"])
    return (
        one["id"],
        one["kind"].replace("_", " "),
        _state(one),
        moment(one["due_at"], zone),
        one["customer_id"],
        one["reference"],
        one["shop"],
        moment(one["asked_at"], zone),
    )


def _state(one: Json) -> str:
    if one["done_at"] is not None:
        return "done"
    from runtime import clock  # noqa: PLC0415 - slow to load

    return "overdue" if datetime.fromisoformat(one["due_at"]).astimezone(UTC) < clock.now() else "open"
