"""One small installation on real parts, and journeys in it that a test can live through in a moment."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import RowMapping, Table, select
from temporalio.client import Client, WorkflowHandle

from channels.base import ChannelError, Sender
from channels.memory import Memory
from models.events import CartFacts, ConsentEntry, Event, EventType, Line, OrderFacts, OrderStatus, Person
from models.message import Message
from models.policy import Policy
from models.policy_file import parse_policies
from models.vocabulary import Channel, ConsentState, Outcome
from relay import Relay
from runtime import clock
from runtime.installation import Installation
from runtime.links import Links
from settings import Settings
from store import acts, db, intake, policies, shops
from store.audit import audit
from store.outbox import OutboxRow
from store.schema import DECISIONS, DELIVERIES, JOURNEYS, METADATA
from storefronts.base import ShopApi
from tests.known_shop import RECORD
from tests.temporal_env import Temporal
from worker import working

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
VASE = Line("p1", "Vase bleu", 4500, 2)
SHIPPED = Path(__file__).parents[1] / "policies"
SHOP = replace(RECORD, postal_address="1 rue du Port, Brest")
_PATIENCE_S = 20.0
_WESTERNMOST = -12
"""No zone is further behind UTC, in hours."""
_numbers = count(1)


@dataclass
class Trial:
    """An installation: its store, its Temporal, its mail, and the worker that runs while `working`."""

    temporal: Temporal
    database: db.Database
    policies: list[Policy]
    installation: Installation
    mail: Sender
    problem: Callable[[Message], ChannelError | None] = lambda _: None
    journeys: list["Journey"] = field(default_factory=list)
    others: dict[Channel, Sender] = field(default_factory=dict)
    apis: dict[str, ShopApi] = field(default_factory=dict)

    @property
    def memory(self) -> Memory:
        """Return the channel that keeps what it accepts; only where no other one was given."""
        assert isinstance(self.mail, Memory)
        return self.mail

    @property
    def relay(self) -> Relay:
        """Return a relay as the API has it."""
        return Relay(self.database, self._client, clock.now)

    async def _client(self) -> Client:
        return self.temporal.client

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Run a worker beside the block; leaving stops it in the middle of whatever it does."""
        senders = {Channel.EMAIL: self.mail, **self.others}
        async with working(self.temporal.client, self.installation, senders, self.apis):
            yield

    async def abandon(self, *, consent: bool = True, at: datetime | None = None, **person: Any) -> "Journey":
        """Have a new customer start a checkout and leave it."""
        name, now = f"c{next(_numbers)}", at or clock.now()
        agreed = ConsentEntry(Channel.EMAIL, "marketing", ConsentState.GRANTED, "form", now - DAY)
        who = Person(external_id=name, email=f"{name}@example.org", first_name="Camille")
        who = replace(who, **({"consents": (agreed,) if consent else ()} | person))
        facts = CartFacts(f"cart-{name}", lines=(VASE,), replaces=True, currency="EUR")
        outbox = await self.ingest(Event(f"start-{name}", EventType.CHECKOUT_STARTED, "", now, who, facts), now)
        return self.follow(outbox[0].journey_id, who, now)

    async def sleeper(self, quiet: timedelta = 200 * DAY) -> Person:
        """Have somebody be a customer for the last time so long ago."""
        name, now = f"c{next(_numbers)}", clock.now()
        agreed = ConsentEntry(Channel.EMAIL, "marketing", ConsentState.GRANTED, "form", now - quiet)
        who = Person(external_id=name, email=f"{name}@example.org", consents=(agreed,))
        await self.ingest(Event(f"visit-{name}", EventType.PRODUCT_VIEWED, "", now - quiet, who), now)
        return who

    def follow(self, journey_id: str, who: Person, since: datetime) -> "Journey":
        """Return a journey's place in time and in the store."""
        handle = self.temporal.client.get_workflow_handle(journey_id)
        self.journeys.append(Journey(self, journey_id, who, since, handle))
        return self.journeys[-1]

    async def ingest(self, event: Event, now: datetime) -> Sequence[OutboxRow]:
        """Take an event in as the API does, and tell Temporal."""
        done = await self.database.write(intake.ingest, SHOP.id, [event], self.policies[0], now)
        await self.relay.deliver(done.outbox)
        return done.outbox

    async def rows(self, table: Table, journey_id: str) -> list[RowMapping]:
        """Return a journey's rows of a table, oldest first."""
        column = table.c.id if table is JOURNEYS else table.c.journey_id
        statement = select(table).where(column == journey_id).order_by(table.c.id)
        return await self.database.read(lambda connection: list(connection.execute(statement).mappings()))


