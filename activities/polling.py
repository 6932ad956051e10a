"""Asks storefronts for what their webhooks did not tell, one page at a time."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from models.polling import PollRequest, PollResult
from models.vocabulary import Kind
from runtime.metrics import POLL_FAILURES, POLL_ITEMS
from store.db import Database
from store.policies import active
from store.polls import Poll, advance, failed, load
from storefronts.base import Page, ShopApi, StorefrontAway, StorefrontError, StorefrontGarbled, StorefrontRefused

FIRST_PAUSE: Final = timedelta(seconds=15)
"""The pause after a first failure; it doubles up to the poll interval."""
LONGEST_WISH: Final = timedelta(hours=1)
"""How long a storefront may have us wait by its Retry-After: a slip of its clock must not silence us for ever."""
LONGEST_PAGE_S: Final = 240.0
"""How long a page may take, all its questions together: less than the activity may."""

_log = structlog.get_logger()


class Polling:
    """The activity `poll`; `apis` are the storefronts that can be asked, by the shop's id."""

    def __init__(
        self, db: Database, apis: Mapping[str, ShopApi], now: Callable[[], datetime], every: timedelta
    ) -> None:
        """`now` is the wall clock, `every` the poll interval, which no pause after a failure exceeds by itself."""
        self.db, self.apis, self.now, self.every = db, apis, now, every

    @activity.defn(name="poll")
    async def poll(self, request: PollRequest) -> PollResult:
        """Read one page; a storefront that fails is asked again, less and less often, until it answers.

        A request from before the shop's settings were changed is done: there is nobody to ask.
        """
        api = self.apis.get(request.shop)
        if api is None or api.name != request.storefront or request.stream not in api.streams:
            return PollResult()
        asked = await self.db.read(load, request.shop, api.name, request.stream)
        try:
            return await self.read(api, asked)
        except StorefrontError as error:
            failing = await self.fail(asked, error)
            kind = type(error).__name__
            raise ApplicationError(
                f"{request.storefront} did not answer, see readyz",
                type=kind,
                category=ApplicationErrorCategory.BENIGN,
                next_retry_delay=pause_after(error, failing.failures, self.every),
            ) from None

    async def read(self, api: ShopApi, asked: Poll) -> PollResult:
        """Ask for the page behind a stream's cursor and store it. Raises StorefrontError, having stored nothing."""
        page = await self._page(api, asked)
        if page.more and page.cursor == asked.cursor:
            raise StorefrontGarbled(f"{api.name} gives the same page of {asked.stream} again and again")
        policies = await self.db.read(active, Kind.CART)
        policy = policies[0] if policies else None
        stored = await self.db.write(advance, asked, page.events, page.cursor, policy, self.now(), more=page.more)
        counts = {"accepted": stored.accepted, "duplicate": stored.duplicates, "unreadable": page.unreadable}
        for result, number in counts.items():
            POLL_ITEMS.labels(asked.shop, asked.stream, result).inc(number)
        if stored.accepted or page.unreadable:
            _log.info("poll.page_done", shop=asked.shop, storefront=api.name, stream=asked.stream, **counts)
        return PollResult(stored.accepted, stored.duplicates, page.unreadable, page.more)

    async def _page(self, api: ShopApi, asked: Poll) -> Page:
        try:
            async with asyncio.timeout(LONGEST_PAGE_S):
                return await api.changes(asked.stream, asked.cursor, self.now())
        except TimeoutError:
            raise StorefrontAway(f"{api.name} takes longer than {LONGEST_PAGE_S:.0f} s for a page") from None

    async def fail(self, asked: Poll, error: StorefrontError) -> Poll:
        """Say and remember that a storefront did not answer, and return the stream as it stands now."""
        kind = type(error).__name__
        POLL_FAILURES.labels(asked.shop, asked.stream, kind).inc()
        _log.warning(
            "poll.failed", shop=asked.shop, storefront=asked.storefront, stream=asked.stream, problem=str(error)
        )
        return await self.db.write(failed, asked, str(error), self.now())


def pause_after(error: StorefrontError, failures: int, every: timedelta) -> timedelta:
    """Return when to ask again after so many failures in a row.

    A storefront that is away may name the time. One that does not let us in is asked at the poll interval from the
    start: only its operator can change that.
    """
    if isinstance(error, StorefrontAway) and error.retry_after is not None:
        return min(max(error.retry_after, timedelta(seconds=1)), LONGEST_WISH)
    if isinstance(error, StorefrontRefused):
        return every
    return min(FIRST_PAUSE * (1 << min(failures - 1, 20)), every)
