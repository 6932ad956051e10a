"""How many messages a second pass the gate and the ledger: asked, decided, handed over, settled, committed."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, text

from activities.composing import Composer
from bench.measure import Figure, Size, Speed, at_once, chunks, in_turn, speed, speeds
from bench.parts import home, installed, say
from bench.replay import LANES, Transaction, recorded
from bench.sends import due, handed, ready, sent, settled
from bench.stores import Engine, postgres, sqlite
from channels.rendering import Renderer
from store.db import connect

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
    under way; every statement is prepared once. What is ours alone: making and reading values, the gate's rules, what
    there is of SQLAlchemy, and on SQLite the hop to the writer's thread.

    `statements` is how many both sides run for a message, begin and commit apart; `cpu_ratio` leaves out the disk and
    PostgreSQL's own work, which are the same on both sides.
    """
    rounds = size.runs + 1
    with home() as folder:
        async with engine(folder) as stores:
            url = await stores.empty()
            say(f"{name}: journeys")
            journeys = await due(folder, url, rounds * size.messages)
            twin = await stores.copy(url)
            told = await _told(folder, await stores.copy(url), journeys)
            async with installed(folder, database_url=url) as ours, stores.bare(twin) as bare:
                mine, theirs = chunks(journeys, size.messages), chunks(told, size.messages)
                composer = Composer(Renderer(), ours.links)

                async def ours_passes() -> Speed:
                    intents = [await ready(ours.db, composer, one) for one in next(mine)]
                    return await speed(size.messages, at_once(LANES, intents, partial(sent, ours.db)))

                async def bare_passes() -> Speed:
                    return await speed(size.messages, bare.run(next(theirs)))

                runs = await in_turn(size.runs, ours_passes, bare_passes, say=lambda text: say(f"{name}: {text}"))
            await _compare(url, twin)
    return speeds(name, "messages/s", runs[0], runs[1], {"statements": sum(map(len, told[0]))})


async def _told(folder: Path, url: str, journeys: Sequence[str]) -> list[_Told]:
    """Return what our code tells the driver for each message, tried on a store of its own."""
    found: list[_Told] = []
    async with installed(folder, database_url=url) as installation:
        composer = Composer(Renderer(), installation.links)
        for journey in journeys:
            intent = await ready(installation.db, composer, journey)
            with recorded(installation.db) as first:
                await handed(installation.db, intent)
            with recorded(installation.db) as second:
                await settled(installation.db, intent)
            found.append((tuple(first), tuple(second)))
    return found


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
