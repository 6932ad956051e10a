"""The consent ledger as evidence: what was said, to which words, who passed it on; and what a declined topic ends."""

import json
from dataclasses import replace
from hashlib import sha256

from sqlalchemy import Table

from models.events import ConsentEntry, Person
from models.policy import Policy
from models.situation import SuppressionReason
from models.vocabulary import Channel, ConsentState, DeliveryState, Purpose, Reason, Verdict
from store import acts, intake, policies
from store.acts import By
from store.audit import Invariant, audit
from store.db import Database
from store.objections import suppress
from store.schema import CONSENTS, CUSTOMERS, EVENTS, JOURNEYS, SUPPRESSIONS
from store.situations import load_situation
from tests.builders import DAY, HOUR, NOON, checkout, clicked, granted, identify, opened, person, withdrawn
from tests.known_shop import SHOP, KnownShop, known_shop
from tests.situations import CARTS

JEANNE = person("jeanne")
PHONE = "+33612345678"
CART, AWAY = Purpose.CART_REMINDERS, Purpose.WIN_BACK


def word(state: ConsentState, purpose: str, channel: Channel = Channel.EMAIL) -> ConsentEntry:
    return ConsentEntry(channel, purpose, state, "form", NOON + HOUR)


def declined(purpose: str, *channels: Channel, name: str = "jeanne") -> Person:
    entries = [word(ConsentState.WITHDRAWN, purpose, channel) for channel in channels or (Channel.EMAIL,)]
    return person(name, *entries)


async def on_both_channels(db: Database) -> KnownShop:
    """A store whose cart policy writes by e-mail, and at last by SMS."""
    shop = await known_shop(db)
    both: Policy = CARTS
    await db.write(policies.activate, [both, shop.inactive], NOON)
    return replace(shop, cart=both)


