"""E-mail through Postmark: one call a message, and the events of its webhooks.

What is special beside the table of `channels/http.py`; the answer's `ErrorCode` decides, with HTTP 422:

| ErrorCode                                            | meaning                          | raised                    |
|------------------------------------------------------|----------------------------------|---------------------------|
| 406, and 300 about `To`                              | inactive or impossible address   | Refused(address=True)     |
| 300 about `From` or `ReplyTo`; 10, 400, 401, 405,    | our key, sender, stream or       | Misconfigured             |
| 412, 413, 1235                                       | account                          |                           |
| 100, 429                                             | maintenance, too many requests   | TemporarilyUnavailable    |
| any other                                            | this message                     | Refused                   |

Postmark has no idempotency key. It keeps our Message-ID (with `X-PM-KeepID`) and gives our delivery's id back in
every event as metadata, by which a message can be looked up; a look-up may come too early to find it.

Broadcast streams put Postmark's own unsubscribe link and headers into a message unless its support has let the
account manage unsubscribes by itself: without that, one-click unsubscribes reach us only as events. A server whose
open tracking is switched on tracks whatever a message says.

Sources: postmarkapp.com/developer: api/overview, api/email-api, api/messages-api, webhooks; and its support articles
on metadata and on managing one's own unsubscribes.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import AliasChoices, BaseModel, Field

from channels.accounts import Account
from channels.addresses import mailbox, recipient
from channels.base import ChannelError, Knock, Misconfigured, Receipt, Refused, TemporarilyUnavailable
from channels.http import Answer, HttpClient, code, receipt, to_json
from channels.webhooks import by_a_person, check_secret, read_bodies, utc
from channels.wording import clean
from models.message import Message
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel

URL = "https://api.postmarkapp.com"
NAME: Final = "postmark"
_MARK = "relaunch-delivery"  # a name of metadata has at most 20 characters
_ABOUT = re.compile(r"(?:invalid|error parsing) '(to|from|reply-?to)'", re.IGNORECASE)
_OUR_FAULT = frozenset({10, 400, 401, 405, 412, 413, 1235})
_PASSING = frozenset({100, 429})


class Postmark:
    """Sends e-mail through one server of Postmark, in one of its message streams."""

    name = NAME
    channel = Channel.EMAIL
    honours_key: timedelta | None = None

    def __init__(
        self,
        token: str,
        *,
        now: Callable[[], datetime],
        stream: str = "broadcast",
        url: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        """Take the server's token; `stream` is for marketing unless told, `url` points elsewhere, as to a proxy."""
        headers = {"X-Postmark-Server-Token": token}
        self._http = HttpClient(NAME, url or URL, headers, now=now, verdict=_verdict, timeout_s=timeout_s)
        self._stream = stream

    async def send(self, message: Message) -> Receipt:
        """Hand one message over; tracking is always off."""
        answer = await self._http.post("/email", to_json(self._body(message)))
        return receipt(NAME, answer.fields().get("MessageID"))

    async def find(self, message: Message) -> Receipt | None:
        """Look the message up by its delivery's id; Postmark forgets it after 45 days."""
        query = {"count": "1", "offset": "0", "messagestream": self._stream, f"metadata_{_MARK}": message.delivery}
        found = (await self._http.look_up("/messages/outbound", query)).get("Messages")
        first = found[0] if isinstance(found, list) and found else None
        return receipt(NAME, first.get("MessageID")) if isinstance(first, dict) else None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def _body(self, message: Message) -> dict[str, object]:
        own = (("Message-ID", message.message_id), ("X-PM-KeepID", "true"), ("X-Relaunch-Delivery", message.delivery))
        body: dict[str, object] = {
            "From": str(mailbox(message.sender, "sender")),
            "To": recipient(message.to),
            "Subject": clean(message.subject, 300),
            "TextBody": message.text,
            "HtmlBody": message.html,
            "Headers": [{"Name": name, "Value": value} for name, value in (*message.headers, *own)],
            "Metadata": {_MARK: message.delivery},
            "MessageStream": self._stream,
            "TrackOpens": False,
            "TrackLinks": "None",
        }
        if message.reply_to:
            body["ReplyTo"] = str(mailbox(message.reply_to, "reply-to"))
        return body


def open_sender(account: Account, now: Callable[[], datetime]) -> Postmark:
    """Read what the operator set: `postmark_token`, and `_stream` and `_url` where they differ."""
    return Postmark(
        account.need("postmark_token"),
        now=now,
        stream=account.get("postmark_stream") or "broadcast",
        url=account.get("postmark_url"),
    )


