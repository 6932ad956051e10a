"""Forgets everybody of a shop that has gone (Shopify's `shop/redact`), a page at a time, until nobody is left."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from store import shop_erasures
from store.db import Database
from store.requests import RequestRow

_log = structlog.get_logger()
_PAGE = 50
_PAGE_OF_EVENTS = 1000


class Leaving:
    """The runner of shops' erasures; whoever is killed goes on where the store stands, and several may run at once."""

    def __init__(self, db: Database, now: Callable[[], datetime]) -> None:
        """Work on this store; `now` is the wall clock."""
        self.db, self.now = db, now

    async def run(self, every: float = 5.0) -> None:
        """Do what is due, for ever."""
        while True:
            try:
                done = await self.once()
            except Exception as error:  # noqa: BLE001 - it outlives everything; what it could not do, it will
                _log.warning("leaving.failed", problem=type(error).__name__)
                done = 0
            await asyncio.sleep(0 if done else every)

    async def once(self) -> int:
        """Take each shop that has gone one page further, and return how much was begun or deleted."""
        requests = await self.db.read(shop_erasures.leaving)
        return sum([await self._further(one) for one in requests])

    async def _further(self, request: RequestRow) -> int:
        begun = await self.db.write(shop_erasures.erase_page, request, _PAGE, self.now())
        deleted = await self.db.write(shop_erasures.empty_page, request, _PAGE_OF_EVENTS)
        if not begun + deleted and await self.db.write(shop_erasures.finish, request, self.now()):
            _log.info("shop.erased", shop=request.shop, request=request.id)
        return begun + deleted
