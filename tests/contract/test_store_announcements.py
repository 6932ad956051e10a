"""What a shop is told: every end of a journey and every word of a person's own, once, and in order."""

import ast
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.announcing import GIVEN_UP, KEPT, PAUSES, Announced, Said, ended
from models.preferences import Choice, Form
from models.situation import SuppressionReason
from models.vocabulary import Channel, DeliveryState, Outcome, Reason, SoftOptIn, Verdict
from store import announcements, ledger, shops
from store.acts import ActName, By
from store.announcements import AnnouncementRow
from store.forgetting import ask
from store.preferences import save_preferences
from store.schema import ANNOUNCEMENTS, CUSTOMERS, JOURNEYS
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    checkout,
    granted,
    identify,
    order,
    person,
    redact,
    removed,
    viewed,
    withdrawn,
)
from tests.known_shop import RECORD, SHOP, KnownShop, known_shop
from tests.told import hears, sent, told

ROOT = Path(__file__).parents[2]
J0 = NOON + HOUR
JEANNE = person("jeanne", granted(NOON - DAY), phone="+33612345678")


@pytest.fixture
async def shop(db: Any) -> KnownShop:
    """A shop whose CRM listens."""
    one = await known_shop(db)
    await one.db.write(shops.save_shops, [replace(RECORD, announces=True)])
    return one


async def begun(shop: KnownShop) -> str:
    """Let jeanne's cart become a journey that has begun."""
    await shop.hears(checkout(JEANNE))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, J0)
    return journey


async def said(shop: KnownShop) -> list[Mapping[str, Any]]:
    return await shop.rows(ANNOUNCEMENTS)


async def by_link(shop: KnownShop) -> None:
    await begun(shop)
    await shop.opt_out("jeanne@example.com", J0)


async def by_order(shop: KnownShop) -> None:
    await begun(shop)
    await shop.hears(order(JEANNE, at=J0, tokens=("T1",)))


async def by_staff(shop: KnownShop) -> None:
    await shop.act(await begun(shop), ActName.CANCEL, J0)


async def by_emptying(shop: KnownShop) -> None:
    await begun(shop)
    await shop.hears(removed(JEANNE, at=J0 + MINUTE))


async def by_erasure(shop: KnownShop) -> None:
    await begun(shop)
    customer = (await shop.customer("jeanne"))["id"]
    await shop.db.write(ask, customer, By("support", None, J0))


async def by_redaction(shop: KnownShop) -> None:
    await begun(shop)
    await shop.hears(redact(JEANNE, J0))


async def by_coming_back(shop: KnownShop) -> None:
    await shop.hears(viewed(JEANNE, NOON - 200 * DAY))
    assert await shop.sweep(NOON) == 1
    await shop.hears(viewed(JEANNE, NOON + DAY))


async def by_complaint(shop: KnownShop) -> None:
    await (await sent(shop)).hears(told("complained"))


async def by_the_gate(shop: KnownShop) -> None:
    journey = await begun(shop)
    intent = await shop.intent(journey, at=J0)
    late = replace(intent.question.situation.journey, outcome=None)
    gone = replace(intent.question, situation=replace(intent.question.situation, journey=late, customer=None))
    await shop.db.write(ledger.hand_over, replace(intent, question=gone), J0)


def by_the_end_as(outcome: Outcome) -> Callable[[KnownShop], Awaitable[None]]:
    async def end(shop: KnownShop) -> None:
        await shop.close(await begun(shop), outcome, J0)

    return end


WAYS: dict[str, tuple[Callable[[KnownShop], Awaitable[None]], str]] = {
    "link": (by_link, "opted_out"),
    "order": (by_order, "purchased"),
    "staff": (by_staff, "cancelled"),
    "emptying": (by_emptying, "cart_emptied"),
    "erasure": (by_erasure, "erased"),
    "redaction": (by_redaction, "erased"),
    "coming back": (by_coming_back, "reengaged"),
    "complaint": (by_complaint, "opted_out"),
    "gate": (by_the_gate, "erased"),
    **{f"run: {one}": (by_the_end_as(one), one) for one in Outcome},
}


