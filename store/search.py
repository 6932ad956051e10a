"""Finding a customer by what a caller knows of them, with everything that support asks about."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select

from models.consent import latest
from models.contact import email_key
from models.situation import SuppressionReason
from models.vocabulary import Channel, ConsentState
from store.belongings import mine as belongs
from store.db import NotFoundError
from store.groups import rows_of
from store.journeys import DeliveryRow, JourneyRow, journeys_of
from store.objections import consent_record
from store.rows import fetch, select_state
from store.schema import ALIASES, CARTS, CONSENTS, CUSTOMERS, DELIVERIES, ORDERS, SHOPS, SUPPRESSIONS
from store.sealing import hidden

_WISHES = (SuppressionReason.OBJECTION, SuppressionReason.COMPLAINT)
_PROFILE = ("external_id", "email", "phone", "first_name", "locale", "timezone", "country", "traits")
_COLUMNS = ("id", "shop", "root_id", "has_aliases", "email_key", "first_seen_at", "last_activity_at", "clock_s")


@dataclass(frozen=True, slots=True)
class Known:
    """One row: consent ledger, closed channels, carts, orders, journeys, messages, and what it was joined with."""

    customer: Mapping[str, Any]
    consents: Sequence[Mapping[str, Any]]
    suppressions: Sequence[Mapping[str, Any]]
    carts: Sequence[Mapping[str, Any]]
    orders: Sequence[Mapping[str, Any]]
    journeys: Sequence[JourneyRow]
    deliveries: Sequence[DeliveryRow]
    aliases: Sequence[Mapping[str, Any]]


def find_customers(
    connection: Connection, *, email: str | None = None, phones: Collection[str] = (), id_: str | None = None
) -> list[Known]:
    """Return the customers of every shop with this e-mail address, one of these numbers (E.164), or this id.

    The id may be ours or the shop's own. Whoever is one person with one of them is among them.
    """
    anywhere = CUSTOMERS.c.shop.in_(select(SHOPS.c.id))  # all there are, for the index
    if email is not None:
        place = and_(anywhere, CUSTOMERS.c.email_key == email_key(email))
    elif id_ is not None:
        place = or_(CUSTOMERS.c.id == id_, and_(anywhere, CUSTOMERS.c.external_id == id_))
    else:
        place = and_(anywhere, CUSTOMERS.c.phone.in_(phones))
    names = (
        "id",
        "shop",
        "root_id",
        "has_aliases",
        "email_key",
        "first_seen_at",
        "last_activity_at",
        "clock_s",
        *_PROFILE,
    )
    statement = select(*[CUSTOMERS.c[name] for name in names]).order_by(CUSTOMERS.c.id).limit(100)
    found = _rows(connection, statement.where(place))
    roots = {row["root_id"] or row["id"] for row in found if row["root_id"] or row["has_aliases"]}
    if roots:
        own = or_(CUSTOMERS.c.id.in_(roots), CUSTOMERS.c.root_id.in_(roots))
        found = _rows(connection, statement.where(or_(own, CUSTOMERS.c.id.in_([row["id"] for row in found]))))
    return [_known(connection, row) for row in found]


def _known(connection: Connection, customer: Mapping[str, Any]) -> Known:
    mine = customer["id"]
    return Known(
        customer,
        _rows(connection, select(CONSENTS).where(CONSENTS.c.customer_id == mine).order_by(CONSENTS.c.id.desc())),
        closed_channels(connection, customer),
        _rows(connection, select(CARTS).where(CARTS.c.customer_id == mine).order_by(CARTS.c.id.desc()).limit(50)),
        _rows(connection, select(ORDERS).where(ORDERS.c.customer_id == mine).order_by(ORDERS.c.id.desc()).limit(50)),
        journeys_of(connection, [mine]),
        _deliveries(connection, mine),
        _rows(connection, select(ALIASES).where(belongs(ALIASES, mine)).order_by(ALIASES.c.id.desc())),
    )


def _rows(connection: Connection, statement: Select[Any]) -> Sequence[Mapping[str, Any]]:
    return [row._asdict() for row in connection.execute(statement)]


def _deliveries(connection: Connection, customer_id: str) -> list[DeliveryRow]:
    statement = select(*select_state(DELIVERIES, DeliveryRow)).where(DELIVERIES.c.customer_id == customer_id)
    return fetch(connection, DeliveryRow, statement.order_by(DELIVERIES.c.id.desc()))


def closed_channels(connection: Connection, customer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the suppressions that stand for a customer's addresses, also those left over from an erasure."""
    shop, addresses = customer["shop"], [customer["email_key"], customer["phone"], f"customer:{customer['id']}"]
    known = [one for one in addresses if one is not None]
    place = SUPPRESSIONS.c.address.in_([*known, *(hidden(connection, shop, one) for one in known)])
    # All channels there are, for the index.
    standing = (
        SUPPRESSIONS.c.shop == shop,
        SUPPRESSIONS.c.channel.in_(list(Channel)),
        SUPPRESSIONS.c.lifted_at.is_(None),
    )
    return _rows(connection, select(SUPPRESSIONS).where(place, *standing).order_by(SUPPRESSIONS.c.id.desc()))


def shop_of(connection: Connection, customer_id: str) -> str:
    """Return whose customer this is; raise `NotFoundError` for an unknown id."""
    shop = connection.execute(select(CUSTOMERS.c.shop).where(CUSTOMERS.c.id == customer_id)).scalar_one_or_none()
    if shop is None:
        raise NotFoundError("there is no such customer")
    return str(shop)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What the page of an unsubscribe link needs to know of a customer; nothing is left of an erased one.

    `done` says that their own last word on the channel is an objection, that it holds, and that no journey is open:
    somebody else's with the same address may be lifted one day.
    """

    locale: str | None
    done: bool


def load_leaving(connection: Connection, customer_id: str, channel: Channel) -> Leaving:
    """Return what the page of an unsubscribe link shows."""
    columns = [CUSTOMERS.c[one] for one in ("id", "shop", "email_key", "phone", "locale")]
    statement = select(*columns).where(CUSTOMERS.c.id == customer_id)
    customer = next(iter(_rows(connection, statement)), None)
    if customer is None:
        return Leaving(None, done=True)
    closed = any(
        one["channel"] == channel and one["reason"] in _WISHES for one in closed_channels(connection, customer)
    )
    own = list(connection.execute(rows_of(customer_id)).scalars())
    waiting = any(one.open for one in journeys_of(connection, own))
    ledger = connection.execute(select(CONSENTS).where(CONSENTS.c.customer_id.in_(own))).mappings()
    word = latest([consent_record(row) for row in ledger], channel)
    objected = word is not None and word.state is ConsentState.WITHDRAWN
    return Leaving(customer["locale"], done=objected and closed and not waiting)
