"""The rows of the consent ledger as they are written."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One row of the consent ledger."""

    id: str
    customer_id: str
    channel: str
    purpose: str
    state: str
    source: str
    wording: str | None
    wording_hash: str | None
    actor: str | None
    at: datetime
    recorded_at: datetime
    seq: int
