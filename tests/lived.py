"""Lives a month through: webhooks at the real door, polls and journeys by a clock that jumps to the next thing.

`python -m tests.lived` lives the whole one (20,000 carts, 6,000 orders, 30 days) and prints what came of it; the tests
live a shorter one. Temporal's part is played by the journeys' own decisions: everything else is real.
"""

import argparse
import asyncio
import heapq
import json
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar

from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.composing import Composer
from activities.looking import LastLook
from activities.scoring import Scoring
from activities.sending import Sending
from api.context import Context
from channels.memory import Memory
from channels.rendering import Renderer
from models.decide import Assess, Close, Progress, Send, Wait, decide
from models.events import Event, OrderStatus
from models.journey import AssessRequest, CloseRequest, SendRequest
from models.policy import Policy
from models.vocabulary import Channel, Kind, Outcome
from runtime import logs
from store import acts, ledger, outbox, policies, polls
from store.acts import By
from store.audit import audit
from store.outbox import Call
from storefronts.base import ShopApi, StorefrontError
from storefronts.shopify import STOREFRONT
from tests.api_app import Api, serving, signed
from tests.month import DAY, FIRST_DAY, MINUTE, OUTAGE, Month, Storefront, Webhook, month

T = TypeVar("T")
POLL_EVERY = 5 * MINUTE
_AFTERWARDS = 6
"""For so many days after the last cart the storefront is asked; somebody may still buy it, and be refunded."""
_TOGETHER = timedelta(seconds=2)
"""Webhooks that come so close to each other knock at the same time."""


