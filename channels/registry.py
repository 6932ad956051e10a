"""The one place where settings become senders; a new provider adds its line here."""

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

from channels.accounts import Account
from channels.base import EventReader, Misconfigured, Sender
from channels.desk import Desk
from channels.files import Files
from channels.smtp import Smtp
from models.vocabulary import Channel

PROVIDERS: Final[Mapping[Channel, Mapping[str, str]]] = {
    Channel.EMAIL: {
        "brevo": "channels.brevo",
        "mailgun": "channels.mailgun",
        "mailjet": "channels.mailjet",
        "postmark": "channels.postmark",
        "resend": "channels.resend",
        "sendgrid": "channels.sendgrid",
        "ses": "channels.ses",
    },
    Channel.SMS: {
        "brevo": "channels.brevo_sms",
        "twilio": "channels.twilio",
    },
}
"""Who can carry a channel's messages, by the name that settings use, and the module of each; loaded when needed."""

EVENT_SOURCES: Final[Mapping[str, str]] = {
    "brevo": "channels.brevo_events",
    "mailgun": "channels.mailgun_events",
    "mailjet": "channels.mailjet",
    "postmark": "channels.postmark",
    "resend": "channels.resend",
    "sendgrid": "channels.sendgrid_events",
    "ses": "channels.ses_events",
    "twilio": "channels.twilio_events",
}
"""Whose events can be read, by the name that stands in the URL of their door, and the module of each."""


class _Provider(Protocol):
    """What the module of a provider offers."""

    EVENTS: EventReader

    def open_sender(self, account: Account, now: Callable[[], datetime]) -> Sender: ...


def senders(*, smtp_url: str | None, outbox: Path, rehearsal: bool = False) -> dict[Channel, Sender]:
    """Return the senders that need no account: SMTP when a URL is given, else files in `outbox`.

    Text messages become files in a rehearsal only. Raises Misconfigured when the URL makes no sense.
    """
    found: dict[Channel, Sender] = {Channel.EMAIL: Smtp(smtp_url) if smtp_url else Files(outbox), Channel.CALL: Desk()}
    if rehearsal:
        found[Channel.SMS] = Files(outbox, Channel.SMS)
    return found


def provider(channel: Channel, name: str, account: Account, now: Callable[[], datetime]) -> Sender:
    """Return the named provider's sender; raises Misconfigured for a name or a setting that is missing."""
    known = PROVIDERS.get(channel, {})
    if name not in known:
        raise Misconfigured(f"no provider of {channel} has that name: {', '.join(sorted(known)) or 'there is none'}")
    return _load(known[name]).open_sender(account, now)


def event_reader(source: str) -> EventReader | None:
    """Return who reads the events of a source, None for a name that nobody has."""
    return _load(EVENT_SOURCES[source]).EVENTS if source in EVENT_SOURCES else None


def _load(module: str) -> _Provider:
    return cast("_Provider", import_module(module))
