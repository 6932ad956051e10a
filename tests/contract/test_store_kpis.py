from datetime import datetime
from typing import Any

import pytest

from store.db import Database
from store.kpis import kpis
from tests.kpi_rows import DAY, HOUR, NOON, cart, consent, delivery, event, have, journey, order


async def read(
    db: Database, *, since: datetime | None = None, until: datetime | None = None, policy: str | None = None
) -> dict[str, Any]:
    return await db.read(kpis, since=since, until=until, policy=policy, now=NOON + 30 * DAY)


async def figure(
    db: Database, name: str, since: datetime | None = None, until: datetime | None = None
) -> tuple[Any, Any, Any]:
    one = (await read(db, since=since, until=until))["totals"][name]
    return one["numerator"], one["denominator"], one["value"]


async def recovered(db: Database, since: datetime | None = None, until: datetime | None = None) -> tuple[Any, Any]:
    orders = await figure(db, "recovered_orders_attributed", since, until)
    return orders[2], (await figure(db, "recovered_value_attributed", since, until))[2]


async def test_an_empty_store_has_no_figures_but_zero_counts(db: Database) -> None:
    found = await read(db)
    assert found["groups"] == []
    assert found["totals"]["journeys_started"]["value"] == 0
    assert found["totals"]["cart_conversion_attributed"]["value"] is None


async def test_a_journey_counts_from_its_j0_on(db: Database) -> None:
    await have(db, journey("j1"), journey("waiting", "bob", j0=None))
    assert await figure(db, "journeys_started") == (1, None, 1)
    assert (await figure(db, "journeys_started", since=NOON, until=NOON + HOUR))[2] == 1
    assert (await figure(db, "journeys_started", since=NOON + HOUR))[2] == 0
    assert (await figure(db, "journeys_started", until=NOON))[2] == 0
    assert (await read(db, policy="inactive"))["totals"]["journeys_started"]["value"] == 0


async def test_an_unknown_delivery_was_handed_over_but_not_sent(db: Database) -> None:
    await have(db, journey("j1"))
    for step, state in enumerate(("sent", "unknown", "refused", "handed", "released")):
        await have(db, delivery("j1", str(step), state=state))
    assert (await figure(db, "deliveries_handed"))[2] == 4
    assert (await figure(db, "deliveries_sent"))[2] == 1
    assert (await figure(db, "deliveries_unknown"))[2] == 1
    assert (await figure(db, "deliveries_refused"))[2] == 1
    assert await figure(db, "delivered_share") == (1, 4, 0.25)


async def test_an_order_of_the_cart_after_a_delivery_is_recovered(db: Database) -> None:
    await have(
        db,
        journey("j1"),
        delivery("j1"),
        journey("j2", "bob"),
        delivery("j2", customer_id="bob"),
        order("token-j1", at=NOON + HOUR),
    )
    assert await recovered(db) == (1, 5000)
    assert await figure(db, "cart_conversion_attributed") == (1, 2, 0.5)
    assert await figure(db, "average_recovered_value_attributed") == (5000, 1, 5000)


@pytest.mark.parametrize("state", ["unknown", "refused", "handed", "released"])
async def test_an_order_after_a_delivery_that_was_not_sent_is_not_recovered(db: Database, state: str) -> None:
    await have(db, journey("j1"), delivery("j1", state=state), order("token-j1", at=NOON + HOUR))
    assert await recovered(db) == (0, 0)
    assert await figure(db, "cart_conversion_attributed") == (0, 0, None)


async def test_an_order_without_a_delivery_or_before_it_is_not_recovered(db: Database) -> None:
    await have(
        db,
        journey("j1"),
        order("token-j1", at=NOON + HOUR),
        journey("j2", "bob"),
        delivery("j2", handed_at=NOON + 2 * HOUR),
        order("token-j2", at=NOON + HOUR, customer="bob"),
    )
    assert await recovered(db) == (0, 0)


@pytest.mark.parametrize(
    ("status", "refunded", "left"),
    [
        ("paid", 2000, (1, 3000)),
        ("refunded", 2000, (1, 3000)),
        ("refunded", 5000, (0, 0)),
        ("cancelled", 0, (0, 0)),
        ("pending", 0, (0, 0)),
    ],
)
async def test_a_refund_after_recovery_is_taken_off(
    db: Database, status: str, refunded: int, left: tuple[int, int]
) -> None:
    await have(db, journey("j1"), delivery("j1"), order("token-j1", at=NOON + HOUR, status=status, refunded=refunded))
    assert await recovered(db) == left


async def test_an_order_joins_by_every_name_of_every_cart_of_the_journey(db: Database) -> None:
    await have(
        db, journey("j1", cart_id="checkout"), cart("checkout", "bag"), cart("older", "older-bag", "j1"), delivery("j1")
    )
    for names in (["bag"], ["older"], ["older-bag"], ["token-j1", "bag"]):
        await have(db, order(*names, at=NOON + HOUR, customer=None))
    await have(db, order("someone-elses", at=NOON + HOUR))
    assert await recovered(db) == (4, 20000)
    assert await figure(db, "cart_conversion_attributed") == (1, 1, 1)


async def test_an_order_with_the_customers_code_is_recovered_and_a_strangers_is_not(db: Database) -> None:
    for name in ("ann", "bob"):
        await have(db, journey(name, name), delivery(name, customer_id=name, coupon="RETOUR10"))
    await have(
        db,
        order(at=NOON + HOUR, coupon="retour10"),
        order(at=NOON + HOUR, coupon="RETOUR10", customer="carol"),
        order(at=NOON + HOUR, coupon="RETOUR10", customer=None),
    )
    assert await recovered(db) == (1, 5000)


