"""E-mail through Mailgun: one call a message; its events are read in `channels/mailgun_events.py`.

What is special beside the table of `channels/http.py`; Mailgun has no codes, so the beginning of its words decides:

| answer                                               | meaning                          | raised                    |
|------------------------------------------------------|----------------------------------|---------------------------|
| 400 "'to' parameter is not a valid address"          | impossible address               | Refused(address=True)     |
| 400 the same of `from` or `h:Reply-To`; 400 "domain  | our sender or domain             | Misconfigured             |
| … is unverified", "… is not allowed to send"         |                                  |                           |
| 402 parameters were valid but the request failed     | our account                      | Misconfigured             |
| 404 also for a domain of the other region            | wrong domain or region           | Misconfigured             |
| 413 and any other 400                                | this message                     | Refused                   |

Mailgun has no idempotency key. It keeps our Message-ID, answers with it, and gives our delivery's id back in every
event as a user variable. Its events can be searched by Message-ID alone, for some days, and with some delay: who
does not know the Message-ID any more cannot look the message up.

`o:tracking=no` switches off pixel and rewritten links. It does not switch off the unsubscribe handling of a domain,
which puts Mailgun's own List-Unsubscribe headers and a footer into messages: leave that off in the domain's settings.

Sources: documentation.mailgun.com: api-reference/send/mailgun/messages and events, user-manual/sending-messages
and tracking-messages, quickstart-guide/responses; help.mailgun.com on unsubscribe handling.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from channels.accounts import Account
from channels.addresses import ascii_host, mailbox, recipient
from channels.base import ChannelError, Misconfigured, Receipt, Refused
from channels.http import Answer, HttpClient, basic_auth, receipt
from channels.mailgun_events import MARK, NAME
from channels.wording import clean
from models.message import Message
from models.vocabulary import Channel

URLS: Final = {"us": "https://api.mailgun.net", "eu": "https://api.eu.mailgun.net"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_ABOUT = re.compile(r"'?(to|from|h:reply-to)'? parameter is not a valid address", re.IGNORECASE)
_OUR_FAULT = re.compile(r"(?:the )?domain (?:\S+ )?is (?:unverified|not allowed to send|disabled)", re.IGNORECASE)


class Mailgun:
    """Sends e-mail through one domain of a Mailgun account."""

    name = NAME
    channel = Channel.EMAIL
    honours_key: timedelta | None = None

    def __init__(
        self,
        key: str,
        domain: str,
        *,
        now: Callable[[], datetime],
        region: str = "us",
        url: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        """Take the API key and the sending domain; `region` is where the domain lives, `url` points elsewhere."""
        host = ascii_host(domain)
        if host is None or region not in URLS:
            raise Misconfigured("RELAUNCH_MAILGUN_DOMAIN must be a domain, RELAUNCH_MAILGUN_REGION us or eu")
        headers = basic_auth(NAME, "api", key)
        self._http = HttpClient(NAME, url or URLS[region], headers, now=now, verdict=_verdict, timeout_s=timeout_s)
        self._path = f"/v3/{host}"

    async def send(self, message: Message) -> Receipt:
        """Hand one message over; tracking is always off."""
        body = urlencode(_fields(message), errors="replace").encode()
        answer = await self._http.post(f"{self._path}/messages", body, _FORM)
        return receipt(NAME, answer.fields().get("id"))

    async def find(self, message: Message) -> Receipt | None:
        """Look the message up by its Message-ID, None for one whose Message-ID is not known any more."""
        if not message.message_id:
            return None
        bare = message.message_id.strip("<>")
        query = {"event": "accepted", "ascending": "no", "limit": "1", "message-id": bare}
        items = (await self._http.look_up(f"{self._path}/events", query)).get("items")
        return receipt(NAME, f"<{bare}>") if isinstance(items, list) and items else None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def open_sender(account: Account, now: Callable[[], datetime]) -> Mailgun:
    """Read what the operator set: `mailgun_key` and `_domain`, and `_region` and `_url` where they differ."""
    return Mailgun(
        account.need("mailgun_key"),
        account.need("mailgun_domain"),
        now=now,
        region=account.get("mailgun_region") or "us",
        url=account.get("mailgun_url"),
    )


def _fields(message: Message) -> list[tuple[str, str]]:
    fields = [
        ("from", str(mailbox(message.sender, "sender"))),
        ("to", recipient(message.to)),
        ("subject", clean(message.subject, 300)),
        ("text", message.text),
        ("html", message.html),
        *((f"o:tracking{what}", "no") for what in ("", "-clicks", "-opens")),
        (f"v:{MARK}", message.delivery),
        ("h:Message-Id", message.message_id),
        ("h:X-Relaunch-Delivery", message.delivery),
        *((f"h:{name}", value) for name, value in message.headers),
    ]
    if message.reply_to:
        fields.append(("h:Reply-To", str(mailbox(message.reply_to, "reply-to"))))
    return fields


def _verdict(answer: Answer, text: str) -> ChannelError | None:
    words = str(answer.fields().get("message", ""))
    about = _ABOUT.match(words)
    if about and about[1].lower() == "to":
        return Refused(f"{text}: the address is invalid", address=True)
    if about or _OUR_FAULT.match(words) or answer.status == 402:
        return Misconfigured(f"{text}: check sender, domain and account")
    return None
