"""Which orders end a journey, or let none begin: each state, in each order in which its news may come."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from sqlalchemy import ColumnElement, Connection, Update

from models.events import Event, OrderStatus, Person
from models.policy import PURCHASE, from_json, to_json
from models.vocabulary import LastLook, Outcome, Reason
from store import policies
from store.audit import Invariant, audit
from store.db import Database
from store.schema import JOURNEYS, ORDERS, POLICY_VERSIONS
from tests.builders import DAY, HOUR, MINUTE, NOON, checkout, granted, identify, order, person, refund
from tests.known_shop import CART, INACTIVE, KnownShop, known_shop

JEANNE = person("jeanne")
J0 = NOON + HOUR
PENDING, CANCELLED, PAID, AUTHORIZED, REFUNDED = (
    OrderStatus.PENDING,
    OrderStatus.CANCELLED,
    OrderStatus.PAID,
    OrderStatus.AUTHORIZED,
    OrderStatus.REFUNDED,
)


async def naming(db: Database, *purchase: OrderStatus) -> KnownShop:
    """Return a shop whose policies name these states."""
    given = {"purchase": purchase, "hash": ""}
    return await known_shop(db, replace(CART, **given), replace(INACTIVE, **given))  # type: ignore[arg-type]


def ordered(status: OrderStatus, minutes: int = 30, name: str = "O1") -> Event:
    return order(JEANNE, name, ["T1"], NOON + minutes * MINUTE, placed_at=NOON + 10 * MINUTE, status=status)


async def outcome(shop: KnownShop) -> str | None:
    found: str | None = (await shop.journey())["outcome"]
    return found


@pytest.fixture(autouse=True)
async def _proved(db: Database) -> AsyncIterator[None]:
    """Whatever a policy names, the ledger keeps it."""
    yield
    assert await db.read(audit) == []


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("purchase", [PURCHASE, (PENDING,), (PAID,), (CANCELLED, REFUNDED)])
async def test_an_order_ends_an_open_journey_in_the_states_that_its_policy_names(
    db: Database, status: OrderStatus, purchase: Sequence[OrderStatus]
) -> None:
    shop = await naming(db, *purchase)
    await shop.hears(checkout(JEANNE))
    await shop.hears(ordered(status))
    assert await outcome(shop) == (Outcome.PURCHASED if status in purchase else None)


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("purchase", [PURCHASE, (PENDING,)])
async def test_an_order_before_its_checkout_lets_no_journey_begin_in_the_same_states(
    db: Database, status: OrderStatus, purchase: Sequence[OrderStatus]
) -> None:
    shop = await naming(db, *purchase)
    await shop.hears(ordered(status))
    await shop.hears(checkout(JEANNE), at=NOON + 40 * MINUTE)
    assert len(await shop.rows(JOURNEYS)) == (status not in purchase)


@pytest.mark.parametrize("status", OrderStatus)
async def test_the_gate_reads_the_policy_of_the_journey(db: Database, status: OrderStatus) -> None:
    shop = await naming(db, PAID)
    await shop.hears(checkout(JEANNE), ordered(AUTHORIZED, 20), at=NOON + 20 * MINUTE)
    journey = (await shop.journey())["id"]
    await shop.assess(journey, J0)
    await shop.hears(ordered(PENDING, 25, "O2"), at=NOON + 2 * HOUR)
    await shop.db.write(lambda connection: connection.execute(ORDERS.update().values(status=status)))
    ruling = await shop.hand_over(journey, at=NOON + 3 * HOUR)
    assert ruling is not None
    assert (ruling.reason is Reason.PURCHASED) == (status is PAID)


@pytest.mark.parametrize("status", [PENDING, CANCELLED, REFUNDED])
async def test_a_journey_that_is_not_due_yet_ends_at_its_j0_by_the_same_word(db: Database, status: OrderStatus) -> None:
    shop = await naming(db, PENDING)
    await shop.hears(checkout(JEANNE))
    await shop.hears(ordered(CANCELLED))
    await shop.db.write(lambda connection: connection.execute(ORDERS.update().values(status=status)))
    answer = await shop.assess((await shop.journey())["id"], J0)
    assert answer.outcome == (Outcome.PURCHASED if status is PENDING else None)


async def test_each_journey_is_ended_by_the_version_that_it_began_with(db: Database) -> None:
    shop = await naming(db, PAID, PENDING)
    await shop.hears(checkout(JEANNE))
    await db.write(policies.activate, [CART, INACTIVE], NOON)
    await shop.hears(ordered(PENDING))
    assert await outcome(shop) == Outcome.PURCHASED


async def test_an_order_that_is_paid_later_ends_the_journey_at_that_moment(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(ordered(PENDING, 20))
    assert await outcome(shop) is None
    await shop.hears(ordered(PAID, 50))
    ended = await shop.journey()
    assert (ended["outcome"], ended["closed_at"]) == (Outcome.PURCHASED, NOON + 50 * MINUTE)


async def test_an_order_that_is_cancelled_before_it_was_paid_lets_the_journey_go_on(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(ordered(PENDING, 20))
    await shop.hears(ordered(CANCELLED, 30))
    journey = await shop.journey()
    assert journey["status"] == "waiting"
    assert (await shop.assess(journey["id"], J0 + HOUR)).j0 == J0 + HOUR


@pytest.mark.parametrize("news", list(permutations([PAID, CANCELLED])))
async def test_an_order_that_was_paid_ends_the_journey_although_it_was_cancelled_whatever_is_heard_first(
    shop: KnownShop, news: Sequence[OrderStatus]
) -> None:
    await shop.hears(checkout(JEANNE))
    at = {PAID: 20, CANCELLED: 40}
    for status in news:
        await shop.hears(ordered(status, at[status]), at=NOON + 45 * MINUTE)
    assert await outcome(shop) == Outcome.PURCHASED
    assert (await shop.row(ORDERS))["status"] == CANCELLED


@pytest.mark.parametrize("back", [0, 1000])
async def test_an_order_whose_first_news_is_its_refund_ends_the_journey(shop: KnownShop, back: int) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(refund(JEANNE, at=NOON + HOUR, refunded=back))
    assert await outcome(shop) == Outcome.PURCHASED


async def test_a_refund_of_an_older_order_ends_nothing(shop: KnownShop) -> None:
    await shop.hears(order(JEANNE, "OLD", ["T0"], NOON - DAY))
    await shop.hears(checkout(JEANNE))
    await shop.hears(refund(JEANNE, "OLD", NOON + MINUTE))
    assert await outcome(shop) is None


@pytest.mark.parametrize("token", ["T1", "T2", "T3"])
async def test_one_order_ends_the_journey_whichever_of_several_checkouts_it_names(shop: KnownShop, token: str) -> None:
    for number in (1, 2, 3):
        await shop.hears(checkout(JEANNE, f"T{number}", at=NOON + number * MINUTE))
    await shop.hears(order(person("guest"), "O1", [token], NOON + HOUR))
    assert await outcome(shop) == Outcome.PURCHASED


@pytest.mark.parametrize("other", [person("paul"), Person("paul")], ids=["with an address", "without one"])
async def test_a_checkout_that_somebody_else_went_on_with_ends_nobody_elses_journey(
    shop: KnownShop, other: Person
) -> None:
    await shop.hears(checkout(JEANNE, "T1"))
    await shop.hears(checkout(JEANNE, "T2", at=NOON + MINUTE))
    await shop.hears(checkout(other, "T1", at=NOON + 2 * MINUTE))
    await shop.hears(identify(JEANNE, NOON + HOUR), order(other, "O1", ["T1"], NOON + HOUR))
    jeanne = (await shop.customer("jeanne"))["id"]
    assert (await shop.journey(customer_id=jeanne))["outcome"] is None
    others = [one["outcome"] for one in await shop.rows(JOURNEYS) if one["customer_id"] != jeanne]
    assert others == ([Outcome.PURCHASED] if other.email else [])


async def test_an_order_is_known_by_every_token_that_its_news_have_named(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(ordered(PENDING, -20))
    late = order(JEANNE, "O1", (), NOON + 20 * MINUTE, placed_at=NOON - 20 * MINUTE, status=PAID)
    await shop.hears(late)
    assert await outcome(shop) == Outcome.PURCHASED


async def test_a_version_of_an_older_release_keeps_its_hash_and_what_it_called_a_purchase(db: Database) -> None:
    record = {key: value for key, value in to_json(CART).items() if key not in ("purchase", "last_look")}
    old = from_json(record)
    shop = await known_shop(db, old)
    row = {"hash": old.hash, "name": old.name, "kind": old.kind, "body": record, "position": 0, "loaded_at": NOON}
    await db.write(lambda connection: connection.execute(POLICY_VERSIONS.delete().where(_is(old.hash))))
    await db.write(lambda connection: connection.execute(POLICY_VERSIONS.insert(), [row]))
    policies._versions.pop(old.hash, None)
    found = await db.read(policies.version, old.hash)
    assert (found.hash, found.last_look) == (old.hash, LastLook.HOLD)
    await shop.hears(checkout(JEANNE))
    await shop.hears(refund(JEANNE, at=NOON + HOUR))
    assert await outcome(shop) is None


def _is(name: str) -> ColumnElement[bool]:
    return POLICY_VERSIONS.c.hash == name


async def test_the_audit_holds_a_hand_over_against_what_its_policy_calls_a_purchase(db: Database) -> None:
    shop = await naming(db, PENDING)
    agreed = person("jeanne", granted(NOON - DAY))
    await shop.hears(checkout(agreed))
    journey = (await shop.journey())["id"]
    await shop.assess(journey, J0)
    sent = await shop.hand_over(journey, at=J0)
    assert sent is not None
    assert sent.reason is Reason.SENT
    await shop.hears(ordered(PENDING, 90))
    early = (await shop.row(ORDERS))["seq"]
    found = {}
    for status in OrderStatus:
        values = ORDERS.update().values(seq=0, status=status)
        await db.write(_run, values)
        found[status] = [one.invariant for one in await db.read(audit)]
    assert found == {one: [Invariant.SILENT_AFTER_PURCHASE] if one is PENDING else [] for one in OrderStatus}
    await db.write(_run, ORDERS.update().values(seq=early, status=PENDING))


def _run(connection: Connection, statement: Update) -> None:
    connection.execute(statement)
