"""What Twilio tells of text messages: the status of what we sent, and what people answer.

Forms, signed with `X-Twilio-Signature`: HMAC-SHA1 of the URL and of all fields in their order, under the account's
primary auth token. The URL is the one that Twilio called, with its query; its port stands in it or not, whichever.
A body that is no form is signed by its SHA-256 in the query (`bodySHA256`). There is no time in a signature, so a
repetition is as good as the first: that is for whoever counts events.

| MessageStatus and ErrorCode                          | type                                                         |
|------------------------------------------------------|--------------------------------------------------------------|
| queued, scheduled                                    | queued                                                       |
| accepted, sending, sent                              | accepted                                                     |
| delivered, read                                      | delivered                                                    |
| undelivered or failed with 21610                     | unsubscribed                                                 |
| ... 21211, 21614, 21635, 30005, 30006                | bounced, for good                                            |
| ... 30001, 30003, 30008, 30017, 30036, 30410         | bounced, not for good                                        |
| ... 30004, 30007, 30018, 30024, 30034, 30038-30040,  | rejected: a filter, or a sender that is not registered       |
| 30450, 30453                                         |                                                              |
| undelivered, failed with any other                   | bounced, nobody knows whether for good; failed               |
| an answer with OptOutType STOP, START                | unsubscribed, subscribed                                     |
| without it: STOP, ARRET, DESABONNER and their like   | unsubscribed                                                 |
| at the beginning, or one of Twilio's words alone     |                                                              |

Sources: twilio.com/docs: usage/webhooks/webhooks-security, usage/webhooks/messaging-webhooks,
messaging/guides/outbound-message-status-in-status-callbacks, messaging/tutorials/advanced-opt-out, api/errors.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha1, sha256
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from channels.base import BadSignature, Knock
from channels.http import code
from channels.webhooks import good_keys, read_bodies
from models.events import Unreadable
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel

NAME: Final = "twilio"
DELIVERY: Final = "delivery"
"""The field of the callback's query that bears our delivery's id."""
_MOST_FIELDS = 100
_ESCAPES = re.compile(r"%(?![0-9A-Fa-f]{2})")
_STOP = re.compile(
    r"\W*(?:stop|arr[eê]t\w*|d[eé]s(?:abonn|inscri)\w*)\b.*|\W*(?:stopall|unsubscribe|cancel|end|quit|revoke|optout)\W*",
    re.IGNORECASE | re.DOTALL,
)
_PORTS = {"https": 443, "http": 80}


class TwilioEvents:
    """Reads Twilio's callbacks and incoming messages."""

    name = NAME

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        """Check the signature under the account's auth token."""
        keys = good_keys(secrets)
        told = knock.headers.get("x-twilio-signature", "").encode()
        if not told:
            raise BadSignature("there is no X-Twilio-Signature")
        fields = _signed_fields(knock)
        matches = [hmac.compare_digest(_sign(key, url + fields), told) for key in keys for url in _urls(knock.url)]
        if not any(matches):
            raise BadSignature("the signature is not ours: check the token, and the public URL that Twilio calls")

    def read(self, knock: Knock) -> list[ProviderEvent]:
        """Return what a callback means; see `EventReader.read`."""
        delivery = parse_qs(urlsplit(knock.url).query).get(DELIVERY, [None])[0]
        return [_event(told, delivery) for told in _told(knock.body)]


EVENTS = TwilioEvents()


class _Told(BaseModel):
    """What matters of a callback or of an incoming message."""

    message_id: str = Field(alias="MessageSid", pattern=r"^[A-Za-z0-9]{2,64}$")
    status: str = Field(validation_alias=AliasChoices("MessageStatus", "SmsStatus"))
    to: str | None = Field(None, alias="To")
    sender: str | None = Field(None, alias="From")
    error: str | None = Field(None, alias="ErrorCode", coerce_numbers_to_str=True)
    opt_out: str | None = Field(None, alias="OptOutType")
    text: str | None = Field(None, alias="Body")


