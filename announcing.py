"""Tells shops, or their CRMs, what became of their customers: signed webhooks, in order for each customer, repeated.

| the receiver answers                | then                                                                      |
|-------------------------------------|---------------------------------------------------------------------------|
| 2xx                                 | it was heard                                                              |
| 410                                 | nobody listens there any more: nothing more is sent until the URL changes |
| 429, 503 with Retry-After           | the whole shop waits for that long, a day at most                         |
| it cannot be reached                | the whole shop waits for a few seconds                                    |
| anything else, or not within 15 s   | it is repeated later and later; see `models.announcing.PAUSES`            |

A receiver may hear something twice, under the same `webhook-id`: the call may have been heard when its answer was lost.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
import structlog

from channels.standard import signed
from models.announcing import listener_of
from models.stored import Json
from runtime.metrics import ANNOUNCEMENT_LAG, ANNOUNCEMENTS, ANNOUNCEMENTS_SET_ASIDE
from runtime.shop_settings import ShopSettings
from store import announcements
from store.announcements import AnnouncementRow
from store.db import Database

_log = structlog.get_logger()
_AT_ONCE: Final = 16
_PATIENCE_S: Final = 15.0
_SMALL: Final = 16 * 1024
_REST: Final = timedelta(seconds=5)
_LONGEST_REST: Final = timedelta(days=1)
_NO_REST: Final = timedelta()


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told of a shop's customers, and by what they know that it is us."""

    name: str
    url: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of an attempt: no `problem` when it was heard; `rest` is how long all of the shop waits."""

    problem: str | None = None
    rest: timedelta = _NO_REST
    gone: bool = False


class Announcing:
    """The runner of announcements; several may run, for each claims what it sends."""

    def __init__(
        self,
        db: Database,
        shops: Sequence[ShopSettings],
        now: Callable[[], datetime],
        *,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """Serve the shops that name a receiver; `now` is the wall clock, `patience_s` for one answer."""
        self.db, self.now = db, now
        self._listeners = {shop.id: one for shop in shops if (one := listener(shop)) is not None}
        self._patience_s = patience_s
        self._resting: dict[str, datetime] = {}
        self._http = httpx.AsyncClient(
            headers={"Content-Type": "application/json", "User-Agent": "relaunch"},
            timeout=httpx.Timeout(patience_s, connect=min(patience_s, 5.0)),
            limits=httpx.Limits(max_connections=_AT_ONCE, keepalive_expiry=15.0),
            follow_redirects=False,
        )

    async def run(self, every: float = 1.0) -> None:
        """Tell what is due, for ever; a receiver that is slow about one customer keeps nobody else waiting."""
        tasks: set[asyncio.Task[bool]] = set()
        try:
            while True:
                tasks |= {asyncio.create_task(self._tell(row)) for row in await self._taken(_AT_ONCE - len(tasks))}
                if tasks:
                    _, tasks = await asyncio.wait(tasks, timeout=every, return_when=asyncio.FIRST_COMPLETED)
                else:
                    await asyncio.sleep(every)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.aclose()

    async def once(self) -> int:
        """Tell what is due now, of each customer one thing, and return how much was heard."""
        return sum(await asyncio.gather(*[self._tell(row) for row in await self._taken(_AT_ONCE)]))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _taken(self, limit: int) -> Sequence[AnnouncementRow]:
        """Claim what is due; nobody waits for a store that is away."""
        at = self.now()
        waiting = {shop: one.name for shop, one in self._listeners.items() if at >= self._resting.get(shop, at)}
        if not waiting or limit <= 0:
            return ()
        try:
            shops = await self.db.read(announcements.due, waiting, at)
            rows = await self.db.write(announcements.claim, shops, at, limit) if shops else []
            age, aside = await self.db.read(announcements.lag, at)
        except Exception as error:  # noqa: BLE001 - it outlives everything; what it could not do, it will
            _log.warning("announcing.failed", problem=type(error).__name__)
            return ()
        ANNOUNCEMENT_LAG.set(age)
        ANNOUNCEMENTS_SET_ASIDE.set(aside)
        return rows

    async def _tell(self, row: AnnouncementRow) -> bool:
        """Tell one thing, write down what came of it, and say whether it was heard."""
        try:
            rests = self._resting.get(row.shop)
            if rests is not None and self.now() < rests:
                await self.db.write(announcements.give_back, [row.id], rests)
                return False
            receiver = self._listeners[row.shop]
            names = await self.db.read(announcements.name_of, row.customer_id)
            answer = await self._post(receiver, row, body_of(row, names))
            await self._noted(receiver, row, answer)
        except Exception as error:  # noqa: BLE001 - whatever it was: the claim runs out, and it is told again
            _log.warning("announcing.failed", announcement=row.id, problem=type(error).__name__)
            return False
        return answer.problem is None

    async def _noted(self, receiver: Listener, row: AnnouncementRow, answer: _Answer) -> None:
        at = self.now()
        ANNOUNCEMENTS.labels("failed" if answer.problem else "sent").inc()
        if answer.problem is None:
            await self.db.write(announcements.heard, row.id, at)
            return
        _log.warning("announcement.not_heard", announcement=row.id, shop=row.shop, problem=answer.problem)
        if answer.rest:
            self._resting[row.shop] = at + answer.rest
        if answer.gone:
            await self.db.write(announcements.gone, row, receiver.name, answer.problem, at)
        elif not await self.db.write(announcements.missed, row, answer.problem, at, answer.rest):
            _log.error("announcement.set_aside", announcement=row.id, shop=row.shop)

    async def _post(self, receiver: Listener, row: AnnouncementRow, body: str) -> _Answer:
        headers = signed(receiver.secret, row.id, self.now(), body)
        try:
            async with (
                asyncio.timeout(self._patience_s),
                self._http.stream("POST", receiver.url, content=body.encode(), headers=headers) as answer,
            ):
                if int(answer.headers.get("content-length", _SMALL)) < _SMALL:
                    await answer.aread()  # so that the connection serves again
                return _understood(answer.status_code, answer.headers, self.now())
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout):
            return _Answer(f"the receiver did not answer within {self._patience_s:g} s")
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return _Answer("the receiver cannot be reached", _REST)
        except (httpx.HTTPError, ValueError):
            return _Answer("the line to the receiver was lost, or its answer cannot be read")


def listener(shop: ShopSettings) -> Listener | None:
    """Return who is told of a shop's customers, None when nobody is."""
    if shop.webhook_url is None or shop.webhook_secret is None:
        return None
    return Listener(listener_of(shop.webhook_url), shop.webhook_url, shop.webhook_secret.get_secret_value())


