"""Requests with a clock: written with the fact that asks, closed by what carries them out, and telling nothing."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from models.erasing import CERTIFY_WITHIN, ErasureState
from models.events import Event, EventType, Person
from models.requests import SOON, TERM, RequestKind
from models.situation import SuppressionReason
from models.vocabulary import Channel
from rights.leaving import Leaving
from store import requests
from store.acts import By
from store.db import ConflictError, NotFoundError
from store.erasures import RETENTION
from store.forgetting import ask
from store.requests import RequestRow, RequestSearch
from store.schema import CARTS, CUSTOMERS, ERASURES, EVENTS, JOURNEYS, ORDERS, REQUESTS, SUPPRESSIONS
from tests.builders import DAY, HOUR, NOBODY, NOON, basket, checkout, granted, identify, order, person, redact, viewed
from tests.forgetful import JEANNE, NEEDLES, Clock, Forgetful, everything
from tests.known_shop import SHOP, KnownShop

AT = NOON + DAY


@pytest.fixture
async def forgetful(shop: KnownShop, tmp_path: Path) -> Forgetful:
    return Forgetful(shop.db, tmp_path, Clock(AT))


def asks(who: Person, number: str = "9999") -> Event:
    """A person asks the storefront what is kept of them."""
    key = f"data-request-{number}"
    return Event(key, EventType.DATA_REQUESTED, "", AT, who, properties={"data_request": number})


def leaves(number: int = 1) -> Event:
    """The shop has gone."""
    return Event(f"shop-redact-{number}", EventType.SHOP_REDACTED, "", AT)


async def listed(shop: KnownShop, *, open_only: bool = False) -> Sequence[RequestRow]:
    return await shop.db.read(requests.list_requests, RequestSearch(open_only))


async def only(shop: KnownShop) -> RequestRow:
    (found,) = await listed(shop)
    return found


async def done(shop: KnownShop, request: str) -> RequestRow:
    return await shop.db.write(requests.done, request, "lea", AT + HOUR)


async def test_a_request_for_data_has_thirty_days_and_is_closed_by_staff(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")))
    await shop.hears(asks(person("jeanne")))
    found = await only(shop)
    customer = (await shop.customer("jeanne"))["id"]
    assert (found.kind, found.customer_id, found.reference) == (RequestKind.ACCESS, customer, "9999")
    assert (found.actor, found.asked_at, found.due_at) == ("storefront", AT, AT + TERM)
    assert found.done_at is None
    closed = await done(shop, found.id)
    assert (closed.done_at, closed.done_by) == (AT + HOUR, "lea")
    assert await shop.db.write(requests.done, found.id, "noé", AT + DAY) == closed
    assert await listed(shop, open_only=True) == []


async def test_the_same_delivery_twice_asks_once(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")))
    for _ in range(2):
        await shop.hears(asks(person("jeanne")))
    await shop.hears(asks(person("jeanne"), "10000"))
    assert [one.reference for one in await listed(shop)] == ["10000", "9999"]


async def test_a_request_about_somebody_unknown_is_answered_at_once_and_makes_nobody_known(shop: KnownShop) -> None:
    await shop.hears(asks(person("stranger")))
    found = await only(shop)
    assert (found.done_at, found.done_by, found.reference, found.customer_id) == (AT, "relaunch", None, None)
    assert await shop.rows(CUSTOMERS) == []
    assert "stranger" not in await everything(shop)


async def test_a_request_is_no_activity_and_begins_nothing(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", granted(NOON))))
    await shop.hears(asks(person("jeanne")))
    assert (await shop.customer("jeanne"))["last_activity_at"] is None
    assert await shop.rows(JOURNEYS) == []


async def test_an_erasure_closes_its_own_request_when_it_is_certified(shop: KnownShop, forgetful: Forgetful) -> None:
    await shop.hears(checkout(JEANNE), redact(JEANNE, AT))
    found = await only(shop)
    job = await forgetful.job()
    assert (found.kind, found.reference, found.customer_id) == (RequestKind.ERASURE, job.id, job.customer_id)
    with pytest.raises(ConflictError, match="still being erased"):
        await done(shop, found.id)
    assert (await forgetful.done()).state == ErasureState.CERTIFIED
    closed = await only(shop)
    assert (closed.done_at, closed.done_by) == (AT, "relaunch")
    assert not [one for one in NEEDLES if one in await everything(shop)]


async def test_an_erasure_that_cannot_be_proved_stays_open_for_staff(
    shop: KnownShop, forgetful: Forgetful, engine: str
) -> None:
    await shop.hears(checkout(JEANNE))
    await forgetful.asks((await shop.row(CUSTOMERS))["id"])
    await forgetful.works()  # its journey's history cannot be searched: Temporal is away
    forgetful.clock.passes(CERTIFY_WITHIN)
    assert (await forgetful.done()).state == ErasureState.INCOMPLETE
    found = await only(shop)
    assert (found.actor, found.done_at) == ("support", None)
    assert (await done(shop, found.id)).done_by == "lea"


async def test_asking_staff_twice_to_be_forgotten_is_one_request_and_retention_is_none(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")), identify(person("paul")))
    jeanne, paul = [(await shop.customer(name))["id"] for name in ("jeanne", "paul")]
    for _ in range(2):
        await shop.db.write(ask, jeanne, By("support", None, AT))
    await shop.db.write(ask, paul, By(RETENTION, None, AT))
    assert [one.customer_id for one in await listed(shop)] == [jeanne]


async def test_an_erasure_of_somebody_unknown_is_done_at_once(shop: KnownShop) -> None:
    await shop.hears(redact(person("stranger"), AT))
    found = await only(shop)
    assert (found.kind, found.done_at, found.customer_id) == (RequestKind.ERASURE, AT, None)


async def test_whoever_is_erased_has_nothing_left_to_see_and_the_storefronts_number_goes(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await shop.hears(identify(JEANNE))
    await shop.hears(asks(JEANNE, "customer-4711"))
    await forgetful.asks((await shop.row(CUSTOMERS))["id"])
    assert (await forgetful.done()).state == ErasureState.CERTIFIED
    (found,) = await shop.rows(REQUESTS, kind="access")
    assert (found["reference"], found["done_at"], found["done_by"]) == (None, AT, "relaunch")
    assert not [one for one in NEEDLES if one in await everything(shop)]


async def test_the_clock_says_what_is_open_soon_and_overdue(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")))
    await shop.hears(asks(person("jeanne")))
    moments = (AT, AT + TERM - SOON + timedelta(seconds=1), AT + TERM, AT + TERM + timedelta(seconds=1))
    clocks = [await shop.db.read(requests.clock, at) for at in moments]
    assert [(one.open, one.soon, one.overdue) for one in clocks] == [(1, 0, 0), (1, 1, 0), (1, 1, 0), (1, 0, 1)]
    await done(shop, (await only(shop)).id)
    assert await shop.db.read(requests.clock, AT + 2 * TERM) == requests.Clock(0, 0, 0)


async def test_an_unknown_request_cannot_be_done(shop: KnownShop) -> None:
    with pytest.raises(NotFoundError, match="no such request"):
        await done(shop, "0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77")


async def test_lists_come_in_pages(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne")))
    await shop.hears(*(asks(person("jeanne"), str(number)) for number in range(5)))
    for search, step in ((RequestSearch(limit=2), -1), (RequestSearch(open=True, limit=2), 1)):
        ids: list[str] = []
        while page := await shop.db.read(
            requests.list_requests, RequestSearch(search.open, ids[-1] if ids else None, search.limit)
        ):
            ids += [one.id for one in page]
        assert ids == sorted(ids)[::step]
        assert len(ids) == 5


async def fill(shop: KnownShop, number: int) -> None:
    """Let a shop have customers, carts and events, some of nobody, and another shop have a customer."""
    people = [person(f"customer-{one:03}", granted(NOON)) for one in range(number)]
    await shop.hears(*(viewed(one) for one in people), *(order(one, f"O{at}") for at, one in enumerate(people[:3])))
    await shop.hears(basket(NOBODY, "nobodys"), viewed(NOBODY))
    await shop.hears(identify(person("elsewhere")), shop="other")


async def empties(shop: KnownShop, forgetful: Forgetful, times: int = 12) -> None:
    runner = Leaving(shop.db, forgetful.clock)
    for _ in range(times):
        await runner.once()
        await forgetful.works()
        forgetful.clock.passes(HOUR)


async def test_a_shop_that_leaves_is_forgotten_page_by_page_until_nobody_is_left(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await fill(shop, 70)
    await shop.hears(leaves())
    request = await only(shop)
    assert (request.kind, request.due_at, request.done_at) == (RequestKind.SHOP_ERASURE, AT + TERM, None)
    await Leaving(shop.db, forgetful.clock).once()
    assert len(await shop.rows(CUSTOMERS, shop=SHOP)) == 20
    with pytest.raises(ConflictError):
        await done(shop, request.id)
    await empties(shop, forgetful)
    assert [one["email"] for one in await shop.rows(CUSTOMERS)] == ["elsewhere@example.com"]
    jobs = await shop.rows(ERASURES)
    assert {(one["state"], one["actor"]) for one in jobs} == {("certified", "shop_erasure")}
    assert len(jobs) == 70
    assert await shop.rows(CARTS) == []
    assert [one["type"] for one in await shop.rows(EVENTS, shop=SHOP)] == ["Shop Redacted"]
    assert len(await shop.rows(ORDERS)) == 3  # as figures of nobody
    assert (await only(shop)).done_by == "relaunch"
    assert "customer-" not in await everything(shop)


async def test_a_shop_that_leaves_closes_no_address_but_those_whose_owners_objected(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await shop.hears(identify(person("jeanne")), identify(person("paul")))
    await shop.opt_out("paul@example.com", NOON)
    await shop.hears(leaves())
    await empties(shop, forgetful)
    (kept,) = await shop.rows(SUPPRESSIONS)
    assert (kept["reason"], kept["channel"]) == (SuppressionReason.OBJECTION, Channel.EMAIL)
    assert "@" not in kept["address"]


async def test_whoever_comes_after_the_shop_has_left_stays(shop: KnownShop, forgetful: Forgetful) -> None:
    await shop.hears(identify(person("jeanne")))
    await shop.hears(leaves())
    await shop.hears(identify(person("paul"), AT + DAY), viewed(NOBODY, AT + DAY))
    await empties(shop, forgetful)
    assert [one["email"] for one in await shop.rows(CUSTOMERS)] == ["paul@example.com"]
    assert (await only(shop)).done_at is not None
    assert "Product Viewed" in {one["type"] for one in await shop.rows(EVENTS)}


async def test_a_shops_erasure_that_is_repeated_or_killed_half_way_goes_on(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await fill(shop, 60)
    await shop.hears(leaves())
    await shop.hears(leaves())
    assert len(await listed(shop)) == 1
    for _ in range(3):  # another process each time
        await Leaving(shop.db, forgetful.clock).once()
        forgetful.is_killed()
        await forgetful.runner.once()
    await empties(shop, forgetful)
    assert (await only(shop)).done_at is not None
    assert await shop.rows(CUSTOMERS, shop=SHOP) == []


async def test_journeys_end_in_a_shop_that_leaves(shop: KnownShop, forgetful: Forgetful) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(leaves())
    await Leaving(shop.db, forgetful.clock).once()
    assert (await shop.journey())["outcome"] == "erased"
