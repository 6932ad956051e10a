"""WooCommerce's REST API wc/v3: the orders and drafts that changed, and the orders of one person.

The offset of a page shifts while orders change, so no page has a number here. Each question asks for what changed in
the second of the last order that was read, or later, and leaves out (`exclude`) the ones of that second that were read
already: orders of equal seconds are neither lost nor read twice, and an order that changes meanwhile comes again.
Times go out without a zone and with `dates_are_gmt`, because WordPress moves a time with a zone into the shop's own.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import AwareDatetime, BaseModel, ValidationError

from models.contact import is_email
from models.events import Event, Unreadable
from storefronts.base import FIRST, OVERLAP, Account, Buyer, Page, StorefrontGarbled, StorefrontRefused
from storefronts.http import Answer, ShopHttp
from storefronts.polled import theirs, unsafe
from storefronts.woocommerce import NAME, order_event, parsed
from storefronts.woocommerce_goods import DRAFT
from storefronts.woocommerce_shapes import CART_META, OrderPayload

PAGE: Final = 100
"""The most orders that WooCommerce gives at once."""
_MOST_PAGES: Final = 5
"""The most pages of one person's orders that are read."""
_MOST_NAMED: Final = 500
"""The most orders that a question leaves out by name; its URL would grow too long."""
_ORDERS: Final = "/wp-json/wc/v3/orders"
_TOPIC: Final = "order.updated"
_STATUS: Final = {"orders": "any", "carts": DRAFT}
_SECOND: Final = timedelta(seconds=1)
_ID: Final = re.compile(r"[1-9][0-9]{0,18}")
# Some versions decode what they look for once more: an address with a plus is looked for by what stands before it.
_MANGLED: Final = re.compile(r"[+%]")
# Local times are asked for too: some versions make a field of UTC only beside its local one.
_FIELDS: Final = (
    "id,status,order_key,created_via,currency,total,customer_id,billing,date_created,date_created_gmt,date_modified,"
    "date_modified_gmt,date_paid,date_paid_gmt,line_items,coupon_lines,refunds,payment_url,needs_payment,meta_data"
)


class _Cursor(BaseModel):
    """How far a round has come: where it began, the last second that was read, and the orders of it that were."""

    start: AwareDatetime
    since: AwareDatetime
    done: list[str] = []


class WooCommerceApi:
    """One shop's REST API; keeps to `ShopApi`."""

    name = NAME
    streams = tuple(_STATUS)

    def __init__(self, account: Account, timeout_s: float = 20.0) -> None:
        """Remember the shop and its key, `ck_…:cs_…`; they are looked at when the first question is asked."""
        consumer, _, secret = account.key.partition(":")
        self._problem = _problem(account.url, consumer, secret)
        self._country = account.country
        self._http = ShopHttp(NAME, account.url, auth=(consumer, secret), timeout_s=timeout_s)

    def __repr__(self) -> str:
        """Name the storefront, never its key."""
        return f"{type(self).__name__}()"

    async def changes(self, stream: str, cursor: str | None, at: datetime) -> Page:
        """Return the next page of orders or drafts; see `ShopApi.changes`."""
        now = _cursor(cursor) or _beginning(at - FIRST)
        answer = await self._ask({"status": _STATUS[stream], "order": "asc", **_after(now.since), **_without(now.done)})
        items = _items(answer)
        orders = [_parsed(item) for item in items]
        events = [self._event(order, at) for order in orders]
        wanted = [stream == "carts" or not _draft(item) for item in items]
        more = bool(items) and _more(answer, items)
        return Page(
            events=tuple(event for event, ours in zip(events, wanted, strict=True) if event and ours),
            cursor=_next(now, [one for one in orders if one], at, more=more).model_dump_json(),
            more=more,
            unreadable=sum(event is None and ours for event, ours in zip(events, wanted, strict=True)),
        )

    async def orders_of(self, buyer: Buyer, since: datetime, at: datetime) -> list[Event]:
        """Return the orders of a person that changed since then; see `ShopApi.orders_of`.

        WooCommerce looks for an account or for a text in an order's addresses; it finds more than was asked for, and
        no order by its key, so tokens alone find nothing.
        """
        found: dict[str, Event] = {}
        for question in _questions(buyer):
            async for item in self._all({"status": "any", "order": "desc", **_after(since), **question}):
                event = self._event(_parsed(item), at)
                if event and event.order and theirs(event, buyer):
                    found[event.key] = event
        return list(found.values())

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    def _event(self, order: OrderPayload | None, at: datetime) -> Event | None:
        """Return what an order or a draft means, None for one that nobody understands."""
        try:
            return None if order is None else order_event(order, _TOPIC, self._country, at)
        except Unreadable:
            return None

    async def _all(self, query: Mapping[str, str]) -> AsyncIterator[object]:
        for page in range(1, _MOST_PAGES + 1):
            answer = await self._ask({**query, "page": str(page)})
            items = _items(answer)
            for item in items:
                yield item
            if not items or not _more(answer, items, page):
                return
        raise StorefrontGarbled(f"{NAME} found more orders than one person has: it may not know the search")

    async def _ask(self, query: Mapping[str, str]) -> Answer:
        if self._problem:
            raise StorefrontRefused(self._problem)
        own = {"orderby": "modified", "per_page": str(PAGE), "_fields": _FIELDS, "include_meta": CART_META}
        return await self._http.get(_ORDERS, {**own, **query})


