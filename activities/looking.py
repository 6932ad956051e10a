"""The last look: a shop's storefront is asked for a customer's newer orders just before a message goes out.

Webhooks get lost and polls come late. What the storefront tells is taken in like any event, so an order that nobody
told of ends the journey before the gate is asked. No transaction is open while a storefront answers.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

import structlog

from activities.breaker import Breaker
from models.events import Event
from models.look import Look
from models.vocabulary import Kind
from runtime.metrics import LOOKS
from store.db import Database
from store.intake import ingest
from store.looks import Wanted, wanted
from store.policies import active
from storefronts.base import ShopApi, StorefrontError

ANSWER_S: Final = 2.0
"""How long a storefront may take, all questions about one customer together."""
PLACE_S: Final = 30.0
"""How long a customer waits for their turn, `PLACES` of one shop at a time."""
PLACES: Final = 4
KEPT_S: Final = 60.0
"""For how long an answer counts: two channels of one step ask once."""
FAILURES: Final = 5
"""After so many failures in a row a storefront is not asked for `REST_S`, then once, to see whether it is back."""
REST_S: Final = 30.0

_log = structlog.get_logger()
Clock = Callable[[], float]


@dataclass
class _Line:
    """The line of those who want to ask one shop's storefront, and what it told lately, by customer, oldest first."""

    api: ShopApi
    clock: Clock
    breaker: Breaker
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PLACES))
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    told: dict[str, tuple[float, Look]] = field(default_factory=dict)

    def turn(self, customer: str) -> asyncio.Lock:
        """Return what those hold in turn who ask about one customer."""
        return self.turns.setdefault(customer, asyncio.Lock())

    def known(self, customer: str, since: float) -> Look | None:
        """Return an answer that still counts; that there was none counts for those who waited for it since."""
        at, look = self.told.get(customer, (0.0, None))
        if look is None or self.clock() >= at + KEPT_S:
            return None
        return look if look.problem is None or at >= since else None

    def keep(self, customer: str, look: Look) -> Look:
        """Remember an answer, and forget those that count no more."""
        now = self.clock()
        self.told.pop(customer, None)
        while self.told and (oldest := next(iter(self.told.items())))[1][0] + KEPT_S <= now:
            del self.told[oldest[0]]
        self.told[customer] = now, look
        return look


class LastLook:
    """Asks the storefronts of those shops that have one in `apis`, by the shop's id."""

    def __init__(
        self, db: Database, apis: Mapping[str, ShopApi], now: Callable[[], datetime], clock: Clock = time.monotonic
    ) -> None:
        """`now` is the wall clock, `clock` a monotonic one, in seconds."""
        self.db, self.now = db, now
        self._lines = {shop: _Line(api, clock, Breaker(FAILURES, REST_S, clock)) for shop, api in apis.items()}

    def unasked(self, shop: str) -> Look | None:
        """Return that a shop's storefront was not asked; None where there is none to ask."""
        line = self._lines.get(shop)
        return Look(line.api.name, None, "not asked, the message seemed to be held anyway") if line else None

    async def refresh(self, shop: str, customer: str) -> Look | None:
        """Take in what the storefront knows of a customer's orders, and return what came of asking it.

        Whoever asks about the same customer meanwhile gets the same answer. None where there is nobody to ask.
        """
        line = self._lines.get(shop)
        if line is None:
            return None
        came = line.clock()
        async with line.turn(customer):
            return line.known(customer, came) or line.keep(customer, await self._look(line, shop, customer))

    async def _look(self, line: _Line, shop: str, customer: str) -> Look:
        about = await self.db.read(wanted, shop, customer)
        if about is None:
            return Look(line.api.name, None, "not asked, there is no open journey any more")
        found = await self._found(line, shop, about)
        if isinstance(found, Look):
            return found
        if found:
            await self._take_in(shop, line.api.name, found)
        return Look(line.api.name, self.now())

    async def _found(self, line: _Line, shop: str, about: Wanted) -> list[Event] | Look:
        """Return the orders that the storefront knows, or the look that says why nobody can tell."""
        name = line.api.name
        try:
            async with asyncio.timeout(PLACE_S):
                await line.places.acquire()
        except TimeoutError:
            return Look(name, None, f"{name} is being asked about too many customers at once")
        try:
            if not line.breaker.allows():
                return Look(name, None, f"{name} failed {FAILURES} times in a row and is left in peace for a while")
            return await self._asked(line, shop, about)
        finally:
            line.places.release()

    async def _asked(self, line: _Line, shop: str, about: Wanted) -> list[Event] | Look:
        name, at = line.api.name, self.now()
        try:
            async with asyncio.timeout(ANSWER_S):
                answers = [await line.api.orders_of(buyer, about.since, at) for buyer in about.buyers]
            found = [event for answer in answers for event in answer if event.order is not None]
        except TimeoutError:
            problem = f"{name} did not answer within {ANSWER_S:.0f} s"
        except StorefrontError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - whatever an answer makes of its reader, it is no answer
            problem = f"{name} answered what nobody understands ({type(error).__name__})"
        else:
            line.breaker.worked()
            LOOKS.labels(shop, "answered").inc()
            return found
        line.breaker.failed()
        LOOKS.labels(shop, "failed").inc()
        _log.warning("look.failed", shop=shop, storefront=name, problem=problem)
        return Look(name, at, problem)

    async def _take_in(self, shop: str, storefront: str, found: list[Event]) -> None:
        """Store what is new; the relay tells Temporal."""
        policies = await self.db.read(active, Kind.CART)
        await self.db.write(ingest, shop, found, policies[0] if policies else None, self.now(), storefront)