def _verdict(answer: Answer, text: str) -> ChannelError | None:
    fields = answer.fields()
    number, words = fields.get("ErrorCode"), fields.get("Message")
    text = f"{text} ({code(number)})" if code(number) else text
    about = _ABOUT.match(words) if number == 300 and isinstance(words, str) else None
    if number == 406 or (about and about[1].lower() == "to"):
        return Refused(f"{text}: the address is inactive or invalid", address=True)
    if number in _OUR_FAULT or about:
        return Misconfigured(f"{text}: check token, sender, stream and account")
    return TemporarilyUnavailable(text) if number in _PASSING else Refused(text) if number else None


class PostmarkEvents:
    """Reads Postmark's webhooks: one event a call, guarded by a secret that is set with the webhook's URL."""

    name = NAME

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        """Check the password of basic auth; Postmark signs nothing."""
        check_secret(knock, secrets)

    def read(self, knock: Knock) -> list[ProviderEvent]:
        """Return what an event means; see `EventReader.read`."""
        return [_event(told) for told in read_bodies(knock.body, _Told)]


EVENTS = PostmarkEvents()


class _Marks(BaseModel):
    delivery: str | None = Field(None, alias=_MARK)


class _Told(BaseModel):
    """What matters of every kind of event; each has its own names for the address and the time."""

    record: str = Field(alias="RecordType")
    kind: str | None = Field(None, alias="Type")
    event_id: int | None = Field(None, alias="ID")
    message_id: str | None = Field(None, alias="MessageID")
    recipient: str | None = Field(None, validation_alias=AliasChoices("Recipient", "Email"))
    at: datetime | None = Field(
        None, validation_alias=AliasChoices("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")
    )
    suppressed: bool = Field(default=True, alias="SuppressSending")
    suppression: str | None = Field(None, alias="SuppressionReason")
    origin: str | None = Field(None, alias="Origin")
    marks: _Marks = Field(_Marks(), alias="Metadata")
    agent: str | None = Field(None, alias="UserAgent")


def _event(told: _Told) -> ProviderEvent:
    kind, permanent, reason = _meaning(told)
    return ProviderEvent(
        kind,
        NAME,
        Channel.EMAIL,
        told.recipient,
        provider_event_id=None if told.event_id is None else str(told.event_id),
        provider_message_id=told.message_id,
        at=utc(told.at),
        delivery=told.marks.delivery,
        reason=code(reason),
        permanent=permanent,
        human=by_a_person(told.agent) if kind is ProviderEventType.OPENED else None,
    )


def _meaning(told: _Told) -> tuple[ProviderEventType, bool | None, str | None]:
    """Return the type, whether a bounce is for good, and the reason's code."""
    match told.record:
        case "Bounce":
            return *_BOUNCES.get(told.kind or "", _OTHER_BOUNCE), told.kind
        case "SubscriptionChange" if told.suppressed:
            return *_BOUNCES.get(told.suppression or "", _UNSUBSCRIBED), told.suppression
        case "SubscriptionChange":
            # Staff and Postmark may reactivate an address too, which is nobody's consent.
            own = told.origin == "Recipient"
            return ProviderEventType.SUBSCRIBED if own else ProviderEventType.UNKNOWN, None, None
        case _:
            return _RECORDS.get(told.record, ProviderEventType.UNKNOWN), None, None


_RECORDS: Final = {
    "Delivery": ProviderEventType.DELIVERED,
    "SpamComplaint": ProviderEventType.COMPLAINED,
    "Open": ProviderEventType.OPENED,
    "Click": ProviderEventType.CLICKED,
}
_OTHER_BOUNCE: Final = (ProviderEventType.BOUNCED, None)
_UNSUBSCRIBED: Final = (ProviderEventType.UNSUBSCRIBED, None)
# Blocks by filters and policies are about the sender or the message; only a person's own act is a complaint.
_BOUNCES: Final[dict[str, tuple[ProviderEventType, bool | None]]] = {
    **dict.fromkeys(("HardBounce", "BadEmailAddress"), (ProviderEventType.BOUNCED, True)),
    "SoftBounce": (ProviderEventType.BOUNCED, False),
    **dict.fromkeys(("Transient", "DnsError"), (ProviderEventType.DEFERRED, None)),
    "SpamComplaint": (ProviderEventType.COMPLAINED, None),
    **dict.fromkeys(("Unsubscribe", "ManualSuppression", "ManuallyDeactivated"), _UNSUBSCRIBED),
    **dict.fromkeys(
        ("SpamNotification", "VirusNotification", "Blocked", "DMARCPolicy", "Unconfirmed"),
        (ProviderEventType.REJECTED, None),
    ),
    **dict.fromkeys(("SMTPApiError", "TemplateRenderingFailed"), (ProviderEventType.FAILED, None)),
    **dict.fromkeys(
        ("AutoResponder", "AddressChange", "ChallengeVerification", "OpenRelayTest", "InboundError", "Subscribe"),
        (ProviderEventType.UNKNOWN, None),
    ),
}
