from datetime import datetime, timedelta

import pytest

from models.vocabulary import Outcome
from store.schema import DELIVERIES
from tests.trial import DAY, HOUR, Trial

SOON = timedelta(seconds=2)
STEPS = ["reminder", "social-proof", "incentive"]


async def test_an_abandoned_cart_gets_three_messages_on_their_days_and_then_silence(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(HOUR - timedelta(minutes=1))
    assert trial.memory.messages == []
    await journey.passes(9 * DAY)
    await journey.ends()
    assert await journey.outcome() is Outcome.EXHAUSTED
    assert await journey.decided() == [(step, "sent", "sent") for step in STEPS]
    assert await journey.delivered() == [(step, "sent") for step in STEPS]
    due = [journey.since + HOUR + days * DAY for days in (0, 3, 7)]
    handed = [row["handed_at"] for row in await trial.rows(DELIVERIES, journey.id)]
    assert all(planned <= real < planned + SOON for planned, real in zip(due, handed, strict=True)), handed
