"""Somebody to forget, and a runner of erasures with a clock that a test moves; Temporal is away unless it is given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection
from temporalio.client import Client

from models.erasing import DONE
from models.events import Person
from models.vocabulary import DeliveryState, Verdict
from rights.erasing import Erasing
from settings import Settings
from store import erasures
from store.acts import By
from store.db import Database
from store.erasures import ErasureRow
from store.forgetting import ask
from store.ledger import Intent, hand_over
from store.schema import CUSTOMERS, ERASURES
from tests.api_app import nobody
from tests.builders import DAY, HOUR, NOON, checkout, granted, identify, order, viewed, withdrawn
from tests.known_shop import KnownShop

J0 = NOON + HOUR
ADDRESS = "zephyrine.quatremaille@example.com"
PHONE = "+33698765432"
JEANNE = Person("customer-4711", ADDRESS, PHONE, first_name="Zéphyrine", consents=(granted(NOON - DAY),))
NEEDLES = (ADDRESS, "quatremaille", "698765432", "customer-4711")


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


async def lives(shop: KnownShop) -> str:
    """Let somebody be a customer without a journey, and return their id."""
    former = replace(JEANNE, email="zephyrine.old@example.com", consents=(withdrawn(NOON - 9 * DAY),))
    await shop.hears(identify(former, NOON - 9 * DAY))
    await shop.hears(identify(JEANNE), viewed(JEANNE), order(JEANNE, "1001"))
    return str((await shop.row(CUSTOMERS))["id"])


async def journeys(shop: KnownShop, *, settled: DeliveryState | None = DeliveryState.SENT) -> str:
    """Let somebody get the first message of a journey, and return their id."""
    await shop.hears(checkout(JEANNE))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, J0)
    intent = replace(await shop.intent(journey, at=J0), message=f"To: {ADDRESS}\r\n\r\nBonjour".encode())
    await shop.db.write(hand_over_now, intent)
    if settled is not None:
        await shop.settle(journey, settled, at=J0)
    return str((await shop.row(CUSTOMERS))["id"])


def hand_over_now(connection: Connection, intent: Intent) -> None:
    ruling = hand_over(connection, intent, J0)
    assert ruling is not None
    assert ruling.verdict is Verdict.SENT


async def everything(shop: KnownShop) -> str:
    """Return every value of every table as text, certificates and jobs included."""
    tables = ERASURES.metadata.sorted_tables
    rows = [row for table in tables for row in await shop.rows(table)]
    return str(rows)
