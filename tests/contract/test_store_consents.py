from dataclasses import replace
from datetime import datetime

from models.consent import lawful_basis
from models.events import Person
from models.situation import Situation
from models.vocabulary import Basis, Channel, SoftOptIn
from store.db import Database
from store.schema import CONSENTS, CUSTOMERS, JOURNEYS, SUPPRESSIONS
from store.situations import load_situation
from tests.builders import DAY, HOUR, MINUTE, NOON, checkout, granted, identify, person, withdrawn
from tests.known_shop import KnownShop

JEANNE = person("jeanne")
PHONE = "+33612345678"


async def situation(db: Database, journey: str) -> Situation:
    found = await db.read(load_situation, journey, None, NOON)
    assert found is not None
    return found


def basis_of(found: Situation, channel: Channel, at: datetime) -> Basis | None:
    lawful = lawful_basis(found, channel, at, SoftOptIn.BUYERS_ONLY)
    return lawful.basis if lawful else None


async def test_a_consent_is_kept_with_its_wording_and_source(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", granted(NOON - DAY))))
    row = await shop.row(CONSENTS)
    assert (row["channel"], row["purpose"], row["state"], row["source"]) == ("email", "marketing", "granted", "form")
    assert (row["wording"], row["at"], row["recorded_at"]) == ("News by e-mail?", NOON - DAY, NOON)
    assert row["seq"] == (await shop.row(CUSTOMERS))["seq"] == 1


async def test_a_consent_that_is_said_again_is_kept_once(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", granted(NOON - DAY))))
    await shop.hears(checkout(person("jeanne", granted(NOON - DAY), granted(NOON - DAY, Channel.SMS))))
    assert [one["channel"] for one in await shop.rows(CONSENTS)] == ["email", "sms"]


async def test_a_withdrawal_closes_the_journeys_and_suppresses_the_address(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne", granted(NOON - DAY))))
    told = await shop.hears(identify(person("jeanne", withdrawn(NOON + HOUR)), NOON + HOUR))
    journey, closed = await shop.journey(), await shop.row(SUPPRESSIONS)
    assert (journey["outcome"], journey["closed_at"]) == ("opted_out", NOON + HOUR)
    assert (closed["channel"], closed["address"], closed["reason"]) == ("email", "jeanne@example.com", "objection")
    assert closed["seq"] == journey["closed_seq"] == (await shop.row(CUSTOMERS))["seq"]
    assert [(row.call, row.argument) for row in told.outbox] == [("stopped", "opted_out")]


async def test_an_objection_stops_everybody_with_the_same_address(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE), checkout(replace(JEANNE, external_id="second"), "T2"))
    await shop.hears(identify(person("jeanne", withdrawn(NOON + HOUR)), NOON + HOUR))
    assert [one["outcome"] for one in await shop.rows(JOURNEYS)] == ["opted_out", "opted_out"]


async def test_an_objection_by_phone_stops_whoever_shares_the_phone(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne", phone=PHONE)), checkout(person("paul", phone=PHONE), "T2"))
    await shop.hears(identify(person("jeanne", withdrawn(NOON + HOUR, Channel.SMS), phone=PHONE), NOON + HOUR))
    assert [one["outcome"] for one in await shop.rows(JOURNEYS)] == ["opted_out", "opted_out"]
    assert [one["address"] for one in await shop.rows(SUPPRESSIONS)] == [PHONE]


async def test_a_later_consent_lifts_the_objection(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", withdrawn(NOON))))
    await shop.hears(checkout(person("jeanne", granted(NOON + DAY)), at=NOON + DAY))
    lifted = await shop.row(SUPPRESSIONS)
    assert lifted["lifted_at"] == NOON + DAY
    assert lifted["lifted_seq"] == (await shop.row(CUSTOMERS))["seq"] == 2
    found = await situation(shop.db, (await shop.journey())["id"])
    assert found.suppressed == {}
    assert basis_of(found, Channel.EMAIL, NOON + DAY) is Basis.CONSENT


async def test_a_consent_older_than_the_objection_lifts_nothing(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", withdrawn(NOON))))
    await shop.hears(identify(person("jeanne", granted(NOON - DAY)), NOON + DAY))
    assert (await shop.row(SUPPRESSIONS))["lifted_at"] is None


async def test_a_consent_older_than_the_objection_of_an_unknown_address_lifts_nothing(shop: KnownShop) -> None:
    await shop.opt_out("jeanne@example.com", NOON)
    await shop.hears(identify(person("jeanne", granted(NOON - DAY)), NOON + HOUR))
    assert (await shop.row(SUPPRESSIONS))["lifted_at"] is None
    await shop.hears(identify(person("jeanne", granted(NOON + DAY)), NOON + DAY))
    assert (await shop.row(SUPPRESSIONS))["lifted_at"] == NOON + DAY


async def test_a_consent_of_somebody_else_with_the_same_address_lifts_nothing(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", withdrawn(NOON))))
    second = replace(person("jeanne", granted(NOON + DAY)), external_id="second")
    await shop.hears(checkout(second, at=NOON + DAY))
    assert (await shop.row(SUPPRESSIONS))["lifted_at"] is None
    found = await situation(shop.db, (await shop.journey())["id"])
    assert found.suppressed == {Channel.EMAIL: "objection"}


async def test_a_consent_for_one_channel_lifts_nothing_on_another(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", withdrawn(NOON), phone=PHONE)))
    await shop.hears(identify(person("jeanne", granted(NOON + DAY, Channel.SMS), phone=PHONE), NOON + DAY))
    assert (await shop.row(SUPPRESSIONS))["lifted_at"] is None


async def test_no_and_then_yes_in_one_breath_is_yes(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne", withdrawn(NOON - HOUR), granted(NOON - MINUTE))))
    found = await situation(shop.db, (await shop.journey())["id"])
    assert found.suppressed == {}
    assert basis_of(found, Channel.EMAIL, NOON) is Basis.CONSENT


async def test_yes_and_then_no_in_one_breath_is_no_in_whatever_order_it_is_told(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", withdrawn(NOON - MINUTE), granted(NOON - HOUR))))
    assert (await shop.row(SUPPRESSIONS))["lifted_at"] is None


async def test_a_late_word_of_an_old_withdrawal_does_not_undo_a_newer_consent(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne", granted(NOON - HOUR))))
    await shop.hears(identify(person("jeanne", withdrawn(NOON - DAY)), NOON + HOUR))
    assert (await shop.journey())["status"] == "waiting"
    assert await shop.rows(SUPPRESSIONS) == []


async def test_a_consent_from_the_future_counts_as_of_now(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", granted(NOON + DAY))))
    assert (await shop.row(CONSENTS))["at"] == NOON


async def test_a_withdrawal_for_another_purpose_stops_no_relaunch(shop: KnownShop) -> None:
    tracking = replace(withdrawn(NOON), purpose="tracking")
    await shop.hears(checkout(person("jeanne", tracking)))
    assert (await shop.journey())["status"] == "waiting"


async def test_the_objection_of_somebody_without_an_address_counts_when_one_is_known(shop: KnownShop) -> None:
    await shop.hears(identify(Person("jeanne", consents=(withdrawn(NOON),))))
    await shop.hears(checkout(JEANNE, at=NOON + DAY))
    found = await situation(shop.db, (await shop.journey())["id"])
    assert basis_of(found, Channel.EMAIL, NOON + DAY) is None


async def test_a_consent_given_while_paying_belongs_to_who_pays(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE), checkout(person("paul", granted(NOON)), at=NOON + MINUTE))
    paul = await shop.customer("paul")
    assert [one["customer_id"] for one in await shop.rows(CONSENTS)] == [paul["id"]]


async def test_a_consent_travels_with_an_anonymous_event_to_the_carts_owner(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(checkout(Person(consents=(granted(NOON),)), at=NOON + MINUTE))
    assert (await shop.row(CONSENTS))["customer_id"] == (await shop.customer("jeanne"))["id"]
