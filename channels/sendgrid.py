"""E-mail through SendGrid: one call a message; its events are read in `channels/sendgrid_events.py`.

What is special beside the table of `channels/http.py`; the `field` of each entry in `errors` decides:

| answer                                               | meaning                          | raised                    |
|------------------------------------------------------|----------------------------------|---------------------------|
| 400 about `personalizations.N.to.N.email`            | impossible address               | Refused(address=True)     |
| 400 about `from` or `reply_to`                       | our sender                       | Misconfigured             |
| 401, 403: also no credits left, sender not verified  | our key, account or sender       | Misconfigured             |
| 413 and any other 400                                | this message                     | Refused                   |
| 202 with `X-Message-Id`                              | queued                           | nothing: a Receipt        |

SendGrid has no idempotency key, and no look-up that knows our ids (its logs are searched by POST, by address or
subject). Its events give our delivery's id back as a custom argument: SendGrid never deletes these and treats them as
not personal, which the id is not. It keeps our Message-ID; none of the headers that it reserves is ours.

All tracking is switched off, the one of subscriptions as well: that one adds SendGrid's own List-Unsubscribe and
footer. No unsubscribe group is named, for the same reason; addresses on the account's own lists of unsubscribes,
bounces and spam reports are dropped after a 202, which only an event tells.

Sources: twilio.com/docs/sendgrid: api-reference/mail-send (also /errors), how-to-use-the-sendgrid-v3-api/errors,
glossary/x-message-id, for-developers/tracking-events/event.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from channels.accounts import Account
from channels.addresses import Mailbox, mailbox, recipient
from channels.base import ChannelError, Misconfigured, Receipt, Refused
from channels.http import Answer, HttpClient, checked_key, receipt, to_json
from channels.sendgrid_events import MARK, NAME
from channels.wording import clean
from models.message import Message
from models.vocabulary import Channel

URLS: Final = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}
_RECIPIENT = re.compile(r"personalizations\.\d+\.to\.\d+\.email")
_SENDER = re.compile(r"(?:from|reply_to)(?:\..*)?")
_OFF = {"enable": False}
_UNTRACKED = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": _OFF,
    "subscription_tracking": _OFF,
    "ganalytics": _OFF,
}


class SendGrid:
    """Sends e-mail through one SendGrid account or subuser."""

    name = NAME
    channel = Channel.EMAIL
    honours_key: timedelta | None = None

    def __init__(
        self,
        key: str,
        *,
        now: Callable[[], datetime],
        region: str = "global",
        url: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        """Take the API key; `region` is `eu` for a subuser of that region, `url` points elsewhere."""
        if region not in URLS:
            raise Misconfigured("RELAUNCH_SENDGRID_REGION must be global or eu")
        headers = {"Authorization": f"Bearer {checked_key(NAME, key)}"}
        self._http = HttpClient(NAME, url or URLS[region], headers, now=now, verdict=_verdict, timeout_s=timeout_s)

    async def send(self, message: Message) -> Receipt:
        """Hand one message over; tracking is always off."""
        answer = await self._http.post("/v3/mail/send", to_json(_body(message)))
        return receipt(NAME, answer.headers.get("x-message-id"))

    async def find(self, message: Message) -> Receipt | None:
        """Return None: SendGrid cannot be asked for an id of ours."""
        return None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def open_sender(account: Account, now: Callable[[], datetime]) -> SendGrid:
    """Read what the operator set: `sendgrid_key`, and `_region` and `_url` where they differ."""
    return SendGrid(
        account.need("sendgrid_key"),
        now=now,
        region=account.get("sendgrid_region") or "global",
        url=account.get("sendgrid_url"),
    )


def _body(message: Message) -> dict[str, object]:
    own = {"Message-ID": message.message_id, "X-Relaunch-Delivery": message.delivery}
    body: dict[str, object] = {
        "personalizations": [{"to": [{"email": recipient(message.to)}]}],
        "from": _person(mailbox(message.sender, "sender")),
        "subject": clean(message.subject, 300),
        "content": [{"type": "text/plain", "value": message.text}, {"type": "text/html", "value": message.html}],
        "headers": {**dict(message.headers), **own},
        "custom_args": {MARK: message.delivery},
        "tracking_settings": _UNTRACKED,
    }
    if message.reply_to:
        body["reply_to"] = _person(mailbox(message.reply_to, "reply-to"))
    return body


def _person(one: Mailbox) -> dict[str, str]:
    return {"email": one.address, "name": one.name} if one.name else {"email": one.address}


def _verdict(answer: Answer, text: str) -> ChannelError | None:
    errors = answer.fields().get("errors")
    told = [one.get("field") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    fields = [field for field in told if isinstance(field, str)]
    if any(_SENDER.fullmatch(field) for field in fields):
        return Misconfigured(f"{text}: check the sender and the reply-to address")
    if fields and all(_RECIPIENT.fullmatch(field) for field in fields):
        return Refused(f"{text}: the address is invalid", address=True)
    return None