def body_of(row: AnnouncementRow, names: Mapping[str, Json]) -> str:
    """Return what is sent of a row; `names` are by what the shop knows its customer now."""
    told = {"shop": row.shop, "customer_id": row.customer_id, **names, **row.data}
    stamp = row.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    value = {"type": row.type, "timestamp": stamp, "data": told}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _understood(status: int, headers: httpx.Headers, now: datetime) -> _Answer:
    """Return what an answer means; its body says nothing that counts, and is never repeated anywhere."""
    text = f"the receiver answered {status}"
    match status:
        case _ if 200 <= status < 300:
            return _Answer()
        case 410:
            return _Answer(f"{text}: nobody listens there any more", gone=True)
        case 429 | 503:
            return _Answer(text, min(_retry_after(headers, now), _LONGEST_REST))
        case _ if 300 <= status < 400:
            return _Answer(f"{text}: it sends us elsewhere, which is never followed; check its URL")
        case _:
            return _Answer(text)


def _retry_after(headers: httpx.Headers, now: datetime) -> timedelta:
    """Return for how long the receiver wants to be left alone (RFC 9110, 10.2.3: seconds or a date)."""
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdecimal():
        return timedelta(seconds=min(int(told), 86_400))
    try:
        date = parsedate_to_datetime(told)
    except ValueError:
        return _NO_REST
    return max(date.replace(tzinfo=date.tzinfo or UTC) - now, _NO_REST)
