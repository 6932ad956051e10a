"""Forgets people, step by step: whoever was asked for in the store is done here, also while Temporal is away.

Each step may be done twice, and a job remembers in the store how far it has come; so whoever is killed between two
steps, or in one, goes on where the store says. Several may run at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import assert_never

import structlog

from channels.files import remove
from models.certificate import Certificate, Result
from models.erasing import CERTIFY_WITHIN, DONE, ErasureState
from rights.certifying import Connect, certify
from settings import Settings
from store import erasures
from store.db import Database, StoreError
from store.erasure import TOUCHED
from store.erasures import ErasureRow
from store.forgetting import forget
from store.leftovers import deliveries_of

_Step = Callable[[Sequence[ErasureRow]], Awaitable[None]]

_log = structlog.get_logger()
_BATCH = 50
_DRAFT_LIVES = timedelta(hours=1)
_REST = 10
"""A store is compacted for one part of its time in so many, however many people ask to be forgotten."""


class Erasing:
    """The runner of erasures, of one installation."""

    def __init__(self, db: Database, settings: Settings, connect: Connect, now: Callable[[], datetime]) -> None:
        """Ask for Temporal with `connect` when a certificate needs its histories; `now` is the wall clock."""
        self.db, self.settings, self.connect, self.now = db, settings, connect, now
        self._compact_from = datetime.min.replace(tzinfo=UTC)
        self._alone: Mapping[str, _Step] = {ErasureState.ASKED: self.erase, ErasureState.ERASED: self.remove}
        self._together: Mapping[str, _Step] = {
            ErasureState.REMOVED: self.compact,
            ErasureState.COMPACTED: self.certify,
        }

    async def run(self, every: float = 1.0) -> None:
        """Do what is due, for ever."""
        while True:
            try:
                done = await self.once()
            except Exception as error:  # noqa: BLE001 - it outlives everything; what it could not do, it will
                _log.warning("erasing.failed", problem=type(error).__name__)
                done = 0
            await asyncio.sleep(0 if done else every)

    async def once(self) -> int:
        """Take every job that is due one step further, and return how many there were."""
        jobs = await self.db.read(erasures.due, self.now(), _BATCH)
        for job in [one for one in jobs if one.state in self._alone]:
            await self._tried(self._alone[job.state], [job])
        for state, step in self._together.items():
            group = [one for one in jobs if one.state == state]
            if group:
                await self._tried(step, group)
        return len(jobs)

    async def erase(self, jobs: Sequence[ErasureRow]) -> None:
        """Delete rows and stored messages, once what was being handed over has been answered for."""
        for job in jobs:
            if await self.db.write(forget, job, self.now()):
                _log.info("erasure.erased", job=job.id, actor=job.actor)

    async def remove(self, jobs: Sequence[ErasureRow]) -> None:
        """Delete the files of their messages."""
        old = (self.now() - _DRAFT_LIVES).timestamp()
        for job in jobs:
            deliveries = await self.db.read(deliveries_of, job.customer_id)
            await asyncio.to_thread(remove, self.settings.outbox_dir, set(deliveries), old)
            await self.db.write(erasures.advance, job, ErasureState.REMOVED, self.now())

    async def compact(self, jobs: Sequence[ErasureRow]) -> None:
        """Overwrite what databases keep of deleted rows, for all of them at once, and not all the time."""
        if self.now() < self._compact_from:
            await self._each(erasures.wait, jobs, self._compact_from, "the store was compacted a moment ago")
            return
        start = time.monotonic()
        await self.db.compact(TOUCHED)
        self._compact_from = self.now() + timedelta(seconds=_REST * (time.monotonic() - start))
        await self._each(erasures.advance, jobs, ErasureState.COMPACTED, self.now())

    async def certify(self, jobs: Sequence[ErasureRow]) -> None:
        """Search for what named them; what is found is erased again, and what cannot be searched is tried again."""
        at = self.now()
        found = await certify(self.db, self.settings, self.connect, jobs, at)
        for job in jobs:
            certificate = found[job.id]
            state = _after(certificate.result, late=at >= job.asked_at + CERTIFY_WITHIN)
            kept = await self.db.write(erasures.searched, job, state, certificate.as_json(), at)
            if kept and state not in DONE:
                await self.db.write(erasures.failed, [job.id], _why(certificate), at)
            log = _log.info if certificate.result is Result.CLEAN else _log.warning
            log("erasure.searched", job=job.id, result=certificate.result, state=state)

    async def _each(self, change: Callable[..., object], jobs: Sequence[ErasureRow], *args: object) -> None:
        for job in jobs:
            await self.db.write(change, job, *args)

    async def _tried(self, step: _Step, group: Sequence[ErasureRow]) -> None:
        try:
            await step(group)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again
            # An error's own words may quote a row; the store's are safe to show.
            problem = str(error) if isinstance(error, StoreError) else type(error).__name__
            _log.warning("erasure.failed", jobs=len(group), first=group[0].id, problem=problem)
            await self.db.write(erasures.failed, [job.id for job in group], problem, self.now())


def _after(result: Result, *, late: bool) -> ErasureState:
    """Return where a job stands after a search."""
    match result:
        case Result.CLEAN:
            return ErasureState.CERTIFIED
        case Result.FOUND | Result.INCOMPLETE if late:
            return ErasureState.INCOMPLETE
        case Result.FOUND:
            return ErasureState.ASKED
        case Result.INCOMPLETE:
            return ErasureState.COMPACTED
        case _:
            assert_never(result)


def _why(certificate: Certificate) -> str:
    """Return what keeps a certificate from being clean."""
    if certificate.result is Result.FOUND:
        return "something was found, and is erased again: see the certificate"
    return "; ".join(gap.why for gap in certificate.gaps)