async def test_of_two_journeys_of_one_customer_the_latest_delivery_has_the_order(db: Database) -> None:
    await have(
        db,
        journey("j1", cart_token="same"),
        delivery("j1"),
        journey("j2", cart_token="same", j0=NOON + 8 * DAY),
        delivery("j2", handed_at=NOON + 8 * DAY),
        order("same", at=NOON + 9 * DAY),
    )
    assert await recovered(db) == (1, 5000)
    assert await figure(db, "cart_conversion_attributed") == (1, 2, 0.5)
    assert await recovered(db, until=NOON + DAY) == (0, 0)
    assert await recovered(db, since=NOON + DAY) == (1, 5000)


async def test_figures_come_by_journey_and_by_step(db: Database) -> None:
    await have(
        db,
        journey("j1"),
        delivery("j1"),
        delivery("j1", "incentive", handed_at=NOON + 7 * DAY, segment="regular"),
        order("token-j1", at=NOON + 8 * DAY),
    )
    groups = (await read(db))["groups"]
    named = [(one["step"], one["channel"], one["segment"], one["arm"], one["policy_version"]) for one in groups]
    assert named == [
        (None, None, "new", "treatment", "v1"),
        ("reminder", "email", "new", "treatment", "v1"),
        ("incentive", "email", "regular", "treatment", "v1"),
    ]
    assert [one["recovered_orders_attributed"]["value"] for one in groups] == [1, 0, 1]
    assert [one["cart_conversion_attributed"]["value"] for one in groups] == [1, 0, 1]
    assert [one["deliveries_sent"]["value"] for one in groups] == [2, 1, 1]
    assert groups[0]["journeys_started"]["value"] == 1
    assert "journeys_started" not in groups[1]


@pytest.mark.parametrize(
    ("days", "channel", "counted"), [(6, "email", 1), (8, "email", 0), (6, "sms", 0), (-1, "email", 0)]
)
async def test_an_objection_within_a_week_counts_once(db: Database, days: int, channel: str, counted: int) -> None:
    await have(
        db,
        journey("j1"),
        delivery("j1", "first", handed_at=NOON - DAY / 2),
        delivery("j1", "second"),
        consent("withdrawn", NOON + days * DAY, channel=channel),
        consent("withdrawn", NOON + days * DAY + HOUR, channel=channel),
    )
    assert await figure(db, "unsubscribe_rate") == (counted, 2, counted / 2)


@pytest.mark.parametrize(
    ("name", "rate", "purpose"),
    [("Email Opened", "open_rate", "open_tracking"), ("Email Clicked", "click_rate", "click_tracking")],
)
async def test_answers_are_known_only_of_customers_who_agreed(db: Database, name: str, rate: str, purpose: str) -> None:
    await have(db, journey("j1"), delivery("j1"), event(name, NOON + HOUR))
    await have(db, consent("granted", NOON - DAY, "marketing"), consent("granted", NOON + HOUR / 2, purpose))
    assert await figure(db, rate) == (None, None, None)
    await have(db, consent("granted", NOON - DAY, purpose))
    assert await figure(db, rate) == (1, 1, 1)
    await have(db, consent("withdrawn", NOON + DAY, purpose))
    assert await figure(db, rate) == (None, None, None)


async def test_an_open_by_a_machine_or_after_a_week_is_none(db: Database) -> None:
    await have(
        db,
        consent("granted", NOON - DAY, "open_tracking"),
        journey("j1"),
        delivery("j1"),
        event("Email Opened", NOON + HOUR, machine=True),
        event("Email Opened", NOON + HOUR, human=False),
        event("Email Opened", NOON + 8 * DAY),
    )
    assert await figure(db, "open_rate") == (0, 1, 0)


async def test_the_arms_are_compared_by_customers_with_an_order_in_fourteen_days(db: Database) -> None:
    for name, arm in (("ann", "treatment"), ("bob", "treatment"), ("carol", "holdout"), ("dave", "holdout")):
        await have(db, journey(name, name, arm=arm))
    await have(
        db,
        journey("ann-again", "ann", j0=NOON + 10 * DAY),
        journey("eve", "eve", j0=NOON + 20 * DAY),
        journey("fay", "fay", j0=NOON + 15 * DAY),
        order(at=NOON + 13 * DAY),
        order("token-bob", at=NOON + 2 * DAY, customer=None),
        order(at=NOON + 15 * DAY, customer="carol"),
        order(at=NOON - 10 * DAY, customer="dave"),
        order(at=NOON + DAY, customer="dave"),
        order(at=NOON + 2 * DAY, customer="dave"),
    )
    assert await figure(db, "conversion_treatment") == (2, 4, 0.5)
    assert (await read(db))["totals"]["conversion_treatment"]["maturing"] == 1
    assert await figure(db, "conversion_holdout") == (1, 2, 0.5)
    assert await figure(db, "incremental_conversion") == (None, None, 0)
    assert await recovered(db) == (0, 0)


async def test_retention_is_who_ordered_again_in_the_window(db: Database) -> None:
    for customer, days in (("ann", -10), ("ann", 1), ("bob", -10), ("carol", -200), ("carol", 1), ("dave", 1)):
        await have(db, order(at=NOON + days * DAY, customer=customer))
    assert await figure(db, "retention", since=NOON, until=NOON + 2 * DAY) == (1, 2, 0.5)
