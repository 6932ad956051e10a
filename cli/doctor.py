"""`relaunch doctor`: what is wrong with this installation and what to do, one row a thing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from cli.client import load
from cli.findings import Finding, State
from cli.options import AsJson
from cli.show import coloured, console, print_json, safe, say

if TYPE_CHECKING:
    from runtime.shop_settings import ShopSettings
    from settings import Settings


def register(app: typer.Typer) -> None:
    """Add `doctor`."""
    app.command(
        "doctor", short_help="Say what is wrong with this installation.", epilog="Example: relaunch doctor --json"
    )(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Say what is wrong with this installation, and what to do.

    Looks at home, store, Temporal, SMTP, storefronts, clock, public URL, sender, policies and templates; exit 1 for
    an error.
    """
    settings = load()
    findings = asyncio.run(_all(settings, quiet=as_json))
    errors = sum(one.state is State.ERROR for one in findings)
    if as_json:
        print_json([asdict(one) for one in findings])
    else:
        warnings = sum(one.state is State.WARNING for one in findings)
        colour = "red" if errors else "yellow" if warnings else "green"
        say(f"\n[{colour}]{_count(errors, 'error')}, {_count(warnings, 'warning')}[/]")
    if errors:
        raise typer.Exit(1)


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


async def _all(settings: "Settings", *, quiet: bool) -> list[Finding]:
    """Return every finding; unless `quiet` each is shown as soon as it is known."""
    findings = []
    async for one in _look(settings):
        findings.append(one)
        if not quiet:
            _print(one)
    return findings


def _print(one: Finding) -> None:
    mark = coloured(one.state)
    padding = " " * (8 - len(one.state))
    console().print(f"{mark}{padding}[bold]{safe(one.check)}[/]: {safe(one.text)}", soft_wrap=True)
    if one.todo:
        console().print(f"        [dim]→[/] {safe(one.todo)}", soft_wrap=True)


async def _look(settings: "Settings") -> AsyncIterator[Finding]:
    from cli import probes  # noqa: PLC0415 - slow to load
    from cli.carriers import carriers  # noqa: PLC0415
    from cli.shop_probes import storefronts  # noqa: PLC0415

    for one in (*_variables(), *_home(settings)):
        yield one
    for probe in (probes.store, probes.temporal, probes.smtp, carriers, storefronts, probes.clock):
        async for one in probe(settings):
            yield one
    yield _public_url(settings)
    for shop in settings.shops:
        for one in _sender(shop, real=settings.smtp_url is not None or bool(settings.accounts.chosen)):
            yield one
    for one in _policies(settings):
        yield one


def _variables() -> Iterator[Finding]:
    from settings import unknown_variables  # noqa: PLC0415 - slow to load

    for name in unknown_variables():
        yield Finding("environment", State.WARNING, f"{name} is no setting", "check how it is spelt: .env.example")


def _home(settings: "Settings") -> Iterator[Finding]:
    home = settings.home
    if not home.exists():
        yield Finding("home", State.OK, f"{home} is made by the first start")
        return
    if not home.is_dir():
        yield Finding("home", State.ERROR, f"{home} is no folder", "name another RELAUNCH_HOME")
        return
    open_ones = [path for path in (home, *home.glob("*_key")) if path.stat().st_mode & 0o077]
    if open_ones:
        fixes = " ".join(f"chmod go-rwx {path};" for path in open_ones).rstrip(";")
        yield Finding("home", State.WARNING, f"others on this machine can look into {home}", fixes)
    else:
        yield Finding("home", State.OK, f"{home}, for its owner only")


def _public_url(settings: "Settings") -> Finding:
    from channels.base import Misconfigured  # noqa: PLC0415 - slow to load
    from channels.mime import headers_for  # noqa: PLC0415

    url = settings.public_url
    try:
        headers_for(f"{url}/u/x", "relaunch.example")
    except Misconfigured:
        todo = "put a proxy with TLS in front, and set RELAUNCH_PUBLIC_URL=https://…"
        return Finding("public URL", State.ERROR, f"{url} is not https: no message can go out", todo)
    if url.startswith("https://"):
        return Finding("public URL", State.OK, url)
    todo = "before real customers get mail, set RELAUNCH_PUBLIC_URL=https://…"
    return Finding("public URL", State.WARNING, f"{url} works on this machine only", todo)


def _sender(shop: "ShopSettings", *, real: bool) -> Iterator[Finding]:
    """Look at what the customers of a shop see of it; `real`: messages leave this machine."""
    check, good = f"shop {shop.id}", True
    # To files a sender on localhost is harmless; a mail server will not take it.
    bad = State.ERROR if real else State.WARNING
    warning = State.WARNING
    missing = (
        (shop.sender.rstrip(">").endswith("@localhost"), bad, f"sender is {shop.sender}", "set RELAUNCH_SENDER"),
        (
            not shop.postal_address,
            warning,
            "no postal address, as the law asks",
            "set RELAUNCH_SHOP_POSTAL_ADDRESS",
        ),
        (shop.privacy_url is None, warning, "no privacy notice is linked", "set RELAUNCH_SHOP_PRIVACY_URL"),
        (shop.name == "Shop", warning, "its customers know it as “Shop”", "set RELAUNCH_SHOP_NAME"),
        (shop.url == "http://localhost", warning, "its front page is http://localhost", "set RELAUNCH_SHOP_URL"),
    )
    for is_missing, state, text, todo in missing:
        if is_missing:
            good = False
            yield Finding(check, state, text, todo)
    if good:
        yield Finding(check, State.OK, f"{shop.name}, writing as {shop.sender}")


def _policies(settings: "Settings") -> Iterator[Finding]:
    from channels.rendering import Renderer  # noqa: PLC0415 - slow to load
    from runtime.installation import load_policies  # noqa: PLC0415
    from settings import SettingsError  # noqa: PLC0415

    try:
        policies = load_policies(settings.policies)
    except SettingsError as error:
        yield Finding("policies", State.ERROR, str(error), "correct the file")
        return
    if not policies:
        text = f"{settings.policies} holds no policy: nobody is relaunched"
        yield Finding("policies", State.ERROR, text, "set RELAUNCH_POLICIES to a folder with policy files")
        return
    yield Finding("policies", State.OK, ", ".join(f"{one.name} ({len(one.steps)} steps)" for one in policies))
    renderer = Renderer()
    steps = [(policy.name, step) for policy in policies for step in policy.steps]
    gone = [
        f"{name}/{step.name} ({channel})"
        for name, step in steps
        for channel in step.channels
        if not renderer.exists(channel, step.template, "en")
    ]
    if gone:
        yield Finding("templates", State.ERROR, f"none for {', '.join(gone)}", "restore them, or drop these steps")
    else:
        yield Finding("templates", State.OK, f"all {len(steps)} steps have theirs")
