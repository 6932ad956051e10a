"""The `relaunch` command: every subcommand by its name, and how each one ends."""

import os
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from cli import (
    customers,
    doctor,
    identities,
    importing,
    journeys,
    keys,
    messages,
    operations,
    policies,
    restoring,
    rights,
    tasks,
    up,
    webhooks,
)
from cli.failures import debugging, explained, one_line

_INTERRUPTED = 130
_THREADS_END_S = 0.5

app = typer.Typer(
    name="relaunch",
    help="Brings back customers who left a cart and subscribers who went quiet; stops when they buy or object.",
    epilog="First steps: relaunch doctor, relaunch up. Each command has an example: relaunch show --help",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - needed here only

        try:
            typer.echo(f"relaunch {version('relaunch')}")
        except PackageNotFoundError:
            typer.echo("relaunch, run from its sources")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Hold the options of the command itself."""


_PEOPLE = (customers, identities, journeys, tasks, rights)
for _room in (up, doctor, *_PEOPLE, messages, policies, operations, restoring, importing, keys, webhooks):
    _room.register(app)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0, 1 for a failure, 2 for a command that cannot be understood."""
    try:
        code = app(list(arguments), prog_name="relaunch", standalone_mode=False)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it was, it is told in one line
        return _failed(error)
    return code if isinstance(code, int) else 0


def _failed(error: Exception) -> int:
    """Say what went wrong, and return the exit code."""
    said = getattr(error, "format_message", None)
    if said is not None:  # typer's own: a command that cannot be understood
        words = one_line(said())
        context = getattr(error, "ctx", None)
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(said())
        else:
            typer.echo(f"relaunch: {words} (see {context.command_path if context else 'relaunch'} --help)", err=True)
        return int(getattr(error, "exit_code", 2))
    if isinstance(error, typer.Abort):
        typer.echo("relaunch: stopped", err=True)
        return 1
    if debugging():
        traceback.print_exception(error)
    typer.echo(f"relaunch: {explained(error)}", err=True)
    return 1


def main() -> None:
    """Run the command of the command line, and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    code = run(sys.argv[1:])
    if "temporalio" in sys.modules:
        # Its threads may still be ending; an interpreter that leaves before them is aborted with 134.
        time.sleep(_THREADS_END_S)
    sys.exit(code)


if __name__ == "__main__":
    main()
