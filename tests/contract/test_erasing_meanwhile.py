from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.erasing import SETTLES
from models.events import Person
from models.provider_events import ProviderEvent, ProviderEventType
from models.situation import SuppressionReason
from models.vocabulary import Channel, DeliveryState, Reason, Verdict
from store.audit import audit
from store.erasures import RETENTION
from store.ledger import answered, ruled
from store.notices import take_in
from store.schema import CARTS, CUSTOMERS, DELIVERIES, EVENTS, JOURNEYS, ORDER_TOKENS, SUPPRESSIONS
from store.situations import load_situation
from tests.builders import DAY, HOUR, NOON, basket, checkout, granted, identify, order, viewed
from tests.forgetful import (
    ADDRESS,
    J0,
    JEANNE,
    NEEDLES,
    PHONE,
    Clock,
    Forgetful,
    everything,
    hand_over_now,
    journeys,
    lives,
)
from tests.known_shop import KnownShop


@pytest.fixture
async def forgetful(shop: KnownShop, tmp_path: Path) -> Forgetful:
    return Forgetful(shop.db, tmp_path, Clock(J0 + DAY))


def place(certificate: dict[str, Any] | None, name: str) -> dict[str, Any]:
    assert certificate is not None
    found: dict[str, Any] = next(one for one in certificate["searched"] if one["name"] == name)
    return found


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
    await shop.hears(checkout(mine, token))
    await shop.hears(order(mine, "1001", [token, "other"], NOON + DAY))
    await forgetful.asks((await shop.row(CUSTOMERS))["id"])
    await forgetful.works()
    assert (await shop.journey())["cart_token"] is None
    assert [one["token"] for one in await shop.rows(ORDER_TOKENS)] == ["other"]
    assert not [one for one in NEEDLES if one in await everything(shop)]
