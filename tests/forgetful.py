"""A runner of erasures on one store, with a clock that a test moves, and without Temporal unless it is given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from temporalio.client import Client

from erasing import Erasing
from models.erasing import DONE
from settings import Settings
from store import erasures
from store.acts import By
from store.db import Database
from store.erasures import ErasureRow
from store.forgetting import ask
from store.schema import ERASURES
from tests.api_app import nobody


@dataclass
class Clock:
    """A wall clock that stands still until somebody moves it."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at

    def passes(self, length: timedelta) -> None:
        self.at += length


@dataclass
class Forgetful:
    """One installation's runner, which a test takes from step to step, or kills."""

    db: Database
    home: Path
    clock: Clock
    connect: Callable[[], Awaitable[Client]] = nobody

    def __post_init__(self) -> None:
        self.settings = Settings(home=self.home)
        self.settings.outbox_dir.mkdir(parents=True, exist_ok=True)
        self.runner = self._runner()

    def _runner(self) -> Erasing:
        return Erasing(self.db, self.settings, self.connect, self.clock)

    def is_killed(self) -> None:
        """Forget everything that is not in the store."""
        self.runner = self._runner()

    async def asks(self, customer: str, actor: str = "support") -> ErasureRow:
        job, _ = await self.db.write(ask, customer, By(actor, None, self.clock()))
        return job

    async def job(self, job: str | None = None) -> ErasureRow:
        """Return a job as it stands; without its id the only one."""
        ids = await self.db.read(lambda connection: list(connection.execute(ERASURES.select()).mappings()))
        (known,) = [row["id"] for row in ids if job in (None, row["id"])]
        found = await self.db.read(erasures.load, known)
        assert found is not None
        return found

    async def jobs(self) -> int:
        return len(await self.db.read(lambda connection: connection.execute(ERASURES.select()).all()))

    async def works(self, steps: int = 20) -> None:
        """Do whatever is due, and what becomes due by that, at this moment."""
        for _ in range(steps):
            if not await self.runner.once():
                return

    async def done(self) -> ErasureRow:
        """Work until nothing is due any more, and return the only job."""
        await self.works()
        job = await self.job()
        assert job.state in DONE, job.problem
        return job