def _told(body: bytes) -> list[_Told]:
    """Read a form, or the same names in JSON; raises `Unreadable`."""
    if body.lstrip()[:1] in (b"{", b"["):
        return read_bodies(body, _Told)
    fields = _form(body)
    if fields is None:
        raise Unreadable("the body is not a form")
    try:
        return [_Told.model_validate(dict(reversed(fields)))]
    except ValidationError as error:
        fault = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
    raise Unreadable(f"{fault} is missing or not what it should be")


def _form(body: bytes) -> list[tuple[str, str]] | None:
    try:
        text = body.decode("ascii")
        if _ESCAPES.search(text):
            return None
        return parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        return None


def _event(told: _Told, delivery: str | None) -> ProviderEvent:
    if told.status == "received":
        return ProviderEvent(_answer(told), NAME, Channel.SMS, told.sender, provider_event_id=told.message_id)
    kind, permanent = _meaning(told)
    return ProviderEvent(
        kind,
        NAME,
        Channel.SMS,
        told.to,
        provider_message_id=told.message_id,
        delivery=delivery,
        reason=code(told.error),
        permanent=permanent,
    )


def _answer(told: _Told) -> ProviderEventType:
    """Return what somebody wants who wrote to us; without Twilio's own word START is no consent."""
    match (told.opt_out or "").upper():
        case "STOP":
            return ProviderEventType.UNSUBSCRIBED
        case "START":
            return ProviderEventType.SUBSCRIBED
        case "" if _STOP.fullmatch(told.text or ""):
            return ProviderEventType.UNSUBSCRIBED
        case _:
            return ProviderEventType.UNKNOWN


def _meaning(told: _Told) -> tuple[ProviderEventType, bool | None]:
    if told.status in {"undelivered", "failed"}:
        other = (ProviderEventType.BOUNCED if told.status == "undelivered" else ProviderEventType.FAILED, None)
        return _ERRORS.get(told.error or "", other)
    return _STATUS.get(told.status, ProviderEventType.UNKNOWN), None


def _signed_fields(knock: Knock) -> str:
    """Return what is signed beside the URL; raises `BadSignature` for a body that its own hash does not fit."""
    expected = parse_qs(urlsplit(knock.url).query).get("bodySHA256")
    if expected:
        if not hmac.compare_digest(sha256(knock.body).hexdigest().encode(), expected[0].lower().encode()):
            raise BadSignature("the body is not the one that was signed")
        return ""
    fields = _form(knock.body)
    if fields is None:
        raise BadSignature("the body is neither a form nor signed by its hash")
    return "".join(name + value for name, value in sorted(set(fields)))


def _urls(url: str) -> Iterator[str]:
    """Give the URL as it came, without its port, and with the port that is understood."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    bare = host if host.endswith("]") else host.rpartition(":")[0] or host
    yield url
    yield parts._replace(netloc=bare).geturl()
    if bare == host and parts.scheme in _PORTS:
        yield parts._replace(netloc=f"{host}:{_PORTS[parts.scheme]}").geturl()


def _sign(key: bytes, signed: str) -> bytes:
    return b64encode(hmac.new(key, signed.encode("utf-8", "replace"), sha1).digest())


_STATUS: Final = {
    **dict.fromkeys(("queued", "scheduled"), ProviderEventType.QUEUED),
    **dict.fromkeys(("accepted", "sending", "sent"), ProviderEventType.ACCEPTED),
    **dict.fromkeys(("delivered", "read"), ProviderEventType.DELIVERED),
}
_ERRORS: Final[dict[str, tuple[ProviderEventType, bool | None]]] = {
    "21610": (ProviderEventType.UNSUBSCRIBED, None),
    **dict.fromkeys(("21211", "21614", "21635", "30005", "30006"), (ProviderEventType.BOUNCED, True)),
    **dict.fromkeys(("30001", "30003", "30008", "30017", "30036", "30410"), (ProviderEventType.BOUNCED, False)),
    **dict.fromkeys(
        ("30004", "30007", "30018", "30024", "30034", "30038", "30039", "30040", "30450", "30453"),
        (ProviderEventType.REJECTED, None),
    ),
}
