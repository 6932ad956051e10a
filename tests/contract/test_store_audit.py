from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Executable, text

from models.events import Person
from models.vocabulary import Channel, DeliveryState, Outcome
from store.acts import ActName
from store.audit import INVARIANTS, Invariant, audit
from store.schema import ACTS, CONSENTS, DECISIONS, DELIVERIES, JOURNEYS, ORDERS, SUPPRESSIONS
from tests.builders import DAY, HOUR, NOON, checkout, granted, identify, order, person, redact, viewed, withdrawn
from tests.known_shop import KnownShop

J0 = NOON + HOUR
JEANNE = person("jeanne", granted(NOON - DAY))


async def sent(shop: KnownShop) -> str:
    """Send the first step of a journey, and return the journey's id."""
    await shop.hears(checkout(JEANNE))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, J0)
    await shop.hand_over(journey, at=J0)
    await shop.settle(journey, DeliveryState.SENT, at=J0)
    return journey


async def breaks(shop: KnownShop, *statements: Executable) -> list[Invariant]:
    """Break a sound ledger by hand, and return what the audit finds."""
    assert await shop.db.read(audit) == []
    await shop.db.write(lambda connection: [connection.execute(statement) for statement in statements])
    return [one.invariant for one in await shop.db.read(audit)]


def changed(row: Mapping[str, Any], **values: object) -> dict[str, Any]:
    return {**row, "id": "by-hand", **values}


def test_every_invariant_is_said_in_words() -> None:
    assert set(INVARIANTS) == set(Invariant)


async def test_an_empty_ledger_keeps_every_promise(shop: KnownShop) -> None:
    assert await shop.db.read(audit) == []


async def test_a_hand_over_after_the_journey_was_closed_is_found(shop: KnownShop) -> None:
    journey = await sent(shop)
    await shop.close(journey, Outcome.EXHAUSTED, J0)
    delivery = await shop.row(DELIVERIES)
    found = await breaks(shop, JOURNEYS.update().values(closed_seq=delivery["seq"] - 1))
    assert found == [Invariant.SILENT_AFTER_CLOSE]
    (violation,) = await shop.db.read(audit)
    assert violation.subject == delivery["id"]
    assert violation.detail == f"handed over at {delivery['seq']}, journey closed at {delivery['seq'] - 1}"


async def test_an_earlier_hand_over_of_the_same_delivery_is_held_against_the_close_too(shop: KnownShop) -> None:
    await sent(shop)
    first = await shop.row(DECISIONS)
    await shop.close(first["journey_id"], Outcome.EXHAUSTED, J0)
    closed = (await shop.journey())["closed_seq"]
    again = DECISIONS.insert().values(**changed(first, id="ffffffff-by-hand", seq=closed + 1))
    assert await breaks(shop, again) == [Invariant.SILENT_AFTER_CLOSE]


async def test_a_hand_over_after_an_objection_is_found(shop: KnownShop) -> None:
    await sent(shop)
    await shop.opt_out("jeanne@example.com", J0 + HOUR)
    assert await breaks(shop, SUPPRESSIONS.update().values(seq=0)) == [Invariant.SILENT_AFTER_OBJECTION]


async def test_a_hand_over_after_the_objection_of_somebody_with_the_same_address_is_found(shop: KnownShop) -> None:
    await sent(shop)
    await shop.hears(identify(Person("second", email="jeanne@example.com", consents=(withdrawn(J0),)), J0))
    assert await breaks(shop, SUPPRESSIONS.update().values(seq=0)) == [Invariant.SILENT_AFTER_OBJECTION]


async def test_a_hand_over_after_an_objection_is_found_after_an_erasure(shop: KnownShop) -> None:
    await sent(shop)
    twin = replace(JEANNE, external_id="second", consents=())
    await shop.hears(identify(twin, J0))
    await shop.hears(identify(replace(twin, consents=(withdrawn(J0),)), J0 + HOUR))
    await shop.hears(redact(Person("second"), J0 + DAY))
    assert (await shop.row(SUPPRESSIONS))["address"].startswith("hmac-sha256:")
    assert await breaks(shop, SUPPRESSIONS.update().values(seq=0)) == [Invariant.SILENT_AFTER_OBJECTION]


