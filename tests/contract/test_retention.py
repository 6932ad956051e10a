import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from models.events import Event, Person
from models.retention import EVERY, SOON, cutoffs
from models.vocabulary import Channel, DeliveryState
from rights import retaining
from rights.retaining import Retaining
from settings import Settings
from store import chores, retention
from store.audit import Invariant, audit
from store.schema import CUSTOMERS, DELIVERIES, ERASURES, EVENTS, SUPPRESSIONS
from tests.builders import (
    DAY,
    HOUR,
    NOBODY,
    NOON,
    added,
    checkout,
    clicked,
    granted,
    identify,
    opened,
    order,
    person,
    refund,
    viewed,
    withdrawn,
)
from tests.forgetful import Clock
from tests.known_shop import KnownShop

J0 = NOON + HOUR
KEPT = timedelta(days=1095)
TICK = timedelta(microseconds=1)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON + KEPT)


@pytest.fixture
def keeper(shop: KnownShop, tmp_path: Path, clock: Clock) -> Retaining:
    return Retaining(shop.db, Settings(home=tmp_path), clock)


def did(name: str, what: str, at: datetime) -> Event:
    """Return something that happens to somebody."""
    who = person(name)
    return {
        "looks": viewed(who, at),
        "adds to the cart": added(who, f"cart-{name}", at=at),
        "clicks": clicked(who, at),
        "orders": order(who, f"order-{name}-{at.isoformat()}", at=at),
        "agrees": identify(person(name, granted(at)), at),
        "opens": opened(who, at),
        "is described": identify(replace(who, first_name=at.isoformat()), at),
        "withdraws": identify(person(name, withdrawn(at)), at),
    }[what]


OWN = ("looks", "adds to the cart", "clicks", "orders", "agrees")
NOT_OWN = ("opens", "is described", "withdraws")


async def left(shop: KnownShop) -> set[str]:
    return {str(one["external_id"]) for one in await shop.rows(CUSTOMERS)}


@pytest.mark.parametrize("what", OWN)
async def test_an_action_of_their_own_keeps_a_person_to_the_moment(
    shop: KnownShop, keeper: Retaining, clock: Clock, what: str
) -> None:
    first = identify(person("jeanne"), NOON - 400 * DAY)
    await shop.hears(first, did("jeanne", what, NOON))
    assert (await keeper.once()).people == 0
    assert await left(shop) == {"jeanne"}
    clock.passes(TICK)
    assert (await keeper.once()).people == 1
    assert await left(shop) == set()
    (job,) = await shop.rows(ERASURES)
    assert (job["actor"], job["state"]) == ("retention", "asked")
    assert await shop.rows(SUPPRESSIONS) == []


@pytest.mark.parametrize("what", NOT_OWN)
async def test_what_is_no_action_of_their_own_keeps_nobody(shop: KnownShop, keeper: Retaining, what: str) -> None:
    await shop.hears(viewed(person("jeanne"), NOON - TICK), did("jeanne", what, NOON + 100 * DAY))
    assert (await keeper.once()).people == 1


async def test_an_order_that_turns_out_later_to_be_theirs_keeps_a_person(
    shop: KnownShop, keeper: Retaining, clock: Clock
) -> None:
    await shop.hears(identify(person("jeanne"), NOON - 10 * DAY), order(NOBODY, "O1", at=NOON))
    await shop.hears(refund(person("jeanne"), "O1", NOON + DAY, 100))
    assert (await keeper.once()).people == 0
    clock.passes(TICK)
    assert (await keeper.once()).people == 1


async def test_a_refund_is_the_shops_action(shop: KnownShop, keeper: Retaining) -> None:
    jeanne = person("jeanne")
    await shop.hears(order(jeanne, "O1", at=NOON - DAY), refund(jeanne, "O1", NOON + 100 * DAY, 100))
    assert (await keeper.once()).people == 1


async def test_who_never_did_anything_is_measured_by_when_they_were_first_heard_of(
    shop: KnownShop, keeper: Retaining
) -> None:
    await shop.hears(identify(person("kept"), NOON), identify(person("gone"), NOON - TICK))
    await keeper.once()
    assert await left(shop) == {"kept"}


async def test_over_random_lives_whoever_goes_is_whoever_has_not_acted(
    shop: KnownShop, keeper: Retaining, clock: Clock
) -> None:
    chance, expected, events = random.Random(7), set[str](), []
    for number in range(60):
        name, before = f"c{number}", clock() - KEPT
        lived = [(what, before + chance.choice([-1, 1]) * chance.random() * 300 * DAY) for what in (*OWN, *NOT_OWN)]
        lived = chance.sample(lived, chance.randint(1, 4))
        events += [did(name, what, at) for what, at in lived]
        acted = [at for what, at in lived if what in OWN]
        seen = min(at for _, at in lived)
        if max(acted, default=seen) >= before:
            expected.add(name)
    for one in events:
        await shop.hears(one, at=clock())
    dry = await shop.db.read(retention.count, cutoffs(clock(), 1095, 1095))
    quiet = await shop.db.read(retention.quiet_people, clock() - KEPT, "", 100)
    ended = await keeper.once()
    assert await left(shop) == expected
    assert (dry.people, len(quiet)) == (ended.people, ended.people)
    assert all(one.since < clock() - KEPT for one in quiet)
    assert 10 < len(expected) < 50


