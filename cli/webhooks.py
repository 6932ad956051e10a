"""Webhooks on the command line, without any installation: what a body means, and whether a signature is good."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.failures import CommandError
from cli.options import AsJson

if TYPE_CHECKING:
    from channels.base import Knock
    from cli.webhook_lines import Json
    from storefronts.base import Storefront

_STANDARD = "standard"

app = typer.Typer(help="Webhooks: what a body means, and whether its signature is good.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A storefront, a provider, or `standard`.")]
File = Annotated[str, typer.Argument(metavar="FILE", help="The body, byte for byte; by default standard input.")]
Headers = Annotated[
    list[str] | None, typer.Option("--header", metavar="'K: V'", help="A header of the request; once for each.")
]
Url = Annotated[str, typer.Option("--url", metavar="URL", help="Where it was sent to: Twilio signs it.")]
Country = Annotated[str, typer.Option(metavar="CODE", help="Of telephone numbers that come without one.")]


def register(parent: typer.Typer) -> None:
    """Add `webhook`."""
    app.command(
        "read",
        short_help="Print the events of a body, one a line.",
        epilog="Example: relaunch webhook read postmark bounce.json",
    )(read)
    app.command(
        "check",
        short_help="Say whether a body was signed with a secret.",
        epilog="Example: relaunch webhook check shopify --secret shpss_1 --header 'X-Shopify-Hmac-SHA256: …' body.json",
    )(check)
    parent.add_typer(
        app,
        name="webhook",
        short_help="Webhooks: what they mean, and who signed them.",
        epilog="Example: relaunch webhook read brevo < events.json",
    )


def read(source: Source, file: File = "-", header: Headers = None, url: Url = "", country: Country = "FR") -> None:
    """Print the normalised events of a webhook's body, one JSON object a line.

    `standard` reads a body of POST /v1/events.
    """
    from models.events import Unreadable  # noqa: PLC0415 - slow to load

    reading, knock = _reading(source, country), _knock(file, header, url, None)
    try:
        lines = reading(knock)
    except Unreadable as error:
        raise CommandError(f"this is no body of {source}: {error}") from None
    for line in lines:
        typer.echo(json.dumps(line, ensure_ascii=False))


def check(
    source: Source,
    file: File = "-",
    secret: Annotated[
        list[str] | None,
        typer.Option("--secret", metavar="S", help="The secret; several, or with commas, while one is rotated."),
    ] = None,
    header: Headers = None,
    url: Url = "",
    at: Annotated[str | None, typer.Option(metavar="TIME", help="When it came; by default now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a webhook was signed with this secret; exit 1 when it was not, with the reason."""
    if not secret:
        raise typer.BadParameter("give the secret that the signature shall be checked with", param_hint="--secret")
    verifying, knock = _verifying(source), _knock(file, header, url, at)
    why = verifying(knock, [part.strip() for one in secret for part in one.split(",") if part.strip()])
    if as_json:
        typer.echo(json.dumps({"good": why is None, "why": why}, ensure_ascii=False))
    elif why is None:
        typer.echo("the signature is good")
    if why is not None:
        raise typer.Exit(1) if as_json else CommandError(f"the signature is not good: {why}")


def _reading(source: str, country: str) -> "Callable[[Knock], Iterable[Json]]":
    """Return what turns a body of a source into lines; a source that nobody has is a usage error."""
    from channels.registry import event_reader  # noqa: PLC0415 - slow to load
    from cli.webhook_lines import provider_line  # noqa: PLC0415
    from storefronts import registry as storefronts  # noqa: PLC0415

    storefront, reader = storefronts.storefront(source), event_reader(source)
    if storefront is not None:
        return lambda knock: _told(storefront, knock, country)
    if reader is not None:
        return lambda knock: [provider_line(event) for event in reader.read(knock)]
    if source == _STANDARD:
        return lambda knock: _reported(knock, country)
    raise _unknown(source)


