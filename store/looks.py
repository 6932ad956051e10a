"""Whom a storefront is asked about just before a send: every name of the journey's customer, and since when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from models.situation import TOKEN_LIFE
from models.vocabulary import Status
from store.groups import rows_of
from store.schema import CARTS, CUSTOMERS, JOURNEYS
from storefronts.base import Buyer

_MOST = 5

_NAMES = (CUSTOMERS.c.external_id, CUSTOMERS.c.email, CUSTOMERS.c.phone, CUSTOMERS.c.clock_s)
_OPEN = (
    select(JOURNEYS.c.since, CARTS.c.token, CARTS.c.alias)
    .outerjoin(CARTS, CARTS.c.id == JOURNEYS.c.cart_id)
    .where(JOURNEYS.c.customer_id.in_(bindparam("ids", expanding=True)), JOURNEYS.c.status != Status.CLOSED)
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The names under which a person may have ordered, and the moment from which on an order could end a journey."""

    buyers: tuple[Buyer, ...]
    since: datetime


def wanted(connection: Connection, customer_id: str) -> Wanted | None:
    """Return whom to ask about for the open journeys of a customer's person; None for nobody, or without a journey.

    The tokens of all their carts go with the first name. Times are the wall clock's: a rehearsal's clock runs ahead.
    """
    rows = list(connection.execute(rows_of(customer_id)).scalars())
    first = CUSTOMERS.c.id != customer_id
    people = connection.execute(select(*_NAMES).where(CUSTOMERS.c.id.in_(rows)).order_by(first, CUSTOMERS.c.id)).all()
    journeys = connection.execute(_OPEN, {"ids": rows}).all()
    if not people or not journeys:
        return None
    tokens = frozenset({token for one in journeys for token in (one.token, one.alias) if token})
    names = list(dict.fromkeys((one.external_id, one.email, one.phone) for one in people))[:_MOST]
    ahead = timedelta(seconds=max(one.clock_s for one in people))
    buyers = [Buyer(*known, tokens if place == 0 else frozenset()) for place, known in enumerate(names)]
    return Wanted(tuple(buyers), min(one.since for one in journeys) - TOKEN_LIFE - ahead)
