import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from models.erasing import SETTLES, ErasureState
from models.events import Person
from models.provider_events import ProviderEvent, ProviderEventType
from models.situation import SuppressionReason
from models.vocabulary import Channel, DeliveryState, Reason, Verdict
from store.audit import audit
from store.db import NotFoundError
from store.erasures import RETENTION
from store.ledger import Intent, answered, hand_over, ruled
from store.notices import take_in
from store.schema import (
    CARTS,
    CUSTOMERS,
    DELIVERIES,
    ERASURES,
    EVENTS,
    JOURNEYS,
    ORDER_TOKENS,
    ORDERS,
    SUPPRESSIONS,
)
from store.situations import load_situation
from tests.builders import (
    DAY,
    HOUR,
    NOON,
    basket,
    checkout,
    granted,
    identify,
    order,
    viewed,
    withdrawn,
)
from tests.forgetful import Clock, Forgetful
from tests.known_shop import KnownShop

J0 = NOON + HOUR
ADDRESS = "zephyrine.quatremaille@example.com"
PHONE = "+33698765432"
JEANNE = Person("customer-4711", ADDRESS, PHONE, first_name="Zéphyrine", consents=(granted(NOON - DAY),))
STEPS = ("asked", "erased", "removed", "compacted", "certified")
NEEDLES = (ADDRESS, "quatremaille", "698765432", "customer-4711")
Certificate = dict[str, Any]


@pytest.fixture
async def forgetful(shop: KnownShop, tmp_path: Path) -> Forgetful:
    return Forgetful(shop.db, tmp_path, Clock(J0 + DAY))


async def lives(shop: KnownShop) -> str:
    """Let somebody be a customer without a journey, and return their id."""
    former = replace(JEANNE, email="zephyrine.old@example.com", consents=(withdrawn(NOON - 9 * DAY),))
    await shop.hears(identify(former, NOON - 9 * DAY))
    await shop.hears(identify(JEANNE), viewed(JEANNE), order(JEANNE, "1001"))
    return str((await shop.row(CUSTOMERS))["id"])


async def journeys(shop: KnownShop, *, settled: DeliveryState | None = DeliveryState.SENT) -> str:
    """Let somebody get the first message of a journey, and return their id."""
    await shop.hears(checkout(JEANNE))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, J0)
    intent = replace(await shop.intent(journey, at=J0), message=f"To: {ADDRESS}\r\n\r\nBonjour".encode())
    await shop.db.write(hand_over_now, intent)
    if settled is not None:
        await shop.settle(journey, settled, at=J0)
    return str((await shop.row(CUSTOMERS))["id"])


def hand_over_now(connection: Connection, intent: Intent) -> None:
    ruling = hand_over(connection, intent, J0)
    assert ruling is not None
    assert ruling.verdict is Verdict.SENT


def place(certificate: Certificate | None, name: str) -> Certificate:
    assert certificate is not None
    found: Certificate = next(one for one in certificate["searched"] if one["name"] == name)
    return found


async def everything(shop: KnownShop) -> str:
    """Return every value of every table as text, certificates and jobs included."""
    tables = ERASURES.metadata.sorted_tables
    rows = [row for table in tables for row in await shop.rows(table)]
    return str(rows)


async def again(shop: KnownShop, state: str, forgetful: Forgetful) -> None:
    """Let a job stand where it stood before a step, as if its runner had been killed at the step's end."""
    change = update(ERASURES).values(state=state, next_try_at=forgetful.clock())
    await shop.db.write(lambda connection: connection.execute(change))


async def test_one_commit_closes_everything_at_once(shop: KnownShop, forgetful: Forgetful) -> None:
    customer = await journeys(shop)
    job = await forgetful.asks(customer)
    assert (job.state, job.actor, job.customer_id) == (ErasureState.ASKED, "support", customer)
    assert await shop.rows(CUSTOMERS) == []
    journey = await shop.journey()
    assert (journey["outcome"], list(job.journeys)) == ("erased", [journey["id"]])
    ruling = await shop.hand_over(journey["id"], "social-proof", at=J0 + DAY)
    assert ruling is not None
    assert ruling.verdict is Verdict.STOPPED
    assert not [one for one in NEEDLES if one in str(await shop.rows(ERASURES))]
    assert await shop.db.read(audit) == []


