"""Hits on the pictures and links of our messages: who made them, as far as one can tell, and what they are called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from models.events import Event, EventType, Scalar, content_key

SCANNED: Final = timedelta(seconds=5)
"""Nobody gets a message, reads it and clicks within this time of its hand-over; gateways that try every link do."""

# Gateways by their products' names, link previews, and programs that are no browser. A phone called Cubot is none.
_SCANNERS: Final = re.compile(
    r"(?<!cu)bot\b|crawl|spider|scanner|preview|headless|phantomjs|facebookexternalhit|whatsapp"
    r"|barracuda|ciscosecure|ironport|forcepoint|fortimail|kaspersky|mcafee|messagelabs|mimecast|proofpoint|urldefense"
    r"|safelinks|sophos|symantec|tmes|trend ?micro|zscaler|\bmsoffice\b"
    r"|^(?:curl|wget|python|go-http-client|java|libwww|node|axios|ruby|php|apache-httpclient)\b",
    re.IGNORECASE,
)
# Gmail and Yahoo name their proxies; Apple's Mail Privacy Protection sends nothing but `Mozilla/5.0`.
PROXIES: Final = re.compile(r"GoogleImageProxy|YahooMailProxy|^\s*Mozilla/5\.0\s*$")


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture that was loaded, or a link that was followed (`url`), of one delivery, and whether by a program."""

    delivery: str
    machine: bool
    url: str | None = None

    @property
    def type(self) -> EventType:
        """Return what it is as an event."""
        return EventType.EMAIL_OPENED if self.url is None else EventType.EMAIL_CLICKED

    def event(self, customer_id: str, handed_at: datetime, now: datetime, at: datetime) -> Event:
        """Return it as an event of its customer, at `now` by the wall clock and `at` by theirs.

        An open counts once a day, a click once for each address; what a program did is told apart, so that the
        person may follow.
        """
        hurried = self.url is not None and at < handed_at + SCANNED
        human = not (self.machine or hurried)
        what = at.date().isoformat() if self.url is None else self.url
        key = content_key(self.type, self.delivery, what, human)
        said: dict[str, Scalar] = {"human": human, "delivery": self.delivery}
        return Event(key, self.type, self.type, now, properties=said, customer_id=customer_id)


def by_program(headers: Mapping[str, str]) -> bool:
    """Tell from a request's headers (in lower case) whether a program made it: a proxy, a gateway, a prefetch."""
    agent = headers.get("user-agent", "")
    fetched = any("prefetch" in headers.get(name, "").lower() for name in ("sec-purpose", "purpose", "x-moz"))
    return fetched or not agent.strip() or bool(PROXIES.search(agent) or _SCANNERS.search(agent))
