"""Shopify's Admin API: orders and abandoned checkouts page by page, and the orders of a person.

| what GraphQL answers with status 200                                | raised                                  |
|----------------------------------------------------------------------|-----------------------------------------|
| an error THROTTLED, INTERNAL_SERVER_ERROR, TIMEOUT                    | StorefrontAway, with the time to refill |
| an error ACCESS_DENIED                                                | StorefrontRefused: a scope is missing   |
| any other error, no `data`, nodes that are no list                    | StorefrontGarbled                       |

`storefronts/http.py` says what every other status means. Shopify's search lags behind its shop by seconds: what comes
late is found by the overlap of the rounds.
"""

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from models.contact import email_key
from models.events import Event, Unreadable
from storefronts.base import (
    FIRST,
    OVERLAP,
    Account,
    Buyer,
    Page,
    StorefrontAway,
    StorefrontGarbled,
    StorefrontRefused,
)
from storefronts.http import ShopHttp
from storefronts.shopify_nodes import Json, checkout_event, inside, order_event
from storefronts.shopify_people import Sent, utc
from storefronts.shopify_queries import CHECKOUTS, LATEST, ORDERS, PAGE, PATH, by_name, by_token, since
from storefronts.shopify_token import Opener

_TIME = TypeAdapter(AwareDatetime)
_AWAY = frozenset({"THROTTLED", "INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})
_DOCUMENTS: Final = {"orders": ORDERS, "carts": CHECKOUTS}
_READERS: Final[Mapping[str, Callable[[Json, Sent], Event]]] = {"orders": order_event, "carts": checkout_event}


def open_api(account: Account) -> "ShopifyApi":
    """Return the way to ask a shop; `account.key` is as `shopify_token.py` reads it."""
    return ShopifyApi(account)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a round is: since when it asks, the newest change that it has read, and Shopify's cursor within it."""

    since: AwareDatetime
    newest: AwareDatetime | None = None
    after: str | None = None

    def __str__(self) -> str:
        """Write it as the cursor that is kept."""
        return json.dumps(asdict(self), default=datetime.isoformat)


_PLACE = TypeAdapter(_Place)


class ShopifyApi:
    """One shop; see https://shopify.dev/docs/api/admin-graphql."""

    name = "shopify"
    streams: tuple[str, ...] = ("orders", "carts")

    def __init__(self, account: Account, timeout_s: float = 20.0) -> None:
        """Connects at the first question only."""
        self._country = account.country
        self._http = ShopHttp(self.name, account.url, timeout_s=timeout_s)
        self._opener = Opener(self._http, account.key)

    async def changes(self, stream: str, cursor: str | None, at: datetime) -> Page:
        """Return the next page of orders or of abandoned checkouts; see `ShopApi.changes`."""
        place = _place(cursor, at)
        found = await self._ask(_DOCUMENTS[stream], since(place.since), after=place.after)
        nodes, after = _nodes(found), _next(found)
        place = replace(place, newest=max((*_times(nodes), place.newest or place.since)), after=after)
        events, unreadable = _understood(nodes, _READERS[stream], self._sent(stream, at))
        return Page(events, str(place if after else _rested(place, at)), more=after is not None, unreadable=unreadable)

    async def orders_of(self, buyer: Buyer, since: datetime, at: datetime) -> list[Event]:
        """Return the newest orders of a person, of each name the last ten; see `ShopApi.orders_of`."""
        named, tokened = await asyncio.gather(
            self._latest(by_name(buyer), since), self._latest(by_token(buyer.tokens), since)
        )
        sent = self._sent("orders", at)
        told, _ = _understood(named, order_event, sent)
        found = {event.order.order_id: event for event in told if event.order and _is(event, buyer)}
        told, _ = _understood(tokened, lambda node, sent: order_event(node, sent, buyer.tokens), sent)
        found |= {event.order.order_id: event for event in told if event.order}
        return sorted(found.values(), key=lambda event: event.at)

    async def aclose(self) -> None:
        """Close every connection; see `ShopApi.aclose`."""
        await self._http.aclose()

    def _sent(self, stream: str, at: datetime) -> Sent:
        return Sent(f"admin/{stream}", "", self._country, None, at)

    async def _latest(self, names: str, moment: datetime) -> list[Json]:
        return _nodes(await self._ask(LATEST, f"{since(moment)} AND {names}")) if names else []

    async def _ask(self, document: str, query: str, **more: object) -> Json:
        """Return the page that a document asks for."""
        variables = {"first": PAGE, "query": query, **more}
        answer = (await self._opener.post(PATH, {"query": document, "variables": variables})).value
        if not isinstance(answer, Mapping):
            raise StorefrontGarbled("shopify answered no object: check its URL")
        if answer.get("errors"):
            raise _refusal(answer)
        page = inside(inside(answer, "data"), "page")
        if not isinstance(page.get("nodes"), list):
            raise StorefrontGarbled("shopify answered without what it was asked for: check its URL")
        return page


def _place(cursor: str | None, at: datetime) -> _Place:
    """Return where to go on; a cursor that cannot be read begins anew, for what comes twice counts once."""
    try:
        return _PLACE.validate_json(cursor or "")
    except ValidationError:
        return _Place(at.astimezone(UTC) - FIRST)


def _rested(place: _Place, at: datetime) -> _Place:
    """Return where the next round begins: never after now, whatever dates the shop writes, and never earlier again."""
    newest = min(place.newest or place.since, at)
    return _Place(max(place.since, newest.astimezone(UTC) - OVERLAP))


def _understood(nodes: list[Json], read: Callable[[Json, Sent], Event], sent: Sent) -> tuple[tuple[Event, ...], int]:
    """Return the events of a page, oldest first, and how many things nobody understands."""
    events: list[Event] = []
    for node in nodes:
        try:
            events.append(read(node, sent))
        except Unreadable:
            continue
    return tuple(sorted(events, key=lambda event: event.at)), len(nodes) - len(events)


def _nodes(page: Json) -> list[Json]:
    listed = page["nodes"]
    return [one if isinstance(one, Mapping) else {} for one in listed] if isinstance(listed, list) else []


def _next(page: Json) -> str | None:
    """Return Shopify's cursor of the next page, None after the last."""
    told = inside(page, "pageInfo")
    more, after = told.get("hasNextPage"), told.get("endCursor")
    if not isinstance(more, bool) or (more and not isinstance(after, str)):
        raise StorefrontGarbled("shopify does not tell whether there is another page")
    return after if more and isinstance(after, str) else None


def _times(nodes: list[Json]) -> list[datetime]:
    found = []
    for node in nodes:
        try:
            found.append(utc(_TIME.validate_python(node.get("updatedAt"))))
        except ValidationError:
            continue
    return [moment for moment in found if moment]


def _is(event: Event, buyer: Buyer) -> bool:
    """Say whether an order is this person's: a search finds words, and more than was meant."""
    same = event.person.external_id is not None and event.person.external_id == buyer.external_id
    return same or (buyer.email is not None and event.person.email_key == email_key(buyer.email))


def _refusal(answer: Json) -> StorefrontAway | StorefrontRefused | StorefrontGarbled:
    told = answer["errors"]
    errors = [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []
    codes = {str(inside(one, "extensions").get("code")) for one in errors}
    if "ACCESS_DENIED" in codes:
        return StorefrontRefused("shopify denied access: give its app read_orders, read_customers and read_products")
    if codes & _AWAY:
        return StorefrontAway("shopify is overrun or broken for now", _refill(answer))
    return StorefrontGarbled("shopify did not understand the question: check its URL and version")


def _refill(answer: Json) -> timedelta | None:
    """Return the time after which Shopify will have points enough again, None when it does not tell."""
    cost = inside(inside(answer, "extensions"), "cost")
    status = inside(cost, "throttleStatus")
    wanted, left, rate = cost.get("requestedQueryCost"), status.get("currentlyAvailable"), status.get("restoreRate")
    if not isinstance(wanted, int | float) or not isinstance(left, int | float) or not isinstance(rate, int | float):
        return None
    try:
        wait = math.ceil((wanted - left) / rate)
    except (ArithmeticError, ValueError):
        return None
    return timedelta(seconds=min(max(wait, 1), 60))