async def test_a_certificate_says_what_was_searched_and_what_it_cannot_prove(
    shop: KnownShop, forgetful: Forgetful, engine: str
) -> None:
    await forgetful.asks(await lives(shop))
    job = await forgetful.done()
    made = job.certificate
    assert made is not None
    assert (job.state, made["result"], job.sought, job.problem) == (ErasureState.CERTIFIED, "clean", None, None)
    assert made["searched_for"] == {"address": 2, "phone": 1, "id": 1, "name": 1, "also_held_by_another_customer": 0}
    assert place(made, "orders")["rows"] == 1
    assert all(one["found"] == 0 for one in made["searched"])
    assert made["not_searched"] == []
    told = {one["place"] for one in made["not_proved"]}
    assert {"backups", "freed blocks of the disk"} <= told
    assert ("files of the PostgreSQL server" in told) == (engine == "postgres")
    assert place(made, "relaunch.db")["bytes"] > 0 if engine == "sqlite" else "samples of the planner" in str(made)
    assert not [one for one in NEEDLES if one in await everything(shop)]
    assert (await shop.row(ORDERS))["customer_id"] is None


@pytest.mark.parametrize("kills", range(len(STEPS)))
async def test_a_job_that_is_killed_between_any_two_steps_goes_on(
    shop: KnownShop, forgetful: Forgetful, kills: int
) -> None:
    await forgetful.asks(await lives(shop))
    for state in STEPS[:kills]:
        assert (await forgetful.job()).state == state
        assert await forgetful.runner.once() == 1
        forgetful.is_killed()
    assert (await forgetful.job()).state == STEPS[kills]
    assert (await forgetful.done()).state == ErasureState.CERTIFIED
    assert not [one for one in NEEDLES if one in await everything(shop)]


async def test_a_job_that_is_killed_within_a_step_does_it_again(shop: KnownShop, forgetful: Forgetful) -> None:
    await forgetful.asks(await lives(shop))
    for state in STEPS[:3]:
        await forgetful.runner.once()
        await again(shop, state, forgetful)
        forgetful.is_killed()
        await forgetful.runner.once()
    job = await forgetful.done()
    assert job.certificate is not None
    assert job.certificate["result"] == "clean"


async def test_two_runners_at_once_make_one_certificate(shop: KnownShop, forgetful: Forgetful) -> None:
    await forgetful.asks(await lives(shop))
    other = Forgetful(shop.db, forgetful.home, forgetful.clock)
    for _ in range(20):
        await asyncio.gather(forgetful.runner.once(), other.runner.once())
    assert (await forgetful.job()).state == ErasureState.CERTIFIED


async def test_whoever_is_asked_to_be_forgotten_twice_is_one_job(shop: KnownShop, forgetful: Forgetful) -> None:
    customer = await lives(shop)
    jobs = await asyncio.gather(*(forgetful.asks(customer) for _ in range(3)))
    await forgetful.works()
    jobs.append(await forgetful.asks(customer))
    assert len({job.id for job in jobs}) == await forgetful.jobs() == 1
    assert jobs[-1].state == ErasureState.CERTIFIED


async def test_nobody_cannot_be_forgotten(forgetful: Forgetful) -> None:
    with pytest.raises(NotFoundError, match="there is no such customer"):
        await forgetful.asks("0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77")


async def test_a_message_that_is_being_handed_over_is_waited_for(shop: KnownShop, forgetful: Forgetful) -> None:
    await forgetful.asks(await journeys(shop, settled=None))
    await forgetful.works()
    job = await forgetful.job()
    assert (job.state, job.attempts, job.problem) == (
        ErasureState.ASKED,
        0,
        "messages that are being handed over: 1",
    )
    assert (await shop.row(DELIVERIES))["message"] is not None
    await shop.settle((await shop.journey())["id"], DeliveryState.SENT, at=J0)
    forgetful.clock.passes(timedelta(seconds=2))
    await forgetful.works()
    delivery = await shop.row(DELIVERIES)
    assert (delivery["state"], delivery["message"]) == (DeliveryState.SENT, None)