@dataclass
class Life:
    """A shop's month as Relaunch lives it: when each person was written to, and when their payment was committed.

    `looks` says whether the storefront is asked before each send.
    """

    api: Api
    context: Context
    made: Month
    looks: bool = True
    mail: Memory = field(default_factory=Memory)
    now: datetime = FIRST_DAY
    handed: dict[str, list[datetime]] = field(default_factory=dict)
    known: dict[str, datetime] = field(default_factory=dict)
    _journeys: dict[str, Progress] = field(default_factory=dict)
    _attempts: dict[str, int] = field(default_factory=dict)
    _agenda: list[tuple[datetime, int, str]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        """Have the API read this clock, and Temporal's part played by the journey's own decisions."""
        self.context.now = lambda: self.now
        installation = self.api.installation
        composer = Composer(Renderer(), installation.links, rehearsal=False, signer=None)
        self._scoring = Scoring(installation.db, installation.secret, lambda: self.now)
        self._storefront = Storefront(self.made)
        shops: dict[str, ShopApi] = {"main": self._storefront} if self.looks else {}
        looking = LastLook(installation.db, shops, lambda: self.now, self._seconds)
        senders = {Channel.EMAIL: self.mail}
        self._sending = Sending(installation.db, composer, senders, lambda: self.now, looking=looking)

    def _seconds(self) -> float:
        return self.now.timestamp()

    async def live(self) -> None:
        """Go through everything that happens, in the order in which it does, until every journey is over."""
        policy = (await self.api.installation.db.read(policies.active, Kind.CART))[0]
        arrivals = deque(self.made.webhooks)
        objections = deque(sorted((at, email) for email, at in self.made.objected.items()))
        polls_due = deque(
            FIRST_DAY + one * POLL_EVERY for one in range((self.made.days + _AFTERWARDS) * DAY // POLL_EVERY)
        )
        while arrivals or objections or polls_due or self._agenda:
            nexts = [arrivals[0].at] if arrivals else []
            nexts += [objections[0][0]] if objections else []
            nexts += [polls_due[0]] if polls_due else []
            nexts += [self._agenda[0][0]] if self._agenda else []
            self.now = max(self.now, min(nexts))
            batch = list(_until(arrivals, lambda one: one.at <= self.now + _TOGETHER))
            if batch:
                self.now = max(self.now, batch[-1].at)
            await asyncio.gather(*(self._deliver(one) for one in batch))
            for _, email in _until(objections, lambda one: one[0] <= self.now):
                await self._object(email)
            for _ in _until(polls_due, lambda at: at <= self.now):
                await self._poll(policy)
            await self._hear()
            await self._act()

    async def _deliver(self, one: Webhook) -> None:
        headers = signed(one.body, one.topic) | {"X-Shopify-Webhook-Id": one.id, "X-Shopify-Event-Id": one.id}
        answer = await self.api.http.post("/v1/webhooks/shopify", content=one.body, headers=headers)
        assert answer.status_code == 200, answer.text
        headers["X-Shopify-Topic"] = one.topic
        self._learnt(STOREFRONT.translate(one.body, headers, shop_country="FR", at=self.now))

    def _learnt(self, events: Iterable[Event]) -> None:
        """Remember who is known to have paid from now on: these events are committed."""
        for event in events:
            if event.order is not None and event.order.status is not OrderStatus.PENDING:
                self.known.setdefault(event.person.email or "", self.now)

    async def _object(self, email: str) -> None:
        by = By("support", None, self.now)
        await self.api.installation.db.write(acts.object_, "main", None, email, [Channel.EMAIL], by)

    async def _poll(self, policy: Policy) -> None:
        db = self.api.installation.db
        asked = await db.read(polls.load, "main", "shopify", "orders")
        try:
            page = await self._storefront.changes("orders", asked.cursor, self.now)
        except StorefrontError as error:
            await db.write(polls.failed, asked, str(error), self.now)
        else:
            await db.write(polls.advance, asked, page.events, page.cursor, policy, self.now)
            self._learnt(page.events)

    async def _hear(self) -> None:
        """Take from the outbox what Temporal would be told."""
        db = self.api.installation.db
        while rows := await db.write(outbox.claim, self.now + timedelta(seconds=5), 500):
            for row in rows:
                if Call(row.call) is Call.START:
                    self._journeys[row.journey_id] = Progress()
                elif row.journey_id in self._journeys:
                    progress = self._journeys[row.journey_id]
                    self._journeys[row.journey_id] = progress.stopped(Outcome(row.argument or Outcome.CANCELLED))
                self._due(row.journey_id, self.now)
            await db.write(outbox.told, [row.id for row in rows])

    def _due(self, journey: str, at: datetime) -> None:
        heapq.heappush(self._agenda, (at, next(self._numbers), journey))

    async def _act(self) -> None:
        """Let every journey that is due do what `decide` says."""
        while self._agenda and self._agenda[0][0] <= self.now:
            journey = heapq.heappop(self._agenda)[2]
            if journey in self._journeys:
                await self._step(journey)

    async def _step(self, journey: str) -> None:
        env = ActivityEnvironment()
        env.info = replace(env.info, workflow_id=journey, attempt=self._attempts.get(journey, 1))
        progress = self._journeys[journey]
        match command := decide(progress, self.now):
            case Assess():
                answer = await env.run(self._scoring.assess, AssessRequest(self.now))
                self._go_on(journey, progress.assessed(answer), self.now)
            case Wait():
                self._due(journey, max(command.until or self.now + DAY, self.now + MINUTE))
            case Send():
                await self._send(env, journey, progress, command)
            case Close():
                if command.outcome is Outcome.EXHAUSTED:
                    close = CloseRequest(command.outcome, self.now)
                    await self.api.installation.db.write(ledger.close, journey, close.outcome, close.at)
                del self._journeys[journey]

    async def _send(self, env: ActivityEnvironment, journey: str, progress: Progress, command: Send) -> None:
        request = SendRequest(command.step, self.now, command.until, command.channel)
        before = len(self.mail.messages)
        try:
            result = await env.run(self._sending.send, request)
        except ApplicationError as error:
            self._attempts[journey] = env.info.attempt + 1
            self._due(journey, self.now + (error.next_retry_delay or MINUTE))
            return
        self._attempts.pop(journey, None)
        for message in self.mail.messages[before:]:
            self.handed.setdefault(message.to.lower(), []).append(self.now)
        self._go_on(journey, progress.sent(command.step, result), self.now)

    def _go_on(self, journey: str, progress: Progress, at: datetime) -> None:
        self._journeys[journey] = progress
        self._due(journey, at)


def lives(api: Api, made: Month, *, looks: bool) -> Life:
    """Return the life of a month, not lived yet."""
    context: Context = api.http._transport.app.state.context  # type: ignore[attr-defined] # httpx shows its app to nobody
    return Life(api, context, made, looks)


def _until(left: "deque[T]", holds: Callable[[T], bool]) -> Iterator[T]:
    """Take from the front for as long as it holds."""
    while left and holds(left[0]):
        yield left.popleft()


async def _whole(carts: int, orders: int, days: int, seed: int) -> dict[str, object]:
    """Live a month with the last look, and return what came of it."""
    with tempfile.TemporaryDirectory(prefix="relaunch-month-") as home:
        async with serving(Path(home)) as api:
            life = lives(api, month(seed, carts, orders, days), looks=True)
            progress = asyncio.create_task(_tell(life))
            await life.live()
            progress.cancel()
            violations = await api.installation.db.read(audit)
    late = {who for who, at in life.known.items() if any(sent > at for sent in life.handed.get(who, []))}
    waited = [life.known[who] - (OUTAGE[1] if _blind(life, who) else life.made.paid[who]) for who in life.made.untold]
    return {
        "webhooks": len(life.made.webhooks),
        "messages": sum(map(len, life.handed.values())),
        "orders": len(life.made.bought),
        "orders_known": len(life.known),
        "orders_untold": len(life.made.untold),
        "found_by_the_poll_after_at_most_s": max(waited, default=timedelta()).total_seconds(),
        "written_to_after_the_commit_of_their_order": len(late),
        "violations": len(violations),
    }


def _blind(life: Life, who: str) -> bool:
    """Say whether somebody paid while the storefront could not be asked, or just before."""
    return OUTAGE[0] - POLL_EVERY <= life.made.paid[who] < OUTAGE[1]


async def _tell(life: Life) -> None:
    while True:
        print(f"{life.now:%d %B %H:%M}, {len(life.known)} orders known", file=sys.stderr)  # noqa: T201
        await asyncio.sleep(20)


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("carts", 20_000), ("orders", 6_000), ("days", 30), ("seed", 20261122)):
        given.add_argument(f"--{name}", type=int, default=usual)
    logs.configure("json", "error")
    print(json.dumps(asyncio.run(_whole(**vars(given.parse_args())))))  # noqa: T201
