from dataclasses import replace

import pytest

from models.products import Product
from models.question import Ruling
from models.situation import SuppressionReason
from models.vocabulary import Channel, DeliveryState, Outcome, Reason, Verdict
from store import acts, catalogue, ledger, objections
from store.acts import ActName, By
from store.audit import audit
from store.ledger import record, ruled
from store.schema import CUSTOMERS, DECISIONS, DELIVERIES, JOURNEYS
from tests.builders import DAY, HOUR, NOON, checkout, granted, identify, order, person
from tests.known_shop import SHOP, KnownShop

J0 = NOON + HOUR


async def begun(shop: KnownShop, name: str = "jeanne", cart: str = "T1") -> str:
    """Begin a journey that may be sent, at its J0, and return its id."""
    await shop.hears(checkout(person(name, granted(NOON - DAY)), cart))
    journey = str((await shop.journey(cart_token=cart))["id"])
    await shop.assess(journey, J0)
    return journey


def verdict(ruling: Ruling | None) -> tuple[str, str]:
    assert ruling is not None
    return ruling.verdict, ruling.reason


async def test_a_send_writes_decision_and_delivery_with_one_number(shop: KnownShop) -> None:
    journey = await begun(shop)
    assert verdict(await shop.hand_over(journey, at=J0)) == ("sent", "sent")
    delivery, decision = await shop.row(DELIVERIES), await shop.row(DECISIONS)
    assert (delivery["state"], delivery["attempts"], delivery["releases"]) == ("handed", 1, [])
    assert delivery["key"] == f"{journey}/reminder/email"
    assert (delivery["message"], delivery["basis"], delivery["handed_at"]) == (b"Bonjour", "consent", J0)
    assert (decision["verdict"], decision["delivery_id"], decision["basis"]) == ("sent", delivery["id"], "consent")
    assert decision["seq"] == delivery["seq"] == (await shop.row(CUSTOMERS))["seq"]
    assert await shop.db.read(audit) == []


async def test_the_ledger_shows_what_comes_next(shop: KnownShop) -> None:
    journey = await begun(shop)
    intent = replace(await shop.intent(journey, at=J0), following=("social-proof", J0 + 3 * DAY))
    await shop.db.write(ledger.hand_over, intent, J0)
    row = await shop.journey()
    assert (row["step"], row["next_action_at"]) == ("social-proof", J0 + 3 * DAY)


async def test_facts_that_moved_since_they_were_read_are_read_again(shop: KnownShop) -> None:
    journey = await begun(shop)
    intent = await shop.intent(journey, at=J0)
    await shop.hears(order(person("jeanne"), at=J0))
    assert await shop.db.write(ledger.hand_over, intent, J0) is None
    assert await shop.rows(DECISIONS) == []
    assert verdict(await shop.hand_over(journey, at=J0)) == ("stopped", "journey_closed")


async def test_somebody_new_with_the_address_is_a_fact_that_moved(shop: KnownShop) -> None:
    journey = await begun(shop)
    intent = await shop.intent(journey, at=J0)
    await shop.hears(identify(replace(person("jeanne"), external_id="second"), J0))
    assert await shop.db.write(ledger.hand_over, intent, J0) is None


@pytest.mark.parametrize("name", [ActName.CANCEL, ActName.PAUSE])
async def test_an_act_of_staff_is_a_fact_that_moved(shop: KnownShop, name: ActName) -> None:
    journey = await begun(shop)
    intent = await shop.intent(journey, at=J0)
    await shop.act(journey, name, J0)
    assert await shop.db.write(ledger.hand_over, intent, J0) is None
    assert verdict(await shop.hand_over(journey, at=J0))[0] in ("stopped", "later")


async def test_the_end_of_the_plan_is_a_fact_that_moved(shop: KnownShop) -> None:
    journey = await begun(shop)
    intent = await shop.intent(journey, at=J0)
    await shop.close(journey, Outcome.EXHAUSTED, J0)
    assert await shop.db.write(ledger.hand_over, intent, J0) is None


async def test_what_happens_to_somebody_else_moves_nothing(shop: KnownShop) -> None:
    journey = await begun(shop)
    intent = await shop.intent(journey, at=J0)
    await shop.hears(order(person("paul"), at=J0))
    assert verdict(await shop.db.write(ledger.hand_over, intent, J0)) == ("sent", "sent")


async def test_what_was_released_is_handed_over_again_under_the_same_key(shop: KnownShop) -> None:
    journey = await begun(shop)
    await shop.hand_over(journey, at=J0)
    first = await shop.row(DELIVERIES)
    await shop.settle(journey, DeliveryState.RELEASED, at=J0, problem="cannot connect")
    assert (await shop.row(DELIVERIES))["releases"] == [
        {"attempt": 1, "at": J0.isoformat(), "proof": "cannot connect"},
    ]
    assert await shop.db.read(audit) == []
    assert verdict(await shop.hand_over(journey, at=J0 + HOUR)) == ("sent", "sent")
    again = await shop.row(DELIVERIES)
    assert (again["id"], again["state"], again["attempts"]) == (first["id"], "handed", 2)
    assert again["seq"] > first["seq"]
    assert len(await shop.rows(DECISIONS)) == 2
    assert await shop.db.read(audit) == []


@pytest.mark.parametrize("state", [DeliveryState.UNKNOWN, DeliveryState.SENT, DeliveryState.REFUSED])
async def test_what_was_not_released_is_never_handed_over_again(shop: KnownShop, state: DeliveryState) -> None:
    journey = await begun(shop)
    await shop.hand_over(journey, at=J0)
    assert verdict(await shop.hand_over(journey, at=J0)) == ("skipped", "already_sent")
    await shop.settle(journey, state, at=J0)
    assert verdict(await shop.hand_over(journey, at=J0 + HOUR)) == ("skipped", "already_sent")
    assert (await shop.row(DELIVERIES))["attempts"] == 1


