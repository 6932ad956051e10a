"""E-mail through Resend: one call a message, and the events of its webhooks.

What is special beside the table of `channels/http.py`; the answer's `name` decides:

| name                                                 | meaning                          | raised                    |
|------------------------------------------------------|----------------------------------|---------------------------|
| 409 invalid_idempotent_request                       | an e-mail with this key was sent | nothing: a Receipt without |
|                                                      | in the last 24 hours, and looked | id, which events bring    |
|                                                      | different                        |                           |
| 409 concurrent_idempotent_requests                   | one with this key is under way   | Unproven                  |
| validation_error about `to`                          | impossible address               | Refused(address=True)     |
| validation_error about `from` or `reply_to`;         | our sender or account            | Misconfigured             |
| invalid_from_address, invalid_access, invalid_region |                                  |                           |
| daily_quota_exceeded, monthly_quota_exceeded (429)   | not now                          | TemporarilyUnavailable    |
| any other                                            | this message                     | Refused                   |

Resend honours an idempotency key of at most 256 characters for 24 hours: a second hand-over gives the first answer and
sends nothing. An hour of these is left for clocks and slow lines. A message cannot be looked up by anything of ours:
handing it over again under its key is the look-up. Tags give our delivery's id back in every event.

Tracking is a setting of the domain, off unless somebody switched it on; a message cannot say anything about it. An
address on the account's suppression list is taken and not sent to, which only an event tells.

Webhooks are signed by Svix, as Standard Webhooks asks (v1, HMAC-SHA256 over id, time and body), anew for each try.

Sources: resend.com/docs: api-reference/emails/send-email and errors, dashboard/emails/idempotency-keys,
webhooks/emails; Resend's OpenAPI description and its client for Node; standardwebhooks.com.
"""

import binascii
import hmac
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from channels.accounts import Account
from channels.addresses import mailbox, recipient
from channels.base import BadSignature, ChannelError, Knock, Misconfigured, Receipt, Refused, Unproven
from channels.http import Answer, HttpClient, checked_key, code, receipt, to_json
from channels.webhooks import bounced, by_a_person, check_age, good_keys, mail_status, read_bodies, reason, utc
from channels.wording import clean
from models.message import Message
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel

URL = "https://api.resend.com"
NAME: Final = "resend"
_MARK = "relaunch-delivery"
_ABOUT = re.compile(r"invalid [`'\"]?(to|from|reply_to)\b", re.IGNORECASE)
_OUR_FAULT = frozenset({"invalid_from_address", "invalid_access", "invalid_region"})


class _Taken(ChannelError):
    """An e-mail with this key was taken before."""


class Resend:
    """Sends e-mail through one Resend account."""

    name = NAME
    channel = Channel.EMAIL
    honours_key: timedelta | None = timedelta(hours=23)

    def __init__(
        self, key: str, *, now: Callable[[], datetime], url: str | None = None, timeout_s: float = 30.0
    ) -> None:
        """Take an API key, one that may only send will do; `url` points elsewhere, as to a proxy."""
        headers = {"Authorization": f"Bearer {checked_key(NAME, key)}"}
        self._http = HttpClient(NAME, url or URL, headers, now=now, verdict=_verdict, timeout_s=timeout_s)

    async def send(self, message: Message) -> Receipt:
        """Hand one message over under its key; a second time within 23 hours sends nothing."""
        try:
            answer = await self._http.post("/emails", to_json(_body(message)), {"Idempotency-Key": message.key})
        except _Taken:
            return Receipt(NAME)
        return receipt(NAME, answer.fields().get("id"))

    async def find(self, message: Message) -> Receipt | None:
        """Return None: Resend cannot be asked for an id of ours."""
        return None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def open_sender(account: Account, now: Callable[[], datetime]) -> Resend:
    """Read what the operator set: `resend_key`, and `_url` where it differs."""
    return Resend(account.need("resend_key"), now=now, url=account.get("resend_url"))


def _body(message: Message) -> dict[str, object]:
    own = {"Message-ID": message.message_id, "X-Relaunch-Delivery": message.delivery}
    body: dict[str, object] = {
        "from": str(mailbox(message.sender, "sender")),
        "to": [recipient(message.to)],
        "subject": clean(message.subject, 300),
        "text": message.text,
        "html": message.html,
        "headers": {**dict(message.headers), **own},
        "tags": [{"name": _MARK, "value": message.delivery}],
    }
    if message.reply_to:
        body["reply_to"] = str(mailbox(message.reply_to, "reply-to"))
    return body


