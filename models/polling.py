"""What travels between a poll's workflow and its activity: names of our own and counts, nothing of anybody."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PollRequest:
    """Ask a shop's storefront for the next page of one stream."""

    shop: str
    storefront: str
    stream: str


@dataclass(frozen=True)
class PollResult:
    """How many events of a page were new, were known already, and were no events at all; `more` when there is more."""

    accepted: int = 0
    duplicates: int = 0
    unreadable: int = 0
    more: bool = False