async def test_a_proof_settles_what_was_unknown_and_nothing_unlearns_it(shop: KnownShop) -> None:
    journey = await begun(shop)
    await shop.hand_over(journey, at=J0)
    for state in (DeliveryState.UNKNOWN, DeliveryState.SENT, DeliveryState.RELEASED, DeliveryState.UNKNOWN):
        await shop.settle(journey, state, at=J0 + HOUR, problem=str(state))
    delivery = await shop.row(DELIVERIES)
    assert (delivery["state"], delivery["problem"], delivery["releases"]) == ("sent", "sent", [])


async def test_the_kill_switch_is_seen_although_it_moves_no_fact(shop: KnownShop) -> None:
    journey = await begun(shop)
    intent = await shop.intent(journey, at=J0)
    await shop.db.write(acts.pause_all, "email", By("ops", None, J0))
    assert verdict(await shop.db.write(ledger.hand_over, intent, J0)) == ("later", "kill_switch")
    await shop.db.write(acts.resume_all, None, By("ops", None, J0))
    assert verdict(await shop.hand_over(journey, at=J0)) == ("sent", "sent")


async def test_what_is_sold_out_meanwhile_is_seen_although_it_moves_no_fact(shop: KnownShop) -> None:
    intent = await shop.intent(await begun(shop), at=J0)
    gone = Product("lamp", "Lampe", 4500, "EUR", stock=0)
    await shop.db.write(catalogue.save_products, SHOP, [gone], J0)
    assert verdict(await shop.db.write(ledger.hand_over, intent, J0)) == ("skipped", "out_of_stock")


async def test_the_same_hold_twice_in_a_row_is_recorded_once(shop: KnownShop) -> None:
    journey = await begun(shop)
    await shop.db.write(acts.pause_all, "all", By("ops", None, J0))
    for minutes in range(3):
        await shop.hand_over(journey, at=J0 + minutes * HOUR / 60)
    assert [one["reason"] for one in await shop.rows(DECISIONS)] == ["kill_switch"]


async def test_a_step_that_is_skipped_is_decided_too(shop: KnownShop) -> None:
    journey = await begun(shop)
    intent = await shop.intent(journey, at=J0)
    late = replace(intent, question=replace(intent.question, until=J0))
    assert verdict(await shop.db.write(ledger.hand_over, late, J0)) == ("skipped", "window_ended")
    decision = await shop.row(DECISIONS)
    assert (decision["delivery_id"], decision["seq"]) == (None, (await shop.row(CUSTOMERS))["seq"])
    assert await shop.rows(DELIVERIES) == []


async def test_without_a_lawful_basis_the_journey_is_closed_and_the_reason_kept(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne")))
    journey = (await shop.journey())["id"]
    await shop.assess(journey, J0)
    assert verdict(await shop.hand_over(journey, at=J0)) == ("stopped", "no_lawful_basis")
    closed = await shop.journey()
    assert (closed["status"], closed["outcome"], closed["closed_at"]) == ("closed", "no_lawful_basis", J0)
    assert (await shop.row(DECISIONS))["reason"] == "no_lawful_basis"
    assert await shop.db.read(audit) == []


async def test_an_answer_that_comes_after_the_hand_over_bears_a_number_that_is_no_lower(shop: KnownShop) -> None:
    journey = await begun(shop)
    intent = await shop.intent(journey, at=J0)
    await shop.db.write(ledger.hand_over, intent, J0)
    ruling = ruled(Verdict.LATER, Reason.PROVIDER_DOWN, "cannot connect", J0 + HOUR)
    await shop.db.write(record, intent.question, ruling, None, J0)
    sent, later = await shop.rows(DECISIONS)
    assert (sent["verdict"], later["verdict"]) == ("sent", "later")
    assert later["seq"] >= sent["seq"]


async def test_the_first_outcome_wins(shop: KnownShop) -> None:
    journey = await begun(shop)
    await shop.act(journey, ActName.CANCEL, J0)
    await shop.close(journey, Outcome.EXHAUSTED, J0 + DAY)
    row = await shop.journey()
    assert (row["outcome"], row["closed_at"]) == ("cancelled", J0)


async def test_a_journey_of_somebody_erased_can_still_be_closed(shop: KnownShop) -> None:
    journey = await begun(shop)
    await shop.db.write(lambda connection: connection.execute(CUSTOMERS.delete()))
    await shop.close(journey, Outcome.ERASED, J0)
    assert (await shop.row(JOURNEYS))["outcome"] == "erased"
    assert verdict(await shop.hand_over(journey, at=J0)) == ("stopped", "journey_closed")


async def test_a_bounced_address_is_skipped_and_no_consent_lifts_it(shop: KnownShop) -> None:
    journey = await begun(shop)
    bounce = SuppressionReason.BOUNCE
    await shop.db.write(objections.suppress, SHOP, Channel.EMAIL, "jeanne@example.com", bounce, J0, 1)
    await shop.hears(identify(person("jeanne", granted(J0)), J0))
    assert verdict(await shop.hand_over(journey, at=J0 + HOUR)) == ("skipped", "suppressed")


async def test_a_message_to_somebody_with_the_same_address_counts_as_pressure(shop: KnownShop) -> None:
    first = await begun(shop)
    second = replace(person("jeanne", granted(NOON - DAY)), external_id="second")
    await shop.hears(checkout(second, "T2"))
    other = str((await shop.journey(cart_token="T2"))["id"])
    await shop.assess(other, J0)
    assert verdict(await shop.hand_over(first, at=J0)) == ("sent", "sent")
    assert verdict(await shop.hand_over(other, at=J0)) == ("later", "pressure")