def _verdict(answer: Answer, text: str) -> ChannelError | None:
    fields = answer.fields()
    name, words = code(fields.get("name")), fields.get("message")
    text = f"{text} ({name})" if name else text
    if name == "invalid_idempotent_request":
        return _Taken(text)
    if name == "concurrent_idempotent_requests":
        return Unproven(f"{text}: an earlier hand-over is under way")
    about = _ABOUT.match(words) if name == "validation_error" and isinstance(words, str) else None
    if about and about[1].lower() == "to":
        return Refused(f"{text}: the address is invalid", address=True)
    if about or name in _OUR_FAULT:
        return Misconfigured(f"{text}: check sender, domain and account")
    return Refused(text) if name and answer.status in {400, 422} else None


class ResendEvents:
    """Reads Resend's webhooks: one event a call, signed by Svix."""

    name = NAME

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        """Check the signatures of the header against every secret (`whsec_…`), and their age."""
        keys = [key for key in map(_key, good_keys(secrets)) if key]
        told = [knock.headers.get(f"svix-{part}", "") for part in ("id", "timestamp", "signature")]
        if not keys:
            raise BadSignature("what is set up is no signing secret of Resend (whsec_…)")
        if not all(told):
            raise BadSignature("the request has no svix-id, svix-timestamp and svix-signature")
        name, time, given = told
        check_age(time, knock.at)
        at, body = datetime.fromtimestamp(int(time), UTC), knock.body.decode("utf-8", "replace")
        good = [key.sign(name, at, body).encode() for key in keys]
        if not any(hmac.compare_digest(one, word.encode()) for one in good for word in given.split(" ")):
            raise BadSignature("the signature was not made with a secret of ours")

    def read(self, knock: Knock) -> list[ProviderEvent]:
        """Return what an event means; see `EventReader.read`. Its id stands in a header."""
        return [_event(told, knock.headers.get("svix-id")) for told in read_bodies(knock.body, _Told)]


EVENTS = ResendEvents()


def _key(secret: bytes) -> Webhook | None:
    try:
        return Webhook(secret.decode())
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        return None


class _Marks(BaseModel):
    delivery: str | None = Field(None, alias=_MARK)


class _Detail(BaseModel):
    """What `bounce`, `suppressed`, `failed`, `open` and `click` say."""

    kind: str | None = Field(None, alias="type")
    part: str | None = Field(None, alias="subType")
    reason: str | None = None
    message: str | None = None
    agent: str | None = Field(None, alias="userAgent")


class _Data(BaseModel):
    email_id: str | None = None
    to: list[str] = []
    bounce: _Detail = _Detail()
    suppressed: _Detail = _Detail()
    failed: _Detail = _Detail()
    open: _Detail = _Detail()
    click: _Detail = _Detail()
    marks: Annotated[_Marks, BeforeValidator(lambda told: told if isinstance(told, dict) else {})] = Field(
        _Marks(), alias="tags"
    )


class _Told(BaseModel):
    kind: str = Field(alias="type")
    at: datetime | None = Field(None, alias="created_at")
    data: _Data


def _event(told: _Told, event_id: str | None) -> ProviderEvent:
    kind, permanent, why = _meaning(told)
    engaged = {ProviderEventType.OPENED: told.data.open, ProviderEventType.CLICKED: told.data.click}.get(kind)
    return ProviderEvent(
        kind,
        NAME,
        Channel.EMAIL,
        parseaddr(told.data.to[0])[1] or None if told.data.to else None,
        provider_event_id=event_id,
        provider_message_id=told.data.email_id,
        at=utc(told.at),
        delivery=told.data.marks.delivery,
        reason=why,
        permanent=permanent,
        human=by_a_person(engaged.agent) if engaged else None,
    )


def _meaning(told: _Told) -> tuple[ProviderEventType, bool | None, str | None]:
    """Return the type, whether a bounce is for good, and the reason's codes."""
    match told.kind:
        case "email.bounced":
            bounce = told.data.bounce
            status = mail_status(bounce.message)
            why = reason(code(bounce.kind), code(bounce.part), status)
            if bounce.part in _ABOUT_THE_MESSAGE:
                return ProviderEventType.REJECTED, None, why
            return *bounced({"Permanent": True, "Transient": False}.get(bounce.kind or ""), status), why
        case "email.suppressed":
            return ProviderEventType.BOUNCED, True, code(told.data.suppressed.kind)
        case _:
            return _EVENTS.get(told.kind, ProviderEventType.UNKNOWN), None, code(told.data.failed.reason)


_EVENTS: Final = {
    "email.scheduled": ProviderEventType.QUEUED,
    "email.sent": ProviderEventType.ACCEPTED,
    "email.delivered": ProviderEventType.DELIVERED,
    "email.delivery_delayed": ProviderEventType.DEFERRED,
    "email.failed": ProviderEventType.FAILED,
    "email.complained": ProviderEventType.COMPLAINED,
    "email.opened": ProviderEventType.OPENED,
    "email.clicked": ProviderEventType.CLICKED,
}
_ABOUT_THE_MESSAGE: Final = frozenset({"ContentRejected", "AttachmentRejected", "MessageTooLarge"})
