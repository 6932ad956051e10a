"""How many messages a second pass the gate and the ledger: asked, decided, handed over, settled, committed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text

from activities.composing import Composer
from activities.leg import Leg
from bench.measure import Figure, Size, Speed, at_once, chunks, in_turn, speed, speeds
from bench.parts import KEY, cart_policy, home, installed, say
from bench.people import checkout
from bench.replay import LANES, Transaction, recorded
from bench.stores import Engine, postgres, sqlite
from channels.rendering import Renderer
from models.vocabulary import Channel, DeliveryState, Verdict
from store.assessments import assess
from store.db import Database, connect
from store.drafts import load_draft
from store.ids import new_id
from store.intake import ingest
from store.ledger import Intent, hand_over, settle

_NOON: Final = datetime(2026, 3, 3, 12, tzinfo=UTC)
"""A Tuesday, at an hour when everybody may be written to."""
_LEFT: Final = timedelta(hours=2)
_STEP: Final = "reminder"
_AT_ONCE: Final = 50
_Told = Sequence[Transaction]


async def gate_sqlite(size: Size) -> list[Figure]:
    """Messages per second through gate and ledger on SQLite, against the bare driver; see `_gate`."""
    return [await _gate("gate_sqlite", sqlite, size)]


async def gate_postgres(size: Size) -> list[Figure]:
    """Messages per second through gate and ledger on PostgreSQL, against the bare driver; see `_gate`."""
    return [await _gate("gate_postgres", postgres, size)]


async def _gate(name: str, engine: Engine, size: Size) -> Figure:
    """Messages per second from the question about a rendered message to its settled delivery.

    Ours, for each message: one transaction that locks everybody with the customer's address, reads switches and
    stock again, asks the gate, and writes the decision, the delivery and what the journey does next; and one that
    settles the delivery, as after the provider's yes. Several messages are under way at once. Reading the draft and
    rendering it come before the clock starts, the provider is in neither side.

    The baseline runs the very same statements with the same parameters, as the driver was given them by our code in
    a run of its own, in the same two transactions, on a copy of the same store with the same durability: on SQLite
    one thread and one connection without any event loop, on PostgreSQL asyncpg with a connection for each message
    under way; every statement is prepared once. What is ours alone: SQLAlchemy, making and reading values, the
    gate's rules, and on SQLite the hop to the writer's thread.

    `statements` is how many both sides run for a message, begin and commit apart.
    """
    rounds = size.runs + 1
    with home() as folder:
        async with engine(folder) as stores:
            url = await stores.empty()
            say(f"{name}: journeys")
            journeys = await _due(folder, url, rounds * size.messages)
            twin = await stores.copy(url)
            told = await _told(folder, await stores.copy(url), journeys)
            async with installed(folder, database_url=url) as ours, stores.bare(twin) as bare:
                mine, theirs = chunks(journeys, size.messages), chunks(told, size.messages)
                composer = Composer(Renderer(), ours.links)

                async def ours_passes() -> Speed:
                    intents = [await _intent(ours.db, composer, one) for one in next(mine)]
                    return await speed(size.messages, at_once(LANES, intents, partial(_pass, ours.db)))

                async def bare_passes() -> Speed:
                    return await speed(size.messages, bare.run(next(theirs)))

                runs = await in_turn(size.runs, ours_passes, bare_passes, say=lambda text: say(f"{name}: {text}"))
            await _compare(url, twin)
    return speeds(name, "messages/s", runs[0], runs[1], {"statements": sum(map(len, told[0]))})


async def _due(folder: Path, url: str, number: int) -> list[str]:
    """Make a store in which so many journeys have just begun, and return their ids."""
    journeys: list[str] = []
    async with installed(folder, database_url=url) as installation:
        policy, left = await cart_policy(installation), _NOON - _LEFT
        for start in range(0, number, _AT_ONCE):
            events = [checkout(left) for _ in range(min(_AT_ONCE, number - start))]
            done = await installation.db.write(ingest, "main", events, policy, left)
            journeys += [row.journey_id for row in done.outbox]
        for journey in journeys:
            await installation.db.write(assess, journey, _NOON, KEY, _NOON)
    return journeys


async def _told(folder: Path, url: str, journeys: Sequence[str]) -> list[_Told]:
    """Return what our code tells the driver for each message, tried on a store of its own."""
    found: list[_Told] = []
    async with installed(folder, database_url=url) as installation:
        composer = Composer(Renderer(), installation.links)
        for journey in journeys:
            intent = await _intent(installation.db, composer, journey)
            with recorded(installation.db) as first:
                await _hand_over(installation.db, intent)
            with recorded(installation.db) as second:
                await _settle(installation.db, intent)
            found.append((tuple(first), tuple(second)))
    return found


async def _intent(db: Database, composer: Composer, journey: str) -> Intent:
    """Read and render a message, as an attempt to send it does before the gate."""
    draft = await db.read(load_draft, journey, _STEP, _NOON)
    assert draft is not None
    leg, delivery = Leg(draft, Channel.EMAIL, _NOON, _NOON + timedelta(days=1)), new_id()
    composed = composer.compose(draft, leg.channel, delivery, _NOON)
    assert composed.message is not None
    return Intent(
        question=leg.question((Channel.EMAIL,), composed.broken, repeatable=False),
        delivery=delivery,
        provider="memory",
        message=composed.message.raw,
        coupon=composed.coupon,
        inputs=composed.inputs,
        following=leg.following(),
    )


async def _pass(db: Database, intent: Intent) -> None:
    """Take one message through the gate and settle it."""
    await _hand_over(db, intent)
    await _settle(db, intent)


async def _hand_over(db: Database, intent: Intent) -> None:
    ruling = await db.write(hand_over, intent, _NOON)
    if ruling is None or ruling.verdict is not Verdict.SENT:
        raise RuntimeError(f"the gate let a message of the bench not pass: {ruling and ruling.reason}")


async def _settle(db: Database, intent: Intent) -> None:
    await db.write(settle, intent.delivery, DeliveryState.SENT, _NOON, f"id-{intent.delivery}", "")


async def _compare(ours: str, bare: str) -> None:
    """Refuse figures of two sides that did not write the same."""
    counts = [await _counts(url) for url in (ours, bare)]
    if counts[0] != counts[1]:
        raise RuntimeError(f"the sides wrote different rows: {counts}")


async def _counts(url: str) -> dict[str, int]:
    db = connect(url)
    try:
        return await db.read(_counted)
    finally:
        await db.aclose()


def _counted(connection: Connection) -> dict[str, int]:
    return {
        what: connection.execute(text(f"SELECT count(*) FROM {what}")).scalar_one()  # noqa: S608
        for what in ("decisions", "deliveries", "deliveries WHERE state = 'sent'", "journeys WHERE step = 'reminder'")
    }