async def test_a_hand_over_after_a_lifted_objection_is_none(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", withdrawn(NOON - 2 * DAY)), NOON - 2 * DAY))
    await sent(shop)
    assert (await shop.row(SUPPRESSIONS))["lifted_seq"] is not None
    lowered = SUPPRESSIONS.update().values(lifted_seq=10**6)
    assert await breaks(shop, lowered) == [Invariant.SILENT_AFTER_OBJECTION]


async def test_an_objection_on_another_channel_forbids_no_mail(shop: KnownShop) -> None:
    await sent(shop)
    await shop.opt_out("jeanne@example.com", J0 + HOUR, [Channel.PUSH])
    assert await breaks(shop, SUPPRESSIONS.update().values(seq=0)) == []


async def test_a_hand_over_after_a_withdrawal_that_had_no_address_is_found(shop: KnownShop) -> None:
    await sent(shop)
    await shop.hears(identify(Person("jeanne", consents=(withdrawn(J0 + HOUR),)), J0 + HOUR))
    gone = SUPPRESSIONS.delete()
    earlier = CONSENTS.update().where(CONSENTS.c.state == "withdrawn").values(seq=0)
    assert await breaks(shop, gone, earlier) == [Invariant.SILENT_AFTER_OBJECTION]


async def test_a_hand_over_after_the_order_that_ended_the_journey_is_found(shop: KnownShop) -> None:
    await sent(shop)
    await shop.hears(order(JEANNE, tokens=["T1"], at=J0 + HOUR))
    assert await breaks(shop, ORDERS.update().values(seq=0)) == [Invariant.SILENT_AFTER_PURCHASE]


async def test_a_hand_over_to_somebody_inactive_after_their_order_is_found(shop: KnownShop) -> None:
    await shop.hears(viewed(JEANNE, NOON - 200 * DAY), at=NOON - 200 * DAY)
    await shop.sweep(NOON)
    await shop.assess((await shop.journey())["id"], NOON)
    await shop.hears(identify(person("jeanne", granted(NOON)), NOON))
    await shop.hand_over((await shop.journey())["id"], at=NOON)
    await shop.hears(order(JEANNE, at=NOON + DAY))
    assert len(await shop.rows(DELIVERIES)) == 1
    assert await breaks(shop, ORDERS.update().values(seq=0)) == [Invariant.SILENT_AFTER_PURCHASE]


async def test_older_orders_of_a_regular_customer_forbid_no_mail(shop: KnownShop) -> None:
    await shop.hears(order(JEANNE, "O0", at=NOON - 2 * DAY), at=NOON - DAY)
    await shop.hears(order(JEANNE, "O1", at=NOON - HOUR), at=NOON - HOUR)
    await sent(shop)
    assert len(await shop.rows(DELIVERIES)) == 1
    assert await shop.db.read(audit) == []


async def test_a_hand_over_after_a_cancel_is_found(shop: KnownShop) -> None:
    journey = await sent(shop)
    await shop.act(journey, ActName.CANCEL, J0 + HOUR)
    assert await breaks(shop, ACTS.update().values(seq=0)) == [Invariant.SILENT_AGAINST_STAFF]


async def test_a_hand_over_in_a_pause_is_found(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, J0)
    await shop.act(journey, ActName.PAUSE, J0)
    await shop.act(journey, ActName.RESUME, J0)
    await shop.hand_over(journey, at=J0)
    late = ACTS.update().where(ACTS.c.act == "resume").values(seq=10**6)
    assert await breaks(shop, late) == [Invariant.SILENT_AGAINST_STAFF]


async def test_a_second_delivery_of_a_step_is_found(shop: KnownShop) -> None:
    await sent(shop)
    row, decision = await shop.row(DELIVERIES), await shop.row(DECISIONS)
    second = DELIVERIES.insert().values(**changed(row, key="another"))
    decided = DECISIONS.insert().values(**changed(decision, delivery_id="by-hand", id=decision["id"] + "x"))
    assert await breaks(shop, second, decided) == [Invariant.ONE_DELIVERY]


async def test_a_delivery_under_a_strange_key_is_found(shop: KnownShop) -> None:
    await sent(shop)
    assert await breaks(shop, DELIVERIES.update().values(key="another")) == [Invariant.ONE_DELIVERY]


@pytest.mark.parametrize("values", [{"attempts": 2}, {"state": "released"}, {"releases": [{"attempt": 1}]}])
async def test_a_repetition_without_proof_is_found(shop: KnownShop, values: dict[str, object]) -> None:
    await sent(shop)
    assert await breaks(shop, DELIVERIES.update().values(values)) == [Invariant.PROVED_RETRIES]


@pytest.mark.parametrize("values", [{"seq": 0}, {"verdict": "skipped"}, {"basis": None}])
async def test_a_delivery_without_its_decision_or_basis_is_found(shop: KnownShop, values: dict[str, object]) -> None:
    await sent(shop)
    assert await breaks(shop, DECISIONS.update().values(values)) == [Invariant.DECIDED]


async def test_a_decision_to_send_without_a_delivery_is_found(shop: KnownShop) -> None:
    await sent(shop)
    assert await breaks(shop, DELIVERIES.delete()) == [Invariant.DECIDED]


async def test_a_delivery_without_its_message_is_found_unless_the_customer_is_erased(shop: KnownShop) -> None:
    await sent(shop)
    assert await breaks(shop, DELIVERIES.update().values(message=None)) == [Invariant.DECIDED]
    await shop.hears(redact(JEANNE, J0 + DAY))
    assert await shop.db.read(audit) == []


@pytest.mark.parametrize("values", [{"status": "closed"}, {"outcome": "exhausted"}])
async def test_a_journey_whose_outcome_does_not_fit_is_found(shop: KnownShop, values: dict[str, object]) -> None:
    await sent(shop)
    assert await breaks(shop, JOURNEYS.update().values(values)) == [Invariant.OUTCOME]


async def test_two_open_journeys_of_one_customer_are_found(shop: KnownShop) -> None:
    await sent(shop)
    second = changed(await shop.journey(), episode="another")
    drop = text("DROP INDEX journeys_one_open")
    assert await breaks(shop, drop, JOURNEYS.insert().values(**second)) == [Invariant.ONE_OPEN_JOURNEY]


async def test_a_delivery_to_the_holdout_arm_is_found(shop: KnownShop) -> None:
    await sent(shop)
    assert await breaks(shop, JOURNEYS.update().values(arm="holdout")) == [Invariant.SILENT_HOLDOUT]


async def test_decisions_that_go_back_in_number_are_found(shop: KnownShop) -> None:
    await sent(shop)
    row = await shop.row(DECISIONS)
    earlier = changed(row, id="ffffffff-by-hand", verdict="skipped", delivery_id=None, seq=0)
    assert await breaks(shop, DECISIONS.insert().values(**earlier)) == [Invariant.ORDERED_DECISIONS]
