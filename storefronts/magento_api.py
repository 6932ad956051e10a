"""Magento's REST API: the quotes and orders that changed, and the orders of one person.

Each question is for what changed in or after a second, in the order of change, and leaves out what was read of that
second by its id. The list of carts prices without tax and in the base currency, so each cart's totals are asked too.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from models.contact import is_email
from models.events import Event
from storefronts.base import Account, Buyer, Page, StorefrontGarbled, StorefrontRefused
from storefronts.http import ShopHttp
from storefronts.magento import NAME, cart_event, order_event
from storefronts.magento_shapes import Found, Order, Quote, Totals
from storefronts.polled import Mark, Place, cursor_behind, place_of, plain, theirs, unsafe

PAGE: Final = 50
"""How many quotes or orders are asked for at once."""
_MOST_PAGES: Final = 5
"""The most pages of one person's orders that are read."""
_PATHS: Final = {"orders": "/rest/V1/orders", "carts": "/rest/V1/carts/search"}
_ACTIVE: Final = (("is_active", "eq", "1"),)

Filter = tuple[str, str, str]
"""A field, a condition and a value."""


class MagentoApi:
    """One shop's REST API; keeps to `ShopApi`."""

    name = NAME
    streams = tuple(_PATHS)

    def __init__(self, account: Account, timeout_s: float = 20.0) -> None:
        """Remember the shop and the access token of its integration."""
        self._problem, self._country = unsafe(NAME, account.url, account.key), account.country
        opening = {} if self._problem else {"Authorization": f"Bearer {account.key}"}
        self._http = ShopHttp(NAME, account.url, headers=opening, timeout_s=timeout_s)
        self._few = asyncio.Semaphore(4)

    def __repr__(self) -> str:
        """Name the storefront, never its key."""
        return f"{type(self).__name__}()"

    async def changes(self, stream: str, cursor: str | None, at: datetime) -> Page:
        """Return the next page of orders or active quotes; see `ShopApi.changes`."""
        place = place_of(cursor, at, _written)
        behind = _behind(place)
        found = await self._search(stream, behind if stream == "orders" else [*behind, _ACTIVE])
        more = len(found.items) < (found.total_count or 0)
        if stream == "orders":
            orders = [_order(item) for item in found.items]
            events = [order_event(one, self._country, at) for one in orders if one]
            marks = [one.mark(one.entity_id) for one in orders if one]
        else:
            quotes = [_quote(item) for item in found.items]
            events = await self._carts([one for one in quotes if one], at)
            marks = [one.mark(one.id) for one in quotes if one]
        kept = [mark for mark in marks if mark]
        return Page(
            events=tuple(events),
            cursor=cursor_behind(NAME, place, kept, at, more=more),
            more=more,
            unreadable=len(found.items) - len(marks),
        )

    async def orders_of(self, buyer: Buyer, since: datetime, at: datetime) -> list[Event]:
        """Return the orders of a person that changed since then; see `ShopApi.orders_of`."""
        names = _names(buyer)
        if not names:
            return []
        orders = [order async for order in self._all([names], Place(since, _written(since)))]
        return [event for order in orders if theirs(event := order_event(order, self._country, at), buyer)]

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _all(self, groups: Sequence[Sequence[Filter]], place: Place) -> AsyncIterator[Order]:
        for _ in range(_MOST_PAGES):
            found = await self._search("orders", [*groups, *_behind(place)])
            orders = [order for item in found.items if (order := _order(item))]
            for order in orders:
                yield order
            if len(found.items) >= (found.total_count or 0):
                return
            place = _after(place, [order.mark(order.entity_id) for order in orders])
        raise StorefrontGarbled(f"{NAME} found more orders than one person has: it may not know the filters")

    async def _carts(self, quotes: Sequence[Quote], at: datetime) -> list[Event]:
        """Return what quotes mean; one that ended between the list and its totals is no cart any more."""
        asked = await asyncio.gather(*(self._totals(one) for one in quotes), return_exceptions=True)
        events = []
        for quote, totals in zip(quotes, asked, strict=True):
            if isinstance(totals, BaseException):
                raise totals
            event = cart_event(quote, totals, self._country, at)
            if event and (totals or not quote.items):
                events.append(event)
        return events

    async def _totals(self, quote: Quote) -> Totals | None:
        """Return what the customer sees of a quote's money, None for an empty or ended one."""
        if not quote.items:
            return None
        async with self._few:
            try:
                answer = await self._http.get(f"/rest/V1/carts/{quote.id}/totals")
            except StorefrontRefused:
                if await self._lives(quote):
                    raise
                return None
        try:
            return Totals.model_validate(answer.value)
        except ValidationError:
            raise StorefrontGarbled(f"{NAME} answered totals that nobody understands") from None

    async def _lives(self, quote: Quote) -> bool:
        found = await self._search("carts", [_ACTIVE, (("entity_id", "eq", str(quote.id)),)])
        return bool(found.items)

    async def _search(self, stream: str, groups: Sequence[Sequence[Filter]]) -> Found:
        if self._problem:
            raise StorefrontRefused(self._problem)
        answer = await self._http.get(_PATHS[stream], _criteria(groups))
        try:
            found = Found.of(answer.value)
        except ValidationError:
            found = None
        if found is None or (found.total_count is None and found.items):
            raise StorefrontGarbled(f"{NAME} answered {stream} that nobody understands: check its URL")
        return found


