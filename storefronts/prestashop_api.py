"""PrestaShop's webservice: the carts and orders that changed, and the orders of one person.

Filters of the webservice hold together and know no "or", so a page is two questions: for the rest of the second in
which the page before ended, by id, and for all that changed later. Times go out on the clocks of the shop.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from models.contact import is_email
from models.events import Event
from storefronts.base import Account, Buyer, Page
from storefronts.http import ShopHttp
from storefronts.polled import Mark, Place, cursor_behind, place_of, plain, theirs, unsafe
from storefronts.prestashop import NAME, cart_event, order_event
from storefronts.prestashop_goods import Known
from storefronts.prestashop_lookups import Lookups, any_of, read_all
from storefronts.prestashop_shapes import Cart, Listed, Order

PAGE: Final = 50
"""How many carts or orders are asked for at once."""
_SECOND: Final = timedelta(seconds=1)
_FULL: Final = {"display": "full", "date": "1"}
"""Without `date` the webservice knows no filter and no order by time."""


class PrestaShopApi:
    """One shop's webservice; keeps to `ShopApi`."""

    name = NAME
    streams: tuple[str, ...] = ("orders", "carts")

    def __init__(self, account: Account, timeout_s: float = 20.0) -> None:
        """Remember the shop, its zone and its webservice key, the user of an empty password."""
        self._zone = ZoneInfo(account.zone)
        self._http = ShopHttp(NAME, account.url, auth=(account.key, ""), timeout_s=timeout_s)
        self._known = Known(self._zone, account.currency)
        self._lookups = Lookups(self._http, self._known, unsafe(NAME, account.url, account.key))

    def __repr__(self) -> str:
        """Name the storefront, never its key."""
        return f"{type(self).__name__}()"

    async def changes(self, stream: str, cursor: str | None, at: datetime) -> Page:
        """Return the next page of orders, or of carts that are no orders; see `ShopApi.changes`."""
        place = place_of(cursor, at, lambda moment: self._written(moment, at))
        things, more = await self._behind(stream, place)
        read: list[Order] | list[Cart]
        if stream == "orders":
            read = read_all(things, Order)
            events = await self._orders(read, at)
        else:
            read = read_all(things, Cart)
            events = await self._carts(read, at)
        marks = [mark for one in read if (mark := self._mark(one))]
        return Page(
            events=tuple(events),
            cursor=cursor_behind(NAME, place, marks, at, more=more),
            more=more,
            unreadable=len(things) - len(read),
        )

    async def orders_of(self, buyer: Buyer, since: datetime, at: datetime) -> list[Event]:
        """Return the orders of a person that changed since then; see `ShopApi.orders_of`.

        Orders bear no address: the customers with it are asked first, guests have a new one for each order.
        """
        later = {**_FULL, "filter[date_upd]": f">[{self._written(since, at)}]", "sort": "[date_upd_ASC,id_ASC]"}
        found: dict[int, Order] = {}
        for name, numbers in (await self._names(buyer)).items():
            query = {**later, f"filter[{name}]": any_of(numbers)}
            found |= {one.id: one for one in read_all(await self._lookups.things("orders", query), Order)}
        events = await self._orders([found[number] for number in sorted(found)], at)
        begin = since.replace(microsecond=0)
        return [event for event in events if event.at >= begin and theirs(event, buyer)]

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _behind(self, stream: str, place: Place) -> tuple[list[object], bool]:
        """Return what comes behind a place, and whether there may be more."""
        things: list[object] = []
        limit = {**_FULL, "limit": str(PAGE)}
        if place.id:
            same = {"filter[date_upd]": f"[{place.moment}]", "filter[id]": f">[{place.id}]", "sort": "[id_ASC]"}
            things = await self._lookups.things(stream, {**limit, **same})
            if len(things) >= PAGE:
                return things, True
        later = {"filter[date_upd]": f">[{place.moment}]", "sort": "[date_upd_ASC,id_ASC]"}
        rest = await self._lookups.things(stream, {**limit, **later})
        return [*things, *rest], len(rest) >= PAGE

    async def _orders(self, orders: list[Order], at: datetime) -> list[Event]:
        known = await self._lookups.of_orders(orders)
        return [order_event(one, known, at) for one in orders]

    async def _carts(self, carts: list[Cart], at: datetime) -> list[Event]:
        ordered = await self._lookups.ordered(carts)
        left = [one for one in carts if one.id not in ordered]
        known = await self._lookups.of_carts(left)
        return [cart_event(one, known, at) for one in left]

    async def _names(self, buyer: Buyer) -> dict[str, list[int]]:
        """Return the fields and ids by which an order is a person's; PrestaShop's own ids are numbers."""
        people = {int(buyer.external_id)} if buyer.external_id and _number(buyer.external_id) else set()
        if buyer.email and is_email(buyer.email):
            people |= set(await self._lookups.customers_at(buyer.email))
        carts = {int(token) for token in buyer.tokens if _number(token)}
        return {name: sorted(ids) for name, ids in (("id_customer", people), ("id_cart", carts)) if ids}

    def _mark(self, given: Listed) -> Mark | None:
        at = self._known.moment(given.date_upd)
        return Mark(plain(given.date_upd), given.id, at) if given.date_upd and at else None

    def _written(self, moment: datetime, at: datetime) -> str:
        """Write the second before a moment on the clocks of the shop.

        When they have been put back since, they are read as they go now: an hour is asked for again, none is lost.
        """
        before = (moment - _SECOND).astimezone(UTC)
        return plain(before + min(self._ahead(before), self._ahead(at)))

    def _ahead(self, moment: datetime) -> timedelta:
        return moment.astimezone(self._zone).utcoffset() or timedelta()


def open_api(account: Account) -> PrestaShopApi:
    """Return the way to ask a PrestaShop shop; its key is a webservice key."""
    return PrestaShopApi(account)


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19
