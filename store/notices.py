"""What providers tell of messages, taken in: stored once, applied by event time, in one transaction a batch.

Whatever the order in which they come, and however often, the same events leave the same state. Locks are taken as
everywhere: customers first, in id order, then deliveries, in id order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Dialect, insert

from models.events import Event
from models.notices import TRACKING, address_key, closes, notice_key, reason_of, soft
from models.provider_events import ProviderEvent, ProviderEventType
from store.answers import answers, apply, by_person
from store.closures import Closures
from store.matching import Told, matched, stored
from store.outbox import OutboxRow
from store.schema import NOTICES
from store.sealing import hidden
from store.settling import settle_told

MAX_EVENTS = 500
"""Most events in one transaction."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What a batch did: how many events are stored now, were before, and say nothing; and what to tell Temporal."""

    accepted: int
    duplicates: int
    ignored: int
    outbox: Sequence[OutboxRow]


def take_in(
    connection: Connection, shops: Sequence[str], events: Sequence[ProviderEvent], received_at: datetime
) -> TakenIn:
    """Store and apply at most `MAX_EVENTS` events of one provider; `shops` are those of the installation.

    An event of a delivery that nobody knows (any more) counts when it closes an address, in every shop where somebody
    has it; of an address that nobody has, a hash is kept in all of them, and nothing else.
    """
    told, duplicates = _fresh(connection, shops, events, received_at)
    rooms = _rooms(connection, shops, [one for one in told if _personal(one)], received_at)
    answered = answers(connection, told)
    kept = [one for one in told if one.key in answered or one.event.type not in TRACKING]
    if not kept:
        return TakenIn(0, duplicates, len(events) - duplicates, ())
    _store(connection, [_row(one, rooms, answered.get(one.key)) for one in kept], received_at)
    settle_told(connection, kept)
    outbox: list[OutboxRow] = []
    for room in rooms.values():
        room.close()
        room.rest()
        outbox += room.save()
    for shop, room in rooms.items():
        did = [one for one in answered.values() if by_person(one) and one.customer_id in room.people.known]
        outbox += apply(connection, shop, did, received_at)
    return TakenIn(len(kept), duplicates, len(events) - duplicates - len(kept), outbox)


def _fresh(
    connection: Connection, shops: Sequence[str], events: Sequence[ProviderEvent], received_at: datetime
) -> tuple[list[Told], int]:
    """Return what is not stored yet and may matter, each once with its delivery, and how many were repetitions."""
    unique: dict[str, ProviderEvent] = {}
    for event in events:
        unique.setdefault(notice_key(event, lambda address: hidden(connection, shops[0], address)), event)
    known = stored(connection, events[0].provider, list(unique)) if events else set()
    fresh = {key: event for key, event in unique.items() if key not in known}
    deliveries = matched(connection, list(fresh.values()))
    told = [
        Told(key, event, min(event.at or received_at, received_at), delivery)
        for (key, event), delivery in zip(fresh.items(), deliveries, strict=True)
    ]
    return [one for one in told if _matters(one)], len(events) - len(fresh)


def _matters(one: Told) -> bool:
    event = one.event
    if event.type is ProviderEventType.UNKNOWN:
        return False
    if one.delivery is not None:
        return True
    return closes(event) is not None and address_key(event.channel, event.recipient or "") is not None


def _personal(one: Told) -> bool:
    """Say whether an event is about a person, and not only about a message."""
    return one.event.type in TRACKING or closes(one.event) is not None or soft(one.event)


def _rooms(
    connection: Connection, shops: Sequence[str], told: Sequence[Told], received_at: datetime
) -> Mapping[str, Closures]:
    """Lock the customers of these events, shop by shop; without a delivery the address says in which shops."""
    by_shop: dict[str, list[Told]] = {}
    for one in told:
        for shop in [one.delivery.shop] if one.delivery else shops:
            by_shop.setdefault(shop, []).append(one)
    rooms = {shop: Closures(connection, shop, by_shop[shop], received_at) for shop in sorted(by_shop)}
    for one in [one for one in told if one.delivery is None]:
        strangers = [room for room in rooms.values() if not room.places[one.key].who]
        for room in strangers if len(strangers) < len(rooms) else ():
            del room.places[one.key]
    return rooms


_Row = tuple[str, str, str, str, str | None, str | None, bool | None, bool | None, str | None, datetime]
"""The columns of a notice in their order, but for when it came."""


def _row(one: Told, rooms: Mapping[str, Closures], answer: Event | None) -> _Row:
    """Return what is kept of an event; of somebody erased no words."""
    key, event, _, delivery = one
    human = event.human if answer is None or by_person(answer) else False
    about = (event.provider, key, str(event.type), str(event.channel))
    if delivery is None:
        return (*about, None, None, event.permanent, human, None, one.clock)
    counted = rooms[delivery.shop].places[key].counted if soft(event) else None
    reason = None if delivery.clock_s is None else reason_of(event)
    return (*about, delivery.id, counted, event.permanent, human, reason, one.clock)


def _store(connection: Connection, rows: Sequence[_Row], received_at: datetime) -> None:
    """Insert the notices by the driver itself: Core takes as long to fill in 500 rows as the engine to write them."""
    moment = _moments(connection.dialect)
    received = moment(received_at)
    connection.exec_driver_sql(_insert(connection.dialect), [(*about, moment(at), received) for *about, at in rows])


def _moments(dialect: Dialect) -> Callable[[datetime], object]:
    """Return how the driver takes a moment."""
    found: Callable[[datetime], object] | None = NOTICES.c.at.type.bind_processor(dialect)
    assert found is not None  # a moment is never taken as it is
    return found


@cache
def _insert(dialect: Dialect) -> str:
    return str(insert(NOTICES).compile(dialect=dialect))
