"""Messages on their way through the gate: journeys that are due, rendered messages, what the ledger does of each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from activities.composing import Composer
from activities.leg import Leg
from bench.parts import KEY, cart_policy, installed
from bench.people import checkout
from models.vocabulary import Channel, DeliveryState, Verdict
from store.assessments import assess
from store.db import Database
from store.drafts import load_draft
from store.ids import new_id
from store.intake import ingest
from store.ledger import Intent, hand_over, settle

NOON: Final = datetime(2026, 3, 3, 12, tzinfo=UTC)
"""A Tuesday, at an hour when everybody may be written to."""
PROVIDER: Final = "sendgrid"
"""Who carries the messages."""
_LEFT: Final = timedelta(hours=2)
_STEP: Final = "reminder"
_BATCH: Final = 50


async def due(folder: Path, url: str, number: int) -> Sequence[str]:
    """Make a store in which so many journeys have just begun, and return their ids."""
    journeys: list[str] = []
    async with installed(folder, database_url=url) as installation:
        policy, left = await cart_policy(installation), NOON - _LEFT
        for start in range(0, number, _BATCH):
            events = [checkout(left) for _ in range(min(_BATCH, number - start))]
            done = await installation.db.write(ingest, "main", events, policy, left)
            journeys += [row.journey_id for row in done.outbox]
        for journey in journeys:
            await installation.db.write(assess, journey, NOON, KEY, NOON)
    return journeys


async def ready(db: Database, composer: Composer, journey: str) -> Intent:
    """Read and render a journey's message, as an attempt to send it does before the gate."""
    draft = await db.read(load_draft, journey, _STEP, NOON)
    assert draft is not None
    leg, delivery = Leg(draft, Channel.EMAIL, NOON, NOON + timedelta(days=1)), new_id()
    composed = composer.compose(draft, leg.channel, delivery, NOON)
    assert composed.message is not None
    return Intent(
        question=leg.question((Channel.EMAIL,), composed.broken, repeatable=False),
        delivery=delivery,
        provider=PROVIDER,
        message=composed.message.raw,
        coupon=composed.coupon,
        inputs=composed.inputs,
        following=leg.following(),
    )


async def handed(db: Database, intent: Intent) -> None:
    """Put a message to the gate, which lets it pass."""
    ruling = await db.write(hand_over, intent, NOON)
    if ruling is None or ruling.verdict is not Verdict.SENT:
        raise RuntimeError(f"the gate did not let a message pass: {ruling and ruling.reason}")


async def settled(db: Database, intent: Intent) -> None:
    """Write that the provider took a message."""
    await db.write(settle, intent.delivery, DeliveryState.SENT, NOON, name_of(intent.delivery), "")


async def sent(db: Database, intent: Intent) -> None:
    """Take a message through the gate, and settle it."""
    await handed(db, intent)
    await settled(db, intent)


def name_of(delivery: str) -> str:
    """Return the provider's own id of a delivery."""
    return f"id-{delivery}"
