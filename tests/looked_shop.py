"""A storefront as seen just before a send: it knows orders of its own, may be slow, away, or make no sense."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from models.events import Event
from storefronts.base import Buyer, Page


@dataclass
class LookedShop:
    """Somebody else's server: it keeps to `storefronts.base.ShopApi` and says what it is told to.

    While `open` is not set nobody gets an answer; `problem` is raised; `garbage` is answered as it is.
    """

    orders: list[Event] = field(default_factory=list)
    problem: Callable[[], Exception] | None = None
    garbage: object = None
    open: asyncio.Event | None = None
    asked: list[tuple[Buyer, datetime]] = field(default_factory=list)
    most: int = 0
    name: str = "magento"
    streams: tuple[str, ...] = ()
    _here: int = 0

    async def changes(self, stream: str, cursor: str | None, at: datetime) -> Page:
        """Return nothing: nobody polls here."""
        return Page((), "")

    async def orders_of(self, buyer: Buyer, since: datetime, at: datetime) -> list[Event]:
        """Return the orders that somebody of these names has placed."""
        self.asked.append((buyer, since))
        self._here += 1
        self.most = max(self.most, self._here)
        try:
            if self.open is not None:
                await self.open.wait()
        finally:
            self._here -= 1
        if self.problem is not None:
            raise self.problem()
        if self.garbage is not None:
            return self.garbage  # type: ignore[return-value] # what a storefront answers is its own business
        return [event for event in self.orders if event.person.email == buyer.email]

    async def aclose(self) -> None:
        """Hold nothing open."""
