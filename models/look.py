"""The last look at a shop's storefront: what asking it for newer orders of a customer, just before a send, came to."""

from dataclasses import dataclass
from datetime import datetime

from models.stored import Json


@dataclass(frozen=True, slots=True)
class Look:
    """Which storefront was asked, and when by the wall clock; None when it was not, for the reason `problem` gives.

    `problem` says why its answer is missing, without a word of anybody, and is None when it is there.
    """

    storefront: str
    at: datetime | None
    problem: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Return what a decision keeps of it."""
        kept: dict[str, Json] = {"storefront": self.storefront, "looked_at": self.at.isoformat() if self.at else None}
        return kept | ({"problem": self.problem} if self.problem else {})