def open_api(account: Account) -> MagentoApi:
    """Return the way to ask a Magento shop; its key is the access token of an integration."""
    return MagentoApi(account)


def _written(moment: datetime) -> str:
    return plain(moment.astimezone(UTC))


def _behind(place: Place) -> list[Sequence[Filter]]:
    """Return filters for all that changed after a place: groups hold together, the filters of one are alternatives."""
    return [
        (("updated_at", "gteq", place.moment),),
        (("updated_at", "gt", place.moment), ("entity_id", "gt", str(place.id))),
    ]


def _after(place: Place, marks: Sequence[Mark | None]) -> Place:
    last = next((mark for mark in reversed(marks) if mark), None)
    if last is None or (last.moment, last.id) <= (place.moment, place.id):
        raise StorefrontGarbled(f"{NAME} gave a page that does not go on behind the one before")
    return Place(place.newest, last.moment, last.id)


def _criteria(groups: Sequence[Sequence[Filter]]) -> Mapping[str, str]:
    """Return a search as Magento reads it from a URL."""
    query = {"searchCriteria[pageSize]": str(PAGE), "searchCriteria[currentPage]": "1"}
    for place, field in enumerate(("updated_at", "entity_id")):
        query[f"searchCriteria[sortOrders][{place}][field]"] = field
        query[f"searchCriteria[sortOrders][{place}][direction]"] = "ASC"
    for number, group in enumerate(groups):
        for place, parts in enumerate(group):
            name = f"searchCriteria[filter_groups][{number}][filters][{place}]"
            for part, value in zip(("field", "condition_type", "value"), parts, strict=True):
                query[f"{name}[{part}]"] = value
    return query


def _names(buyer: Buyer) -> list[Filter]:
    """Return the alternatives by which an order is a person's; Magento's own ids are numbers."""
    quotes = sorted(token for token in buyer.tokens if _number(token))
    names: list[Filter] = []
    if buyer.external_id and _number(buyer.external_id):
        names.append(("customer_id", "eq", buyer.external_id))
    if buyer.email and is_email(buyer.email):
        names.append(("customer_email", "eq", buyer.email))
    return [*names, ("quote_id", "in", ",".join(quotes))] if quotes else names


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _order(item: object) -> Order | None:
    try:
        return Order.model_validate(item)
    except ValidationError:
        return None


def _quote(item: object) -> Quote | None:
    try:
        return Quote.model_validate(item)
    except ValidationError:
        return None
