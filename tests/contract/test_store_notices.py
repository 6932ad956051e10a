"""What providers tell of messages: what it proves, and that it is stored once, whatever the order."""

from datetime import timedelta

import pytest

from models.vocabulary import Channel, DeliveryState
from store.audit import audit
from store.ledger import settle
from store.matching import Told, matched
from store.schema import DELIVERIES, NOTICES
from store.settling import settle_told
from tests.builders import DAY, HOUR, MINUTE, person, redact
from tests.known_shop import KnownShop
from tests.told import J0, PROVIDER, hears, kinds, sent, told


@pytest.mark.parametrize("kind", ["queued", "accepted", "delivered"])
@pytest.mark.parametrize("state", [None, DeliveryState.UNKNOWN])
async def test_an_open_fate_is_settled_by_what_cannot_happen_without_acceptance(
    shop: KnownShop, kind: str, state: DeliveryState | None
) -> None:
    one = await sent(shop, state=state)
    await one.hears(one.told(kind, provider_message_id="m-1"))
    row = await one.row()
    assert (row["state"], row["provider_id"], row["problem"]) == ("sent", "m-1", None)
    assert row["settled_at"] == J0 + HOUR
    assert await shop.db.read(audit) == []


@pytest.mark.parametrize("kind", ["rejected", "failed", "bounced"])
@pytest.mark.parametrize("permanent", [True, False, None])
async def test_a_refusal_ends_a_message_of_which_nothing_better_is_known(
    shop: KnownShop, kind: str, permanent: bool | None
) -> None:
    one = await sent(shop, state=DeliveryState.UNKNOWN)
    await one.hears(one.told(kind, permanent=permanent, reason="5.1.1"))
    row = await one.row()
    assert (row["state"], row["problem"]) == ("refused", f"reported: {kind} (5.1.1)")


async def test_what_was_accepted_stays_so_when_it_bounces(shop: KnownShop) -> None:
    one = await sent(shop)
    before = await one.row()
    await one.hears(one.told("bounced", permanent=True))
    assert await one.row() == before
    assert kinds(await shop.rows(NOTICES, delivery_id=one.id)) == ["bounced"]


@pytest.mark.parametrize("order", [("bounced", "delivered"), ("delivered", "bounced")])
async def test_acceptance_outweighs_a_bounce_whichever_is_heard_first(shop: KnownShop, order: tuple[str, str]) -> None:
    one = await sent(shop, state=None)
    for minutes, kind in enumerate(order):
        await one.hears(one.told(kind, J0 + HOUR, permanent=False if kind == "bounced" else None), at=J0 + 2 * HOUR)
        assert (await one.row())["state"] == ("refused" if (minutes, kind) == (0, "bounced") else "sent")


async def test_the_providers_own_answer_outweighs_a_bounce_that_was_heard_before_it(shop: KnownShop) -> None:
    one = await sent(shop, state=None)
    await one.hears(one.told("bounced", permanent=False))
    await shop.db.write(settle, one.id, DeliveryState.UNKNOWN, J0, None, "line lost")
    assert (await one.row())["state"] == "refused"
    await shop.db.write(settle, one.id, DeliveryState.SENT, J0, "m-1", "")
    row = await one.row()
    assert (row["state"], row["provider_id"], row["problem"]) == ("sent", "m-1", None)


@pytest.mark.parametrize("state", [DeliveryState.REFUSED, DeliveryState.RELEASED])
async def test_what_the_provider_answered_is_not_unlearnt(shop: KnownShop, state: DeliveryState) -> None:
    one = await sent(shop, state=None)
    await shop.settle(one.journey, state, at=J0, problem="answered 4xx")
    before = await one.row()
    await one.hears(one.told("delivered"), one.told("bounced", permanent=None))
    assert await one.row() == before


async def test_what_was_written_since_an_event_looked_is_looked_at_again_under_the_lock(shop: KnownShop) -> None:
    one = await sent(shop, state=None)
    event = one.told("bounced", permanent=False)
    (found,) = await shop.db.read(matched, [event])
    await shop.settle(one.journey, DeliveryState.SENT, at=J0)
    await shop.db.write(settle_told, [Told("key", event, J0 + HOUR, found)])
    assert (await one.row())["state"] == "sent"


@pytest.mark.parametrize("kind", ["deferred", "complained", "unsubscribed", "subscribed"])
async def test_what_proves_nothing_of_the_message_is_kept(shop: KnownShop, kind: str) -> None:
    one = await sent(shop, state=DeliveryState.UNKNOWN)
    result = await one.hears(one.told(kind, reason="4.2.2"))
    assert (result.accepted, (await one.row())["state"]) == (1, "unknown")
    assert kinds(await shop.rows(NOTICES)) == [kind]


async def test_what_nobody_understands_is_ignored(shop: KnownShop) -> None:
    one = await sent(shop)
    result = await one.hears(one.told("unknown"))
    assert (result.accepted, result.duplicates, result.ignored) == (0, 0, 1)
    assert await shop.rows(NOTICES) == []


