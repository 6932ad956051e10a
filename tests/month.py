"""A month of a shop on Shopify, made up from a seed: what customers do, and how badly the storefront tells of it."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from models.events import Event
from storefronts.base import OVERLAP, Buyer, Page, StorefrontAway
from storefronts.shopify import STOREFRONT

FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SKEW = timedelta(minutes=5)
"""How wrong the clocks of the storefront's servers are, either way."""
LATE = timedelta(hours=2)
"""How late a webhook may come."""
LOST, TWICE, ONE_ID = 0.10, 0.20, 0.05
"""How many webhooks never come, come twice, or share their id with another one of the same second."""
OUTAGE = (FIRST_DAY + 2 * DAY + 9 * HOUR, FIRST_DAY + 2 * DAY + 15 * HOUR)
"""When the storefront cannot be asked."""
PAGE = 100
Json = dict[str, Any]
Body = Callable[[int, str, Any, datetime], Json]


@dataclass(frozen=True, slots=True)
class Webhook:
    """One delivery: when it arrives, its topic, its id, and its body."""

    at: datetime
    topic: str
    id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """A moment at which an order became what it is then, and the time that the storefront's clock gave it."""

    at: datetime
    stamp: datetime
    order: str
    email: str
    body: bytes


@dataclass(slots=True)
class Month:
    """What happened, and what is delivered of it.

    `bought` says when each buyer's order was truly placed, by e-mail, `paid` when it was paid; `untold` are those of
    whose orders no webhook ever comes, `objected` says when somebody objects.
    """

    days: int
    webhooks: list[Webhook] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    bought: dict[str, datetime] = field(default_factory=dict)
    paid: dict[str, datetime] = field(default_factory=dict)
    untold: set[str] = field(default_factory=set)
    objected: dict[str, datetime] = field(default_factory=dict)


def month(seed: int, carts: int, orders: int, days: int = 30) -> Month:
    """Make up a month, or another number of days, with so many carts and orders, of so many different people."""
    random, made = Random(seed), Month(days)
    buyers = set(random.sample(range(carts), orders))
    for number in range(carts):
        _shopper(random, made, number, buys=number in buyers)
    made.webhooks.sort(key=lambda one: one.at)
    made.changes.sort(key=lambda one: one.stamp)
    return made


def _shopper(random: Random, made: Month, number: int, *, buys: bool) -> None:
    """Let one person fill a cart, check out, sometimes in two tabs, perhaps buy, perhaps object."""
    email, began = f"p{number}@example.com", FIRST_DAY + random.random() * made.days * DAY
    touches = sorted(began + random.random() * 20 * MINUTE for _ in range(random.randint(1, 3)))
    tokens = [f"t{number}"] + ([f"t{number}b"] if random.random() < 0.1 else [])
    for token in tokens:
        for turn, at in enumerate(touches):
            _tell(
                random, made, "checkouts/update" if turn else "checkouts/create", at, _checkout, (number, token, turn)
            )
    if buys:
        placed = touches[-1] + random.choice([10 * MINUTE, 40 * MINUTE, 5 * HOUR, 30 * HOUR, 3 * DAY, 5 * DAY])
        made.bought[email] = placed
        _order(random, made, number, tokens[-1], placed)
    elif random.random() < 0.05:
        made.objected[email] = touches[-1] + random.random() * 8 * DAY


def _order(random: Random, made: Month, number: int, token: str, placed: datetime) -> None:
    """Place an order: some are paid at once, others a little later, and a few are refunded in the end."""
    states = [("paid", placed)] if random.random() < 0.7 else [("pending", placed), ("paid", placed + 3 * MINUTE)]
    if random.random() < 0.05:
        states.append(("refunded", placed + 2 * DAY))
    told = []
    made.paid[f"p{number}@example.com"] = next(at for status, at in states if status == "paid")
    for status, at in states:
        topic = "orders/create" if at == placed else "orders/updated"
        told.append(_tell(random, made, topic, at, _ordered, (number, token, status)))
    if not any(told):
        made.untold.add(f"p{number}@example.com")