@pytest.mark.parametrize("way", WAYS)
async def test_every_journey_that_ends_is_announced_once_whoever_ends_it(shop: KnownShop, way: str) -> None:
    ends, outcome = WAYS[way]
    await ends(shop)
    closed = [(one["id"], one["outcome"]) for one in await shop.rows(JOURNEYS, status="closed")]
    rows = await shop.rows(ANNOUNCEMENTS, type=Announced.JOURNEY_CLOSED)
    assert [(one["data"]["journey_id"], one["data"]["outcome"]) for one in rows] == closed
    assert [one for _, one in closed] == [outcome]


async def test_an_end_that_comes_second_is_not_announced(shop: KnownShop) -> None:
    journey = await begun(shop)
    for outcome in (Outcome.EXHAUSTED, Outcome.EXPIRED):
        await shop.close(journey, outcome, J0)
    assert [one["data"]["outcome"] for one in await said(shop)] == ["exhausted"]


def test_nobody_else_writes_that_a_journey_is_closed() -> None:
    """Whoever is named here announces it; `WAYS` goes through all of them."""
    writers = set()
    for path in [*(ROOT / "store").glob("*.py"), *(ROOT / "models").glob("*.py")]:
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            closes = isinstance(node, ast.Call) and ast.unparse(node.func) == "journey.close"
            pairs = zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ()
            named = any("status" in ast.unparse(key) for key, value in pairs if key and _is_closed(value))
            values = node.value.elts if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple) else ()
            assigned = isinstance(node, ast.Assign) and any(map(_is_closed, (node.value, *values)))
            keyword = isinstance(node, ast.keyword) and _is_closed(node.value)
            if closes or named or assigned or keyword:
                writers.add(str(path.relative_to(ROOT)))
    assert writers == {"store/episodes.py", "store/acts.py", "store/ledger.py", "models/episode.py"}


def _is_closed(node: ast.AST) -> bool:
    return ast.unparse(node) == "Status.CLOSED"


async def test_where_nobody_listens_nothing_is_written(db: Any) -> None:
    deaf = await known_shop(db)
    await by_link(deaf)
    assert await said(deaf) == []


async def test_a_word_comes_before_the_end_that_it_means(shop: KnownShop) -> None:
    await by_link(shop)
    assert [one["type"] for one in await said(shop)] == ["customer.opted_out", "journey.closed"]
    first = (await said(shop))[0]
    assert first["data"] == {"channel": "email", "purpose": "marketing", "reason": "objection"}
    assert (first["customer_id"], first["at"]) == ((await shop.customer("jeanne"))["id"], J0)


async def test_an_objection_is_announced_for_each_channel_that_it_closes(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE))
    await shop.opt_out("jeanne@example.com", J0, tuple(Channel))
    assert [one["data"]["channel"] for one in await said(shop)] == list(Channel)


async def test_what_the_shop_itself_says_is_not_told_back_to_it(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE))
    await shop.hears(identify(person("jeanne", withdrawn(NOON + DAY)), NOON + DAY))
    assert await said(shop) == []


async def test_a_complaint_is_announced_once_however_often_it_is_told(shop: KnownShop) -> None:
    one = await sent(shop)
    for hours in (1, 2):
        await one.hears(told("complained", J0 + hours * HOUR))
    (row,) = await shop.rows(ANNOUNCEMENTS, type=Announced.OPTED_OUT)
    assert row["data"] == {"channel": "email", "purpose": "marketing", "reason": "complaint"}


