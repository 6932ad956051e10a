"""One customer, many doors: rows that are one person, on both engines."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Executable, create_engine

from models.events import Person
from models.question import Ruling
from models.situation import SuppressionReason
from models.vocabulary import Channel, DeliveryState, Reason, Verdict
from store import aliases, erasures, retention
from store.acts import By
from store.audit import Invariant, audit
from store.db import ConflictError, NotFoundError
from store.forgetting import ask
from store.groups import group_statement
from store.objections import suppress
from store.schema import (
    ACTS,
    ALIASES,
    CARTS,
    CONSENTS,
    CUSTOMERS,
    DELIVERIES,
    ERASURES,
    JOURNEYS,
    METADATA,
    ORDERS,
    OUTBOX,
)
from store.search import find_customers
from tests.builders import (
    DAY,
    HOUR,
    NOON,
    added,
    basket,
    checkout,
    granted,
    identify,
    order,
    person,
    redact,
    viewed,
    withdrawn,
)
from tests.known_shop import KnownShop

J0 = NOON + 2 * HOUR
PHONE = "+33612345678"
ADDRESS = "jeanne@example.com"
GUEST = person("jeanne", known=False)
ALONE = Person("jeanne")
ACCOUNT = replace(person("jeanne"), email_verified=True)
CALLER = Person(phone=PHONE)
MOVED = replace(ACCOUNT, email="new@example.com")


async def joined(shop: KnownShop, guest: Person = GUEST) -> tuple[str, str]:
    """Let a guest and an account turn out to be one person; return the ids of the root and of the alias."""
    await shop.hears(identify(guest))
    await shop.hears(identify(ALONE))
    await shop.hears(identify(ACCOUNT, NOON + HOUR / 2))
    root, alias = await shop.row(CUSTOMERS, external_id="jeanne"), await shop.row(CUSTOMERS, external_id=None)
    assert (root["root_id"], alias["root_id"]) == (None, root["id"])
    return root["id"], alias["id"]


async def moved(shop: KnownShop, guest: Person = GUEST) -> tuple[str, str]:
    """Let the account have another address from then on."""
    ids = await joined(shop, guest)
    await shop.hears(identify(MOVED, NOON + HOUR / 2))
    return ids


async def asks(shop: KnownShop, journey: str, step: str = "reminder") -> Ruling:
    await shop.assess(journey, J0)
    ruling = await shop.hand_over(journey, step, at=J0)
    assert ruling is not None
    return ruling


async def roots(shop: KnownShop) -> list[str | None]:
    return [one["root_id"] for one in await shop.rows(CUSTOMERS)]


async def open_journeys(shop: KnownShop) -> list[Mapping[str, Any]]:
    return [one for one in await shop.rows(JOURNEYS) if one["status"] != "closed"]


def by(reason: str = "said so") -> By:
    return By("lea", reason, J0)


async def test_a_guest_is_an_alias_of_the_account_whose_verified_address_they_typed(shop: KnownShop) -> None:
    root, alias = await joined(shop)
    row = await shop.row(ALIASES)
    assert (row["customer_id"], row["root_id"], row["reason"], row["actor"]) == (alias, root, "email", "events")
    numbers = {one["seq"] for one in await shop.rows(CUSTOMERS)}
    assert numbers == {row["seq"]}


async def test_no_row_is_moved_by_a_join(shop: KnownShop) -> None:
    await shop.hears(checkout(replace(GUEST, consents=(granted(NOON),)), "T1"))
    await joined(shop)
    _, alias = await roots_and_aliases(shop)
    for table in (CARTS, CONSENTS, JOURNEYS):
        assert [one["customer_id"] for one in await shop.rows(table)] == [alias]


async def roots_and_aliases(shop: KnownShop) -> tuple[str, str]:
    row = await shop.row(ALIASES)
    return row["root_id"], row["customer_id"]


async def test_an_address_that_the_shop_has_not_verified_joins_nobody_and_still_spreads_stops(shop: KnownShop) -> None:
    await shop.hears(checkout(GUEST, "T1"), identify(ALONE))
    await shop.hears(checkout(person("jeanne"), "T2", at=NOON + HOUR / 2))
    assert await shop.rows(ALIASES) == []
    assert len(await open_journeys(shop)) == 2
    await shop.opt_out(ADDRESS, J0)
    assert await open_journeys(shop) == []


async def test_a_number_joins_the_row_that_is_known_by_nothing_else(shop: KnownShop) -> None:
    await shop.hears(identify(CALLER), identify(person("jeanne")))
    await shop.hears(identify(replace(person("jeanne"), phone=PHONE), NOON + HOUR))
    assert (await shop.row(ALIASES))["reason"] == "phone"


async def test_a_number_that_a_household_shares_joins_nobody(shop: KnownShop) -> None:
    await shop.hears(identify(person("paul", phone=PHONE)), identify(person("jeanne")))
    await shop.hears(identify(replace(person("jeanne"), phone=PHONE), NOON + HOUR))
    assert await shop.rows(ALIASES) == []


async def test_two_accounts_are_never_joined_by_themselves(shop: KnownShop) -> None:
    paul = replace(ACCOUNT, external_id="paul", phone=PHONE)
    await shop.hears(identify(ACCOUNT), identify(paul), identify(replace(ACCOUNT, phone=PHONE), NOON + HOUR))
    assert await roots(shop) == [None, None]


async def test_an_account_that_comes_later_never_takes_over_the_alias_of_another(shop: KnownShop) -> None:
    await moved(shop)
    await shop.hears(identify(replace(ACCOUNT, external_id="paul"), J0))
    paul = await shop.row(CUSTOMERS, external_id="paul")
    assert (paul["root_id"], len(await shop.rows(CUSTOMERS))) == (None, 3)


@pytest.mark.parametrize("other", [person("paul"), person("paul", known=False), replace(person("paul"), phone=PHONE)])
async def test_two_people_on_one_device_are_never_joined(shop: KnownShop, other: Person) -> None:
    await shop.hears(checkout(ACCOUNT, "T1", alias="C1"))
    await shop.hears(checkout(replace(other, email_verified=True), "T1", alias="C1", at=NOON + HOUR / 2))
    await shop.hears(order(replace(other, email_verified=True), tokens=["T1", "C1"], at=J0))
    assert await roots(shop) == [None, None]
    assert await shop.rows(ALIASES) == []


async def test_the_alias_of_an_alias_goes_to_the_root(shop: KnownShop) -> None:
    await shop.hears(identify(CALLER), identify(GUEST))
    await shop.hears(identify(replace(GUEST, phone=PHONE), NOON + HOUR / 4))
    await shop.hears(identify(ALONE, NOON + HOUR / 4))
    await shop.hears(identify(ACCOUNT, NOON + HOUR / 2))
    root = (await shop.row(CUSTOMERS, external_id="jeanne"))["id"]
    standing = await shop.rows(ALIASES, parted_at=None)
    assert {(one["root_id"], one["reason"]) for one in standing} == {(root, "phone"), (root, "email")}
    assert sorted(one for one in await roots(shop) if one) == [root, root]
    (former,) = [one for one in await shop.rows(ALIASES) if one["parted_at"] is not None]
    assert former["parted_by"] is None


async def test_an_objection_of_the_alias_ends_the_journey_of_the_root(shop: KnownShop) -> None:
    await moved(shop)
    await shop.hears(checkout(replace(MOVED, consents=(granted(NOON),)), "T1", at=NOON + HOUR / 2))
    journey = (await shop.journey())["id"]
    await shop.opt_out(ADDRESS, J0)
    assert (await shop.journey())["outcome"] == "opted_out"
    assert (await asks(shop, journey)).verdict is Verdict.STOPPED
    await shop.hears(checkout(MOVED, "T2", at=J0))
    assert await shop.db.read(audit) == []


async def test_an_objection_of_a_stranger_with_the_address_of_the_alias_ends_the_journey_of_the_root(
    shop: KnownShop,
) -> None:
    await moved(shop)
    stranger = replace(ACCOUNT, external_id="paul")
    await shop.hears(checkout(MOVED, "T1", at=NOON + HOUR / 2), identify(stranger, NOON + HOUR / 2))
    await shop.hears(identify(replace(stranger, consents=(withdrawn(J0),)), J0))
    assert (await shop.journey())["outcome"] == "opted_out"
    assert len({one["seq"] for one in await shop.rows(CUSTOMERS)}) == 1


async def test_rows_that_have_counted_apart_count_on_from_the_higher_number(shop: KnownShop) -> None:
    for hour in range(4):
        await shop.hears(viewed(GUEST, NOON - hour * HOUR))
    await shop.hears(identify(ALONE))
    await shop.hears(viewed(GUEST, product="vase"), viewed(ALONE), identify(ACCOUNT, NOON + HOUR / 2))
    assert {one["seq"] for one in await shop.rows(CUSTOMERS)} == {6}


async def test_an_objection_of_the_alias_is_held_against_the_next_cart_of_the_root(shop: KnownShop) -> None:
    await moved(shop)
    await shop.hears(identify(replace(MOVED, consents=(granted(NOON),)), NOON + HOUR / 2))
    await shop.hears(identify(replace(GUEST, consents=(withdrawn(NOON + HOUR / 2),)), NOON + HOUR / 2))
    await shop.hears(checkout(MOVED, "T2", at=NOON + HOUR / 2))
    (journey,) = await open_journeys(shop)
    assert (await asks(shop, journey["id"])).reason is Reason.OPTED_OUT


async def test_a_later_consent_of_the_root_lifts_what_the_alias_forbade(shop: KnownShop) -> None:
    await moved(shop)
    await shop.hears(identify(replace(GUEST, consents=(withdrawn(NOON + HOUR / 2),)), NOON + HOUR / 2))
    later = NOON + 3 * HOUR / 4
    await shop.hears(checkout(replace(MOVED, consents=(granted(later),)), "T2", at=later))
    (journey,) = await open_journeys(shop)
    assert (await asks(shop, journey["id"])).verdict is Verdict.SENT


async def test_a_complaint_about_the_address_of_the_alias_closes_the_address_of_the_root(shop: KnownShop) -> None:
    await moved(shop, replace(GUEST, consents=(granted(NOON),)))
    await shop.hears(checkout(MOVED, "T1", at=NOON + HOUR / 2))
    complaint = (Channel.EMAIL, ADDRESS, SuppressionReason.COMPLAINT, NOON, 0)
    await shop.db.write(lambda connection: suppress(connection, "main", *complaint))
    assert (await asks(shop, (await shop.journey())["id"])).inputs == {"suppressed": "complaint"}


async def test_a_full_mailbox_of_the_alias_says_nothing_of_the_root(shop: KnownShop) -> None:
    await moved(shop, replace(GUEST, consents=(granted(NOON),)))
    await shop.hears(checkout(MOVED, "T1", at=NOON + HOUR / 2))
    bounce = (Channel.EMAIL, ADDRESS, SuppressionReason.BOUNCE, NOON, 0)
    await shop.db.write(lambda connection: suppress(connection, "main", *bounce))
    assert (await asks(shop, (await shop.journey())["id"])).verdict is Verdict.SENT


async def test_what_the_alias_allowed_permits_the_root_and_no_stranger_with_its_address(shop: KnownShop) -> None:
    await joined(shop, replace(GUEST, consents=(granted(NOON),)))
    stranger = replace(ACCOUNT, external_id="paul")
    await shop.hears(checkout(ACCOUNT, "T1", at=NOON + HOUR / 2), checkout(stranger, "T2", at=NOON + HOUR / 2))
    theirs = (await shop.journey(cart_token="T2"))["id"]
    assert (await asks(shop, theirs)).reason is Reason.NO_LAWFUL_BASIS
    mine = await asks(shop, (await shop.journey(cart_token="T1"))["id"])
    assert (mine.verdict, mine.basis) == (Verdict.SENT, "consent")
    assert await shop.db.read(audit) == []


async def test_an_order_of_the_alias_is_a_soft_opt_in_of_the_root(shop: KnownShop) -> None:
    await shop.hears(order(GUEST, at=NOON - DAY))
    await joined(shop)
    await shop.hears(checkout(ACCOUNT, "T1", at=NOON + HOUR / 2))
    assert (await asks(shop, (await shop.journey())["id"])).basis == "soft_opt_in"


async def test_what_a_guest_allowed_before_lifts_no_withdrawal_of_the_account(shop: KnownShop) -> None:
    no, yes = withdrawn(NOON - 2 * DAY), granted(NOON - DAY)
    await shop.hears(identify(replace(GUEST, consents=(yes,))))
    await shop.hears(identify(replace(ALONE, consents=(no,))))
    await shop.hears(identify(ACCOUNT, NOON + HOUR / 2))
    (again,) = await shop.rows(CONSENTS, source="joined")
    assert (again["state"], again["customer_id"]) == ("withdrawn", (await roots_and_aliases(shop))[0])
    await shop.hears(checkout(ACCOUNT, "T1", at=NOON + HOUR / 2))
    assert (await asks(shop, (await shop.journey())["id"])).reason is Reason.OPTED_OUT


async def test_an_order_of_the_root_ends_the_journey_of_the_alias(shop: KnownShop) -> None:
    await shop.hears(checkout(GUEST, "T1"))
    await moved(shop)
    await shop.hears(order(MOVED, at=J0))
    assert (await shop.journey())["outcome"] == "purchased"


async def test_two_journeys_become_the_older_one_about_the_newer_cart(shop: KnownShop) -> None:
    await shop.hears(checkout(GUEST, "T1"))
    other = replace(ALONE, phone=PHONE)
    await shop.hears(checkout(other, "T2", at=NOON + HOUR / 4))
    older, newer = await shop.rows(JOURNEYS)
    await shop.hears(identify(ACCOUNT, NOON + HOUR / 2))
    (kept,) = await open_journeys(shop)
    assert (kept["id"], kept["cart_token"]) == (older["id"], "T2")
    assert (await shop.row(CARTS, token="T2"))["journey_id"] == older["id"]
    told = [one for one in await shop.rows(OUTBOX, journey_id=newer["id"]) if one["call"] == "stopped"]
    assert len(told) == 1
    assert await shop.db.read(audit) == []


async def test_a_newer_cart_of_the_alias_joins_the_journey_of_the_root(shop: KnownShop) -> None:
    await moved(shop)
    await shop.hears(checkout(MOVED, "T1", at=NOON + HOUR / 2))
    await shop.hears(checkout(GUEST, "T2", at=NOON + 3 * HOUR / 4))
    journey = await shop.journey()
    assert (journey["cart_token"], journey["status"]) == ("T2", "waiting")


async def test_a_chain_of_tokens_goes_on_across_aliases(shop: KnownShop) -> None:
    await moved(shop)
    await shop.hears(basket(GUEST, "C1", at=NOON + HOUR / 2))
    await shop.hears(checkout(MOVED, "T1", alias="C1", at=NOON + 3 * HOUR / 4))
    (journey,) = await shop.rows(JOURNEYS)
    assert journey["status"] == "waiting"
    await shop.hears(order(Person(), tokens=["C1"], at=J0))
    assert (await shop.journey())["outcome"] == "purchased"


async def test_a_cart_that_passes_between_the_rows_of_one_person_goes_on(shop: KnownShop) -> None:
    await moved(shop)
    await shop.hears(checkout(GUEST, "T1", at=NOON + HOUR / 2))
    await shop.hears(added(MOVED, "T1", at=NOON + 3 * HOUR / 4))
    (journey,) = await shop.rows(JOURNEYS)
    assert (journey["status"], journey["cart_token"]) == ("waiting", "T1")


async def test_staff_parts_and_it_is_not_joined_by_itself_again(shop: KnownShop) -> None:
    root, alias = await joined(shop)
    await shop.db.write(aliases.part, alias, by("two sisters"))
    assert await roots(shop) == [None, None]
    row = await shop.row(ALIASES)
    assert (row["parted_by"], row["parted_at"], row["parted_seq"] > row["seq"]) == ("lea", J0, True)
    await shop.hears(identify(ACCOUNT, J0 + HOUR))
    assert await roots(shop) == [None, None]
    await shop.db.write(aliases.join, root, alias, by("one after all"))
    assert (await shop.row(CUSTOMERS, id=alias))["root_id"] == root
    acts = [(one["act"], one["actor"], one["reason"], one["customer_id"]) for one in await shop.rows(ACTS)]
    assert acts[0] == ("part", "lea", "two sisters", root)
    assert acts[-1] == ("join", "lea", "one after all", alias)
    assert await shop.db.read(audit) == []


async def test_the_root_of_one_alias_may_be_named_to_part_them(shop: KnownShop) -> None:
    root, _ = await joined(shop)
    await shop.db.write(aliases.part, root, by())
    assert await roots(shop) == [None, None]
    with pytest.raises(ConflictError, match="nothing to part"):
        await shop.db.write(aliases.part, root, by())


async def test_parting_ends_a_journey_about_the_cart_of_the_other(shop: KnownShop) -> None:
    _, alias = await moved(shop)
    await shop.hears(checkout(MOVED, "T1", at=NOON + HOUR / 2))
    await shop.hears(checkout(GUEST, "T2", at=NOON + 3 * HOUR / 4))
    outbox = await shop.db.write(aliases.part, alias, by())
    assert ((await shop.journey())["outcome"], len(outbox)) == ("cart_emptied", 1)


async def test_staff_joins_what_nothing_else_would(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")), identify(person("paul")))
    one, other = [row["id"] for row in await shop.rows(CUSTOMERS)]
    await shop.db.write(aliases.join, other, one, by())
    row = await shop.row(ALIASES)
    assert (row["customer_id"], row["root_id"], row["reason"], row["actor"]) == (one, other, "staff", "lea")
    with pytest.raises(ConflictError, match="one person already"):
        await shop.db.write(aliases.join, one, other, by())
    with pytest.raises(NotFoundError):
        await shop.db.write(aliases.join, one, "nobody", by())


async def test_customers_of_two_shops_are_not_joined(shop: KnownShop) -> None:
    await shop.hears(identify(ACCOUNT))
    await shop.hears(identify(ACCOUNT), shop="other")
    one, other = [row["id"] for row in await shop.rows(CUSTOMERS)]
    with pytest.raises(ConflictError, match="two shops"):
        await shop.db.write(aliases.join, one, other, by())


async def test_staff_joining_both_ways_at_once_makes_one_alias(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")), identify(person("paul")))
    one, other = [row["id"] for row in await shop.rows(CUSTOMERS)]
    ways = [shop.db.write(aliases.join, *pair, by()) for pair in ((one, other), (other, one)) for _ in range(2)]
    results = await asyncio.gather(*ways, return_exceptions=True)
    assert sum(isinstance(result, ConflictError) for result in results) == 3
    assert sorted(map(bool, await roots(shop))) == [False, True]
    assert len(await shop.rows(ALIASES)) == 1


async def test_events_that_join_both_ways_at_once_make_one_alias(shop: KnownShop) -> None:
    for number in range(8):
        name = f"p{number}"
        await shop.hears(identify(person(name, known=False)), identify(Person(name, phone=f"+336123456{number:02}")))
        whole = replace(person(name), email_verified=True)
        guest = person(name, known=False)
        await asyncio.gather(
            shop.hears(viewed(whole, NOON + HOUR, "vase")),
            shop.hears(viewed(whole, NOON + HOUR, "lamp")),
            shop.hears(checkout(guest, f"T{number}", at=NOON + HOUR)),
        )
    assert len(await shop.rows(ALIASES)) == 8
    assert len([one for one in await roots(shop) if one]) == 8
    assert len({one["seq"] for one in await shop.rows(CUSTOMERS) if one["email"] == "p0@example.com"}) == 1


async def test_no_hand_over_to_the_root_follows_an_objection_of_the_alias(shop: KnownShop) -> None:
    journeys = []
    for number in range(10):
        name = f"p{number}"
        account = replace(person(name, granted(NOON - DAY)), email_verified=True)
        await shop.hears(identify(person(name, known=False)), identify(Person(name)))
        await shop.hears(identify(account, NOON + HOUR / 4))
        await shop.hears(checkout(replace(account, email=f"new-{name}@example.com"), name, at=NOON + HOUR / 2))
        journeys.append((await shop.journey(cart_token=name))["id"])
        await shop.assess(journeys[-1], J0)
    stops = [shop.opt_out(f"p{number}@example.com", J0) for number in range(10)]
    sends = [shop.hand_over(journey, at=J0) for journey in journeys]
    await asyncio.gather(*sends, *stops)
    assert {one["outcome"] for one in await shop.rows(JOURNEYS)} == {"opted_out"}
    assert await shop.db.read(audit) == []


async def sent(shop: KnownShop) -> tuple[str, str]:
    """Send a message to the root; return the ids of the root and of the alias."""
    ids = await moved(shop)
    await shop.hears(checkout(replace(MOVED, consents=(granted(NOON),)), "T1", at=NOON + HOUR / 2))
    journey = (await shop.journey())["id"]
    assert (await asks(shop, journey)).verdict is Verdict.SENT
    await shop.settle(journey, DeliveryState.SENT, at=J0)
    return ids


def by_hand(alias: str, seq: int, **values: object) -> Executable:
    """Write a withdrawal into the ledger of an alias, as no door would."""
    row: dict[str, object] = {
        "id": "by-hand",
        "customer_id": alias,
        "channel": "email",
        "purpose": "marketing",
        "state": "withdrawn",
    }
    row |= {"source": "form", "at": J0, "recorded_at": J0, "seq": seq}
    return CONSENTS.insert().values(row | values)


async def audited(shop: KnownShop, *statements: Executable) -> list[Invariant]:
    await shop.db.write(lambda connection: [connection.execute(one) for one in statements])
    return [one.invariant for one in await shop.db.read(audit)]


async def test_the_audit_finds_a_hand_over_to_the_root_after_a_withdrawal_of_the_alias(shop: KnownShop) -> None:
    _, alias = await sent(shop)
    delivery = (await shop.row(DELIVERIES))["seq"]
    assert await audited(shop, by_hand(alias, delivery - 1)) == [Invariant.SILENT_AFTER_OBJECTION]
    assert await audited(shop, CONSENTS.update().where(CONSENTS.c.id == "by-hand").values(seq=delivery + 1)) == []


async def test_the_audit_compares_nothing_from_before_a_join_or_after_a_parting(shop: KnownShop) -> None:
    _, alias = await sent(shop)
    delivery = (await shop.row(DELIVERIES))["seq"]
    assert await audited(shop, by_hand(alias, 1), ALIASES.update().values(seq=delivery + 1)) == []
    assert await audited(shop, ALIASES.update().values(seq=0, parted_seq=delivery - 1)) == []
    assert await audited(shop, ALIASES.update().values(parted_seq=None)) == [Invariant.SILENT_AFTER_OBJECTION]


async def test_the_audit_finds_a_hand_over_to_one_alias_after_a_withdrawal_of_another(shop: KnownShop) -> None:
    root, alias = await sent(shop)
    swapped = ALIASES.update().values(customer_id=root, root_id="head")
    row = {**await shop.row(ALIASES), "id": "second", "customer_id": alias, "root_id": "head"}
    delivery = (await shop.row(DELIVERIES))["seq"]
    found = await audited(shop, swapped, ALIASES.insert().values(row), by_hand(alias, delivery - 1))
    assert found == [Invariant.SILENT_AFTER_OBJECTION]


async def test_the_audit_finds_a_hand_over_to_the_root_after_an_order_of_the_alias(shop: KnownShop) -> None:
    _, alias = await sent(shop)
    delivery = (await shop.row(DELIVERIES))["seq"]
    await shop.hears(order(GUEST, at=J0 + HOUR))
    before = ORDERS.update().values(seq=delivery - 1, placed_at=J0)
    assert await audited(shop, before) == [Invariant.SILENT_AFTER_PURCHASE]
    assert await audited(shop, ALIASES.update().values(seq=delivery)) == []
    assert (await shop.row(ORDERS))["customer_id"] == alias


async def test_the_audit_finds_a_hand_over_to_the_root_after_a_complaint_about_the_alias(shop: KnownShop) -> None:
    await sent(shop)
    complaint = (Channel.EMAIL, ADDRESS, SuppressionReason.COMPLAINT, NOON, 1)
    await shop.db.write(lambda connection: suppress(connection, "main", *complaint))
    assert await audited(shop) == [Invariant.SILENT_AFTER_OBJECTION]


async def test_the_audit_finds_two_journeys_of_one_person(shop: KnownShop) -> None:
    root, _ = await joined(shop)
    await shop.hears(checkout(ACCOUNT, "T1", at=NOON + HOUR / 2), checkout(person("paul"), "T2", at=NOON + HOUR / 2))
    paul = (await shop.customer("paul"))["id"]
    assert await audited(shop, CUSTOMERS.update().where(CUSTOMERS.c.id == paul).values(root_id=root)) == [
        Invariant.ONE_OPEN_JOURNEY
    ]


async def test_an_inactive_person_gets_one_journey_under_their_root(shop: KnownShop) -> None:
    await shop.hears(viewed(replace(GUEST, consents=(granted(NOON),))))
    root, _ = await joined(shop)
    assert await shop.sweep(NOON + 400 * DAY) == 1
    assert (await shop.journey())["customer_id"] == root


async def test_what_one_row_does_is_done_by_the_person(shop: KnownShop) -> None:
    await moved(shop)
    await shop.hears(viewed(GUEST, NOON + 390 * DAY))
    assert {one["last_activity_at"] for one in await shop.rows(CUSTOMERS)} == {NOON + 390 * DAY}
    assert await shop.sweep(NOON + 400 * DAY) == 0


async def test_a_person_is_kept_for_as_long_as_any_of_their_rows_is(shop: KnownShop) -> None:
    await moved(shop)
    await shop.hears(identify(replace(GUEST, consents=(granted(J0),)), J0))
    assert await shop.db.write(retention.end_people, J0, 10, J0 + DAY) == 0
    assert await shop.db.write(retention.end_people, J0 + HOUR, 10, J0 + DAY) == 1
    assert await shop.rows(CUSTOMERS) == []


async def test_one_request_forgets_all_rows_of_a_person(shop: KnownShop) -> None:
    root, alias = await moved(shop)
    job, _ = await shop.db.write(ask, alias, by())
    assert job.customer_id == alias
    assert await shop.rows(CUSTOMERS) == []
    jobs = await shop.rows(ERASURES)
    assert {one["customer_id"] for one in jobs} == {root, alias}
    for one in jobs:
        sought = await shop.db.read(erasures.sought, one["id"])
        assert {ADDRESS, "new@example.com"} <= {needle.text for needle in sought or ()}
    again, _ = await shop.db.write(ask, root, by())
    assert again.customer_id == root
    assert len(await shop.rows(ERASURES)) == 2


async def test_a_storefront_that_forgets_an_account_forgets_its_guests(shop: KnownShop) -> None:
    await shop.hears(checkout(GUEST, "T1"))
    await moved(shop)
    await shop.hears(redact(ALONE, J0))
    assert await shop.rows(CUSTOMERS) == []
    assert (await shop.journey())["outcome"] == "erased"
    assert len(await shop.rows(ERASURES)) == 2


async def test_whoever_shares_an_address_with_an_alias_is_not_erased_with_the_root(shop: KnownShop) -> None:
    root, _ = await moved(shop)
    await shop.hears(identify(replace(ACCOUNT, external_id="paul"), J0))
    await shop.db.write(ask, root, by())
    assert [one["external_id"] for one in await shop.rows(CUSTOMERS)] == ["paul"]


async def test_a_search_for_one_address_finds_all_rows_of_the_person(shop: KnownShop) -> None:
    root, alias = await moved(shop)
    for email in (ADDRESS, "new@example.com"):
        found = await shop.db.read(find_customers, email=email)
        assert [one.customer["id"] for one in found] == sorted([root, alias])
        assert {(one["customer_id"], one["root_id"]) for known in found for one in known.aliases} == {(alias, root)}


async def test_a_pause_of_the_alias_is_a_pause_of_the_root(shop: KnownShop) -> None:
    await shop.hears(identify(GUEST))
    pause = CUSTOMERS.update().values(snoozed_until=NOON + 30 * DAY)
    await shop.db.write(lambda connection: connection.execute(pause))
    await shop.hears(identify(ALONE), identify(ACCOUNT, NOON + HOUR / 2))
    assert {one["snoozed_until"] for one in await shop.rows(CUSTOMERS)} == {NOON + 30 * DAY}


def test_the_gate_finds_each_row_by_an_index_and_reads_nobody_else_of_the_shop() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        METADATA.create_all(connection)
        text = str(group_statement().compile(dialect=engine.dialect))
        marks = ("x",) * text.count("?")
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", marks)]
    searches = [line for line in plan if line.startswith("SEARCH")]
    assert len(searches) > 5
    assert not [line for line in searches if "(shop=?)" in line]
    assert not [
        line for line in plan if line.startswith("SCAN") and line.split()[1] not in {"own", "roots", "ids", "CONSTANT"}
    ]