async def test_a_message_that_nobody_answers_for_is_unknown_and_never_sent_again(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await forgetful.asks(await journeys(shop, settled=None))
    forgetful.clock.passes(SETTLES - timedelta(seconds=1))
    await forgetful.works()
    assert (await forgetful.job()).state == ErasureState.ASKED
    forgetful.clock.passes(timedelta(seconds=2))
    await forgetful.works()
    assert (await forgetful.job()).state != ErasureState.ASKED
    delivery = await shop.row(DELIVERIES)
    assert (delivery["state"], delivery["attempts"]) == (DeliveryState.UNKNOWN, 1)
    ruling = await shop.hand_over(delivery["journey_id"], at=J0 + DAY)
    assert ruling is not None
    assert ruling.verdict is Verdict.STOPPED
    assert await shop.db.read(audit) == []


async def test_a_provider_that_refuses_the_address_late_does_not_bring_it_back(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await shop.hears(checkout(JEANNE))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, J0)
    intent = await shop.intent(journey, at=J0)
    await shop.db.write(hand_over_now, intent)
    await forgetful.asks((await shop.row(CUSTOMERS))["id"])
    forgetful.clock.passes(2 * SETTLES)
    await forgetful.works()
    ruling = ruled(Verdict.SKIPPED, Reason.PROVIDER_REFUSED, "550 no such mailbox")
    late = (intent.question, ruling, intent.delivery, DeliveryState.REFUSED, J0 + DAY, SuppressionReason.BOUNCE)
    await shop.db.write(answered, *late)
    assert (await shop.row(DELIVERIES))["state"] == DeliveryState.REFUSED
    assert not [one for one in NEEDLES if one in await everything(shop)]
    assert await shop.db.read(audit) == []


async def test_an_event_that_comes_meanwhile_is_about_somebody_new_to_whom_nothing_is_sent(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    customer = await journeys(shop)
    await forgetful.asks(customer)
    await shop.hears(checkout(replace(JEANNE, consents=()), at=J0 + DAY), order(JEANNE, "1002", at=J0 + DAY))
    await forgetful.works()
    await shop.hears(checkout(JEANNE, "T9", at=J0 + 40 * DAY))
    new = await shop.row(CUSTOMERS)
    assert new["id"] != customer
    assert new["email"] == ADDRESS
    assert [one["customer_id"] for one in await shop.rows(CARTS)] == [new["id"]] * 2
    journey = (await shop.rows(JOURNEYS, customer_id=new["id"]))[-1]
    known = await shop.db.read(load_situation, journey["id"], None, J0 + 40 * DAY)
    assert known is not None
    assert set(known.suppressed) == {Channel.EMAIL, Channel.SMS, Channel.CALL}
    ruling = await shop.hand_over(journey["id"], at=J0 + 40 * DAY + 2 * HOUR)
    assert ruling is not None
    assert ruling.verdict is not Verdict.SENT


async def test_the_certificate_tells_the_new_record_from_what_should_be_gone(
    shop: KnownShop, forgetful: Forgetful, engine: str
) -> None:
    await forgetful.asks(await lives(shop))
    await shop.hears(viewed(JEANNE, J0 + DAY))
    made = (await forgetful.done()).certificate
    assert place(made, "customers")["of_other_customers"] == 4
    assert made is not None
    assert (made["result"], made["searched_for"]["also_held_by_another_customer"]) == ("clean", 3)
    if engine == "sqlite":
        assert place(made, "relaunch.db")["left_out"] == "what another customer has too"


async def test_an_anonymous_event_of_an_erased_persons_cart_is_nobodys(shop: KnownShop, forgetful: Forgetful) -> None:
    await shop.hears(checkout(JEANNE, "T1"))
    await forgetful.asks((await shop.row(CUSTOMERS))["id"])
    await shop.hears(basket(Person(), "T1", at=J0 + DAY))
    assert await shop.rows(CUSTOMERS) == []
    await forgetful.works()
    assert await shop.rows(EVENTS) == []


async def test_a_yes_after_the_erasure_opens_the_address_again(shop: KnownShop, forgetful: Forgetful) -> None:
    await forgetful.asks(await lives(shop))
    await forgetful.works()
    old, new = granted(NOON - DAY), granted(J0 + 2 * DAY)
    await shop.hears(identify(replace(JEANNE, consents=(old,)), J0 + 2 * DAY))
    assert {one["lifted_at"] for one in await shop.rows(SUPPRESSIONS)} == {None}
    await shop.hears(identify(replace(JEANNE, consents=(new,)), J0 + 3 * DAY))
    lifted = {one["channel"] for one in await shop.rows(SUPPRESSIONS) if one["lifted_at"]}
    assert lifted == {Channel.EMAIL}


async def test_an_address_that_somebody_else_has_too_stays_open_to_them(shop: KnownShop, forgetful: Forgetful) -> None:
    await lives(shop)
    await shop.hears(identify(Person("second", "second@example.com", PHONE)))
    (first,) = [one["id"] for one in await shop.rows(CUSTOMERS) if one["external_id"] == "customer-4711"]
    await forgetful.asks(first)
    assert {one["channel"] for one in await shop.rows(SUPPRESSIONS) if one["customer_id"] is None} == {Channel.EMAIL}


async def test_whose_time_has_passed_leaves_no_objection_and_ends_nobody_elses_journey(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await shop.hears(checkout(JEANNE), checkout(Person(None, "guest@example.com", PHONE), "T2"))
    (first,) = [one["id"] for one in await shop.rows(CUSTOMERS) if one["external_id"] == "customer-4711"]
    await forgetful.asks(first, RETENTION)
    assert {one["customer_id"]: one["outcome"] for one in await shop.rows(JOURNEYS)}[first] == "erased"
    assert [one["outcome"] for one in await shop.rows(JOURNEYS) if one["customer_id"] != first] == [None]
    assert await shop.rows(SUPPRESSIONS) == []


@pytest.mark.parametrize("when", ["while it is asked", "when it is done"])
@pytest.mark.parametrize("by", ["our id", "address alone"])
async def test_no_late_event_of_a_provider_brings_an_address_back(
    shop: KnownShop, forgetful: Forgetful, by: str, when: str
) -> None:
    await journeys(shop)
    ours = str((await shop.row(DELIVERIES))["id"]) if by == "our id" else None
    await forgetful.asks((await shop.row(CUSTOMERS))["id"])
    if when == "when it is done":
        await forgetful.works()
    told = [
        ProviderEvent(kind, "memory", Channel.EMAIL, ADDRESS, f"e-{kind}", None, J0 + DAY, ours, permanent=permanent)
        for kind in ProviderEventType
        for permanent in (True, False)
    ]
    for one in [told, [replace(event, provider_event_id=None, reason="no such mailbox") for event in told]]:
        await shop.db.write(take_in, ["main", "other"], one, J0 + DAY)
    await forgetful.works()
    assert await shop.rows(CUSTOMERS) == []
    rows = await everything(shop)
    assert not [one for one in NEEDLES if one in rows]
    assert await shop.db.read(audit) == []


async def test_numbers_that_a_shop_makes_of_an_address_go_too(shop: KnownShop, forgetful: Forgetful) -> None:
    token, mine = f"cart-of-{ADDRESS}", JEANNE
    await shop.hears(checkout(mine, token), order(mine, "1001", [token, "other"], NOON + DAY))
    await forgetful.asks((await shop.row(CUSTOMERS))["id"])
    await forgetful.works()
    assert (await shop.journey())["cart_token"] is None
    assert [one["token"] for one in await shop.rows(ORDER_TOKENS)] == ["other"]
    assert not [one for one in NEEDLES if one in await everything(shop)]
