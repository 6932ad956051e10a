"""The one place where settings become senders; a new adapter adds its line here."""

from pathlib import Path

from channels.base import Sender
from channels.files import Files
from channels.smtp import Smtp
from models.vocabulary import Channel


def senders(*, smtp_url: str | None, outbox: Path) -> dict[Channel, Sender]:
    """Return the sender of each channel that is configured: SMTP when a URL is given, else files in `outbox`.

    Raises Misconfigured when the URL makes no sense. SMS and push have no provider yet and are absent.
    """
    return {Channel.EMAIL: Smtp(smtp_url) if smtp_url else Files(outbox)}