async def test_an_unsubscription_at_the_provider_is_announced_unless_a_consent_came_later(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", granted(J0 + DAY)), J0 + DAY))
    await hears(shop, told("unsubscribed", J0), at=J0 + 2 * DAY)
    assert await said(shop) == []
    await hears(shop, told("unsubscribed", J0 + 3 * DAY))
    assert [one["type"] for one in await said(shop)] == ["customer.opted_out"]


async def test_a_dead_address_is_no_opt_out(shop: KnownShop) -> None:
    one = await sent(shop)
    await one.hears(one.told("bounced", permanent=True, reason="5.1.1"))
    assert await said(shop) == []


async def test_what_a_person_changes_on_their_page_is_announced(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")))
    customer = (await shop.customer("jeanne"))["id"]
    ways: tuple[tuple[set[Choice], set[Choice]], ...] = (
        ({Choice.EMAIL, Choice.OPEN_TRACKING}, set()),
        ({Choice.EMAIL}, {Choice.EMAIL, Choice.OPEN_TRACKING}),
        (set(), {Choice.EMAIL}),
    )
    heard: list[list[tuple[str, str]]] = []
    for number, (wanted, shown) in enumerate(ways):
        before = len(await said(shop))
        form = Form(frozenset(wanted), frozenset(shown))
        await shop.db.write(save_preferences, SHOP, customer, form, SoftOptIn.NONE, J0 + number * HOUR)
        rows = (await said(shop))[before:]
        heard.append([(one["type"], one["data"]["purpose"]) for one in rows])
    assert sorted(heard[0]) == [("customer.consented", "marketing"), ("customer.consented", "open_tracking")]
    assert heard[1:] == [[("customer.withdrew", "open_tracking")], [("customer.opted_out", "marketing")]]


async def test_a_provider_that_knows_of_an_objection_has_it_announced(shop: KnownShop) -> None:
    journey = await begun(shop)
    intent = await shop.intent(journey, at=J0)
    await shop.db.write(ledger.hand_over, intent, J0)
    draft = await shop.intent(journey, at=J0)
    ruling = ledger.ruled(Verdict.SKIPPED, Reason.PROVIDER_REFUSED, "21610")
    delivery, state = intent.delivery, DeliveryState.REFUSED
    for reason in (SuppressionReason.BOUNCE, SuppressionReason.OBJECTION):
        await shop.db.write(ledger.answered, draft.question, ruling, delivery, state, J0, reason)
    assert [one["data"].get("reason") for one in await said(shop)] == ["objection"]


async def test_an_announcement_names_nobody_but_by_our_ids(shop: KnownShop) -> None:
    await by_link(shop)
    await (await sent(shop, name="paul")).hears(told("complained", recipient="paul@example.com"))
    assert len(await said(shop)) == 4
    text = str(await said(shop))
    assert not [one for one in ("jeanne", "example.com", "612345678", "Jeanne", "paul") if one in text]


async def test_the_name_of_a_customer_is_the_shops_own_else_their_address_and_nothing_once_erased(
    shop: KnownShop,
) -> None:
    await shop.hears(identify(JEANNE), identify(person("paul", known=False)))
    for name, known in (("jeanne", {"shop_customer_id": "jeanne"}), ("paul", {"email": "paul@example.com"})):
        customer = (await shop.customer(name))["id"]
        assert await shop.db.read(announcements.name_of, customer) == known
    await shop.hears(redact(JEANNE, J0))
    (left,) = await shop.rows(CUSTOMERS)
    assert left["email"] == "paul@example.com"
    assert await shop.db.read(announcements.name_of, "nobody") == {}


async def write(shop: KnownShop, customer: str, *names: str, where: str = SHOP) -> list[str]:
    """Write announcements of a customer, and return their ids."""
    before = {one["id"] for one in await said(shop)}
    rows: list[Said] = [ended(customer, name, "cart", "cart", "expired", NOON) for name in names]
    await shop.db.write(announcements.announce, where, rows, NOON)
    return sorted({one["id"] for one in await said(shop)} - before)


async def claimed(shop: KnownShop, at: Any = NOON, limit: int = 10) -> list[AnnouncementRow]:
    return await shop.db.write(announcements.claim, [SHOP], at, limit)


async def test_of_each_customer_the_oldest_comes_first_and_the_next_one_once_it_was_heard(shop: KnownShop) -> None:
    first, second = await write(shop, "a", "1", "2")
    (other,) = await write(shop, "b", "1")
    assert [one.id for one in await claimed(shop)] == [first, other]
    assert await claimed(shop) == []
    await shop.db.write(announcements.heard, first, NOON)
    assert [one.id for one in await claimed(shop)] == [second]


async def test_two_who_claim_at_once_never_get_the_same_row(shop: KnownShop) -> None:
    for number in range(30):
        await write(shop, f"customer-{number}", "1", "2")
    pages = await asyncio.gather(*(claimed(shop, limit=5) for _ in range(12)))
    ids = [one.id for page in pages for one in page]
    assert len(ids) == len(set(ids))
    ids += [one.id for one in await claimed(shop, limit=99)]
    assert len(ids) == len(set(ids)) == 30


async def test_what_was_claimed_and_never_told_is_due_again(shop: KnownShop) -> None:
    (row,) = await write(shop, "a", "1")
    assert len(await claimed(shop)) == 1
    assert await claimed(shop, NOON + announcements.LEASE - timedelta(seconds=1)) == []
    assert [one.id for one in await claimed(shop, NOON + announcements.LEASE)] == [row]


async def test_a_failure_is_repeated_as_the_specification_advises_and_then_set_aside(shop: KnownShop) -> None:
    _, after = await write(shop, "a", "1", "2")
    at, pauses = NOON, []
    for _ in range(len(PAUSES)):
        (row,) = await claimed(shop, at)
        assert await shop.db.write(announcements.missed, row, "answered 500", at, timedelta())
        (again,) = [one for one in await shop.db.read(announcements.unheard) if one.id == row.id]
        pauses.append(again.next_try_at - at)
        at = again.next_try_at
    assert tuple(pauses) == PAUSES
    (row,) = await claimed(shop, at)
    assert not await shop.db.write(announcements.missed, row, "answered 500", at, timedelta())
    assert await claimed(shop, at + DAY) == []  # what follows it is held back
    assert await shop.db.read(announcements.lag, at) == (0.0, 1)
    assert await shop.db.write(announcements.drop, row.id)
    assert not await shop.db.write(announcements.drop, row.id)
    assert [one.id for one in await claimed(shop, at + DAY)] == [after]


async def test_what_is_set_aside_is_tried_again_by_hand_in_its_order(shop: KnownShop) -> None:
    first, second = await write(shop, "a", "1", "2")
    await write(shop, "b", "1")
    for _ in range(len(PAUSES) + 1):
        for row in await claimed(shop, NOON + GIVEN_UP):
            await shop.db.write(announcements.missed, row, "answered 500", NOON, timedelta())
    assert await claimed(shop, NOON + GIVEN_UP) == []
    assert await shop.db.write(announcements.retry, "unknown", NOON) == 0
    assert await shop.db.write(announcements.retry, first, NOON) == 1
    assert [one.id for one in await claimed(shop, NOON)] == [first]
    assert await shop.db.write(announcements.retry, None, NOON) == 1
    assert len(await claimed(shop, NOON)) == 1
    await shop.db.write(announcements.heard, first, NOON)
    assert [one.id for one in await claimed(shop, NOON)] == [second]


async def test_what_was_heard_stays_heard_whoever_comes_late(shop: KnownShop) -> None:
    (row,) = await write(shop, "a", "1")
    (mine,) = await claimed(shop)
    await shop.db.write(announcements.heard, row, NOON)
    await shop.db.write(announcements.missed, mine, "no answer", NOON, timedelta())
    assert await shop.db.read(announcements.unheard) == []
    assert await claimed(shop, NOON + DAY) == []


async def test_a_receiver_that_is_gone_is_left_alone_until_it_is_another_one(shop: KnownShop) -> None:
    await write(shop, "a", "1")
    (row,) = await claimed(shop)
    for _ in range(2):
        await shop.db.write(announcements.gone, row, "old", "410", NOON)
    assert await shop.db.read(announcements.due, {SHOP: "old"}, NOON) == []
    assert await shop.db.read(announcements.due, {SHOP: "new"}, NOON) == [SHOP]
    assert await shop.db.read(announcements.silent) == [(SHOP, "old")]
    await shop.db.write(announcements.retry, row.id, NOON)
    assert await shop.db.read(announcements.due, {SHOP: "old"}, NOON) == [SHOP]


async def test_the_lag_is_the_age_of_the_oldest_that_is_still_tried(shop: KnownShop) -> None:
    assert await shop.db.read(announcements.lag, NOON) == (0.0, 0)
    (row,) = await write(shop, "a", "1")
    assert await shop.db.read(announcements.lag, NOON + HOUR) == (3600.0, 0)
    await shop.db.write(announcements.heard, row, NOON)
    assert await shop.db.read(announcements.lag, NOON + HOUR) == (0.0, 0)


async def test_what_was_heard_goes_after_its_time_and_what_nobody_heard_after_a_season(shop: KnownShop) -> None:
    heard, _ = await write(shop, "a", "1", "2")
    await shop.db.write(announcements.heard, heard, NOON)
    for at, gone in ((NOON + KEPT, 0), (NOON + KEPT + MINUTE, 1), (NOON + GIVEN_UP, 0), (NOON + GIVEN_UP + MINUTE, 1)):
        assert await shop.db.write(announcements.prune, at, 10) == gone
    assert await said(shop) == []
