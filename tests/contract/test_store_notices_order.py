"""Events of providers in any order, number and batches, and at the same moment: always one and the same end."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.provider_events import ProviderEvent
from models.vocabulary import Channel, DeliveryState, Purpose
from store.audit import audit
from store.db import connect
from store.schema import CONSENTS, CUSTOMERS, EVENTS, JOURNEYS, NOTICES, SUPPRESSIONS
from tests.builders import DAY, HOUR, MINUTE
from tests.databases import SqliteFiles
from tests.known_shop import KnownShop, known_shop
from tests.told import J0, Sent, closed, sent, tracks

Stamp = tuple[str, int, dict[str, Any]]
"""A type, minutes after J0, and what else an event says."""

STAMPS: tuple[Stamp, ...] = (
    ("queued", 0, {"provider_message_id": "m"}),
    ("accepted", 1, {"provider_message_id": "m"}),
    ("delivered", 9, {}),
    ("deferred", 5, {"reason": "4.2.2"}),
    ("bounced", 6, {"permanent": False}),
    ("bounced", 1500, {"permanent": False}),
    ("bounced", 3000, {"permanent": False}),
    ("bounced", 11000, {"permanent": False}),
    ("bounced", 7, {"permanent": True}),
    ("rejected", 2, {"permanent": None, "reason": "5.7.515"}),
    ("opened", 30, {}),
    ("opened", 40, {"human": False}),
    ("clicked", 35, {}),
    ("subscribed", 50, {}),
    ("complained", 60, {}),
    ("unsubscribed", 20, {}),
    ("unsubscribed", 70, {}),
    ("unknown", 3, {}),
)
LATE = J0 + 30 * DAY
_numbers = count()


def told(one: Sent, name: str, stamps: Sequence[Stamp]) -> list[ProviderEvent]:
    """Return these events of one message; each provider's id is that of the person and the event."""
    return [
        one.told(kind, J0 + minutes * MINUTE, recipient=f"{name}@example.com", **(said | _marked(said, name)))
        for kind, minutes, said in stamps
    ]


def _marked(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"provider_message_id": f"m-{name}"} if "provider_message_id" in said else {}


async def fresh(shop: KnownShop, state: DeliveryState | None) -> tuple[Sent, str]:
    name = f"p{next(_numbers)}"
    agreed = tracks(Purpose.OPEN_TRACKING), tracks(Purpose.CLICK_TRACKING)
    return await sent(shop, *agreed, state=state, name=name), name


async def facts(one: Sent, name: str) -> dict[str, Any]:
    """Return everything that the events have left, but for ids, names and the times at which they were written."""
    shop, customer = one.shop, await one.shop.customer(name)
    delivery, journey = await one.row(), await shop.row(JOURNEYS, id=one.journey)
    notices = await shop.rows(NOTICES, delivery_id=one.id)
    marks = [(row["type"], row["at"], row["permanent"], row["human"], row["address"] is None) for row in notices]
    ledger = await shop.rows(CONSENTS, customer_id=customer["id"])
    did = await shop.rows(EVENTS, customer_id=customer["id"])
    return {
        "delivery": (delivery["state"], (delivery["provider_id"] or "").replace(name, "")),
        "journey": (journey["status"], journey["outcome"]),
        "notices": sorted(marks, key=repr),
        "closed": [dict(await closed(shop, one.journey, J0 + days * DAY)) for days in (0, 1, 3, 9, 16)],
        "words": sorted((row["purpose"], row["state"], row["at"]) for row in ledger),
        "did": sorted((row["type"], row["at"]) for row in did),
        "last_open_on": customer["last_open_on"],
    }


MEASURED, LEFT = {"opened", "clicked"}, {"unsubscribed"}
"""What a reader did is not written down once they have left, and not unlearnt when it was: there the order counts."""

shuffled = (
    st.lists(st.sampled_from(STAMPS), max_size=8)
    .filter(lambda some: not all({kind for kind, *_ in some} & kinds for kinds in (MEASURED, LEFT)))
    .flatmap(lambda some: st.tuples(st.just(some), st.permutations(some + some[:3]), st.integers(1, 4)))
)


def test_the_same_events_leave_the_same_state_in_any_order_number_and_batches(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    shop = loop.run_until_complete(_shop(tmp_path))

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(shuffled, st.sampled_from([None, DeliveryState.UNKNOWN, DeliveryState.SENT]))
    def holds(way: tuple[list[Stamp], list[Stamp], int], state: DeliveryState | None) -> None:
        loop.run_until_complete(_same(shop, *way, state))

    holds()
    assert loop.run_until_complete(shop.db.read(audit)) == []
    loop.run_until_complete(shop.db.aclose())
    loop.close()


async def _shop(folder: Path) -> KnownShop:
    return await known_shop(connect(await SqliteFiles(folder).fresh(folder)))


async def _same(shop: KnownShop, some: list[Stamp], other: list[Stamp], size: int, state: DeliveryState | None) -> None:
    one, first = await fresh(shop, state)
    two, second = await fresh(shop, state)
    if some:
        await one.hears(*told(one, first, some), at=LATE)
    for start in range(0, len(other), size):
        await two.hears(*told(two, second, other[start : start + size]), at=LATE)
    assert await facts(one, first) == await facts(two, second)


async def test_events_of_many_at_the_same_moment_wait_for_each_other_and_count_once(shop: KnownShop) -> None:
    people = [await fresh(shop, None) for _ in range(6)]
    kinds = [STAMPS[2], STAMPS[4], STAMPS[14], STAMPS[16]]
    batch = [event for one, name in people for event in told(one, name, kinds)]
    ways = [batch, batch[::-1], batch[5:] + batch[:5], sorted(batch, key=lambda event: event.type)]
    results = await asyncio.gather(*(people[0][0].hears(*way, at=LATE) for way in ways))
    assert sum(result.accepted for result in results) == len(batch) == len(await shop.rows(NOTICES))
    assert sum(len(result.outbox) for result in results) == len(people)
    for one, name in people:
        assert (await facts(one, name))["closed"][1] == {Channel.EMAIL: "complaint"}
    assert len(await shop.rows(SUPPRESSIONS, reason="complaint")) == len(people)
    assert await shop.db.read(audit) == []


async def test_complaints_and_sends_at_the_same_moment_never_leave_a_hand_over_after_a_complaint(
    shop: KnownShop,
) -> None:
    people = [await fresh(shop, DeliveryState.SENT) for _ in range(12)]

    async def sends(one: Sent) -> None:
        for _ in range(20):
            if await shop.hand_over(one.journey, "social-proof", at=J0 + 3 * DAY) is not None:
                return

    complaints = [one.hears(*told(one, name, [STAMPS[14]]), at=J0 + 3 * DAY) for one, name in people]
    await asyncio.gather(
        *(task for pair in zip(complaints, (sends(one) for one, _ in people), strict=True) for task in pair)
    )
    assert await shop.db.read(audit) == []
    for one, _ in people:
        again = await shop.hand_over(one.journey, "incentive", at=J0 + 7 * DAY + HOUR)
        assert again is not None
        assert again.verdict == "stopped"
    assert await shop.rows(CUSTOMERS)
