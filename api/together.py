"""What arrives while the store is writing is committed together afterwards: one commit costs as much as fifty events.

Nobody waits for company: a body that comes alone is written at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from models.events import Event
from models.policy import Policy
from store.db import Database
from store.intake import Ingested, ingest, ingest_together

LARGEST: Final = 500
"""Most events of a commit that several bodies share."""

_TURNS: Final = 3
"""Turns of the event loop from a request's bytes to its events."""

_REMEMBERED: Final = 20_000
"""So many of the latest keys are remembered: most repetitions come within minutes, and need no store."""


@dataclass(frozen=True, slots=True)
class _Body:
    """One body that waits for its commit."""

    shop: str
    events: Sequence[Event]
    policy: Policy | None
    door: str
    answer: asyncio.Future[Ingested]

    def goes_with(self, other: "_Body") -> bool:
        """Say whether both may share a transaction."""
        return (self.shop, self.door) == (other.shop, other.door) and self.policy is other.policy


class Together:
    """Commits bodies of events, those together that wait at the same time; each gets its own answer."""

    def __init__(self, db: Database, now: Callable[[], datetime], writers: int = 1) -> None:
        """Run at most so many transactions at once; `now` is the wall clock."""
        self.db, self.now = db, now
        self._waiting: list[_Body] = []
        self._free = writers
        self._tasks: set[asyncio.Task[None]] = set()
        self._stored: dict[tuple[str, str], None] = {}

    async def ingest(self, shop: str, events: Sequence[Event], policy: Policy | None, door: str) -> Ingested:
        """Return what a body did once it is committed; raises what `store.intake.ingest` raises."""
        if all((shop, event.key) in self._stored for event in events):
            return Ingested(0, len(events), ())
        answer: asyncio.Future[Ingested] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Body(shop, events, policy, door, answer))
        if self._free:
            self._free -= 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _work(self) -> None:
        """Write until nobody waits."""
        try:
            while self._waiting:
                await self._settled()
                await self._write(self._next())
        finally:
            self._free += 1

    async def _settled(self) -> None:
        """Let whoever has arrived already come as far as here; who comes alone goes on at once."""
        waiting = 0
        while waiting < len(self._waiting) < LARGEST:
            waiting = len(self._waiting)
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    def _next(self) -> list[_Body]:
        """Take whoever came first, and everybody who may go with them."""
        first, taken, left, size = self._waiting[0], list[_Body](), list[_Body](), 0
        for body in self._waiting:
            fits = not taken or size + len(body.events) <= LARGEST
            if fits and body.goes_with(first):
                taken.append(body)
                size += len(body.events)
            else:
                left.append(body)
        self._waiting = left
        return taken

    async def _write(self, bodies: list[_Body]) -> None:
        """Commit bodies together; when that fails each alone, so that one that cannot be stored harms no other."""
        if len(bodies) == 1 or not await self._shared(bodies):
            for body in bodies:
                await self._alone(body)

    async def _shared(self, bodies: list[_Body]) -> bool:
        """Commit bodies in one transaction; False when it cannot be, for whatever reason: it is met again alone."""
        first, events = bodies[0], [one.events for one in bodies]
        try:
            answers = await self.db.write(ingest_together, first.shop, events, first.policy, self.now(), first.door)
        except Exception:  # noqa: BLE001 - see above
            return False
        for body, answer in zip(bodies, answers, strict=True):
            self._committed(body, answer)
        return True

    async def _alone(self, body: _Body) -> None:
        try:
            answer = await self.db.write(ingest, body.shop, body.events, body.policy, self.now(), body.door)
        except Exception as error:  # noqa: BLE001 - it is the caller's to hear
            if not body.answer.done():
                body.answer.set_exception(error)
        else:
            self._committed(body, answer)

    def _committed(self, body: _Body, answer: Ingested) -> None:
        """Answer a body, and remember its keys, the oldest of all no longer."""
        if not body.answer.done():  # its caller may have gone meanwhile
            body.answer.set_result(answer)
        self._stored.update(((body.shop, event.key), None) for event in body.events)
        while len(self._stored) > _REMEMBERED:
            del self._stored[next(iter(self._stored))]
