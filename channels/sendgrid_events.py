"""The events of SendGrid's Event Webhook, and whose they are.

SendGrid signs the time and the raw body with its own private key (ECDSA on P-256, SHA-256); what is set up here is
the public key that its settings page shows. Custom arguments stand beside its own fields.

A `bounce` of type `blocked` is about the message or its sender: the address is not put on a list and stays good. What
SendGrid drops it never tries, because of what the address or its owner did before.

Sources: twilio.com/docs/sendgrid: for-developers/tracking-events/event and
/getting-started-event-webhook-security-features, api-reference/blocks-api and bounces-api (classifications),
glossary/drops.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, Field

from channels.base import BadSignature, Knock
from channels.webhooks import bounced, by_a_person, check_age, good_keys, mail_status, read_bodies, reason, utc
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel

NAME: Final = "sendgrid"
MARK: Final = "relaunch-delivery"
"""The custom argument with our delivery's id."""
_HEADER = "x-twilio-email-event-webhook-"
_FRAME = re.compile(rb"-----[A-Z ]+-----")


class SendGridEvents:
    """Reads SendGrid's Event Webhook: a list of events a call, signed with its private key."""

    name = NAME

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        """Check the signature with the public keys that are set up, and its age."""
        keys = [key for key in map(_public_key, good_keys(secrets)) if key]
        if not keys:
            raise BadSignature("what is set up is no public key of SendGrid (base64 of an EC key)")
        time = knock.headers.get(f"{_HEADER}timestamp", "")
        try:
            signature = base64.b64decode(knock.headers.get(f"{_HEADER}signature", ""), validate=True)
        except (binascii.Error, ValueError):
            signature = b""
        if not signature or not time.isascii():
            raise BadSignature("the request has no signature in its headers")
        if not any(_signed(key, signature, time.encode() + knock.body) for key in keys):
            raise BadSignature("the signature was not made with the key that belongs to ours")
        check_age(time, knock.at)

    def read(self, knock: Knock) -> list[ProviderEvent]:
        """Return what the events mean; see `EventReader.read`."""
        return [_event(told) for told in read_bodies(knock.body, _Told)]


EVENTS = SendGridEvents()


@lru_cache(maxsize=8)
def _public_key(secret: bytes) -> EllipticCurvePublicKey | None:
    """Read a key as SendGrid shows it, with or without the lines of PEM around it."""
    text = b"".join(_FRAME.sub(b"", secret).split())
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, EllipticCurvePublicKey) else None


def _signed(key: EllipticCurvePublicKey, signature: bytes, content: bytes) -> bool:
    try:
        key.verify(signature, content, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


class _Told(BaseModel):
    """What matters of every kind of event."""

    event: str
    event_id: str | None = Field(None, alias="sg_event_id")
    message_id: str | None = Field(None, alias="sg_message_id")
    email: str | None = None
    at: datetime | None = Field(None, alias="timestamp")
    kind: str | None = Field(None, alias="type")
    reason: str | None = None
    status: str | None = None
    response: str | None = None
    classification: str | None = Field(None, alias="bounce_classification")
    agent: str | None = Field(None, alias="useragent")
    by_machine: bool = Field(default=False, alias="sg_machine_open")
    delivery: str | None = Field(None, alias=MARK)


def _event(told: _Told) -> ProviderEvent:
    status = mail_status(told.status) or mail_status(told.reason) or mail_status(told.response)
    kind, permanent, why = _meaning(told, status)
    engaged = kind in {ProviderEventType.OPENED, ProviderEventType.CLICKED}
    return ProviderEvent(
        kind,
        NAME,
        Channel.EMAIL,
        told.email,
        provider_event_id=told.event_id,
        provider_message_id=_receipt_id(told.message_id),
        at=utc(told.at),
        delivery=told.delivery,
        reason=why,
        permanent=permanent,
        human=(False if told.by_machine else by_a_person(told.agent)) if engaged else None,
    )


def _receipt_id(told: str | None) -> str | None:
    """Return the id of the answer to the hand-over: the event's goes on with the server that handled the message."""
    return None if told is None else told.partition(".filter")[0].partition(".recvd-")[0]


def _meaning(told: _Told, status: str | None) -> tuple[ProviderEventType, bool | None, str | None]:
    """Return the type, whether a bounce is for good, and the reason in words that SendGrid documents."""
    match told.event:
        case "bounce":
            about = told.classification if told.classification in _CLASSES else None
            return *_bounce(told.kind, about, status), reason(_KINDS.get(told.kind or ""), about, status)
        case "dropped":
            kind, permanent = _DROPS.get(told.reason or "", (ProviderEventType.REJECTED, None))
            return kind, permanent, told.reason if told.reason in _DROPS else None
        case "deferred":
            return ProviderEventType.DEFERRED, None, status
        case _:
            return _EVENTS.get(told.event, ProviderEventType.UNKNOWN), None, None


def _bounce(kind: str | None, about: str | None, status: str | None) -> tuple[ProviderEventType, bool | None]:
    of_address = _CLASSES.get(about or "", kind == "bounce")
    if not of_address and kind != "expired":
        return ProviderEventType.REJECTED, None
    for_good = None if about == "Technical Failure" else True
    return bounced({"bounce": for_good, "blocked": False, "expired": False}.get(kind or ""), status)


_EVENTS: Final = {
    "processed": ProviderEventType.QUEUED,
    "delivered": ProviderEventType.DELIVERED,
    "open": ProviderEventType.OPENED,
    "click": ProviderEventType.CLICKED,
    "spamreport": ProviderEventType.COMPLAINED,
    "unsubscribe": ProviderEventType.UNSUBSCRIBED,
    "group_unsubscribe": ProviderEventType.UNSUBSCRIBED,
    "group_resubscribe": ProviderEventType.SUBSCRIBED,
}
_KINDS: Final = {kind: kind for kind in ("bounce", "blocked", "expired")}
# Whether a bounce of that class is about the address.
_CLASSES: Final = {
    "Invalid Address": True,
    "Mailbox Unavailable": True,
    "Technical Failure": True,
    "Content": False,
    "Frequency or Volume Too High": False,
    "Reputation": False,
}
_DROPS: Final[dict[str, tuple[ProviderEventType, bool | None]]] = {
    "Bounced Address": (ProviderEventType.BOUNCED, True),
    "Invalid": (ProviderEventType.BOUNCED, True),
    "Spam Reporting Address": (ProviderEventType.COMPLAINED, None),
    "Unsubscribed Address": (ProviderEventType.UNSUBSCRIBED, None),
    "Spam Content": (ProviderEventType.REJECTED, None),
    **dict.fromkeys(("Invalid SMTPAPI header", "Recipient List over Package Quota"), (ProviderEventType.FAILED, None)),
}
