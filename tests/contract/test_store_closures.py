"""What a provider's word closes: addresses at once or for a while, journeys, and what stays open."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models.events import Person
from models.vocabulary import Channel, DeliveryState
from store.audit import audit
from store.closures import SOURCE
from store.ledger import hand_over
from store.schema import CONSENTS, CUSTOMERS, DELIVERIES, JOURNEYS, NOTICES, OUTBOX, SUPPRESSIONS
from tests.builders import DAY, HOUR, MINUTE, NOON, checkout, granted, identify, person, redact, withdrawn
from tests.known_shop import SHOP, KnownShop
from tests.told import J0, closed, hears, sent, told

YEAR = 365 * DAY


@pytest.mark.parametrize("kind", ["bounced", "rejected", "failed"])
async def test_a_dead_address_is_closed_at_once_and_its_journey_goes_on(shop: KnownShop, kind: str) -> None:
    one = await sent(shop)
    await one.hears(one.told(kind, permanent=True, reason="5.1.1"))
    assert await one.closed() == {Channel.EMAIL: "bounce"}
    assert (await shop.row(JOURNEYS))["status"] == "waiting"
    ruling = await shop.hand_over(one.journey, "social-proof", at=J0 + 3 * DAY)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == ("skipped", "suppressed")


@pytest.mark.parametrize(
    ("kind", "permanent", "reason"),
    [("rejected", None, "5.7.515"), ("bounced", True, "550 5.7.515 access denied"), ("rejected", None, "blocked")],
)
async def test_a_fault_of_the_senders_never_closes_a_persons_address(
    shop: KnownShop, kind: str, permanent: bool | None, reason: str
) -> None:
    one = await sent(shop)
    await one.hears(one.told(kind, permanent=permanent, reason=reason))
    await one.hears(*(one.told("bounced", J0 + n * MINUTE, permanent=False, reason="5.7.1") for n in range(5)))
    assert await one.closed() == {}
    assert len(await shop.rows(NOTICES)) == 6


async def test_a_complaint_closes_the_address_and_ends_every_journey_of_the_person(shop: KnownShop) -> None:
    one = await sent(shop)
    twin = replace(person("jeanne"), external_id="second")
    await shop.hears(checkout(twin, "T2"))
    result = await one.hears(one.told("complained"))
    assert await one.closed() == {Channel.EMAIL: "complaint"}
    assert [row["outcome"] for row in await shop.rows(JOURNEYS)] == ["opted_out", "opted_out"]
    assert sorted(row.journey_id for row in result.outbox) == sorted(row["id"] for row in await shop.rows(JOURNEYS))
    assert {row.call for row in result.outbox} == {"stopped"}
    assert {row["id"] for row in await shop.rows(OUTBOX)} >= {row.id for row in result.outbox}
    assert await shop.rows(CONSENTS, state="withdrawn") == []


async def test_nobody_but_staff_opens_what_a_complaint_has_closed(shop: KnownShop) -> None:
    one = await sent(shop)
    await one.hears(one.told("complained"))
    await shop.hears(identify(person("jeanne", granted(J0 + DAY)), J0 + DAY))
    assert await one.closed() == {Channel.EMAIL: "complaint"}
    opened = SUPPRESSIONS.update().values(lifted_at=J0 + 2 * DAY, lifted_seq=9)
    await shop.db.write(lambda connection: connection.execute(opened))
    await one.hears(one.told("complained", provider_event_id="the same, told again"), at=J0 + 3 * DAY)
    assert await one.closed(J0 + 3 * DAY) == {}
    await one.hears(one.told("complained", J0 + 4 * DAY))
    assert await one.closed(J0 + 4 * DAY) == {Channel.EMAIL: "complaint"}


async def test_a_complaint_while_a_send_is_waiting_lets_no_hand_over_follow(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne", granted(NOON - DAY))))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, J0)
    intent = await shop.intent(journey, at=J0)  # read, rendered, and about to ask the gate
    await hears(shop, told("complained", J0))
    assert await shop.db.write(hand_over, intent, J0) is None  # the facts have moved: ask again
    again = await shop.hand_over(journey, at=J0)
    assert again is not None
    assert again.verdict == "stopped"
    assert await shop.rows(DELIVERIES) == []
    assert await shop.db.read(audit) == []


async def test_a_complaint_about_a_message_of_last_year_counts_without_its_delivery(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne", granted(NOON - DAY))))
    result = await hears(shop, told("complained", NOON - YEAR, delivery="gone"), at=J0)
    journey = await shop.journey()
    assert (result.accepted, journey["outcome"]) == (1, "opted_out")
    assert await closed(shop, journey["id"], J0) == {Channel.EMAIL: "complaint"}
    assert (await shop.row(SUPPRESSIONS))["at"] == NOON - YEAR
    assert [row["shop"] for row in await shop.rows(SUPPRESSIONS)] == [SHOP]


async def test_an_event_without_a_delivery_counts_in_every_shop_that_knows_the_address(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")))
    await shop.hears(identify(person("jeanne")), shop="other")
    await hears(shop, told("bounced", permanent=True))
    assert [row["shop"] for row in await shop.rows(SUPPRESSIONS)] == [SHOP, "other"]


@pytest.mark.parametrize("kind", ["complained", "unsubscribed", "bounced"])
async def test_of_an_address_that_nobody_has_a_hash_is_kept_and_holds_when_it_comes_back(
    shop: KnownShop, kind: str
) -> None:
    permanent = True if kind == "bounced" else None
    await hears(shop, told(kind, NOON - HOUR, recipient="Jeanne@Example.com", permanent=permanent), at=NOON - HOUR)
    rows = [*await shop.rows(SUPPRESSIONS), *await shop.rows(NOTICES)]
    assert "example.com" not in str(rows).lower()
    await shop.hears(checkout(person("jeanne"), at=NOON))
    reason = {"complained": "complaint", "unsubscribed": "objection", "bounced": "bounce"}[kind]
    assert await closed(shop, (await shop.journey())["id"], J0) == {Channel.EMAIL: reason}
    await shop.hears(checkout(person("jeanne", granted(J0)), at=J0))
    standing = {} if kind == "unsubscribed" else {Channel.EMAIL: reason}
    assert await closed(shop, (await shop.journey())["id"], J0) == standing


@pytest.mark.parametrize("kind", ["queued", "delivered", "deferred", "bounced", "failed", "subscribed", "opened"])
async def test_whatever_else_is_told_of_an_unknown_delivery_is_ignored(shop: KnownShop, kind: str) -> None:
    await shop.hears(identify(person("jeanne")))
    result = await hears(shop, told(kind, delivery="unknown", permanent=False if kind == "bounced" else None))
    assert (result.accepted, result.ignored) == (0, 1)
    assert await shop.rows(NOTICES) == await shop.rows(SUPPRESSIONS) == []


async def test_the_address_that_was_written_to_is_closed_and_not_the_new_one(shop: KnownShop) -> None:
    one = await sent(shop)
    await shop.hears(identify(Person("jeanne", "new@example.com"), J0 + MINUTE))
    await one.hears(one.told("bounced", permanent=True, recipient=None))
    assert await one.closed() == {}
    await shop.hears(identify(Person("another", "jeanne@example.com"), J0 + 2 * HOUR))
    other = checkout(Person("another", "jeanne@example.com"), "T2", at=J0 + 3 * HOUR)
    await shop.hears(other)
    assert await closed(shop, (await shop.row(JOURNEYS, cart_token="T2"))["id"], J0 + DAY) == {Channel.EMAIL: "bounce"}


async def test_whoever_complains_is_left_in_peace_at_the_new_address_too(shop: KnownShop) -> None:
    one = await sent(shop)
    await shop.hears(identify(Person("jeanne", "new@example.com"), J0 + MINUTE))
    await one.hears(one.told("complained"))
    assert await one.closed() == {Channel.EMAIL: "complaint"}
    assert len(await shop.rows(SUPPRESSIONS)) == 2
    assert await shop.db.read(audit) == []


async def test_a_provider_may_spell_the_address_as_it_likes(shop: KnownShop) -> None:
    one = await sent(shop)
    await one.hears(one.told("bounced", permanent=True, recipient="JEANNE@EXAMPLE.COM"))
    assert await one.closed() == {Channel.EMAIL: "bounce"}


async def test_a_number_is_known_with_and_without_its_plus(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne", phone="+33612345678")))
    await hears(shop, told("unsubscribed", channel=Channel.SMS, recipient="33612345678"))
    journey = await shop.journey()
    assert (await closed(shop, journey["id"], J0), journey["outcome"]) == ({Channel.SMS: "objection"}, "opted_out")


async def test_an_unsubscription_is_an_objection_in_the_consent_ledger(shop: KnownShop) -> None:
    one = await sent(shop)
    await one.hears(one.told("unsubscribed"))
    word = await shop.row(CONSENTS, state="withdrawn")
    assert (word["channel"], word["source"], word["actor"], word["at"]) == ("email", SOURCE, "memory", J0 + HOUR)
    assert (await shop.row(JOURNEYS))["outcome"] == "opted_out"
    assert await one.closed() == {Channel.EMAIL: "objection"}
    assert word["seq"] == (await shop.row(CUSTOMERS))["seq"]
    assert await shop.db.read(audit) == []


async def test_an_unsubscription_from_before_the_last_consent_changes_nothing(shop: KnownShop) -> None:
    one = await sent(shop)
    await one.hears(one.told("unsubscribed", NOON - 30 * DAY), at=J0)
    assert await one.closed() == {}
    assert (await shop.row(JOURNEYS))["status"] == "waiting"


async def test_a_later_consent_lifts_an_unsubscription(shop: KnownShop) -> None:
    one = await sent(shop)
    await one.hears(one.told("unsubscribed"))
    await shop.hears(identify(person("jeanne", granted(J0 + DAY)), J0 + DAY))
    assert await one.closed(J0 + 2 * DAY) == {}


async def test_a_providers_list_is_no_consent(shop: KnownShop) -> None:
    one = await sent(shop)
    await shop.hears(identify(person("jeanne", withdrawn(J0 + MINUTE)), J0 + MINUTE))
    assert (await one.hears(one.told("subscribed", J0 + HOUR))).accepted == 1
    assert await one.closed() == {Channel.EMAIL: "objection"}
    assert len(await shop.rows(CONSENTS, state="granted")) == 1


async def test_a_late_complaint_of_somebody_erased_keeps_a_hash_that_holds(shop: KnownShop) -> None:
    one = await sent(shop)
    await shop.hears(redact(person("jeanne"), J0 + MINUTE))
    await one.hears(one.told("complained", J0 + DAY))
    assert "jeanne@" not in str([*await shop.rows(SUPPRESSIONS), *await shop.rows(NOTICES)])
    await shop.hears(checkout(person("jeanne", granted(J0 + 2 * DAY)), "T9", at=J0 + 2 * DAY))
    journey = await shop.row(JOURNEYS, cart_token="T9")
    assert await closed(shop, journey["id"], J0 + 3 * DAY) == {Channel.EMAIL: "complaint"}


@pytest.mark.parametrize("kind", ["complained", "unsubscribed"])
async def test_the_audit_holds_no_earlier_hand_over_against_an_objection(shop: KnownShop, kind: str) -> None:
    one = await sent(shop)
    await shop.hand_over(one.journey, "social-proof", at=J0 + 3 * DAY)
    await shop.hears(identify(Person("jeanne", "new@example.com"), J0 + 4 * DAY))
    await shop.hears(identify(Person("another", "jeanne@example.com"), J0 + 5 * DAY))
    await hears(shop, told(kind, J0 + 6 * DAY))  # of the address that both had, one after the other
    assert await shop.db.read(audit) == []
    lower = SUPPRESSIONS.update().values(seq=0)
    await shop.db.write(lambda connection: connection.execute(lower))
    assert {one.invariant for one in await shop.db.read(audit)} == {"silent_after_objection"}


async def test_in_a_rehearsal_a_notice_bears_the_customers_own_time(shop: KnownShop) -> None:
    one = await sent(shop, state=DeliveryState.UNKNOWN)
    ahead = CUSTOMERS.update().values(clock_s=3 * 86400)
    await shop.db.write(lambda connection: connection.execute(ahead))
    await one.hears(one.told("delivered", J0 + HOUR), one.told("complained", J0 + 2 * HOUR))
    assert {row["at"] for row in await shop.rows(NOTICES)} == {J0 + 3 * DAY + HOUR, J0 + 3 * DAY + 2 * HOUR}
    assert (await one.row())["settled_at"] == J0 + 3 * DAY + HOUR  # as everything of this journey
    assert (await shop.row(SUPPRESSIONS))["at"] == J0 + 3 * DAY + timedelta(hours=2)
