"""A storefront's API before its double, and short ways to ask it."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from models.events import Event, OrderStatus
from storefronts.base import ShopApi, StorefrontAway, StorefrontError, StorefrontGarbled, StorefrontRefused
from tests.shop_double import Mood, ShopCart, ShopDouble, ShopOrder, Status

KEY = "pa55-key-of-the-shop"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CAMILLE = "camille.durand@example.org"
SECRETS = (KEY, "durand", "612345678", "sandales", "tok-")
"""What no error, no log line and no repr may hold, in lower case."""
BAD = {
    Mood.UNAUTHORIZED: StorefrontRefused,
    Mood.FORBIDDEN: StorefrontRefused,
    Mood.BUSY: StorefrontAway,
    Mood.BROKEN: StorefrontAway,
    Mood.GATEWAY: StorefrontAway,
    Mood.HANGING: StorefrontAway,
    Mood.CUTTING: StorefrontAway,
    Mood.HTML: StorefrontGarbled,
    Mood.TRUNCATED: StorefrontGarbled,
    Mood.MISSHAPEN: StorefrontGarbled,
}
STATES: dict[Status, frozenset[OrderStatus]] = {
    "paid": frozenset({OrderStatus.PAID}),
    "unpaid": frozenset({OrderStatus.PENDING}),
    "cancelled": frozenset({OrderStatus.CANCELLED}),
    "refunded": frozenset({OrderStatus.REFUNDED}),
}


def order(number: int, updated_at: datetime = NOON - HOUR, status: Status = "paid") -> ShopOrder:
    """Return an order of Camille's, placed when it was last changed."""
    return ShopOrder(number, updated_at, updated_at, status, CAMILLE, 7, f"tok-{number}")


def cart(number: int, updated_at: datetime = NOON - HOUR) -> ShopCart:
    """Return a cart of Camille's."""
    return ShopCart(number, f"tok-{number}", updated_at, CAMILLE, 7)


async def a_round(api: ShopApi, cursor: str | None = None, *, stream: str = "orders", at: datetime = NOON) -> "Round":
    """Ask until there is no more now."""
    told: list[Event] = []
    unreadable = 0
    for _ in range(50):
        page = await api.changes(stream, cursor, at)
        told, cursor, unreadable = [*told, *page.events], page.cursor, unreadable + page.unreadable
        if not page.more:
            return Round(told, cursor, unreadable)
    raise AssertionError("a round never ends")


class Round:
    """What one round told."""

    def __init__(self, events: Sequence[Event], cursor: str, unreadable: int) -> None:
        self.events, self.cursor, self.unreadable = events, cursor, unreadable

    @property
    def ids(self) -> list[str]:
        """Return the ids of the orders, as told."""
        return [found.order_id for event in self.events if (found := event.order)]


def facts(event: Event) -> tuple[object, ...]:
    """Return what an event says of its order, whatever door it came by, without tokens and lines."""
    told = event.order
    assert told is not None
    said = (told.order_id, told.status, told.placed_at or event.at, told.currency, told.value, told.refunded)
    return (event.type, event.at, *said, event.person.external_id, event.person.email_key)


class ShopApiRig(ABC):
    """What a storefront gives; see `tests/contract/shop_api_contract.py`."""

    double: type[ShopDouble]
    page: int
    wrong: Sequence[bytes] = (b'"text"', b"7", b"true", b"null", b'{"surprise": 1}')
    finds_tokens = True
    tells_tokens = True

    @abstractmethod
    def open(self, url: str, key: str, timeout_s: float) -> ShopApi:
        """Return the adapter, told to find the storefront at `url`."""

    def webhook(self, one: ShopOrder) -> Event | None:
        """Return the event that the storefront's webhook makes of this order, None where it sends none."""
        return None

    @asynccontextmanager
    async def facing(
        self, *things: ShopOrder | ShopCart, key: str = KEY, timeout_s: float = 5.0
    ) -> AsyncIterator[tuple[ShopDouble, ShopApi]]:
        """Give the double that holds these things, and the adapter before it; the exit closes both."""
        async with self.double() as double:
            double.put(*things)
            api = self.open(double.url, key, timeout_s)
            yield double, api
            await api.aclose()

    async def caught(self, mood: Mood, *, wrong: bytes = b'"text"') -> StorefrontError:
        """Return how a question fails in this mood."""
        async with self.facing(order(1), timeout_s=0.3 if mood is Mood.HANGING else 5.0) as (double, api):
            double.mood, double.wrong = mood, wrong
            with pytest.raises(StorefrontError) as error:
                await api.changes("orders", None, NOON)
            return error.value
