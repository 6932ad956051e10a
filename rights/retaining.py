"""The retention chore: once a day, whatever was kept for long enough goes, people by the same job as an erasure."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from channels.files import remove
from models.retention import EVENTS, EVERY, MESSAGES, PEOPLE, SOON, Ended, cutoffs
from settings import Settings
from store import announcements, chores, retention
from store.db import Database

_log = structlog.get_logger()
CHORE = "retention"
_PAGE = 50
_PAGE_OF_EVENTS = 1000


class Retaining:
    """The runner of the retention chore, of one installation; of several, one does it."""

    def __init__(self, db: Database, settings: Settings, now: Callable[[], datetime]) -> None:
        """Keep data for as long as the settings say; `now` is the wall clock."""
        self.db, self.settings, self.now = db, settings, now

    async def run(self, every: float = 300.0) -> None:
        """Do what is due, for ever."""
        while True:
            try:
                if await self.db.write(chores.claim, CHORE, self.now(), EVERY):
                    await self.once()
            except Exception as error:  # noqa: BLE001 - it outlives everything; what it could not do, it will
                _log.warning("retention.failed", problem=type(error).__name__)
                await self.db.write(chores.hasten, CHORE, self.now() + SOON)
            await asyncio.sleep(every)

    async def once(self) -> Ended:
        """End what was kept for long enough, as much as one run may; the rest is due in an hour."""
        at = self.now()
        limits = cutoffs(at, self.settings.retention, self.settings.message_retention)
        people = messages = 0
        while people < PEOPLE and (page := await self.db.write(retention.end_people, limits.people, _PAGE, at)):
            people += page
        while messages < MESSAGES and (page := await self._empty(limits.messages, at)):
            messages += page
        events = await self._prune(limits.events)
        while await self.db.write(announcements.prune, at, _PAGE_OF_EVENTS):
            pass
        ended = Ended(people, events, messages)
        if ended.more:
            await self.db.write(chores.hasten, CHORE, at + SOON)
        _log.info("retention.done", people=people, events=events, messages=messages)
        return ended

    async def _prune(self, before: datetime) -> int:
        """Delete behaviour page by page, so that no writer waits long."""
        events = 0
        for shop, keys in (await self.db.read(retention.old_events, before, EVENTS)).items():
            for start in range(0, len(keys), _PAGE_OF_EVENTS):
                page = keys[start : start + _PAGE_OF_EVENTS]
                events += await self.db.write(retention.delete_events, shop, page)
        return events

    async def _empty(self, before: datetime, at: datetime) -> int:
        """Forget a page of messages: first their files, so that none is left behind by a kill between the two."""
        ids = await self.db.read(retention.old_messages, before, _PAGE)
        await asyncio.to_thread(remove, self.settings.outbox_dir, set(ids), 0.0)
        await self.db.write(retention.empty_messages, ids, at)
        return len(ids)
