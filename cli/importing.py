"""`relaunch import`: a shop's history, from CSV or JSON lines, without a relaunch for any of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import Json, load, on_store
from cli.failures import CommandError
from cli.options import AsJson
from cli.show import console, print_json, safe, say

if TYPE_CHECKING:
    from imports.columns import ImportKind
    from imports.reading import Source
    from imports.running import Done, Progress
    from runtime.installation import Installation
    from runtime.shop_settings import ShopSettings

_KINDS = "customers, consents, products, orders or carts"


def register(parent: typer.Typer) -> None:
    """Add `import`."""
    parent.command(
        "import",
        short_help="Take in a shop's history; it begins no relaunch.",
        epilog="Example: relaunch import customers.csv --kind customers",
    )(import_file)


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header, or JSON lines; UTF-8.")],
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help=f"{_KINDS}; by default what the columns say.")
    ] = None,
    shop: Annotated[str | None, typer.Option(help="The shop whose history it is; by default the first one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take in a shop's history: it begins no relaunch, and what ends one ends it.

    Stopped half-way, the same command goes on. What is wrong with a row stands in FILE.errors.csv.
    """
    from imports.reading import Unusable, examine  # noqa: PLC0415 - slow to load

    whose = _shop(shop)
    try:
        source = examine(file)
        which = _kind(source, kind)
        done = on_store(lambda installation: _run(installation, whose, source, which))
    except Unusable as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        say("stopped: what was imported stays, and the same command goes on behind it", err=True)
        raise
    found = _json(done, source)
    if as_json:
        print_json(found)
    else:
        _told(done, found, which)
    if not done.again and not done.standing.accepted and done.standing.rejected:
        raise CommandError(f"no row of {file.name} is usable: {found['errors']} says why")


def _shop(wanted: str | None) -> "ShopSettings":
    shops = load().shops
    found = next((one for one in shops if wanted in (None, one.id)), None)
    if found is None:
        raise CommandError(f"there is no shop {(wanted or '')[:40]!r} in the settings")
    return found


def _kind(source: "Source", given: str | None) -> "ImportKind":
    """Return what the rows are: what was said, else what their columns can only be."""
    from imports.columns import ImportKind, guess  # noqa: PLC0415 - slow to load
    from imports.reading import Reading  # noqa: PLC0415

    if given is not None:
        try:
            return ImportKind(given)
        except ValueError:
            raise typer.BadParameter(f"is one of {_KINDS}", param_hint="--kind") from None
    with Reading(source) as reading:
        names = reading.header or next((list(row.values) for row in reading.rows() if row.values), [])
    found = guess(names)
    if found is None:
        raise CommandError(f"the columns do not say what the rows are: add --kind {_KINDS}")
    return found


async def _run(installation: "Installation", shop: "ShopSettings", source: "Source", kind: "ImportKind") -> "Done":
    from imports.running import run  # noqa: PLC0415 - slow to load
    from runtime import clock  # noqa: PLC0415

    with _bar(source) as told:
        return await run(installation.db, shop, source, kind, clock.now, told)


@contextmanager
def _bar(source: "Source") -> Iterator[Callable[["Progress"], None]]:
    """Show how far it is, and how fast, on a terminal."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415 - slow to load

    terminal, began, first = console(err=True), time.monotonic(), list[int]()
    figures = TextColumn("{task.fields[rows]} rows, {task.fields[speed]} rows/s")
    columns = (BarColumn(), TaskProgressColumn(), figures, TimeRemainingColumn())
    with Bar(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
        task = bar.add_task("", total=source.size, rows=0, speed=0)

        def told(progress: "Progress") -> None:
            first.append(progress.standing.rows) if not first else None
            spent = time.monotonic() - began
            speed = round((progress.standing.rows - first[0]) / spent) if spent else 0
            bar.update(task, completed=progress.position, rows=progress.standing.rows, speed=speed)

        yield told


def _json(done: "Done", source: "Source") -> Json:
    from imports.errors import errors_of  # noqa: PLC0415 - slow to load

    one, errors = done.standing, errors_of(source.path)
    return {
        "id": one.id,
        "shop": one.shop,
        "kind": one.kind,
        "rows": one.rows,
        "taken": one.accepted,
        "refused": one.rejected,
        "went_on_behind": done.before,
        "was_done": done.again,
        "unknown_columns": list(done.unknown),
        "errors": str(errors) if errors.exists() else None,
    }


def _told(done: "Done", found: Json, kind: "ImportKind") -> None:
    for name in done.unknown:
        say(f"the column {safe(name[:64])} is not one of {kind}: left out", err=True)
    if done.again:
        say("this file was imported already: nothing to do")
    elif done.before:
        say(f"went on behind row {done.before}")
    taken = found["taken"]
    say(f"{kind}: {taken} row{'' if taken == 1 else 's'} taken, {found['refused']} refused")
    if found["errors"] and not done.again:
        say(f"[yellow]what was wrong[/] stands in {safe(found['errors'])}", err=True)
