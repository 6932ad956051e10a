"""What has been kept for long enough: who has not done anything of their own since, which messages and which events."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, FromClause, and_, delete, func, select, update

from models.retention import Cutoffs, Ended
from models.vocabulary import ConsentState
from store.acts import By
from store.erasures import RETENTION
from store.forgetting import ask
from store.lists import among
from store.people import People
from store.schema import CONSENTS, CUSTOMERS, DELIVERIES, EVENTS, ORDERS


@dataclass(frozen=True, slots=True)
class Quiet:
    """Somebody whom the shop has kept for long enough, and when they last did anything of their own."""

    customer_id: str
    shop: str
    since: datetime


def quiet_people(connection: Connection, before: datetime, after: str, limit: int) -> list[Quiet]:
    """Return whose own last action was before a moment, on all their rows, by root, from the one after `after` on.

    Who has never acted is measured by when they were first heard of.
    """
    ordered = select(func.max(ORDERS.c.placed_at)).where(ORDERS.c.customer_id == CUSTOMERS.c.id).scalar_subquery()
    agreed = (
        select(func.max(CONSENTS.c.at))
        .where(CONSENTS.c.customer_id == CUSTOMERS.c.id, CONSENTS.c.state == ConsentState.GRANTED)
        .scalar_subquery()
    )
    statement = (
        select(CUSTOMERS.c.id, CUSTOMERS.c.shop, _measured(CUSTOMERS), ordered, agreed)
        .where(CUSTOMERS.c.id > after, _quiet(before))
        .order_by(CUSTOMERS.c.id)
        .limit(limit)
    )
    return [
        Quiet(customer, shop, max(one for one in moments if one is not None))
        for customer, shop, *moments in connection.execute(statement)
    ]


def _quiet(before: datetime) -> ColumnElement[bool]:
    alias = CUSTOMERS.alias("alias")
    awake = select(alias.c.id).where(alias.c.root_id == CUSTOMERS.c.id, ~_still(alias, before)).exists()
    return and_(CUSTOMERS.c.root_id.is_(None), _still(CUSTOMERS, before), ~awake)


def _still(who: FromClause, before: datetime) -> ColumnElement[bool]:
    ordered = select(ORDERS.c.id).where(ORDERS.c.customer_id == who.c.id, ORDERS.c.placed_at >= before)
    agreed = select(CONSENTS.c.id).where(
        CONSENTS.c.customer_id == who.c.id, CONSENTS.c.state == ConsentState.GRANTED, CONSENTS.c.at >= before
    )
    return and_(before > _measured(who), ~ordered.exists(), ~agreed.exists())


def _measured(who: FromClause) -> ColumnElement[datetime]:
    return func.coalesce(who.c.last_activity_at, who.c.first_seen_at)


def end_people(connection: Connection, before: datetime, limit: int, at: datetime) -> int:
    """Ask that people be forgotten whose own last action was before a moment; return how many there were.

    Whoever has acted until their lock was ours is left alone.
    """
    ended = 0
    for one in quiet_people(connection, before, "", limit):
        People(connection, one.shop).lock((), [one.customer_id])
        still = select(CUSTOMERS.c.id).where(CUSTOMERS.c.id == one.customer_id, _quiet(before))
        if connection.execute(still).first() is not None:
            ask(connection, one.customer_id, By(RETENTION, None, at))
            ended += 1
    return ended


def old_messages(connection: Connection, before: datetime, limit: int) -> Sequence[str]:
    """Return the deliveries whose message was handed over before a moment and is still there, oldest first."""
    old = select(DELIVERIES.c.id).where(_old_message(before)).order_by(DELIVERIES.c.handed_at).limit(limit)
    return list(connection.execute(old).scalars())


def empty_messages(connection: Connection, deliveries: Sequence[str], at: datetime) -> None:
    """Forget the text of these messages, and remember that it was kept for long enough."""
    mine = update(DELIVERIES).where(DELIVERIES.c.id.in_(deliveries))
    connection.execute(mine.values(message=None, emptied_at=at))


def _old_message(before: datetime) -> ColumnElement[bool]:
    return and_(DELIVERIES.c.handed_at < before, DELIVERIES.c.message.is_not(None))


def old_events(connection: Connection, before: datetime, limit: int) -> dict[str, list[str]]:
    """Return the keys of behaviour from before a moment, by shop.

    All of the table is read, because an index by time would cost every event that comes: ask once in a run, and where
    no writer waits for it.
    """
    old = select(EVENTS.c.shop, EVENTS.c.key).where(EVENTS.c.at < before).limit(limit)
    keys = defaultdict[str, list[str]](list)
    for shop, key in connection.execute(old):
        keys[shop].append(key)
    return keys


def delete_events(connection: Connection, shop: str, keys: Sequence[str]) -> int:
    """Delete this behaviour, and return how much of it was still there."""
    mine = delete(EVENTS).where(EVENTS.c.shop == shop, among(EVENTS.c.key, "keys"))
    return connection.execute(mine, {"keys": keys}).rowcount


def count(connection: Connection, cutoffs: Cutoffs) -> Ended:
    """Return how much has been kept for long enough."""
    people = select(func.count()).select_from(CUSTOMERS).where(_quiet(cutoffs.people))
    events = select(func.count()).where(EVENTS.c.at < cutoffs.events)
    messages = select(func.count()).where(_old_message(cutoffs.messages))
    counted = [connection.execute(one).scalar_one() for one in (people, events, messages)]
    return Ended(*counted)
