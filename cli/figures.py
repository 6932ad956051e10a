"""`relaunch kpis`: every figure with what it was counted from."""

import re
from datetime import datetime
from typing import Annotated, Any

import typer

from cli.client import Json, place, talk
from cli.options import AsJson
from cli.show import amount, pairs, print_json, safe, say, table

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T\S*")


def kpis(
    since: Annotated[str | None, typer.Option("--from", metavar="DATE", help="Journeys whose J0 is not before")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Journeys whose J0 is before.")] = None,
    policy: Annotated[str | None, typer.Option(metavar="NAME", help="Journeys of this policy only.")] = None,
    groups: Annotated[bool, typer.Option("--groups", help="Also by policy, step, segment and arm.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the figures, and what each was counted from.

    Each with its value, numerator, denominator and window; what cannot be known is said so, never 0.
    """
    asked = {"from": _moment(since, "--from"), "to": _moment(until, "--to"), "policy": policy}
    found = talk(lambda api: api.get(place("kpis"), **asked))
    if as_json:
        print_json(found)
        return
    window = found["window"]
    span = _TIME.sub(r"\1", f"{window['from'] or 'the beginning'} to {window['to'] or 'now'}")
    pairs([("journeys", safe(f"J0 from {span}")), ("policy", safe(window["policy"] or "every one"))])
    _figures("figures", found["totals"])
    for group in found["groups"] if groups else ():
        _figures(_name(group), {name: one for name, one in group.items() if isinstance(one, dict)})
    if not groups and found["groups"]:
        say("[dim]--groups shows them by policy, step, segment and arm[/]", err=True)


def _figures(title: str, figures: Json) -> None:
    rows = []
    for name, one in figures.items():
        why = _TIME.sub(r"\1", one.get("note", one["window"]))
        rows.append((name.replace("_", " "), _value(name, one), one["numerator"], one["denominator"], why))
    table(title, ("figure", "value", "numerator", "denominator", "window"), rows)


def _name(group: Json) -> str:
    names = ("policy", "step", "channel", "segment", "arm")
    return ", ".join(f"{name} {group[name]}" for name in names if group.get(name))


def _value(name: str, figure: dict[str, Any]) -> str | None:
    """Return a figure as people read it: shares in percent, money with its currency."""
    value = figure["value"]
    if value is None:
        return None
    if "currency" in figure:
        return amount(value, figure["currency"])
    if isinstance(value, float) or (figure["denominator"] is not None and "value" not in name):
        return f"{value * 100:.1f} %"
    return str(value)


def _moment(given: str | None, option: str) -> str | None:
    """Return a date or a time as it was given; the API takes a bare date as the shop's."""
    if given is not None:
        try:
            datetime.fromisoformat(given)
        except ValueError:
            example = "write a date like 2026-01-31, or a time like 2026-01-31T12:00Z"
            raise typer.BadParameter(example, param_hint=option) from None
    return given
