"""Named API keys on the command line: made, listed, revoked; a key's text is shown once and never kept."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import local, on_store
from cli.failures import CommandError
from cli.options import AsJson
from cli.show import moment, print_json, safe, say, table
from models.vocabulary import Role

if TYPE_CHECKING:
    from runtime.installation import Installation
    from store.keys import KeyRecord

app = typer.Typer(help="Named keys of the API: ingest, staff, admin.", no_args_is_help=True)
# These two are the settings' own, and every start would write them again.
_RESERVED = {"admin": "RELAUNCH_API_KEY", "ingest": "RELAUNCH_INGEST_KEY"}


def register(parent: typer.Typer) -> None:
    """Add `key`."""
    app.command("add", epilog="Example: relaunch key add marie --role staff")(add)
    app.command("list", epilog="Example: relaunch key list")(list_)
    app.command("revoke", epilog="Example: relaunch key revoke marie")(revoke)
    parent.add_typer(app, name="key", epilog="Example: relaunch key add shop --role ingest")


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what uses it; every staff act is noted with it.")],
    role: Annotated[Role, typer.Option(help="ingest: events and products only; staff: support; admin: everything.")],
    as_json: AsJson = False,
) -> None:
    """Make a key. Its text is printed this once: only a hash is kept."""
    import secrets  # noqa: PLC0415 - slow to load

    from runtime import clock  # noqa: PLC0415
    from store import keys  # noqa: PLC0415

    _own(name)
    text = f"{role}_{secrets.token_urlsafe(32)}"

    async def work(installation: "Installation") -> None:
        await installation.db.write(keys.add_key, name, role, text, clock.now())

    on_store(work)
    if as_json:
        print_json({"name": name, "role": role, "key": text})
    else:
        say(f"[bold]{safe(text)}[/]")
        say(f"[dim]key {safe(name)}, role {role}; write it down, it cannot be shown again[/]", err=True)


def list_(as_json: AsJson = False) -> None:
    """List the keys, without their texts."""
    from store import keys  # noqa: PLC0415 - slow to load

    async def work(installation: "Installation") -> "list[KeyRecord]":
        return await installation.db.read(keys.list_keys)

    found = on_store(work)
    if as_json:
        names = ("name", "role", "created_at", "revoked_at")
        print_json([{name: getattr(one, name) for name in names} for one in found])
        return
    zone = local().zone()
    rows = [
        (one.name, one.role, moment(one.created_at, zone), "revoked" if one.revoked_at else "active") for one in found
    ]
    table("keys", ("name", "role", "made", "state"), rows)


def revoke(name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")]) -> None:
    """Let a key open nothing any more, within a second."""
    from runtime import clock  # noqa: PLC0415 - slow to load
    from store import keys  # noqa: PLC0415

    _own(name)

    async def work(installation: "Installation") -> None:
        await installation.db.write(keys.revoke_key, name, clock.now())

    on_store(work)
    say(f"key {safe(name)} is revoked")


def _own(name: str) -> None:
    """Refuse the names of the settings' own keys."""
    if name in _RESERVED:
        raise CommandError(f"the key {name!r} is the one of {_RESERVED[name]}: change it there, or choose another name")
    if not name.strip() or not name.isprintable() or len(name) > 64:
        raise CommandError("a key's name is one line of at most 64 characters")
