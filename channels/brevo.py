"""E-mail through Brevo's transactional API: one call a message.

What is special beside the table of `channels/http.py`; the answer's `code` decides:

| HTTP status and code                                 | proof of                         | raised                    |
|------------------------------------------------------|----------------------------------|---------------------------|
| 400 duplicate_parameter (also duplicate_request)     | an earlier request under the key | the first Receipt, when a |
|                                                      | was processed; what became of it | look-up finds it, else    |
|                                                      | only a look-up tells             | Unproven                  |
| 400 invalid_parameter, `to` is no address            | non-acceptance                   | Refused(address=True)     |
| 400 invalid_parameter about sender or reply-to       | non-acceptance, our fault        | Misconfigured             |
| 402, not_enough_credits, account_under_validation,   | non-acceptance, our fault        | Misconfigured             |
| permission_denied, unauthorized                      |                                  |                           |
| any other code with 4xx                              | non-acceptance                   | Refused                   |

The idempotency key must be a UUID: one of version 5 is made of the delivery's key. Brevo's guide says that a key counts
for 30 minutes, its changelog for 15; we rely on 12, which leaves the shorter time room for a slow answer. Nobody says
whether a request that Brevo refused uses up its key, so a duplicate alone is never taken for acceptance.

Our delivery's id travels as `X-Mailin-custom`, which every event gives back, and as the only tag, by which a look-up
finds a message from the moment Brevo has logged its first event. An answer counts only when it names that tag.

Standard headers are not ours to set: Brevo writes the Message-ID itself. It adds a List-Unsubscribe of its own to
transactional mail, so an opt-out may reach it and not us: it comes as an event. It rewrites links and adds a pixel
unless its support has switched that off; all that a message may ask for is that both stay anonymous
(`contactPixelTrackingConsent`), where the account has that feature.

Sources: developers.brevo.com: reference/sendtransacemail, reference/getemaileventreport, docs on idempotency for batch
emails, changelog of 2021-11-10 and 2026-07-21; getbrevo/brevo-node#94 (what a duplicate answers), brevo-php (shapes).
"""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from channels.accounts import Account
from channels.addresses import Mailbox, mailbox, recipient
from channels.base import ChannelError, Misconfigured, Receipt, Refused, Unproven
from channels.http import Answer, HttpClient, checked_key, code, receipt, to_json
from channels.wording import clean
from models.message import Message
from models.vocabulary import Channel

URL: Final = "https://api.brevo.com"
NAME: Final = "brevo"
_REPEATED = frozenset({"duplicate_parameter", "duplicate_request"})
_OUR_FAULT = frozenset({"not_enough_credits", "account_under_validation", "permission_denied", "unauthorized"})
_ADDRESS = re.compile(r"email is not valid in to|invalid (?:tele)?phone ?number", re.IGNORECASE)
_SENDER = re.compile(
    r"(?:valid )?sender\b|sending has been rejected because the sender\b|\w+ is [a-z ]+ in (?:sender|replyTo)$",
    re.IGNORECASE,
)
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,."]')


class _Repeated(Unproven):
    """An earlier request under the same key was processed, with what end is not said."""


class Brevo:
    """Sends e-mail through one account of Brevo."""

    name = NAME
    channel = Channel.EMAIL
    honours_key: timedelta | None = timedelta(minutes=12)

    def __init__(
        self, key: str, *, now: Callable[[], datetime], url: str | None = None, timeout_s: float = 30.0
    ) -> None:
        """Take the account's API key (v3); `url` points elsewhere, as to a proxy."""
        self._http = client(key, now=now, url=url, timeout_s=timeout_s)

    async def send(self, message: Message) -> Receipt:
        """Hand one message over; a duplicate is looked up, for its first receipt."""
        body = to_json(_body(message))
        try:
            answer = await self._http.post("/v3/smtp/email", body)
        except _Repeated as error:
            repeated = error
        else:
            return receipt(NAME, answer.fields().get("messageId"))
        try:
            found = await self.find(message)
        except (asyncio.CancelledError, RuntimeError):  # the answer has been read: this is no time to know nothing
            found = None
        if found is None:
            raise repeated
        return found

    async def find(self, message: Message) -> Receipt | None:
        """Look the message up by its tag among the events of the last 30 days."""
        return await look_up(self._http, "/v3/smtp/statistics/events", message)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def open_sender(account: Account, now: Callable[[], datetime]) -> Brevo:
    """Read what the operator set: `brevo_key`, and `_url` where it differs."""
    return Brevo(account.need("brevo_key"), now=now, url=account.get("brevo_url"))


def client(key: str, *, now: Callable[[], datetime], url: str | None, timeout_s: float) -> HttpClient:
    """Return the client of an account, for either of its channels."""
    headers = {"api-key": checked_key(NAME, key)}
    return HttpClient(NAME, url or URL, headers, now=now, verdict=_verdict, timeout_s=timeout_s)


async def look_up(http: HttpClient, path: str, message: Message) -> Receipt | None:
    """Return the receipt of the message that the events of one channel know under our tag.

    Brevo writes one tag as it is, or as a list in a text; whoever ignored the filter would tell of other messages.
    """
    query = {"tags": message.delivery, "days": "30", "limit": "50"}
    events = (await http.look_up(path, query)).get("events")
    for event in events if isinstance(events, list) else []:
        if isinstance(event, dict) and str(event.get("tag")).strip("[]\"'") == message.delivery:
            return Receipt(NAME, str(event.get("messageId") or "") or None)
    return None


def _body(message: Message) -> dict[str, object]:
    own = {
        "X-Relaunch-Delivery": message.delivery,
        "X-Mailin-custom": message.delivery,
        "idempotencyKey": str(uuid5(NAMESPACE_URL, f"relaunch:{message.key}")),
    }
    body: dict[str, object] = {
        "sender": _person(mailbox(message.sender, "sender")),
        "to": [{"email": recipient(message.to), "contactPixelTrackingConsent": False}],
        "subject": clean(message.subject, 300),
        "htmlContent": message.html,
        "textContent": message.text,
        "headers": {**dict(message.headers), **own},
        "tags": [message.delivery],
    }
    if message.reply_to:
        body["replyTo"] = _person(mailbox(message.reply_to, "reply-to"))
    return body


def _person(box: Mailbox) -> dict[str, str]:
    """Return somebody as Brevo reads them: it loses a name with foreign letters beside a comma or the like."""
    name = box.name if box.name.isascii() else " ".join(_SPECIAL.sub(" ", box.name).split())
    return {"email": box.address, "name": name[:70]} if name else {"email": box.address}


def _verdict(answer: Answer, text: str) -> ChannelError | None:
    fields = answer.fields()
    told, words = code(fields.get("code")), str(fields.get("message", ""))
    text = f"{text} ({told})" if told else text
    if told in _REPEATED:
        return _Repeated(f"{text}: it has seen this message before")
    if answer.status == 402 or told in _OUR_FAULT:
        return Misconfigured(f"{text}: check the account, its credits and its rights")
    if told == "invalid_phone_number" or _ADDRESS.fullmatch(words):
        return Refused(f"{text}: the address is not valid", address=True)
    if _SENDER.match(words):
        return Misconfigured(f"{text}: check the sender, which must be one that Brevo has verified")
    return Refused(text) if told else None