@pytest.mark.parametrize("brackets", [True, False])
async def test_a_message_is_found_by_the_providers_own_id_and_by_the_message_id_that_it_echoes(
    shop: KnownShop, brackets: bool
) -> None:
    one = await sent(shop, state=None)
    key = (await one.row())["key"].replace("/", ".")
    name = f"<{key}@shop.example>" if brackets else f"{key}@shop.example"
    await hears(shop, told("accepted", provider_message_id=name))
    assert (await one.row())["provider_id"] == name
    other = f"{key}@shop.example" if brackets else f"<{key}@shop.example>"
    assert (await hears(shop, told("delivered", provider_message_id=other))).accepted == 1
    assert [row["delivery_id"] for row in await shop.rows(NOTICES)] == [one.id, one.id]


async def test_another_providers_id_and_another_channel_are_nobodys(shop: KnownShop) -> None:
    one = await sent(shop, state=None)
    await one.hears(one.told("accepted", provider_message_id="m-1"))
    elsewhere = told("delivered", provider_message_id="m-1", provider="another")
    assert (await hears(shop, elsewhere)).ignored == 1
    assert (await hears(shop, one.told("delivered", channel=Channel.SMS))).ignored == 1


async def test_what_a_provider_repeats_is_stored_once(shop: KnownShop) -> None:
    one = await sent(shop, state=None)
    batch = [one.told("accepted"), one.told("delivered", provider_event_id="e-1"), one.told("accepted")]
    first = await one.hears(*batch)
    assert (first.accepted, first.duplicates) == (2, 1)
    before = [await one.row(), await shop.rows(NOTICES)]
    again = await one.hears(*batch[::-1], at=J0 + 9 * HOUR)
    assert (again.accepted, again.duplicates, again.outbox) == (0, 3, ())
    assert [await one.row(), await shop.rows(NOTICES)] == before


async def test_events_that_differ_in_anything_are_two(shop: KnownShop) -> None:
    one = await sent(shop)
    same = {"provider_event_id": "unique within a day"}
    assert (await one.hears(one.told("delivered", J0, **same), one.told("delivered", J0 + DAY, **same))).accepted == 2
    assert (await one.hears(one.told("deferred"), one.told("deferred", J0 + MINUTE))).accepted == 2
    assert (await one.hears(one.told("deferred", reason="4.2.2"))).accepted == 1


async def test_a_time_ahead_of_ours_is_the_time_of_receipt_and_none_before_the_hand_over(shop: KnownShop) -> None:
    one = await sent(shop, state=None)
    await one.hears(one.told("deferred", J0 + 9 * HOUR), at=J0 + HOUR)
    assert (await shop.row(NOTICES))["at"] == J0 + HOUR
    await one.hears(one.told("accepted", J0 - timedelta(milliseconds=300)), at=J0 + HOUR)
    assert (await one.row())["settled_at"] == J0


async def test_no_notice_holds_an_address_or_a_sentence_about_one(shop: KnownShop) -> None:
    one = await sent(shop)
    words = "550 mailbox of jeanne@example.com is full"
    await one.hears(one.told("bounced", permanent=False, reason=words), one.told("delivered", reason="2.0.0 ok"))
    rows = await shop.rows(NOTICES)
    assert "example.com" not in str(rows)
    assert {row["type"]: row["reason"] for row in rows} == {"bounced": None, "delivered": "2.0.0 ok"}


async def test_a_hostile_event_harms_nothing(shop: KnownShop) -> None:
    one = await sent(shop)
    zero = "\0" * 3
    odd = one.told("delivered", delivery=zero, provider_message_id=zero, provider_event_id=zero, reason=zero)
    long = one.told("delivered", provider_event_id="x" * 9000, reason="r" * 9000)
    result = await hears(shop, odd, told("complained", recipient=zero), long)
    assert (result.accepted, result.ignored) == (1, 2)
    assert len((await shop.row(NOTICES))["reason"]) == 200


async def test_events_of_a_message_to_somebody_erased_bring_nothing_back(shop: KnownShop) -> None:
    one = await sent(shop, state=DeliveryState.UNKNOWN)
    await shop.hears(redact(person("jeanne"), J0 + MINUTE))
    await one.hears(one.told("delivered"), one.told("bounced", permanent=False), one.told("clicked"))
    rows = {row["type"]: row["address"] for row in await shop.rows(NOTICES)}
    assert rows == {"delivered": None, "bounced": None}
    assert (await one.row())["state"] == "sent"


async def test_five_hundred_events_come_in_one_batch(shop: KnownShop) -> None:
    one = await sent(shop)
    batch = [one.told("deferred", J0 + n * timedelta(seconds=1), provider_event_id=str(n)) for n in range(500)]
    assert (await one.hears(*batch)).accepted == len(await shop.rows(NOTICES, provider=PROVIDER)) == 500
    assert len(await shop.rows(DELIVERIES)) == 1


async def test_an_empty_batch_is_no_batch(shop: KnownShop) -> None:
    assert (await hears(shop)).accepted == 0
