"""Figures of what providers tell: complaints and returns, and null where nobody tells anything."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from store.db import Database
from store.kpis import kpis
from store.schema import NOTICES
from tests.kpi_rows import DAY, HOUR, NOON, Row, Rows, delivery, have, journey


def notice(kind: str, at: datetime, step: str = "reminder", **changes: object) -> Rows:
    """What the provider of a step's message told of it."""
    row: Row = {"provider": "postmark", "key": f"{kind}{step}{at}", "type": kind, "channel": "email", "at": at}
    return [(NOTICES, row | {"delivery_id": f"j1/{step}/email", "received_at": at} | changes)]


def sent(step: str = "reminder", **changes: object) -> Rows:
    return delivery("j1", step, **({"provider": "postmark"} | changes))


async def figure(db: Database, name: str) -> tuple[Any, Any, Any]:
    found: Any = await db.read(kpis, since=None, until=None, policy=None, now=NOON + 30 * DAY)
    one = found["totals"][name]
    return one["numerator"], one["denominator"], one["value"]


@pytest.mark.parametrize("name", ["complaint_rate", "bounce_rate"])
async def test_of_providers_that_tell_nothing_nothing_is_known(db: Database, name: str) -> None:
    await have(db, journey("j1"), sent(provider="smtp"))
    assert await figure(db, name) == (None, None, None)
    await have(db, sent("two"), notice("delivered", NOON, "two"))
    assert await figure(db, name) == (0, 1, 0)


async def test_a_complaint_counts_once_for_its_delivery_within_seven_days(db: Database) -> None:
    await have(db, journey("j1"), sent("a"), sent("b"), sent("c"), sent("d"))
    await have(db, notice("complained", NOON + HOUR, "a"), notice("complained", NOON + DAY, "a"))
    await have(db, notice("complained", NOON + 7 * DAY, "b"))
    await have(db, notice("complained", NOON + 7 * DAY + timedelta(seconds=1), "c"))
    await have(db, notice("complained", NOON + HOUR, "gone", delivery_id=None))
    assert await figure(db, "complaint_rate") == (2, 4, 0.5)


async def test_only_what_was_sent_can_be_complained_about_or_come_back(db: Database) -> None:
    await have(db, journey("j1"), sent("a", state="refused"), sent("b"))
    await have(db, notice("complained", NOON + HOUR, "a"), notice("bounced", NOON + HOUR, "a", permanent=True))
    assert await figure(db, "complaint_rate") == await figure(db, "bounce_rate") == (0, 1, 0)


@pytest.mark.parametrize(
    ("told", "returned"),
    [
        ([("bounced", 1, True)], 1),
        ([("delivered", 0, None), ("bounced", 1, True)], 1),
        ([("bounced", 1, False)], 1),
        ([("bounced", 1, False), ("delivered", 2, None)], 0),
        ([("delivered", 1, None), ("bounced", 2, None)], 0),
        ([("rejected", 1, None)], 1),
        ([("failed", 1, None), ("failed", 2, None)], 1),
        ([("bounced", 72, True)], 1),
        ([("bounced", 73, True)], 0),
        ([("deferred", 1, None)], 0),
        ([], 0),
    ],
)
async def test_a_message_came_back_for_good_or_without_arriving_at_another_try(
    db: Database, told: list[tuple[str, int, bool | None]], returned: int
) -> None:
    await have(db, journey("j1"), sent(), sent("other"), notice("delivered", NOON, "other"))
    await have(db, *(notice(kind, NOON + hours * HOUR, permanent=permanent) for kind, hours, permanent in told))
    assert await figure(db, "bounce_rate") == (returned, 2, returned / 2)
    assert await figure(db, "delivered_share") == (2 - returned, 2, 1 - returned / 2)


async def test_complaints_and_returns_are_those_of_their_step(db: Database) -> None:
    await have(db, journey("j1"), sent("a"), sent("b"))
    await have(db, notice("complained", NOON + HOUR, "a"), notice("bounced", NOON + HOUR, "b", permanent=True))
    found = await db.read(kpis, since=None, until=None, policy=None, now=NOON + 30 * DAY)
    groups: Any = found["groups"]
    rates = {one["step"]: (one["complaint_rate"]["value"], one["bounce_rate"]["value"]) for one in groups}
    assert rates == {None: (0.5, 0.5), "a": (1.0, 0.0), "b": (0.0, 1.0)}