async def test_what_a_person_was_shown_is_kept_with_its_hash(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", granted(NOON - DAY), withdrawn(NOON - HOUR))))
    first, second = await shop.rows(CONSENTS)
    assert first["wording_hash"] == sha256(b"News by e-mail?").hexdigest()
    assert (second["wording"], second["wording_hash"]) == (None, None)


async def test_every_word_names_who_passed_it_on(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", granted(NOON - DAY))))
    event = identify(person("jeanne", granted(NOON - HOUR)))
    await shop.db.write(intake.ingest, SHOP, [event], shop.cart, NOON, "shopify")
    by = By("lea", "told us on the telephone", NOON)
    await shop.db.write(acts.object_, SHOP, None, "jeanne@example.com", (Channel.EMAIL,), by)
    assert [(one["state"], one["actor"]) for one in await shop.rows(CONSENTS)] == [
        ("granted", "events"),
        ("granted", "shopify"),
        ("withdrawn", "lea"),
    ]


async def test_the_proof_of_a_message_names_the_very_entry(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne", granted(NOON - DAY))))
    journey = (await shop.journey())["id"]
    await shop.assess(journey, NOON + 2 * HOUR)
    ruling = await shop.hand_over(journey, at=NOON + 2 * HOUR)
    entry = await shop.row(CONSENTS)
    assert ruling is not None
    assert json.loads(json.dumps(ruling.inputs["proof"])) == {
        "consent": entry["id"],
        "purpose": "marketing",
        "source": "form",
        "at": (NOON - DAY).isoformat(),
        "wording": entry["wording_hash"],
        "actor": "events",
    }


async def test_a_declined_topic_ends_the_journeys_of_its_kind_at_the_commit(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    told = await shop.hears(identify(declined(CART), NOON + HOUR))
    journey = await shop.journey()
    assert (journey["outcome"], journey["closed_at"]) == ("opted_out", NOON + HOUR)
    assert journey["closed_seq"] == (await shop.row(CUSTOMERS))["seq"]
    assert [(row.call, row.argument) for row in told.outbox] == [("stopped", "opted_out")]
    assert await shop.rows(SUPPRESSIONS) == []


async def test_a_declined_topic_leaves_the_journeys_of_other_kinds(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(identify(declined(AWAY), NOON + HOUR))
    assert (await shop.journey())["status"] == "waiting"


async def test_a_declined_topic_is_no_reason_to_end_what_nothing_can_reach_anyway(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    reason = SuppressionReason.OBJECTION
    await shop.db.write(suppress, SHOP, Channel.EMAIL, "jeanne@example.com", reason, NOON, 0)
    await shop.hears(identify(declined(AWAY), NOON + HOUR))
    assert (await shop.journey())["status"] == "waiting"


async def test_a_topic_that_was_taken_up_again_since_ends_nothing(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    again = replace(word(ConsentState.GRANTED, CART), at=NOON + 2 * HOUR)
    late = replace(word(ConsentState.WITHDRAWN, CART), at=NOON + HOUR)
    await shop.hears(identify(person("jeanne", again, late), NOON + 2 * HOUR))
    assert (await shop.journey())["status"] == "waiting"


async def test_a_topic_declined_on_one_channel_leaves_the_other_one(db: Database) -> None:
    shop = await on_both_channels(db)
    await shop.hears(checkout(replace(JEANNE, phone=PHONE)), checkout(person("paul"), "T2"))
    await shop.hears(identify(declined(CART), NOON + HOUR), identify(declined(CART, name="paul"), NOON + HOUR))
    outcomes = {row["cart_token"]: row["outcome"] for row in await shop.rows(JOURNEYS)}
    assert outcomes == {"T1": None, "T2": "opted_out"}  # Paul has no telephone
    await shop.hears(identify(declined(CART, Channel.SMS), NOON + 2 * HOUR))
    assert {row["outcome"] for row in await shop.rows(JOURNEYS)} == {"opted_out"}


async def test_a_channel_that_is_closed_to_the_address_is_none_that_is_left(db: Database) -> None:
    shop = await on_both_channels(db)
    who = replace(JEANNE, phone=PHONE)
    await shop.hears(identify(who), at=NOON)
    await db.write(suppress, SHOP, Channel.SMS, PHONE, SuppressionReason.OBJECTION, NOON, 0)
    await shop.hears(checkout(who))
    await shop.hears(identify(declined(CART), NOON + HOUR))
    assert (await shop.journey())["outcome"] == "opted_out"


async def test_a_declined_topic_is_the_persons_own_and_not_the_addresss(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE), checkout(replace(JEANNE, external_id="second"), "T2"))
    await shop.hears(identify(declined(CART), NOON + HOUR))
    assert {row["cart_token"]: row["outcome"] for row in await shop.rows(JOURNEYS)} == {"T1": "opted_out", "T2": None}


async def test_the_gate_finds_a_topic_that_was_declined_before_the_journey(shop: KnownShop) -> None:
    await shop.hears(
        identify(person("jeanne", granted(NOON - DAY), replace(word(ConsentState.WITHDRAWN, CART), at=NOON)))
    )
    await shop.hears(checkout(JEANNE, at=NOON))
    journey = (await shop.journey())["id"]
    await shop.assess(journey, NOON + 2 * HOUR)
    ruling = await shop.hand_over(journey, at=NOON + 2 * HOUR)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == (Verdict.STOPPED, Reason.OPTED_OUT)


async def test_a_purpose_that_nobody_knows_is_kept_and_never_counts(shop: KnownShop) -> None:
    await shop.hears(
        checkout(person("jeanne", word(ConsentState.WITHDRAWN, "newsletter"), word(ConsentState.GRANTED, "ads")))
    )
    assert (await shop.journey())["status"] == "waiting"
    assert {row["purpose"] for row in await shop.rows(CONSENTS)} == {"newsletter", "ads"}
    await shop.assess((await shop.journey())["id"], NOON + 2 * HOUR)
    ruling = await shop.hand_over((await shop.journey())["id"], at=NOON + 2 * HOUR)
    assert ruling is not None
    assert ruling.reason is Reason.NO_LAWFUL_BASIS


async def test_only_opens_of_who_agrees_count_for_the_score(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE), opened(JEANNE, NOON), clicked(JEANNE, NOON))
    journey = (await shop.journey())["id"]
    situation = await shop.db.read(load_situation, journey, None, NOON)
    assert situation is not None
    assert (situation.opens, situation.clicks) == (0, 1)
    await shop.hears(identify(person("jeanne", word(ConsentState.GRANTED, Purpose.OPEN_TRACKING)), NOON + HOUR))
    situation = await shop.db.read(load_situation, journey, None, NOON + HOUR)
    assert situation is not None
    assert situation.opens == 1


async def test_what_a_machine_did_counts_for_nothing(shop: KnownShop) -> None:
    agreed = person("jeanne", word(ConsentState.GRANTED, Purpose.OPEN_TRACKING))
    by_machine = [replace(one, properties={"human": False}) for one in (opened(JEANNE, NOON), clicked(JEANNE, NOON))]
    await shop.hears(checkout(agreed, at=NOON - HOUR), *by_machine)
    situation = await shop.db.read(load_situation, (await shop.journey())["id"], None, NOON)
    assert situation is not None
    assert (situation.opens, situation.clicks) == (0, 0)
    assert (await shop.row(CUSTOMERS))["last_activity_at"] == NOON - HOUR
    assert len(await shop.rows(EVENTS)) == 3


async def test_the_audit_finds_a_hand_over_after_a_declined_topic(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne", granted(NOON - DAY))))
    journey = (await shop.journey())["id"]
    await shop.assess(journey, NOON + 2 * HOUR)
    await shop.hand_over(journey, at=NOON + 2 * HOUR)
    await shop.settle(journey, DeliveryState.SENT, at=NOON + 2 * HOUR)
    assert await shop.db.read(audit) == []
    entry = await shop.row(CONSENTS)
    by_hand = {**entry, "id": "by-hand", "state": "withdrawn", "seq": entry["seq"]}
    await put(shop, CONSENTS, by_hand | {"purpose": "win_back"})
    assert await shop.db.read(audit) == []
    await put(shop, CONSENTS, by_hand | {"id": "by-hand-2", "purpose": "cart_reminders"})
    assert [one.invariant for one in await shop.db.read(audit)] == [Invariant.SILENT_AFTER_OBJECTION]


async def put(shop: KnownShop, table: Table, row: dict[str, object]) -> None:
    await shop.db.write(lambda connection: connection.execute(table.insert(), [row]) and None)
