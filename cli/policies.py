"""Policies on the command line: which there are, what one does, and every mistake of a file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import load
from cli.failures import CommandError
from cli.options import AsJson
from cli.show import pairs, print_json, safe, say, table

if TYPE_CHECKING:
    from models.policy import Policy
    from models.step import Step

app = typer.Typer(help="Policies: who is relaunched, when, and with what.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add `policy`."""
    app.command("list", epilog="Example: relaunch policy list")(list_)
    app.command("show", epilog="Example: relaunch policy show cart")(show)
    app.command(
        "check",
        short_help="Name line and field of every mistake of a file.",
        epilog="Example: relaunch policy check policies/cart.yaml",
    )(check)
    parent.add_typer(app, name="policy", epilog="Example: relaunch policy check policies/cart.yaml")


def loaded() -> "list[Policy]":
    """Return the policies of RELAUNCH_POLICIES, as the next start would take them. Raises SettingsError."""
    from runtime.installation import load_policies  # noqa: PLC0415 - slow to load

    return load_policies(load().policies)


def named(name: str) -> "Policy":
    """Return one policy by its name."""
    known = loaded()
    found = next((one for one in known if one.name == name), None)
    if found is None:
        raise CommandError(f"there is no policy {name!r}; there are: {', '.join(one.name for one in known) or 'none'}")
    return found


def list_(as_json: AsJson = False) -> None:
    """List the policies of RELAUNCH_POLICIES."""
    from models.policy import to_json  # noqa: PLC0415 - slow to load

    known = loaded()
    if as_json:
        print_json([{**to_json(one), "hash": one.hash} for one in known])
        return
    rows = [(one.name, one.kind, ", ".join(_step(step) for step in one.steps), one.hash[:12]) for one in known]
    table("policies", ("name", "answers", "steps", "version"), rows)


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The policy's name.")], as_json: AsJson = False
) -> None:
    """Show one policy with every default written out."""
    from models.durations import format_duration, format_share  # noqa: PLC0415 - slow to load
    from models.policy import to_json  # noqa: PLC0415

    policy = named(name)
    content = to_json(policy)
    if as_json:
        print_json({**content, "hash": policy.hash})
        return
    caps = {"at most": policy.pressure} | {f"at most by {channel}": cap for channel, cap in policy.caps.items()}
    most = [
        (name, f"{cap.messages} in {format_duration(cap.per)}, {format_duration(cap.gap)} between two")
        for name, cap in caps.items()
    ]
    quiet = [f"{name} {hours.start:%H:%M}–{hours.end:%H:%M}" for name, hours in policy.quiet_hours.items()]
    pairs(
        [
            ("policy", f"[bold]{safe(policy.name)}[/]  [dim]version {policy.hash[:12]}[/]"),
            ("trigger", _rule(content["trigger"]).strip("{}")),
            ("language", policy.locale or "the customer's"),
            ("held out", format_share(policy.holdout)),
            ("audience", safe(_rule(content["audience"])) or "everybody"),
            *most,
            ("priority", policy.priority),
            ("quiet hours", ", ".join(quiet) or "none"),
            ("ends with an order", ", ".join(policy.purchase)),
            ("last look", policy.last_look),
        ]
    )
    table("segments, first match wins", ("name", "when"), _segments(content["segments"]))
    rows = [(step.name, _at(step), _channels(step), step.template, _extras(step)) for step in policy.steps]
    table("steps", ("name", "at", "channel", "template", "extras"), rows)


def _channels(step: "Step") -> str:
    return f" {'+' if step.spread == 'all' else 'or'} ".join(step.channels)


def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A policy file, or - for standard input.")],
    as_json: AsJson = False,
) -> None:
    """Name line and field of every mistake of a policy file; exit 1 when there is one."""
    from models.policy_file import check as mistakes  # noqa: PLC0415 - slow to load
    from runtime.installation import known_templates  # noqa: PLC0415

    problems = mistakes(_text(file), templates=known_templates())
    if as_json:
        print_json([{"line": one.line, "field": one.field, "message": one.message} for one in problems])
    elif problems:
        for one in problems:
            place = f"{file}:{one.line}"
            say(f"[bold]{safe(place)}[/]: {f'[cyan]{safe(one.field)}[/]: ' if one.field else ''}{safe(one.message)}")
        say(f"{len(problems)} {'mistake' if len(problems) == 1 else 'mistakes'}", err=True)
    else:
        say(f"{safe(file)}: [green]no mistake[/]")
    if problems:
        raise typer.Exit(1)


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not text in UTF-8") from None
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from None


def _at(step: "Step") -> str:
    from models.durations import format_moment  # noqa: PLC0415 - slow to load

    return format_moment(step.after)


def _step(step: "Step") -> str:
    return f"{_at(step)} {step.name}"


def _extras(step: "Step") -> str | None:
    extras = [word for word, is_there in (("offer", step.offer), ("when", step.when)) if is_there is not None]
    return ", ".join(extras) or None


def _segments(parts: object) -> list[tuple[str, str]]:
    assert isinstance(parts, list)
    return [(part["name"], _rule(part["when"]) or "everybody else") for part in parts]


def _rule(rule: object) -> str:
    """Return a rule as it stands in a policy file, on one line."""
    import json  # noqa: PLC0415 - needed here only

    return "" if rule is None else json.dumps(rule, ensure_ascii=False).replace('"', "")