def _verifying(source: str) -> "Callable[[Knock, Sequence[str]], str | None]":
    """Return what says why a signature of a source is bad, None for a good one."""
    from channels import standard  # noqa: PLC0415 - slow to load
    from channels.base import BadSignature  # noqa: PLC0415
    from channels.registry import event_reader  # noqa: PLC0415
    from storefronts import base  # noqa: PLC0415
    from storefronts import registry as storefronts  # noqa: PLC0415

    storefront, reader = storefronts.storefront(source), event_reader(source)
    if storefront is None and reader is None and source != _STANDARD:
        raise _unknown(source)

    def verified(knock: "Knock", secrets: "Sequence[str]") -> str | None:
        try:
            if storefront is not None:
                storefront.verify(knock.body, knock.headers, secrets)
            else:
                (reader.verify if reader else standard.verify)(knock, secrets)
        except (BadSignature, base.BadSignature) as error:
            return str(error)
        return None

    return verified


def _told(storefront: "Storefront", knock: "Knock", country: str) -> "Iterable[Json]":
    """Read a storefront's body; without its topic, one that tells what it is by its shape."""
    from cli.webhook_lines import event_line  # noqa: PLC0415 - slow to load
    from models.events import Unreadable  # noqa: PLC0415

    headers, told = dict(knock.headers), storefront.guess(knock.body)
    missing = {name: value for name, value in told.items() if not any(_same(name, one) for one in headers)}
    for name, value in missing.items():
        typer.echo(f"read as {value}: no {name} was given", err=True)
    try:
        events = storefront.translate(knock.body, headers | missing, shop_country=country, at=knock.at)
    except Unreadable as error:
        if headers or told or "header" not in str(error):
            raise
        raise Unreadable(f"{error}, and it does not look like one of theirs: is it whole?") from None
    for note in [note for event in events for note in event.notes]:
        typer.echo(note, err=True)
    return [event_line(event) for event in events]


def _same(name: str, other: str) -> bool:
    """Say whether both are one header; Shopify also spells its own without the X."""
    return name.lower().removeprefix("x-") == other.lower().removeprefix("x-")


def _reported(knock: "Knock", country: str) -> "Iterable[Json]":
    """Read a body of POST /v1/events, and say of each event that is not usable why."""
    from api.bodies import TooMany, parse_events  # noqa: PLC0415 - slow to load
    from cli.webhook_lines import event_line  # noqa: PLC0415

    try:
        batch = parse_events(knock.body, shop_country=country, at=knock.at)
    except TooMany as error:
        raise CommandError(str(error)) from None
    for one in batch.rejected:
        typer.echo(f"event {one.index} is not usable: {one.problem}", err=True)
    if not batch.events:
        raise CommandError("no event of the body is usable")
    return [event_line(event) for _, event in batch.events]


def _unknown(source: str) -> typer.BadParameter:
    from channels.registry import EVENT_SOURCES  # noqa: PLC0415 - slow to load
    from storefronts.registry import WEBHOOKS  # noqa: PLC0415

    known = ", ".join([*WEBHOOKS, *sorted(EVENT_SOURCES), _STANDARD])
    return typer.BadParameter(f"nobody is called {source!r}; known are {known}", param_hint="SOURCE")


def _knock(file: str, headers: "list[str] | None", url: str, at: str | None) -> "Knock":
    from channels.base import Knock  # noqa: PLC0415 - slow to load
    from runtime import clock  # noqa: PLC0415

    given = dict(_header(one) for one in headers or ())
    when = clock.now() if at is None else _time(at)
    return Knock(_body(file), given, url, when)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise typer.BadParameter("write a header like 'Name: value'", param_hint="--header")
    return name.strip().lower(), value.strip()


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter("write a time like 2026-01-31T12:00:00Z, or Unix seconds", param_hint="--at")
    return moment


def _body(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from None
