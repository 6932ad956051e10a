"""What Brevo tells of e-mail and of text messages: two webhooks that knock at one door.

One event a call, or a list where the webhook is batched. Nothing is signed: a secret is set with the webhook, as
password in its URL, as bearer token, or as the header `X-Relaunch-Secret`. Events have no id and come in any order;
of their times only `ts_epoch` is reliably UTC (django-anymail). Names differ in underscores and capitals between
payloads and settings (`hard_bounce`, `hardBounce`).

Sources: developers.brevo.com: docs/transactional-webhooks, docs/batch-webhooks, docs on secure webhook calls;
brevo-python (events of webhooks by channel); django-anymail (what arrives in practice).
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import AliasChoices, BaseModel, Field

from channels.base import Knock
from channels.brevo import NAME
from channels.webhooks import bounced, check_secret, mail_status, read_bodies
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel

_ID = re.compile(r"""[\["']*([A-Za-z0-9-]{1,64})["'\]]*""")
_MILLISECONDS_FROM = 10**11  # the documentation's own samples give seconds under the same name
_LATEST = 10**11  # seconds; no such year


class BrevoEvents:
    """Reads Brevo's webhooks of both channels."""

    name = NAME

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        """Check the secret of the webhook; Brevo signs nothing."""
        check_secret(knock, secrets, header="x-relaunch-secret")

    def read(self, knock: Knock) -> list[ProviderEvent]:
        """Return what events mean; see `EventReader.read`."""
        return [_event(told) for told in read_bodies(knock.body, _Told)]


EVENTS = BrevoEvents()


class _Told(BaseModel):
    """What matters of an event; those of text messages have a status in place of a name."""

    kind: str = Field(validation_alias=AliasChoices("event", "msg_status"))
    of_sms: str | None = Field(None, alias="msg_status")
    recipient: str | None = Field(None, validation_alias=AliasChoices("email", "to"))
    message_id: str | int | None = Field(None, validation_alias=AliasChoices("message-id", "messageId"))
    at: int | None = Field(None, alias="ts_epoch")
    mark: str | None = Field(None, alias="X-Mailin-custom")
    tags: list[str] | None = None
    tag: str | list[str] | None = None
    reason: str | None = None


def _event(told: _Told) -> ProviderEvent:
    sms = told.of_sms is not None
    name = re.sub("[ _-]", "", told.kind).lower()
    kind, permanent = (_SMS if sms else _EMAIL).get(name, (ProviderEventType.UNKNOWN, None))
    status = None if sms else mail_status(told.reason)
    if kind is ProviderEventType.BOUNCED:
        kind, permanent = bounced(permanent, status)
    return ProviderEvent(
        kind,
        NAME,
        Channel.SMS if sms else Channel.EMAIL,
        told.recipient,
        provider_message_id=None if told.message_id is None else str(told.message_id),
        at=_moment(told.at),
        delivery=_delivery(told),
        reason=status,
        permanent=permanent,
        human=False if name in _PROXIES else None,
    )


def _delivery(told: _Told) -> str | None:
    """Return our mark: the header that we set, or the only tag; whatever else stands there is not ours."""
    tag = told.tag if isinstance(told.tag, list) else [told.tag or ""]
    found = (_ID.fullmatch(mark) for mark in (told.mark or "", *(told.tags or []), *tag))
    return next((mark[1] for mark in found if mark), None)


def _moment(told: int | None) -> datetime | None:
    if told is None or told < 0:
        return None
    seconds = told / 1000 if told >= _MILLISECONDS_FROM else told
    return datetime.fromtimestamp(seconds, UTC) if seconds < _LATEST else None


_PROXIES = frozenset({"proxyopen", "uniqueproxyopen", "proxyopened", "uniqueproxyopened"})
_Meaning = tuple[ProviderEventType, bool | None]
_EMAIL: Final[dict[str, _Meaning]] = {
    "request": (ProviderEventType.QUEUED, None),
    "sent": (ProviderEventType.QUEUED, None),
    "delivered": (ProviderEventType.DELIVERED, None),
    "deferred": (ProviderEventType.DEFERRED, None),
    "hardbounce": (ProviderEventType.BOUNCED, True),
    "softbounce": (ProviderEventType.BOUNCED, False),
    **dict.fromkeys(("invalidemail", "invalid"), (ProviderEventType.BOUNCED, True)),
    "blocked": (ProviderEventType.REJECTED, None),
    "error": (ProviderEventType.FAILED, None),
    **dict.fromkeys(("spam", "complaint"), (ProviderEventType.COMPLAINED, None)),
    **dict.fromkeys(("opened", "uniqueopened", *_PROXIES), (ProviderEventType.OPENED, None)),
    "click": (ProviderEventType.CLICKED, None),
    **dict.fromkeys(("unsubscribe", "unsubscribed"), (ProviderEventType.UNSUBSCRIBED, None)),
}
# Staff may put a contact on a list, and Brevo blacklists by itself: neither is an act of the person.
_SMS: Final[dict[str, _Meaning]] = {
    **dict.fromkeys(("accepted", "sent"), (ProviderEventType.ACCEPTED, None)),
    "delivered": (ProviderEventType.DELIVERED, None),
    "hardbounce": (ProviderEventType.BOUNCED, True),
    "softbounce": (ProviderEventType.BOUNCED, False),
    **dict.fromkeys(
        ("blocked", "blacklisted", "rejected", "reject", "skip", "skipped"), (ProviderEventType.REJECTED, None)
    ),
    **dict.fromkeys(("unsubscribe", "unsubscribed", "unsubscription"), (ProviderEventType.UNSUBSCRIBED, None)),
}
