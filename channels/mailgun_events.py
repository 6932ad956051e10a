"""The events of Mailgun's webhooks, and whose they are.

A signature stands in the body and covers only its own time and token, never the event: its worth is that of a shared
secret sent over TLS. An event's id is unique within a day. What fails for now is tried again by Mailgun, and told
again when it gives up; what it does not even try, because of what the address or its owner did before, fails with a
reason that says so.

Sources: documentation.mailgun.com: user-manual/webhooks (payloads, securing), user-manual/events.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from channels.base import BadSignature, Knock
from channels.http import code
from channels.webhooks import bounced, by_a_person, check_age, good_keys, mail_status, read_bodies, reason, utc
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel

NAME: Final = "mailgun"
MARK: Final = "relaunch-delivery"
"""The user variable with our delivery's id."""


class MailgunEvents:
    """Reads Mailgun's webhooks: one event a call, signed with the account's webhook signing key."""

    name = NAME

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        """Check the signature and its age; the event itself is not signed."""
        keys, told = good_keys(secrets), _signature(knock.body)
        if told is None:
            raise BadSignature("the body has no signature with timestamp, token and signature")
        signed, given = f"{told.timestamp}{told.token}".encode(), told.signature.encode()
        good = [hmac.new(key, signed, hashlib.sha256).hexdigest().encode() for key in keys]
        if not any(hmac.compare_digest(one, given) for one in good):
            raise BadSignature("the signature was not made with a signing key of ours")
        check_age(told.timestamp, knock.at)

    def read(self, knock: Knock) -> list[ProviderEvent]:
        """Return what an event means; see `EventReader.read`."""
        return [_event(body.told) for body in read_bodies(knock.body, _Body)]


EVENTS = MailgunEvents()


class _Signature(BaseModel):
    timestamp: Annotated[str, BeforeValidator(lambda told: str(told) if isinstance(told, int) else told)]
    token: str
    signature: str


class _Signed(BaseModel):
    signature: _Signature


def _signature(body: bytes) -> _Signature | None:
    try:
        return _Signed.model_validate_json(body).signature
    except ValidationError:
        return None


class _Marks(BaseModel):
    delivery: str | None = Field(None, alias=MARK)


class _Client(BaseModel):
    agent: str | None = Field(None, alias="user-agent")
    bot: str | None = None


class _Headers(BaseModel):
    message_id: str | None = Field(None, alias="message-id")


class _Message(BaseModel):
    headers: _Headers = _Headers()


class _Status(BaseModel):
    enhanced: str | None = Field(None, alias="enhanced-code")
    bounce: str | None = Field(None, alias="bounce-code")
    message: str | None = None


class _Told(BaseModel):
    """What matters of every kind of event; user variables that Mailgun cannot load come as a sentence."""

    event: str
    id: str | None = None
    at: datetime | None = Field(None, alias="timestamp")
    recipient: str | None = None
    severity: str | None = None
    reason: str | None = None
    message: _Message = _Message()
    status: _Status | None = Field(None, alias="delivery-status")
    client: _Client = Field(_Client(), alias="client-info")
    marks: Annotated[_Marks, BeforeValidator(lambda told: told if isinstance(told, dict) else {})] = Field(
        _Marks(), alias="user-variables"
    )


class _Body(BaseModel):
    told: _Told = Field(alias="event-data")


def _event(told: _Told) -> ProviderEvent:
    by_server = told.status and (told.status.enhanced or told.status.bounce or told.status.message)
    status = mail_status(by_server or None)
    kind, permanent = _meaning(told, status)
    engaged = kind in {ProviderEventType.OPENED, ProviderEventType.CLICKED}
    return ProviderEvent(
        kind,
        NAME,
        Channel.EMAIL,
        told.recipient,
        provider_event_id=told.id,
        provider_message_id=told.message.headers.message_id,
        at=utc(told.at),
        delivery=told.marks.delivery,
        reason=reason(code(told.reason), status if told.event == "failed" else None),
        permanent=permanent,
        human=(False if told.client.bot else by_a_person(told.client.agent)) if engaged else None,
    )


def _meaning(told: _Told, status: str | None) -> tuple[ProviderEventType, bool | None]:
    """Return the type, and whether a bounce is for good: Mailgun gives up on an `old` message, not on its address."""
    if told.event != "failed":
        return _EVENTS.get(told.event, ProviderEventType.UNKNOWN), None
    if told.reason in _SUPPRESSED:
        return _SUPPRESSED[told.reason]
    match told.severity:
        case "temporary":
            return ProviderEventType.DEFERRED, None
        case "permanent":
            return (
                (ProviderEventType.REJECTED, None)
                if told.reason == "espblock"
                else bounced(told.reason != "old", status)
            )
        case _:
            return bounced(None, status)


_EVENTS: Final = {
    "accepted": ProviderEventType.ACCEPTED,
    "delivered": ProviderEventType.DELIVERED,
    "rejected": ProviderEventType.REJECTED,
    "opened": ProviderEventType.OPENED,
    "clicked": ProviderEventType.CLICKED,
    "unsubscribed": ProviderEventType.UNSUBSCRIBED,
    "complained": ProviderEventType.COMPLAINED,
}
# Not sent, because of what this person or server did before.
_SUPPRESSED: Final[dict[str | None, tuple[ProviderEventType, bool | None]]] = {
    "suppress-bounce": (ProviderEventType.BOUNCED, True),
    "suppress-complaint": (ProviderEventType.COMPLAINED, None),
    "suppress-unsubscribe": (ProviderEventType.UNSUBSCRIBED, None),
}
