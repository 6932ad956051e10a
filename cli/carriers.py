"""What `relaunch doctor` looks at in the accounts with providers: names, keys, senders and the way back for events."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from channels.base import Misconfigured
from channels.registry import EVENT_SOURCES, provider
from cli.findings import Finding, State
from models.sms import sender_problem
from models.vocabulary import Channel
from runtime import clock
from runtime.installation import sender_name, signer_of
from settings import SettingsError

if TYPE_CHECKING:
    from settings import Settings

_MEASURES = {(Channel.EMAIL, "brevo")}
"""Who measures readers of everybody, unless its support switches it off (CNIL 2026-042 asks for their consent)."""
_NAMES = {Channel.EMAIL: "e-mail", Channel.SMS: "SMS"}


async def carriers(settings: "Settings") -> AsyncIterator[Finding]:
    """Look at each provider that is named, at who signs, and at what text messages come from."""
    for channel, name in settings.accounts.chosen.items():
        try:
            sender = provider(channel, name, settings.accounts.account(settings.public_url), clock.now)
        except Misconfigured as error:
            yield Finding(_NAMES[channel], State.ERROR, f"{name}: {error}", f"see docs/providers/{name}.md")
            continue
        await sender.aclose()
        yield Finding(_NAMES[channel], State.OK, f"{name} is set up; `relaunch preview … --send-to` tries it")
        if (channel, name) in _MEASURES:
            text = f"{name} rewrites links and adds a pixel on its own, whatever we say"
            yield Finding(
                _NAMES[channel], State.WARNING, text, f"have its support switch that off: docs/providers/{name}.md"
            )
    for finding in (*_events(settings), *_texts(settings), *_signature(settings)):
        yield finding


def _events(settings: "Settings") -> Iterator[Finding]:
    """Without a provider's events nobody hears of bounces and complaints."""
    for name in sorted(set(settings.accounts.chosen.values()) & EVENT_SOURCES.keys()):
        if not settings.accounts.webhook_secrets(name):
            text = f"{name} tells us nothing of bounces and complaints"
            yield Finding("events", State.WARNING, text, f"set RELAUNCH_{name.upper()}_WEBHOOK_SECRET")


def _texts(settings: "Settings") -> Iterator[Finding]:
    if Channel.SMS not in settings.accounts.chosen:
        return
    for shop in settings.shops:
        problem = sender_problem(sender_name(shop), shop.country)
        if problem is not None:
            yield Finding(f"shop {shop.id}", State.ERROR, problem, "set RELAUNCH_SHOP_SMS_SENDER")


def _signature(settings: "Settings") -> Iterator[Finding]:
    try:
        signer = signer_of(settings)
        if signer is None:
            return
        for shop in settings.shops:
            signer.sign(b"From: " + shop.sender.encode() + b"\r\nSubject: test\r\n\r\ntest\r\n", shop.sender)
    except (SettingsError, Misconfigured) as error:
        yield Finding("DKIM", State.ERROR, str(error), "make one: openssl genrsa -out dkim.pem 2048")
    else:
        where = f"{settings.accounts.dkim_selector}._domainkey of the sender's domain"
        yield Finding("DKIM", State.OK, f"mail is signed; its public key belongs into the DNS at {where}")
