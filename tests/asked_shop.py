"""A storefront as seen by those who ask it: a log of events, read page by page, that can be away."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from models.events import Event
from storefronts.base import Account, Buyer, Page, StorefrontError

AT_HOME: dict[str, "AskedShop"] = {}
"""Who answers at which URL, where a test lets `open_api` find it."""


@dataclass
class AskedShop:
    """Somebody else's server: it keeps to `storefronts.base.ShopApi` and hands out what its streams hold.

    Its cursor is the number of events that were read; a new round begins `overlap` events before it.
    """

    logs: dict[str, list[Event]] = field(default_factory=lambda: {"orders": [], "carts": []})
    size: int = 2
    overlap: int = 1
    problems: dict[str, StorefrontError] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    unreadable: int = 0
    hangs: bool = False
    name: str = "woocommerce"
    streams: tuple[str, ...] = ("orders", "carts")

    async def changes(self, stream: str, cursor: str | None, at: datetime) -> Page:
        """Return a page of the log."""
        self.asked.append((stream, cursor))
        if self.hangs:
            await asyncio.Event().wait()
        if stream in self.problems:
            raise self.problems[stream]
        begin = self._begin(cursor)
        page = self.logs[stream][begin : begin + self.size]
        end = begin + len(page)
        more = end < len(self.logs[stream])
        return Page(tuple(page), f"{'' if more else 'end '}{end}", more, self.unreadable)

    def _begin(self, cursor: str | None) -> int:
        if cursor is None:
            return 0
        return max(int(cursor[4:]) - self.overlap, 0) if cursor.startswith("end ") else int(cursor)

    async def orders_of(self, buyer: Buyer, since: datetime, at: datetime) -> list[Event]:
        """Return nothing: nobody asks here."""
        return []

    async def aclose(self) -> None:
        """Hold nothing open."""


def open_api(account: Account) -> AskedShop:
    """Return who answers at an account's URL, as a module of `storefronts.registry.APIS` does."""
    return AT_HOME[account.url]
