"""One shop with its policies in a store, and the few things that tests do with it, by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from models.events import Event
from models.journey import Assessment
from models.policy import CartTrigger, InactiveTrigger, Policy
from models.question import Question, Ruling, ShopRules
from models.step import Step
from models.vocabulary import Channel, DeliveryState, Outcome, SoftOptIn
from store import acts, assessments, intake, ledger, policies, shops, sweeps
from store.acts import ActName, By
from store.db import Database
from store.drafts import Draft, load_draft
from store.ids import new_id
from store.outbox import OutboxRow
from store.schema import CUSTOMERS, DELIVERIES, JOURNEYS
from store.sweeps import Cursor
from tests.builders import DAY, NOON

SHOP = "main"

RECORD = shops.ShopRecord(
    id=SHOP,
    name="Boutique",
    url="https://shop.example",
    locale="fr",
    timezone="Europe/Paris",
    currency="EUR",
    country="FR",
    soft_opt_in="buyers_only",
    sms_sender="Maison",
    sender="Boutique <hello@shop.example>",
    reply_to=None,
    postal_address="1 rue du Test, Paris",
    privacy_url=None,
    logo_url=None,
)


def step(name: str, days: int, channel: Channel = Channel.EMAIL) -> Step:
    return Step(name, days * DAY, 3 * DAY, (channel,), f"cart/{name}")


STEPS = (step("reminder", 0), step("social-proof", 3), step("incentive", 7))
CART = Policy("cart", CartTrigger(), STEPS)
INACTIVE = Policy("inactive", InactiveTrigger(), STEPS)


async def known_shop(db: Database, cart: Policy = CART, inactive: Policy = INACTIVE) -> "KnownShop":
    """Make a shop and its policies known to a store."""
    await db.write(shops.save_shops, [replace(RECORD), replace(RECORD, id="other", name="Other")])
    await db.write(policies.activate, [cart, inactive], NOON)
    return KnownShop(db, cart, inactive)


@dataclass(frozen=True, slots=True)
class KnownShop:
    """A store with one shop, and short words for what doors, staff and journeys do to it."""

    db: Database
    cart: Policy
    inactive: Policy

    async def hears(self, *events: Event, at: datetime | None = None, shop: str = SHOP) -> intake.Ingested:
        """Take in a batch; without `at` it comes when its last event happened."""
        received = at or max(event.at for event in events)
        return await self.db.write(intake.ingest, shop, events, self.cart, received)

    async def rows(self, table: Table, **where: object) -> list[Mapping[str, Any]]:
        """Return the rows of a table whose columns have these values, in the order of their keys."""
        return await self.db.read(_rows, table, where)

    async def row(self, table: Table, **where: object) -> Mapping[str, Any]:
        (found,) = await self.rows(table, **where)
        return found

    async def journey(self, **where: object) -> Mapping[str, Any]:
        return await self.row(JOURNEYS, **where)

    async def customer(self, name: str) -> Mapping[str, Any]:
        return await self.row(CUSTOMERS, email=f"{name}@example.com")

    async def assess(self, journey: str, at: datetime) -> Assessment:
        return await self.db.write(assessments.assess, journey, at, "secret", at)

    async def hand_over(
        self, journey: str, name: str = "reminder", *, at: datetime, channel: Channel | None = None
    ) -> Ruling | None:
        """Read a step and put it to the gate, as the send does; a message stands for the rendered one."""
        return await self.db.write(ledger.hand_over, await self.intent(journey, name, at=at, channel=channel), at)

    async def intent(
        self, journey: str, name: str = "reminder", *, at: datetime, channel: Channel | None = None
    ) -> ledger.Intent:
        """Read a step and get it ready for the gate, on its first channel unless another is named."""
        draft = await self.db.read(load_draft, journey, name, at)
        assert draft is not None
        road = channel or draft.step.channels[0]
        question = _question(draft, at, road)
        return ledger.Intent(question, _delivery(draft, road), "memory", b"Bonjour", None, {}, None)

    async def settle(self, journey: str, state: DeliveryState, *, at: datetime, problem: str = "") -> None:
        """Write what became of the one message of a journey."""
        delivery = await self.row(DELIVERIES, journey_id=journey)
        await self.db.write(ledger.settle, delivery["id"], state, at, None, problem)

    async def close(self, journey: str, outcome: Outcome, at: datetime) -> None:
        await self.db.write(ledger.close, journey, outcome, at)

    async def act(self, journey: str, name: ActName, at: datetime, reason: str | None = None) -> Sequence[OutboxRow]:
        return await self.db.write(acts.act_on, journey, name, By("support", reason, at))

    async def opt_out(
        self, email: str, at: datetime, channels: Sequence[Channel] = (Channel.EMAIL,)
    ) -> Sequence[OutboxRow]:
        return await self.db.write(acts.object_, SHOP, None, email, channels, By("one-click", None, at))

    async def sweep(self, at: datetime) -> int:
        """Start what is due of everybody inactive, page by page, and return how many journeys that were."""
        started = 0
        cursor: Cursor | None = Cursor()
        while cursor is not None:
            outbox, cursor = await self.db.write(sweeps.start_page, cursor, at, at)
            started += len(outbox)
        return started


def _question(draft: Draft, at: datetime, channel: Channel) -> Question:
    rules = ShopRules("Europe/Paris", "FR", SoftOptIn(draft.shop.soft_opt_in), lost=draft.shop.lost)
    return Question(draft.situation, draft.policy, draft.step, channel, at, at + DAY, tuple(Channel), rules)


def _delivery(draft: Draft, channel: Channel) -> str:
    known = draft.situation.deliveries.get(channel)
    return known.id if known else new_id()


def _rows(connection: Connection, table: Table, where: Mapping[str, object]) -> list[Mapping[str, Any]]:
    wanted = [table.c[name] == value for name, value in where.items()]
    statement = select(table).where(*wanted).order_by(*table.primary_key)
    return [dict(row) for row in connection.execute(statement).mappings()]
