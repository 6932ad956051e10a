"""What providers tell of messages after they took them: one vocabulary, whatever provider it came from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.vocabulary import Channel


class ProviderEventType(StrEnum):
    """What became of a message, or what its reader did."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    REJECTED = "rejected"
    FAILED = "failed"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    SUBSCRIBED = "subscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One event of one message.

    `recipient` is the address or number as the provider spells it; it is used to find people who are known and is
    never stored. `delivery` is our own delivery's id, where the provider echoes what we gave it. `at` is when it
    happened (UTC), None where the provider does not say so reliably. `reason` is a code or a few plain words, without
    the address. `permanent` belongs to `bounced`: True for a dead address, False for one that may recover, None when
    the provider does not tell. `human` belongs to `opened` and `clicked`: False for a proxy, a prefetch or a scanner,
    None when nobody can tell.
    """

    type: ProviderEventType
    provider: str
    channel: Channel
    recipient: str | None
    provider_event_id: str | None = None
    provider_message_id: str | None = None
    at: datetime | None = None
    delivery: str | None = None
    reason: str | None = None
    permanent: bool | None = None
    human: bool | None = None
