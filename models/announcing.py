"""What a shop is told of its customers: the kinds of announcement, what each says, and when it is repeated."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from models.situation import SuppressionReason
from models.stored import Json
from models.vocabulary import Channel, ConsentState, Purpose

PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The time after each failure until the next attempt; after one more the announcement is set aside.

Source: the example schedule of Standard Webhooks.
"""
KEPT: Final = timedelta(days=30)
"""For so long what was heard is kept, so that an operator can look it up."""
GIVEN_UP: Final = timedelta(days=90)
"""After so long even what nobody has heard goes: a receiver that was away for a season reads everything anew."""


class Announced(StrEnum):
    """What a shop is told; an opt-out is from all marketing of a channel, a withdrawal from one topic or measure."""

    OPTED_OUT = "customer.opted_out"
    CONSENTED = "customer.consented"
    WITHDREW = "customer.withdrew"
    JOURNEY_CLOSED = "journey.closed"


@dataclass(frozen=True, slots=True)
class Said:
    """One announcement before it is stored; `data` names nobody, but by our own ids. `at` is the fact's."""

    type: Announced
    customer_id: str
    at: datetime
    data: Mapping[str, Json]


def ended(customer_id: str, journey_id: str, kind: str, policy: str, outcome: str, at: datetime | None) -> Said:
    """Return the announcement of a journey's end."""
    data = {"journey_id": journey_id, "kind": kind, "policy": policy, "outcome": outcome}
    assert at is not None  # it has ended
    return Said(Announced.JOURNEY_CLOSED, customer_id, at, data)


def word(customer_id: str, channel: Channel, purpose: str, state: ConsentState, at: datetime) -> Said:
    """Return the announcement of what somebody allowed or forbade."""
    if state is ConsentState.GRANTED:
        return Said(Announced.CONSENTED, customer_id, at, {"channel": channel, "purpose": purpose})
    if purpose == Purpose.MARKETING:
        return opted_out(customer_id, channel, SuppressionReason.OBJECTION, at)
    return Said(Announced.WITHDREW, customer_id, at, {"channel": channel, "purpose": purpose})


def opted_out(customer_id: str, channel: Channel, reason: SuppressionReason, at: datetime) -> Said:
    """Return the announcement that a channel is closed to somebody for all marketing, by their wish or complaint."""
    data = {"channel": channel, "purpose": Purpose.MARKETING, "reason": reason}
    return Said(Announced.OPTED_OUT, customer_id, at, data)


def pause(attempts: int) -> timedelta | None:
    """Return how long to wait after so many failures; None when it was the last attempt."""
    return PAUSES[attempts - 1] if attempts <= len(PAUSES) else None


def listener_of(url: str) -> str:
    """Return the name under which the store remembers a receiver: its URL may hold a secret."""
    return hashlib.sha256(url.encode()).hexdigest()
