"""Facts in: one transaction that stores a batch of events, applies it by event time, and writes the outbox with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BindParameter, Connection, bindparam, select

from models.events import Event
from models.policy import Policy
from store.batch import Batch, tokens_of
from store.carts import carts_named
from store.driven import Driven
from store.lists import among
from store.outbox import OutboxRow
from store.people import People
from store.requests import ABOUT_NOBODY
from store.schema import EVENTS

_SHOP: Final[BindParameter[str]] = bindparam("shop")
_STORED: Final = Driven(select(EVENTS.c.key).where(EVENTS.c.shop == _SHOP, among(EVENTS.c.key, "keys")))


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a batch did: how many events were new, how many were repetitions, and what Temporal must be told."""

    accepted: int
    duplicates: int
    outbox: Sequence[OutboxRow]


def ingest(
    connection: Connection,
    shop: str,
    events: Sequence[Event],
    policy: Policy | None,
    received_at: datetime,
    door: str = "events",
) -> Ingested:
    """Store and apply events of one shop that came by a door; new journeys begin with `policy`, the cart policy."""
    return ingest_together(connection, shop, [events], policy, received_at, door)[0]


def ingest_together(
    connection: Connection,
    shop: str,
    bodies: Sequence[Sequence[Event]],
    policy: Policy | None,
    received_at: datetime,
    door: str,
) -> list[Ingested]:
    """Take in several bodies that came at about the same time as if they were one, and return what each of them did.

    What Temporal must be told is in the first one's answer.
    """
    events = [event for body in bodies for event in body]
    fresh = _fresh(connection, shop, events)
    outbox = _applied(connection, shop, list(fresh.values()), policy, received_at, door) if fresh else ()
    answers: list[Ingested] = []
    for body in bodies:
        new = sum(fresh.pop(event.key, None) is not None for event in body)
        answers.append(Ingested(new, len(body) - new, () if answers else outbox))
    return answers


def _applied(
    connection: Connection, shop: str, events: list[Event], policy: Policy | None, received_at: datetime, door: str
) -> Sequence[OutboxRow]:
    """Apply events that were new a moment ago; if another transaction stores one meanwhile, ours is run again."""
    tokens = {token for event in events for token in tokens_of(event)}
    carts = carts_named(connection, shop, tokens)  # no customer's lock guards a cart that is nobody's yet
    people = People(connection, shop)
    owners = {one.customer_id for one in carts} | {event.customer_id for event in events}
    people.lock((event.person for event in events), sorted(one for one in owners if one))
    telling = [event for event in events if event.type not in ABOUT_NOBODY]
    people.make_missing((event.person, min(event.at, received_at)) for event in telling)
    batch = Batch(connection, people, events, carts, received_at, door)
    for event in sorted(events, key=lambda one: one.at):
        batch.apply(event)
    return batch.save(policy)


def _fresh(connection: Connection, shop: str, events: Sequence[Event]) -> dict[str, Event]:
    """Return the events that are not stored yet, each once, by key."""
    unique = {event.key: event for event in events}
    for (key,) in _STORED.rows(connection, {"shop": shop, "keys": list(unique)}):
        del unique[key]
    return unique
