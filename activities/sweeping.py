"""Finds inactive subscribers and starts their journeys, one page at a time."""

from collections.abc import Callable
from datetime import datetime

import structlog
from temporalio import activity

from models.journey import SweepPage, SweepRequest
from store.db import Database
from store.rfm import rescore
from store.shops import shop_ids
from store.sweeps import Cursor, start_page

_log = structlog.get_logger()


class Sweeping:
    """The activity `sweep`."""

    def __init__(self, db: Database, now: Callable[[], datetime]) -> None:
        """`now` is the wall clock."""
        self.db, self.now = db, now

    @activity.defn(name="sweep")
    async def sweep(self, request: SweepRequest) -> SweepPage:
        """Start the journeys of one page; the first page of a sweep ranks the buyers anew."""
        if not request.cursor:
            for shop in await self.db.read(shop_ids):
                await self.db.write(rescore, shop, request.at)
        outbox, following = await self.db.write(start_page, Cursor.read(request.cursor), request.at, self.now())
        _log.info("sweep.page_done", started=len(outbox))
        return SweepPage(len(outbox), None if following is None else str(following))