def open_api(account: Account) -> WooCommerceApi:
    """Return the way to ask a WooCommerce shop; its key is `ck_…:cs_…`, with the right to read."""
    return WooCommerceApi(account)


def _problem(url: str, consumer: str, secret: str) -> str | None:
    """Return why this shop cannot be asked."""
    if not consumer or not secret:
        return f"the key of {NAME} is not ck_…:cs_…: set RELAUNCH_WOOCOMMERCE_KEY"
    return unsafe(NAME, url, consumer + secret)


def _cursor(text: str | None) -> _Cursor | None:
    """Read a cursor; what is none of ours means a new beginning."""
    try:
        return None if text is None else _Cursor.model_validate_json(text)
    except ValidationError:
        return None


def _beginning(start: datetime) -> _Cursor:
    return _Cursor(start=start, since=start)


def _next(now: _Cursor, orders: Sequence[OrderPayload], at: datetime, *, more: bool) -> _Cursor:
    """Return where to go on: within the last second that was read, or a little before it for a new round."""
    known = {one.id: changed for one in orders if (changed := one.changed)}
    since = max([now.since, *known.values()])
    if not more:
        # A date in the future must not take the next round past what changes today.
        return _beginning(max(now.start, min(since, at) - OVERLAP))
    if known.keys() <= set(now.done):
        raise StorefrontGarbled(f"{NAME} answered a whole page of which nothing can be read")
    before = now.done if since == now.since else []
    return _Cursor(
        start=now.start,
        since=since,
        done=[*dict.fromkeys([*before, *(id_ for id_, changed in known.items() if changed == since)])],
    )


def _after(moment: datetime) -> dict[str, str]:
    """Return the question for what changed at that second or later: WooCommerce's own `after` leaves it out."""
    told = moment.astimezone(UTC).replace(microsecond=0, tzinfo=None) - _SECOND
    return {"modified_after": told.isoformat(), "dates_are_gmt": "true"}


def _without(done: Sequence[str]) -> dict[str, str]:
    """Return the question that leaves out what was read; orders of one second come by their number."""
    if not done:
        return {}
    skipped = {"offset": str(len(done) - _MOST_NAMED)} if len(done) > _MOST_NAMED else {}
    return {"exclude": ",".join(done[-_MOST_NAMED:]), **skipped}


def _items(answer: Answer) -> list[object]:
    if not isinstance(answer.value, list):
        raise StorefrontGarbled(f"{NAME} answered no list of orders: check RELAUNCH_WOOCOMMERCE_URL")
    return answer.value


def _draft(item: object) -> bool:
    """Tell a draft, which `any` finds too in shops with tables of their own for orders."""
    return isinstance(item, dict) and item.get("status") == DRAFT


def _more(answer: Answer, items: Sequence[object], page: int = 1) -> bool:
    """Say whether there are more pages after this one; a full page stands for the header that a proxy took away."""
    told = answer.headers.get("x-wp-totalpages", "")
    return int(told) > page if told.isascii() and told.isdecimal() else len(items) >= PAGE


def _parsed(item: object) -> OrderPayload | None:
    try:
        return parsed(OrderPayload, item)
    except Unreadable:
        return None


def _questions(buyer: Buyer) -> list[dict[str, str]]:
    """Return what to ask for: the orders of the account, and those of a guest with the same address."""
    found = []
    if _ID.fullmatch(buyer.external_id or ""):
        found.append({"customer": buyer.external_id or ""})
    if buyer.email and is_email(buyer.email):
        local, _, domain = buyer.email.strip().rpartition("@")
        searched = _MANGLED.split(buyer.email.strip())[0] if _MANGLED.search(local) else buyer.email.strip()
        found.append({"search": searched or domain})
    return found
