"""How many events of a provider are taken in a second, against nothing but their insertion."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from activities.composing import Composer
from bench.measure import Figure, Size, at_once, chunks, in_turn, speed, speeds
from bench.parts import bare_sqlite, home, installed, say
from bench.replay import LANES, plain
from bench.sends import NOON, PROVIDER, due, name_of, ready, sent
from bench.stores import sqlite
from channels.base import EventReader, Knock
from channels.registry import event_reader
from channels.rendering import Renderer
from models.provider_events import ProviderEvent
from runtime.installation import Installation
from store.notices import MAX_EVENTS, take_in
from store.schema import NOTICES

_AT: Final = NOON + timedelta(minutes=10)
_COLUMNS: Final = [column.name for column in NOTICES.columns]
_INSERT: Final = f"INSERT INTO notices ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_Row = tuple[object, ...]
_Fields = dict[str, object]

_DELIVERED: Final[_Fields] = {"event": "delivered", "response": "250 2.0.0 OK", "tls": 1}
_DEFERRED: Final[_Fields] = {"event": "deferred", "response": "451 4.7.1 greylisted", "attempt": "2"}
_SOFT: Final[_Fields] = {
    "event": "bounce",
    "type": "blocked",
    "bounce_classification": "Mailbox Unavailable",
    "status": "4.2.2",
    "reason": "452 4.2.2 mailbox full",
}
_HARD: Final[_Fields] = {
    "event": "bounce",
    "type": "bounce",
    "bounce_classification": "Invalid Address",
    "status": "5.1.1",
    "reason": "550 5.1.1 no such user",
}
_SHARES: Final[Sequence[tuple[int, _Fields]]] = (
    (240, {"event": "processed"}),
    (220, _DELIVERED),
    (20, _DEFERRED),
    (12, _SOFT),
    (5, _HARD),
    (3, {"event": "unsubscribe"}),
)
"""How many of 500 events are of each kind."""


async def provider_events_batch(size: Size) -> list[Figure]:
    """Events per second that are read and stored in batches of 500, against a bare insertion of 500 rows.

    Ours begins with the bytes of a body of SendGrid's, whose batches are long, and ends with the commit: each event is
    read, known ones are told from new ones, deliveries are found and settled, addresses rest or are closed, and
    journeys end. Most events are about messages alone (`_SHARES`), those of people about others in every batch. The
    signature is not in it, nor is HTTP.

    The baseline inserts the same rows into the same table of a copy of the store, with all its indexes: the bare
    driver, one prepared `executemany`, one transaction, the same durability. SQLite on both sides.
    """
    reader = event_reader(PROVIDER)
    assert reader is not None
    with home() as folder:
        async with sqlite(folder) as stores:
            url = await stores.empty()
            say("provider_events_batch: messages")
            addressed = await _sent(folder, url)
            twin = await stores.copy(url)
            bodies = list(_bodies(addressed, (size.runs + 1) * size.batches))
            rows = [_rows(reader.read(_knock(body))) for body in bodies]
            async with installed(folder, database_url=url) as ours:
                with closing(bare_sqlite(plain(twin))) as bare:
                    figure = await _measured(size, ours, reader, bodies, bare, rows)
            _compare(url, twin)
    return [figure]


async def _measured(
    size: Size,
    ours: Installation,
    reader: EventReader,
    bodies: Sequence[bytes],
    bare: sqlite3.Connection,
    rows: Sequence[Sequence[_Row]],
) -> Figure:
    mine, theirs, events = chunks(bodies, size.batches), chunks(rows, size.batches), size.batches * MAX_EVENTS

    async def take(body: bytes) -> None:
        await ours.db.write(take_in, ["main"], reader.read(_knock(body)), _AT)

    async def insert(batch: Sequence[_Row]) -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany(_INSERT, batch)
        bare.execute("COMMIT")

    runs = await in_turn(
        size.runs,
        lambda: speed(events, at_once(1, next(mine), take)),
        lambda: speed(events, at_once(1, next(theirs), insert)),
        say=lambda text: say(f"provider_events_batch: {text}"),
    )
    return speeds("provider_events_batch", "events/s", runs[0], runs[1])


async def _sent(folder: Path, url: str) -> Sequence[tuple[str, str]]:
    """Have as many messages sent as a batch has events; return each one's delivery and address."""
    journeys = await due(folder, url, MAX_EVENTS)
    async with installed(folder, database_url=url) as installation:
        composer = Composer(Renderer(), installation.links)
        intents = [await ready(installation.db, composer, journey) for journey in journeys]
        await at_once(LANES, intents, partial(sent, installation.db))
    customers = [intent.question.situation.customer for intent in intents]
    return [(one.delivery, who.email or "") for one, who in zip(intents, customers, strict=True) if who]


def _bodies(addressed: Sequence[tuple[str, str]], number: int) -> Iterator[bytes]:
    """Write batches of events, one of each message; whom the rarer ones are about changes from batch to batch."""
    kinds = [fields for share, fields in _SHARES for _ in range(share)]
    numbers, rare = count(1), sum(share for share, _ in _SHARES[3:])
    for batch in range(number):
        start = batch * rare % MAX_EVENTS
        messages = [*addressed[start:], *addressed[:start]]
        told = [_event(next(numbers), *one, fields) for one, fields in zip(messages, reversed(kinds), strict=True)]
        yield json.dumps(told).encode()


def _event(number: int, delivery: str, address: str, fields: _Fields) -> _Fields:
    ids: _Fields = {
        "sg_event_id": f"ZGVsaXZlcmVkLTAtMTIzNDU2{number}",
        "sg_message_id": f"{name_of(delivery)}.recvd-5f54b5d587-pczjm-1-67BADEEA-6.0",
    }
    shared: _Fields = {"email": address, "timestamp": int(NOON.timestamp()) + 60, "relaunch-delivery": delivery}
    return fields | ids | shared


def _knock(body: bytes) -> Knock:
    return Knock(body, {}, "", _AT)


def _rows(events: Sequence[ProviderEvent]) -> Sequence[_Row]:
    """Return the rows of notices as long as ours are."""
    return [
        (
            event.provider,
            event.provider_event_id,
            str(event.type),
            str(event.channel),
            event.delivery,
            f"hmac-sha256:{'0' * 64}" if event.permanent is False else None,
            event.permanent,
            event.human,
            event.reason,
            str(event.at or _AT)[:26],
            str(_AT)[:26],
        )
        for event in events
    ]


def _compare(ours: str, bare: str) -> None:
    """Refuse figures of two sides that did not store equally many events."""
    counts = []
    for url in (ours, bare):
        with closing(bare_sqlite(plain(url))) as connection:
            counts.append(connection.execute("SELECT count(*) FROM notices").fetchone())
    if counts[0] != counts[1]:
        raise RuntimeError(f"the sides stored different events: {counts}")