@dataclass
class Journey:
    """One customer's journey, with everything that can happen to it."""

    trial: Trial
    id: str
    who: Person
    since: datetime
    handle: WorkflowHandle[Any, Any]

    async def passes(self, length: timedelta) -> None:
        """Let time go by for this journey."""
        await self.trial.temporal.move(self.handle, length)

    async def now(self) -> datetime:
        """Return the journey's clock."""
        return await self.trial.temporal.now(self.handle)

    async def hears(self, type_: EventType, **parts: Any) -> None:
        """Have the customer do something now."""
        now = await self.now()
        event = Event(f"e{next(_numbers)}", type_, "", now, replace(self.who, consents=()), **parts)
        await self.trial.ingest(event, now)

    async def buys(self) -> None:
        """Have the customer order what is in the cart."""
        order = OrderFacts(f"o-{self.id}", OrderStatus.PAID, cart_tokens=(self.cart,), currency="EUR", value=9000)
        await self.hears(EventType.ORDER_COMPLETED, order=order)

    async def empties(self) -> None:
        """Have the customer take everything out of the cart."""
        await self.hears(EventType.CART_UPDATED, cart=CartFacts(self.cart, replaces=True))

    async def browses(self) -> None:
        """Have the customer look at something in the shop."""
        await self.hears(EventType.PRODUCT_VIEWED, product=VASE)

    async def is_erased(self) -> None:
        """Have the storefront ask that the customer is forgotten."""
        await self.hears(EventType.ERASE)

    async def objects(self, *, told: bool = True) -> None:
        """Have the customer object to e-mail; Temporal is told, or cannot be reached."""
        by = acts.By("one-click", None, await self.now())
        email = self.who.email
        rows = await self.trial.database.write(acts.object_, SHOP.id, None, email, (Channel.EMAIL,), by)
        await self.trial.relay.deliver(rows if told else ())

    async def staff(self, act: acts.ActName, reason: str | None = None, *, told: bool = True) -> None:
        """Have staff do something to the journey; Temporal is told, or cannot be reached."""
        by = acts.By("support", reason, await self.now())
        rows = await self.trial.database.write(acts.act_on, self.id, act, by)
        await self.trial.relay.deliver(rows if told else ())

    @property
    def cart(self) -> str:
        """Return the cart's token."""
        return f"cart-{self.who.external_id}"

    async def ends(self) -> None:
        """Wait until the run is closed."""
        async with asyncio.timeout(_PATIENCE_S):
            async for _ in self.handle.fetch_history_events(wait_new_event=True):
                pass

    async def parks(self) -> None:
        """Wait until the run waits for a moment of its own."""
        async with asyncio.timeout(_PATIENCE_S):
            async for event in self.handle.fetch_history_events(wait_new_event=True):
                if event.HasField("timer_started_event_attributes"):
                    return

    async def outcome(self) -> Outcome | None:
        """Return why the journey ended, as the store knows it; None while it is open."""
        found = (await self.row())["outcome"]
        return None if found is None else Outcome(found)

    async def row(self) -> RowMapping:
        """Return the journey's row."""
        return (await self.trial.rows(JOURNEYS, self.id))[0]

    async def decided(self) -> list[tuple[str, str, str]]:
        """Return step, verdict and reason of each decision, oldest first."""
        found = await self.trial.rows(DECISIONS, self.id)
        return [(row["step"], row["verdict"], row["reason"]) for row in found]

    async def delivered(self) -> list[tuple[str, str]]:
        """Return step and state of each delivery, oldest first."""
        return [(row["step"], row["state"]) for row in await self.trial.rows(DELIVERIES, self.id)]


@asynccontextmanager
async def installed(
    temporal: Temporal, home: Path, policy: str | None = None, mail: Sender | None = None
) -> AsyncIterator[Trial]:
    """Set an installation up in a folder; `policy` takes the place of the shipped ones, `mail` of the memory.

    Whatever was tried in it, its ledger keeps every promise at the end.
    """
    database = db.connect(f"sqlite:///{home / 'relaunch.db'}")
    texts = [policy] if policy else [path.read_text(encoding="utf-8") for path in sorted(SHIPPED.glob("*.yaml"))]
    parsed = [one for text in texts for one in parse_policies(text, templates=None)]
    await database.write(METADATA.create_all)
    await database.write(policies.activate, parsed, clock.now())
    await database.write(shops.save_shops, [SHOP])
    links = Links("https://relaunch.example", "secret")
    installation = Installation(Settings(home=home), database, links, "secret", "key", (), rehearsal=False)
    trial = Trial(temporal, database, parsed, installation, Memory())
    trial.mail = mail or Memory(script=lambda message: trial.problem(message))  # noqa: PLW0108 - tests change it
    try:
        yield trial
        assert await database.read(audit) == []
    finally:
        await database.aclose()


def daytime() -> dict[str, Any]:
    """Return where somebody lives for whom it is ten in the morning of a day without holidays or Sundays."""
    ahead = 10 - clock.now().hour
    if ahead < _WESTERNMOST:
        ahead += 24
    return {"country": "US", "timezone": f"Etc/GMT{-ahead:+d}"}


def about(length: timedelta) -> Any:
    """Return something that equals any length of time within two seconds of this one."""
    return pytest.approx(length, abs=timedelta(seconds=2))