def _tell(random: Random, made: Month, topic: str, at: datetime, body: Body, told: tuple[int, str, Any]) -> bool:
    """Have a webhook delivered, or not; return whether it comes at all."""
    stamp, (number, token, what) = at + random.uniform(-1, 1) * SKEW, told
    raw = json.dumps(body(*told, stamp)).encode()
    if topic.startswith("orders/"):
        made.changes.append(Change(at, stamp, f"o{number}", f"p{number}@example.com", raw))
    if random.random() < LOST:
        return False
    id_ = f"{at:%H%M%S}" if random.random() < ONE_ID else f"{topic}-{token}-{what}"
    for _ in range(2 if random.random() < TWICE else 1):
        made.webhooks.append(Webhook(at + random.random() * LATE, topic, id_, raw))
    return True


def _checkout(number: int, token: str, turn: int, stamp: datetime) -> Json:
    return _purchase(number, token, stamp, 1 + turn) | {
        "token": token,
        "abandoned_checkout_url": f"https://maison.example/checkouts/{token}/recover",
    }


def _ordered(number: int, token: str, status: str, stamp: datetime) -> Json:
    return _purchase(number, token, stamp, 1) | {
        "id": 5_000_000 + number,
        "checkout_token": token,
        "financial_status": status,
        "processed_at": stamp.isoformat(),
    }


def _purchase(number: int, token: str, stamp: datetime, quantity: int) -> Json:
    consent = {"state": "subscribed", "consent_updated_at": (FIRST_DAY - DAY).isoformat()}
    return {
        "cart_token": f"c-{token}",
        "email": f"p{number}@example.com",
        "created_at": stamp.isoformat(),
        "updated_at": stamp.isoformat(),
        "currency": "EUR",
        "presentment_currency": "EUR",
        "total_price": f"{45 * quantity}.00",
        "line_items": [{"product_id": 7, "title": "Vase", "quantity": quantity, "price": "45.00"}],
        "customer": {
            "id": 900_000 + number,
            "email": f"p{number}@example.com",
            "first_name": "Jeanne",
            "updated_at": (FIRST_DAY - DAY).isoformat(),
            "email_marketing_consent": consent,
        },
    }


class Storefront:
    """The storefront as it can be asked: orders by its own clock, whatever its webhooks told; away in the outage."""

    name: str = "shopify"
    streams: tuple[str, ...] = ("orders",)

    def __init__(self, made: Month) -> None:
        """Know what happened, and show of it what has happened by the time of the question."""
        self._made = made

    async def changes(self, stream: str, cursor: str | None, at: datetime) -> Page:
        """See `ShopApi.changes`."""
        self._answers(at)
        since = datetime.fromisoformat(cursor) - OVERLAP if cursor else FIRST_DAY - DAY
        found = [one for one in self._made.changes if one.at <= at and one.stamp >= since]
        newest = max((one.stamp for one in found), default=since + OVERLAP)
        return Page(tuple(self._events(found, at)), newest.isoformat())

    async def orders_of(self, buyer: Buyer, since: datetime, at: datetime) -> list[Event]:
        """See `ShopApi.orders_of`."""
        self._answers(at)
        return list(self._events([one for one in self._made.changes if one.at <= at and one.email == buyer.email], at))

    async def aclose(self) -> None:
        """Nothing is open."""

    def _answers(self, at: datetime) -> None:
        if OUTAGE[0] <= at < OUTAGE[1]:
            raise StorefrontAway("the storefront is down")

    def _events(self, changes: Sequence[Change], at: datetime) -> Iterator[Event]:
        newest = {one.order: one for one in sorted(changes, key=lambda one: one.at)}
        for one in newest.values():
            headers = {"X-Shopify-Topic": "orders/updated"}
            yield from STOREFRONT.translate(one.body, headers, shop_country="FR", at=at)
