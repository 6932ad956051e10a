"""Whom a storefront is asked about just before a send: every name of the journey's customer, and since when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from models.situation import TOKEN_LIFE
from models.vocabulary import Status
from store.driven import Driven
from store.groups import own_rows, people_of
from store.lists import among
from store.schema import CARTS, CUSTOMERS, JOURNEYS
from storefronts.base import Buyer

_MOST = 5

_NAMES = Driven(
    select(CUSTOMERS.c.id, CUSTOMERS.c.external_id, CUSTOMERS.c.email, CUSTOMERS.c.phone, CUSTOMERS.c.clock_s)
    .where(among(CUSTOMERS.c.id, "ids"))
    .order_by(CUSTOMERS.c.id)
)
_OPEN = Driven(
    select(JOURNEYS.c.since, CARTS.c.token, CARTS.c.alias)
    .outerjoin(CARTS, CARTS.c.id == JOURNEYS.c.cart_id)
    .where(among(JOURNEYS.c.customer_id, "ids"), JOURNEYS.c.status != Status.CLOSED)
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The names under which a person may have ordered, and the moment from which on an order could end a journey."""

    buyers: tuple[Buyer, ...]
    since: datetime


def wanted(connection: Connection, shop: str, customer_id: str) -> Wanted | None:
    """Return whom to ask about for the open journeys of a customer's person; None for nobody, or without a journey.

    The tokens of all their carts go with the first name. Times are the wall clock's: a rehearsal's clock runs ahead.
    """
    rows = {"ids": [one.id for one in own_rows(people_of(connection, shop, customer_id), customer_id)]}
    people, journeys = _NAMES.rows(connection, rows), _OPEN.rows(connection, rows)
    if not people or not journeys:
        return None
    people.sort(key=lambda one: one[0] != customer_id)
    names = list(dict.fromkeys((external_id, email, phone) for _, external_id, email, phone, _ in people))[:_MOST]
    tokens = frozenset({token for _, *both in journeys for token in both if token})
    ahead = timedelta(seconds=max(clock_s for *_, clock_s in people))
    buyers = [Buyer(*known, tokens if place == 0 else frozenset()) for place, known in enumerate(names)]
    return Wanted(tuple(buyers), min(since for since, *_ in journeys) - TOKEN_LIFE - ahead)