async def sent(shop: KnownShop) -> str:
    """Send the first step of a journey, and return the delivery's id."""
    await shop.hears(checkout(person("jeanne", granted(NOON - DAY))))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, J0)
    await shop.hand_over(journey, at=J0)
    await shop.settle(journey, DeliveryState.SENT, at=J0)
    await shop.hears(viewed(person("jeanne"), NOON + 400 * DAY))
    return str((await shop.row(DELIVERIES))["id"])


async def test_the_text_of_an_old_message_goes_and_that_it_was_sent_stays(
    shop: KnownShop, keeper: Retaining, clock: Clock
) -> None:
    delivery = await sent(shop)
    keeper.settings.outbox_dir.mkdir()
    file = keeper.settings.outbox_dir / f"{delivery}.eml"
    file.write_text("Bonjour")
    clock.at = J0 + KEPT
    assert (await keeper.once()).messages == 0
    clock.passes(TICK)
    assert (await shop.db.read(retention.count, cutoffs(clock(), 1095, 1095))).messages == 1
    assert (await keeper.once()).messages == 1
    row = await shop.row(DELIVERIES)
    assert (row["message"], row["emptied_at"], row["state"]) == (None, clock(), "sent")
    assert not file.exists()
    assert await left(shop) == {"jeanne"}
    assert await shop.db.read(audit) == []
    assert (await keeper.once()).messages == 0


async def test_a_message_that_is_lost_otherwise_is_still_a_broken_promise(shop: KnownShop) -> None:
    await sent(shop)
    await shop.db.write(lambda connection: connection.execute(DELIVERIES.update().values(message=None)))
    assert [one.invariant for one in await shop.db.read(audit)] == [Invariant.DECIDED]


async def test_old_behaviour_goes_and_the_person_who_came_back_stays(shop: KnownShop, keeper: Retaining) -> None:
    old = [viewed(person("jeanne"), NOON - one * DAY, f"p{one}") for one in range(1, 5)]
    await shop.hears(*old, viewed(person("jeanne"), NOON, "kept"), at=NOON)
    assert (await keeper.once()).events == 4
    assert [one["product_id"] for one in await shop.rows(EVENTS)] == ["kept"]
    assert await left(shop) == {"jeanne"}


async def test_old_behaviour_of_every_shop_goes_page_by_page_and_so_much_in_a_run(
    shop: KnownShop, keeper: Retaining, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retaining, "EVENTS", 5)
    monkeypatch.setattr("models.retention.EVENTS", 5)
    monkeypatch.setattr(retaining, "_PAGE_OF_EVENTS", 2)
    old = [viewed(person("jeanne"), NOON - one * DAY, f"p{one}") for one in range(1, 5)]
    for name in ("main", "other"):
        await shop.hears(*old, viewed(person("jeanne"), NOON, "kept"), at=NOON, shop=name)
    runs = [await keeper.once() for _ in range(3)]
    assert [(one.events, one.more) for one in runs] == [(5, True), (3, False), (0, False)]
    assert [(one["shop"], one["product_id"]) for one in await shop.rows(EVENTS)] == [
        ("main", "kept"),
        ("other", "kept"),
    ]


async def test_retention_is_as_long_as_the_shop_says(shop: KnownShop, tmp_path: Path, clock: Clock) -> None:
    await shop.hears(viewed(person("jeanne"), NOON))
    clock.at = NOON + 30 * DAY + TICK
    for days, people in ((31, 0), (30, 1)):
        assert (await Retaining(shop.db, Settings(home=tmp_path, retention=days), clock).once()).people == people


async def test_a_run_ends_so_much_and_the_rest_an_hour_later(
    shop: KnownShop, keeper: Retaining, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retaining, "PEOPLE", 4)
    monkeypatch.setattr("models.retention.PEOPLE", 4)
    monkeypatch.setattr(retaining, "_PAGE", 2)
    await shop.hears(*(viewed(Person(f"c{one}", f"c{one}@example.com"), NOON - DAY) for one in range(7)), at=NOON)
    assert await shop.db.write(chores.claim, "retention", clock(), EVERY)
    assert (await keeper.once()).people == 4
    clock.passes(SOON)
    assert await shop.db.write(chores.claim, "retention", clock(), EVERY)
    assert (await keeper.once()).people == 3
    clock.passes(SOON)
    assert not await shop.db.write(chores.claim, "retention", clock(), EVERY)


async def test_somebody_elses_journey_at_the_same_address_goes_on(shop: KnownShop, keeper: Retaining) -> None:
    twin = replace(person("jeanne"), external_id="second")
    await shop.hears(viewed(person("jeanne"), NOON - DAY), at=NOON)
    await shop.hears(checkout(replace(twin, consents=(granted(NOON, Channel.EMAIL),)), at=NOON + HOUR))
    await keeper.once()
    assert await left(shop) == {"second"}
    assert (await shop.journey())["outcome"] is None
