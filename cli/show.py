"""How commands speak: tables with colours on a terminal, plain columns in a pipe, JSON when asked."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import typer

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 120
_STYLES = {
    "green": ("sent", "ok", "purchased", "reengaged", "granted", "paid", "delivered"),
    "yellow": ("paused", "later", "skipped", "unknown", "warning", "released", "handed", "handed_over"),
    "red": ("error", "stopped", "opted_out", "refused", "withdrawn", "objection", "complaint", "bounce", "revoked"),
    "cyan": ("waiting", "open", "active"),
    "dim": ("closed", "cancelled", "exhausted", "expired", "not_eligible", "no_lawful_basis", "cart_emptied", "erased"),
}
_MARKS = {
    "began": ("▶", "cyan"),
    "act": ("!", "yellow"),
    "sent": ("✓", "green"),
    "handed_over": ("→", "cyan"),
    "skipped": ("–", "yellow"),
    "later": ("…", "yellow"),
    "released": ("…", "yellow"),
    "unknown": ("?", "yellow"),
    "refused": ("✕", "red"),
    "stopped": ("✕", "red"),
    "outcome": ("■", "bold"),
    "paused": ("‖", "yellow"),
    "next": ("▷", "bold cyan"),
    "planned": ("·", "dim"),
}
_STYLE = {word: style for style, words in _STYLES.items() for word in words}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def console(*, err: bool = False) -> "Console":
    """Return the terminal as it is now; NO_COLOR and FORCE_COLOR are respected."""
    from rich.console import Console  # noqa: PLC0415 - `relaunch --help` must not wait for it

    return Console(stderr=err, highlight=False, soft_wrap=False)


def say(markup: str, *, err: bool = False) -> None:
    """Print one line of markup, however long; see `safe` for words that come from outside."""
    console(err=err).print(markup, soft_wrap=True)


def print_json(data: object) -> None:
    """Print data as JSON, times as RFC 3339 and whole text as it is."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def calm(text: object) -> str:
    """Return text that cannot steer the terminal."""
    return _CONTROL.sub("", str(text))


def safe(text: object) -> str:
    """Return text that cannot steer the terminal nor be taken for markup."""
    from rich.markup import escape  # noqa: PLC0415 - as above

    return escape(calm(text))


def coloured(word: object, said: object = None) -> str:
    """Return a word of the domain in its colour, or in its place what is `said` to people."""
    style, text = _STYLE.get(str(word)), safe(said or word)
    return f"[{style}]{text}[/]" if style else text


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, wide: Sequence[str] = ()) -> None:
    """Print rows under a title; cells are text without markup, None is a dash.

    The columns named in `wide` are left out on a narrow terminal. A column called `id` is never broken.
    """
    from rich.table import Table  # noqa: PLC0415 - as above

    out, lines = console(), [["–" if cell is None else str(cell) for cell in row] for row in rows]
    if not out.is_terminal:
        _plain_table(title, columns, lines)
        return
    out.print(f"\n[bold]{safe(title)}[/]{'' if lines else '  [dim]none[/]'}")
    if not lines:
        return
    shown = [index for index, name in enumerate(columns) if out.width >= _WIDE or name not in wide]
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for index in shown:
        grid.add_column(columns[index], no_wrap=columns[index] == "id", overflow="fold")
    for line in lines:
        grid.add_row(*[coloured(line[index]) for index in shown])
    out.print(grid)


def _plain_table(title: str, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print columns two spaces apart, nothing cut: for eyes and for awk."""
    clean = [[" ".join(calm(cell).split()) or "–" for cell in line] for line in lines]
    typer.echo(title if lines else f"{title}: none")
    _plain_columns([[name.upper() for name in columns], *clean] if lines else [])


def _plain_columns(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(padded).rstrip())


def _grid(rows: Sequence[Sequence[str]], *, gap: int, dim: bool) -> None:
    """Print rows of markup whose last column may be folded; `dim`: the first column is a label."""
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    out, grid = console(), Table.grid(padding=(0, gap, 0, 0))
    if not out.is_terminal:
        _plain_columns([[" ".join(Text.from_markup(cell).plain.split()) for cell in row] for row in rows])
        return
    for index in range(len(rows[0]) if rows else 0):
        last = index == len(rows[0]) - 1
        grid.add_column(no_wrap=not last, overflow="fold", style="dim" if dim and index == 0 else "")
    for row in rows:
        grid.add_row(*row)
    out.print(grid)


def pairs(rows: Iterable[tuple[str, object]]) -> None:
    """Print facts, one a line: what it is, and its value in markup; empty values are left out."""
    _grid([(name, str(value)) for name, value in rows if value not in (None, "")], gap=2, dim=True)


def moment(value: datetime | str | None, zone: str) -> str | None:
    """Return a time as a shop's clock shows it, to the minute."""
    if value is None:
        return None
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def span(length: timedelta, locale: str = "en") -> str:
    """Return a length of time in its two largest units: `2 d 23 h`."""
    minutes = max(int(length.total_seconds()) // 60, 0)
    day = "j" if locale == "fr" else "d"
    parts = [(minutes // 1440, day), (minutes // 60 % 24, "h"), (minutes % 60, "min")]
    kept = [f"{count} {unit}" for count, unit in parts if count][:2]
    return " ".join(kept) or "0 min"


def amount(minor: int | None, currency: str | None) -> str | None:
    """Return an amount of minor units with its currency: `149.00 EUR`."""
    from models.currencies import DECIMALS  # noqa: PLC0415 - seldom needed

    if minor is None:
        return None
    decimals = DECIMALS.get(currency or "", 2)
    return f"{minor / 10**decimals:.{decimals}f} {currency or ''}".rstrip()


def timeline(entries: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    """Print what happened and what is to come, one entry a line: when, its mark, its words, the message's id."""
    rows, told = [], set[object]()
    for at, entry in entries:
        mark, style = _mark(entry)
        text, delivery = safe(entry["text"]), entry.get("delivery_id")
        if delivery is not None and delivery not in told:
            told.add(delivery)
            text += f"\n[dim]relaunch message {safe(delivery)}[/]"
        rows.append((at, f"[{style}]{mark}[/]", f"[{style}]{text}[/]" if style == "dim" else text))
    _grid(rows, gap=1, dim=True)


def _mark(entry: Mapping[str, object]) -> tuple[str, str]:
    """Return the sign of an entry and its style."""
    return _MARKS.get(str(entry.get("verdict") or entry.get("state") or entry["type"]), ("•", "default"))
