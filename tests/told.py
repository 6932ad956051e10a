"""What a provider tells of messages, by short names, and a shop in which one message was handed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from models.events import ConsentEntry
from models.provider_events import ProviderEvent, ProviderEventType
from models.vocabulary import Channel, ConsentState, DeliveryState, Purpose
from store.notices import TakenIn, take_in
from store.schema import DELIVERIES, JOURNEYS
from store.situations import load_situation
from tests.builders import DAY, HOUR, NOON, checkout, granted, person
from tests.known_shop import SHOP, KnownShop

J0 = NOON + HOUR
PROVIDER = "memory"
SHOPS = (SHOP, "other")


def told(kind: str, at: datetime | None = J0 + HOUR, **changes: Any) -> ProviderEvent:
    """An event of nobody's message, to jeanne's address; changes may name its delivery and its provider's ids."""
    plain = ProviderEvent(ProviderEventType(kind), PROVIDER, Channel.EMAIL, "jeanne@example.com", at=at)
    return replace(plain, **changes)


def tracks(purpose: Purpose, at: datetime = NOON - DAY, state: ConsentState = ConsentState.GRANTED) -> ConsentEntry:
    return ConsentEntry(Channel.EMAIL, purpose, state, "form", at)


@dataclass(frozen=True, slots=True)
class Sent:
    """A shop in which jeanne's first message was handed over, and what was told of it."""

    shop: KnownShop
    journey: str
    id: str

    def told(self, kind: str, at: datetime | None = J0 + HOUR, **changes: Any) -> ProviderEvent:
        """An event of that message."""
        return told(kind, at, **({"delivery": self.id} | changes))

    async def hears(self, *events: ProviderEvent, at: datetime | None = None) -> TakenIn:
        """Take a batch in; without `at` it comes when its last event happened."""
        return await hears(self.shop, *events, at=at)

    async def row(self) -> Mapping[str, Any]:
        return await self.shop.row(DELIVERIES, id=self.id)

    async def closed(self, at: datetime = J0 + DAY) -> Mapping[Channel, str]:
        """Return the channels that are closed to the journey's customer."""
        return await closed(self.shop, self.journey, at)


async def hears(shop: KnownShop, *events: ProviderEvent, at: datetime | None = None) -> TakenIn:
    received = at or max((event.at for event in events if event.at), default=J0 + HOUR)
    return await shop.db.write(take_in, SHOPS, events, received)


async def closed(shop: KnownShop, journey: str, at: datetime) -> Mapping[Channel, str]:
    situation = await shop.db.read(load_situation, journey, None, at)
    assert situation is not None
    return situation.suppressed


async def sent(
    shop: KnownShop, *consents: ConsentEntry, state: DeliveryState | None = DeliveryState.SENT, name: str = "jeanne"
) -> Sent:
    """Hand the first message over to somebody who agreed to it; with no state nothing is known of it yet."""
    await shop.hears(checkout(person(name, granted(NOON - DAY), *consents), f"T-{name}"))
    journey = str((await shop.row(JOURNEYS, cart_token=f"T-{name}"))["id"])
    await shop.assess(journey, J0)
    ruling = await shop.hand_over(journey, at=J0)
    assert ruling is not None
    assert ruling.verdict == "sent"
    delivery = await shop.row(DELIVERIES, journey_id=journey)
    if state is not None:
        await shop.settle(journey, state, at=J0)
    return Sent(shop, journey, delivery["id"])


def kinds(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [row["type"] for row in rows]
