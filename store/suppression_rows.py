"""The rows of addresses that a channel must not use."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """One address that a channel must not use."""

    id: str
    shop: str
    channel: str
    address: str
    customer_id: str | None
    reason: str
    at: datetime
    seq: int
    lifted_at: datetime | None = None
    lifted_seq: int | None = None
    until: datetime | None = None
