"""What a provider's word on a message changes: proof of its fate, closed addresses, answers of people who agreed.

Every rule is about one event or about a set of them, never about the order in which they came.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from models.contact import email_key, is_email, phone_number, text_or_none
from models.provider_events import ProviderEvent, ProviderEventType
from models.situation import SuppressionReason
from models.vocabulary import Channel, DeliveryState, Purpose

SOFT_BOUNCES: Final = 3
"""So many soft bounces of one address within `SOFT_WINDOW` rest it (`law-and-channels.md` §3.2)."""
SOFT_WINDOW: Final = timedelta(days=7)
"""Within how long they count together."""
SOFT_REST: Final = timedelta(days=7)
"""For how long the address rests after the last of them."""

ACCEPTED_BY: Final = frozenset(
    {
        ProviderEventType.QUEUED,
        ProviderEventType.ACCEPTED,
        ProviderEventType.DELIVERED,
        ProviderEventType.OPENED,
        ProviderEventType.CLICKED,
    }
)
"""What cannot happen to a message that the provider did not take.

A complaint may be about an earlier one: providers also tell it of messages that they do not send because of it.
"""
REFUSED_BY: Final = frozenset({ProviderEventType.BOUNCED, ProviderEventType.REJECTED, ProviderEventType.FAILED})
"""What ends a message of which nothing better is known."""
TRACKING: Final = {
    ProviderEventType.OPENED: Purpose.OPEN_TRACKING,
    ProviderEventType.CLICKED: Purpose.CLICK_TRACKING,
}
"""What a reader did, and the consent without which nobody may know of it."""

REPORTED: Final = "reported: "
"""How the problem of a delivery begins that was refused by such an event, and not by the answer to the hand-over."""

_LONGEST_KEY, _LONGEST_REASON = 200, 200
# RFC 3463: 5.7.x is about policy and the sender's standing (5.7.515: its domain), never about a dead address.
_POLICY = re.compile(r"(?<![\d.])5\.7\.\d{1,3}(?![\d.])")
_MESSAGE_ID = re.compile(r"<?([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.(email|sms)@[^\s<>@]+>?")


def closes(event: ProviderEvent) -> SuppressionReason | None:
    """Return why an event closes the address at once: a complaint, an objection, or an address that is dead."""
    match event.type:
        case ProviderEventType.COMPLAINED:
            return SuppressionReason.COMPLAINT
        case ProviderEventType.UNSUBSCRIBED:
            return SuppressionReason.OBJECTION
        case kind if kind in REFUSED_BY and event.permanent is True and not _POLICY.search(event.reason or ""):
            return SuppressionReason.BOUNCE
        case _:
            return None


def may_become(new: DeliveryState, state: str, problem: str | None) -> bool:
    """Say whether a delivery's state may still change: nothing that was proved is unlearnt.

    A refusal that was only reported gives way to a proof of acceptance: whoever bounces a message had taken it
    first, whichever of the two is heard first.
    """
    if state == DeliveryState.REFUSED:
        return new is DeliveryState.SENT and (problem or "").startswith(REPORTED)
    return state in (DeliveryState.HANDED, DeliveryState.UNKNOWN)


def soft(event: ProviderEvent) -> bool:
    """Say whether this is a bounce from which the address may recover; the sender's own faults are none."""
    bounced = event.type is ProviderEventType.BOUNCED and event.permanent is False
    return bounced and not _POLICY.search(event.reason or "")


def rests_until(bounces: Iterable[datetime]) -> datetime | None:
    """Return until when an address rests after these soft bounces, None when they are too few or too far apart."""
    times = sorted(bounces)
    thirds = zip(times, times[SOFT_BOUNCES - 1 :], strict=False)
    return max((last + SOFT_REST for first, last in thirds if last - first <= SOFT_WINDOW), default=None)


def notice_key(event: ProviderEvent, cover: Callable[[str], str]) -> str:
    """Return what a repetition of an event shares with it: the provider's id, else a hash of what it says.

    `cover` hides an address; only an event that names no message of ours needs its recipient to be told apart.
    """
    given = event.provider_event_id
    if given and len(given) <= _LONGEST_KEY and given.isprintable():
        return f"{given} {event.at:%Y-%m-%d}" if event.at else given  # Mailgun's are unique within a day only
    message = event.delivery or event.provider_message_id or (cover(event.recipient) if event.recipient else "")
    at = event.at.timestamp() if event.at else None
    facts = (given, str(event.type), str(event.channel), message, at, event.reason, event.permanent, event.human)
    return sha256(repr(facts).encode("utf-8", "replace")).hexdigest()[:32]


def reason_of(event: ProviderEvent) -> str | None:
    """Return the reason as it may be kept: short, and never a sentence that quotes the address."""
    reason = text_or_none(event.reason, _LONGEST_REASON)
    return None if reason is None or "@" in reason or not reason.isprintable() else reason


def key_of(message_id: str) -> str | None:
    """Return the delivery key that one of our own Message-IDs was made of, None for any other."""
    found = _MESSAGE_ID.fullmatch(message_id)
    return None if found is None else "/".join(found.groups())


def address_key(channel: Channel, recipient: str) -> str | None:
    """Return the form under which an address of a provider matches ours; None for one that is none.

    Providers write numbers with the country code, with or without the plus.
    """
    match channel:
        case Channel.EMAIL:
            return email_key(recipient) if is_email(recipient.strip()) else None
        case Channel.SMS | Channel.CALL:
            return phone_number("+" + re.sub(r"\D", "", recipient), "ZZ")
        case Channel.PUSH:
            return None
