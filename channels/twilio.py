"""Text messages through Twilio's Programmable Messaging: one call a message. Its events are in `twilio_events.py`.

What is special beside the table of `channels/http.py`; the answer's `code` decides, mostly with HTTP 400:

| code                                                 | meaning                          | raised                    |
|------------------------------------------------------|----------------------------------|---------------------------|
| 21610                                                | the recipient told Twilio STOP   | Refused(consent=True)     |
| 21211, 21214, 21217, 21265, 21614, 21635             | no number that takes texts       | Refused(address=True)     |
| 21212, 21219, 21264, 21267, 21408, 21603, 21606-9,   | our sender, service, account,    | Misconfigured             |
| 21612, 21616, 21659-61, 21701, 21703-5, 21712, 10001,| rights for a country, callback   |                           |
| 20003, 20005, 20404, 30002, 30018, 30037             |                                  |                           |
| 20429, 21611, 30001, 63038                           | too many at once, or today       | TemporarilyUnavailable    |
| any other                                            | this message                     | Refused                   |

There is no idempotency key, and no look-up that does not ask by telephone number, so nothing is ever found. Our
delivery's id stands in the query of the callback's URL, where we have a public one.

Who may leave: Twilio takes STOP by itself where the sender is a number, and passes it on to us. A name cannot be
answered. So to France a message must say how to stop: with `twilio_stop`, what the operator has set up; without, the
sender's own number; else the message's own link for leaving, or words about STOP in the text. A message that has none
of these is not sent.

Sources: twilio.com/docs: messaging/api/message-resource, api/errors and its pages,
messaging/tutorials/advanced-opt-out, glossary/what-alphanumeric-sender-id, guidelines/fr/sms.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from channels.accounts import Account
from channels.base import ChannelError, Misconfigured, Receipt, Refused, TemporarilyUnavailable
from channels.http import Answer, HttpClient, basic_auth, code, receipt
from channels.numbers import checked_sender, is_in_france, recipient
from channels.twilio_events import DELIVERY, NAME
from models.message import Message
from models.vocabulary import Channel

URL: Final = "https://api.twilio.com"
DOOR: Final = "/v1/providers/twilio/events"
_SID = re.compile(r"[A-Za-z0-9]{2,64}")
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_STOPS = re.compile(r"\bSTOP\b|/u/")
_DEAD = frozenset({21211, 21214, 21217, 21265, 21614, 21635})
_OUR_FAULT = frozenset(
    {10001, 20003, 20005, 20404, 21212, 21219, 21264, 21267, 21408, 21603, 21606, 21607, 21608, 21609, 21612, 21616}
    | {21659, 21660, 21661, 21701, 21703, 21704, 21705, 21712, 30002, 30018, 30037}
)
_PASSING = frozenset({20429, 21611, 30001, 63038})


class Twilio:
    """Sends text messages through one account of Twilio."""

    name = NAME
    channel = Channel.SMS
    honours_key: timedelta | None = None

    def __init__(
        self,
        sid: str,
        token: str,
        *,
        now: Callable[[], datetime],
        sender: str | None = None,
        service: str | None = None,
        stop: str | None = None,
        public_url: str | None = None,
        url: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        """Take the account's SID and token.

        `sender` replaces the shop's own, a messaging `service` replaces both; `stop` is what a message to France ends
        with. Callbacks go to our door under `public_url`. `url` points elsewhere, as to a proxy.
        """
        headers = basic_auth(NAME, sid, token)
        if not _SID.fullmatch(sid):
            raise Misconfigured("the account's SID has other signs than letters and digits: copy it from the console")
        self._http = HttpClient(NAME, url or URL, headers, now=now, verdict=_verdict, timeout_s=timeout_s)
        self._path = f"/2010-04-01/Accounts/{sid}/Messages.json"
        self._sender, self._service, self._stop = sender, service, stop
        # Twilio refuses a callback that it cannot reach, as on this very machine; a double of the same network can.
        reached = public_url is not None and (public_url.startswith("https://") or (url or URL).startswith("http://"))
        self._callback = f"{public_url.rstrip('/')}{DOOR}" if public_url and reached else None

    async def send(self, message: Message) -> Receipt:
        """Hand one message over."""
        answer = await self._http.post(self._path, urlencode(self.form(message), errors="replace").encode(), _FORM)
        return receipt(NAME, answer.fields().get("sid"))

    async def find(self, message: Message) -> Receipt | None:
        """Find nothing: Twilio knows a message by its own id or by the number it went to."""
        return None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def form(self, message: Message) -> dict[str, str]:
        """Return what Twilio is told for a message; raises `Refused` or `Misconfigured` for one that may not go."""
        number = recipient(message.to)
        sender = None if self._service else checked_sender(self._sender or message.sender, number)
        form = {"To": number, "Body": message.text + self._way_out(message, number, sender)}
        form |= {"From": sender} if sender else {"MessagingServiceSid": self._service or ""}
        if self._callback:
            form["StatusCallback"] = f"{self._callback}?{urlencode({DELIVERY: message.delivery})}"
        return form

    def _way_out(self, message: Message, number: str, sender: str | None) -> str:
        """Return what is put at the end so that the recipient can stop; empty where the text says how."""
        if not is_in_france(number) or _STOPS.search(message.text):
            return ""
        if self._stop:
            return f" {self._stop}"
        if sender and sender.isdigit():
            return f" STOP au {sender}"
        link = dict(message.headers).get("List-Unsubscribe", "").strip("<>")
        if not link:
            raise Misconfigured(
                "a text message to France must say how to stop, and a name takes no answer: set RELAUNCH_TWILIO_STOP,"
                " send from a number, or put the unsubscribe link into the template"
            )
        return f" STOP: {link}"


def open_sender(account: Account, now: Callable[[], datetime]) -> Twilio:
    """Read what the operator set: `twilio_sid`, `_token`, and where they differ `_from`, `_service`, `_stop`, `_url`.

    `public_url` is the installation's own.
    """
    return Twilio(
        account.need("twilio_sid"),
        account.need("twilio_token"),
        now=now,
        sender=account.get("twilio_from"),
        service=account.get("twilio_service"),
        stop=account.get("twilio_stop"),
        public_url=account.get("public_url"),
        url=account.get("twilio_url"),
    )


def _verdict(answer: Answer, text: str) -> ChannelError | None:
    number = answer.fields().get("code")
    text = f"{text} ({code(number)})" if code(number) else text
    match number:
        case 21610:
            return Refused(f"{text}: the recipient has told Twilio to stop", consent=True)
        case int() if number in _DEAD:
            return Refused(f"{text}: no text message reaches this number", address=True)
        case int() if number in _OUR_FAULT:
            return Misconfigured(f"{text}: check the account, its sender and its rights; see the code at Twilio")
        case int() if number in _PASSING:
            return TemporarilyUnavailable(text)
        case int():
            return Refused(text)
        case _:
            return None
