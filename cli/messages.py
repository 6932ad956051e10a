"""Messages on the command line: one that was handed over, or a step as it would look."""

from dataclasses import replace
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.client import Json, load, local, place, talk
from cli.failures import CommandError
from cli.options import AsJson
from cli.policies import named
from cli.show import calm, coloured, moment, pairs, print_json, safe, say

if TYPE_CHECKING:
    from channels.rendering import Rendered
    from models.content import Content
    from models.message import Message
    from models.policy import Policy
    from models.step import Step
    from models.vocabulary import Channel
    from settings import Settings


def register(app: typer.Typer) -> None:
    """Add `message` and `preview`."""
    app.command("message", epilog="Example: relaunch message 0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77 --html")(message)
    app.command("preview", epilog="Example: relaunch preview cart reminder --locale en --html reminder.html")(preview)


def message(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id: see `relaunch show`.")],
    html: Annotated[bool, typer.Option("--html", help="Print its HTML part only.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print it as it was handed over (RFC 5322).")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a message as it was handed over, and its fate."""
    found = talk(lambda api: api.get(place("deliveries", delivery)))
    if as_json:
        print_json(found)
        return
    text = found["message"]
    if text is None and (raw or html):
        raise CommandError("the words of this message are gone: its customer was erased")
    if raw or html:
        typer.echo(text["raw" if raw else "html"], nl=False)
        return
    _fate(found, local().zone())
    _words(text)


def _fate(found: Json, zone: str) -> None:
    """Print what became of a delivery."""
    provider = f"{found['provider']} {found['provider_id'] or ''}"
    pairs(
        [
            ("delivery", f"[bold]{safe(found['id'])}[/]"),
            ("state", f"{coloured(found['state'])} {safe(found['problem'] or '')}"),
            ("step", safe(f"{found['step']}, policy {found['policy']}")),
            ("journey", safe(found["journey_id"])),
            ("handed over", f"{moment(found['handed_at'], zone)}  [dim]times in {zone}[/]"),
            ("settled", moment(found["settled_at"], zone)),
            ("tries", found["attempts"]),
            ("provider", safe(provider.strip())),
            ("basis", safe(found["basis"])),
            ("code", safe(found["coupon"] or "")),
            ("told since", safe(", ".join(f"{one['type']} {moment(one['at'], zone)}" for one in found["notices"]))),
        ]
    )


def _words(text: Json | None) -> None:
    """Print the headers and the text of a message."""
    typer.echo()
    if text is None:
        say("[dim]its words are gone: the customer was erased[/]")
        return
    for name, value in text["headers"]:
        say(f"[dim]{safe(name)}:[/] {safe(value)}")
    typer.echo(f"\n{calm(text['text'])}")


def preview(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="A policy, as `relaunch policy list` shows it.")],
    step: Annotated[str, typer.Argument(metavar="STEP", help="The name of one of its steps.")],
    locale: Annotated[Literal["fr", "en"] | None, typer.Option(help="Language; by default the shop's.")] = None,
    segment: Annotated[str | None, typer.Option(help="One of the policy's segments; by default the first.")] = None,
    channel: Annotated[str | None, typer.Option(help="One of the step's channels; by default the first.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the HTML part to a file.")] = None,
    send_to: Annotated[str | None, typer.Option(metavar="EMAIL", help="Send it there, as real ones go out.")] = None,
) -> None:
    """Show how a step looks, with made-up products.

    In your shop's name and language, for a made-up customer of one segment.
    """
    from channels.rendering import Renderer  # noqa: PLC0415 - slow to load

    chosen = named(policy)
    planned = _step(chosen, step)
    settings = load()
    content = _content(settings, chosen, planned, locale, _segment(chosen, segment))
    road = _channel(planned, channel)
    rendered = Renderer().render(road, planned.template, content)
    if html is not None:
        _write(html, rendered.html)
    if send_to is not None:
        say(_sent(settings, road, content, rendered, send_to))
    elif html is None:
        if rendered.subject:
            say(f"[dim]Subject:[/] [bold]{safe(rendered.subject)}[/]\n")
        typer.echo(calm(rendered.text))
        if road == "sms":
            say(f"\n[dim]{_size(rendered.text, settings.shops[0].country)}[/]")


def _size(text: str, country: str) -> str:
    """Say what a text message costs: its parts, with the STOP mention that the provider adds."""
    from models.sms import measure, stop_budget  # noqa: PLC0415 - slow to load

    size = measure(text, stop_budget(country))
    why = f", because of {size.foreign}" if size.foreign else ""
    return f"{size.parts} SMS of {size.encoding}{why}: {size.units} units with the STOP mention, {size.left} left"


def _step(policy: "Policy", name: str) -> "Step":
    found = policy.step(name)
    if found is None:
        names = ", ".join(step.name for step in policy.steps)
        raise CommandError(f"policy {policy.name!r} has no step {name!r}; it has: {names}")
    return found


def _channel(step: "Step", name: str | None) -> "Channel":
    found = next((channel for channel in step.channels if name in (None, channel)), None)
    if found is None:
        raise CommandError(f"step {step.name!r} does not go by {name!r}; it goes by {', '.join(step.channels)}")
    return found


def _segment(policy: "Policy", name: str | None) -> str:
    from models.offers import DEFAULT_SEGMENT  # noqa: PLC0415 - slow to load

    known = [segment.name for segment in policy.segments] or [DEFAULT_SEGMENT]
    if name is not None and name not in (*known, DEFAULT_SEGMENT):
        raise CommandError(f"policy {policy.name!r} has no segment {name!r}; it has: {', '.join(known)}")
    return name or known[0]


def _content(settings: "Settings", policy: "Policy", step: "Step", locale: str | None, segment: str) -> "Content":
    """Return sample content under the name of the shop, whose sender and postal line are what one wants to see."""
    from models.content import Brand  # noqa: PLC0415 - slow to load
    from models.sample import sample  # noqa: PLC0415

    shop = settings.shops[0]
    depth = segment if segment in {"slight", "middling", "deep"} else None
    # Without an offer in the policy the real message has none either.
    content = sample(
        policy.kind, step.name, locale or policy.locale or shop.locale, segment, depth, offer=step.offer is not None
    )
    brand = Brand(shop.name, shop.url, shop.sender, shop.reply_to, shop.postal_address, shop.privacy_url, shop.logo_url)
    return replace(content, brand=brand)


def _write(file: Path, html: str) -> None:
    if not html:
        raise CommandError("this step has no HTML part")
    try:
        file.write_text(html, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}") from None
    say(f"HTML part written to [bold]{safe(file)}[/]")


def _sent(settings: "Settings", channel: "Channel", content: "Content", rendered: "Rendered", to: str) -> str:
    """Send a preview by the configured sender, and return where it went."""
    import asyncio  # noqa: PLC0415 - slow to load

    from models.vocabulary import Channel  # noqa: PLC0415
    from runtime.installation import senders_of  # noqa: PLC0415

    if channel is not Channel.EMAIL:
        raise CommandError(f"a preview can be sent by e-mail only, and this one goes by {channel}")
    letter = _letter(content, rendered, to)
    sender = senders_of(settings, rehearsal=False)[channel]

    async def send() -> None:
        try:
            await sender.send(letter)
        finally:
            await sender.aclose()

    asyncio.run(send())
    if sender.name == "files":
        return f"no provider is named: written to [bold]{safe(settings.outbox_dir / f'{letter.delivery}.eml')}[/]"
    return f"[green]sent[/] to {safe(to)} by {sender.name}"


def _letter(content: "Content", rendered: "Rendered", to: str) -> "Message":
    """Return a preview as an e-mail of its own, however often it is sent."""
    from channels.mime import headers_for, message_id, to_bytes  # noqa: PLC0415 - slow to load
    from models.message import Message  # noqa: PLC0415
    from models.vocabulary import Channel  # noqa: PLC0415
    from runtime import clock  # noqa: PLC0415
    from store.ids import new_id  # noqa: PLC0415

    domain = parseaddr(content.brand.sender)[1].rpartition("@")[2]
    delivery = new_id()
    letter = Message(
        delivery=f"preview-{delivery}",
        key=f"preview/{delivery}",
        channel=Channel.EMAIL,
        to=to,
        sender=content.brand.sender,
        reply_to=content.brand.reply_to,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        message_id=message_id(f"preview/{delivery}", domain),
        headers=headers_for(content.unsubscribe_url, f"relaunch.{domain}"),
    )
    return replace(letter, raw=to_bytes(letter, clock.now()))
