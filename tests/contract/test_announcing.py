"""A shop's CRM is told what became of its customers: by real HTTP, verified, in order, and on bad days too."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from announcing import Announcing, body_of, listener
from cli.services import Services
from models.announcing import KEPT, PAUSES, ended
from rights.retaining import Retaining
from runtime import clock
from runtime.shop_settings import ShopSettings
from settings import Settings
from store import announcements, shops
from store.acts import By
from store.announcements import AnnouncementRow
from store.db import Database, connect
from store.forgetting import ask
from store.schema import ANNOUNCEMENTS, EVENTS
from tests.api_app import EMAIL, Api, serving
from tests.api_app import checkout as event_of_checkout
from tests.builders import DAY, HOUR, MINUTE, NOON, checkout, granted, identify, person
from tests.forgetful import Clock
from tests.known_shop import RECORD, SHOP, KnownShop, known_shop
from tests.provider_double import Act, Reply
from tests.receiver import SECRET, Receiver

JEANNE = person("jeanne", granted(NOON - DAY))


class Crm:
    """A shop with one runner of announcements, its receiver, and a clock that stands still until it is moved."""

    def __init__(self, shop: KnownShop, receiver: Receiver, time: Clock) -> None:
        self.shop, self.receiver, self.clock = shop, receiver, time
        self.runner = self.another()

    def another(self, path: str = "/hook", patience_s: float = 5.0) -> Announcing:
        settings = ShopSettings(
            id=SHOP, webhook_url=f"{self.receiver.url}{path}", webhook_secret=SecretStr(SECRET), url="https://s.example"
        )
        return Announcing(self.shop.db, [settings], self.clock, patience_s=patience_s)

    async def says(self, customer: str, *outcomes: str) -> list[str]:
        """Write ends of journeys of a customer, and return their ids."""
        said = [ended(customer, f"journey-{one}", "cart", "cart", one, self.clock()) for one in outcomes]
        before = {one["id"] for one in await self.rows()}
        await self.shop.db.write(announcements.announce, SHOP, said, self.clock())
        return sorted({one["id"] for one in await self.rows()} - before)

    async def rows(self) -> list[Any]:
        return await self.shop.rows(ANNOUNCEMENTS)

    async def row(self, name: str) -> Any:
        return await self.shop.row(ANNOUNCEMENTS, id=name)

    async def works(self, times: int = 10) -> int:
        """Tell whatever is due, and what becomes due by that, at this moment."""
        return sum([await self.runner.once() for _ in range(times)])


@pytest.fixture
async def crm(db: Database) -> AsyncIterator[Crm]:
    shop = await known_shop(db)
    await db.write(shops.save_shops, [replace(RECORD, announces=True)])
    time = Clock(NOON)
    async with Receiver(time) as receiver:
        one = Crm(shop, receiver, time)
        yield one
        await one.runner.aclose()


async def ended_with(running: asyncio.Task[None]) -> None:
    """Kill a runner."""
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_what_a_person_decides_and_how_a_journey_ends_reaches_the_shop_signed(crm: Crm) -> None:
    await crm.shop.hears(checkout(JEANNE))
    await crm.shop.opt_out("jeanne@example.com", NOON + HOUR)
    crm.clock.passes(HOUR)
    assert await crm.works() == 2
    customer, journey = (await crm.shop.customer("jeanne"))["id"], (await crm.shop.journey())["id"]
    known = {"shop": SHOP, "customer_id": customer, "shop_customer_id": "jeanne"}
    word = {"channel": "email", "purpose": "marketing", "reason": "objection"}
    end = {"journey_id": journey, "kind": "cart", "policy": "cart", "outcome": "opted_out"}
    stamp = "2026-03-02T13:00:00.000Z"
    assert crm.receiver.heard == [
        {"type": "customer.opted_out", "timestamp": stamp, "data": known | word},
        {"type": "journey.closed", "timestamp": stamp, "data": known | end},
    ]
    assert crm.receiver.ids == [one["id"] for one in await crm.rows()]
    assert all(one["sent_at"] == crm.clock() for one in await crm.rows())
    assert [one.path for one in crm.receiver.asked] == ["/hook", "/hook"]


async def test_the_official_library_verifies_what_we_send(crm: Crm) -> None:
    crm.clock.at = clock.now()
    await crm.says("a", "expired")
    await crm.works()
    (asked,) = crm.receiver.asked
    assert Webhook(SECRET).verify(asked.body, dict(asked.headers))["type"] == "journey.closed"
    assert asked.headers["content-type"] == "application/json"


async def test_whom_the_shop_does_not_know_is_named_by_the_address_and_whoever_was_erased_by_nothing(crm: Crm) -> None:
    await crm.shop.hears(checkout(person("paul", granted(NOON - DAY), known=False)))
    customer = (await crm.shop.customer("paul"))["id"]
    await crm.says(customer, "expired")
    await crm.works()
    assert crm.receiver.heard[0]["data"]["email"] == "paul@example.com"
    await crm.shop.db.write(ask, customer, By("support", None, NOON))
    assert await crm.works() == 1
    last = crm.receiver.heard[-1]["data"]
    assert (last["outcome"], last["customer_id"]) == ("erased", customer)
    assert set(last) == {"shop", "customer_id", "journey_id", "kind", "policy", "outcome"}


async def test_a_failure_holds_back_what_follows_of_the_same_customer_and_nobody_else(crm: Crm) -> None:
    await crm.says("a", "1", "2", "3")
    await crm.says("b", "1", "2", "3")
    crm.receiver.moods["a"] = Reply(500)
    assert await crm.works() == 3
    assert (crm.receiver.told("a"), crm.receiver.told("b")) == ([], ["1", "2", "3"])
    crm.receiver.moods.clear()
    assert await crm.works() == 0  # its time has not come
    crm.clock.passes(PAUSES[0])
    assert await crm.works() == 3
    assert crm.receiver.told("a") == ["1", "2", "3"]


@pytest.mark.parametrize("failures", range(1, 5))
async def test_the_order_holds_whatever_fails(crm: Crm, failures: int) -> None:
    moods: list[Reply | Act] = [Reply(500), Reply(404), Act.DROP, Act.DROP_AFTER]
    for name in ("a", "b", "c"):
        await crm.says(name, "1", "2", "3", "4")
    for number in range(failures):
        crm.receiver.moods = {"a": moods[number % 4], "b": moods[(number + 1) % 4]}
        await crm.works(3)
        crm.clock.passes(DAY)
    crm.receiver.moods.clear()
    for _ in range(4):
        await crm.works(5)
        crm.clock.passes(DAY)
    assert [crm.receiver.told(name) for name in ("a", "b", "c")] == [["1", "2", "3", "4"]] * 3


async def test_a_receiver_that_is_down_for_long_hears_everything_when_it_is_back(crm: Crm) -> None:
    for number in range(20):
        await crm.says(f"customer-{number}", "1", "2")
    await crm.receiver.down()
    for _ in range(30):
        assert await crm.works(3) == 0
        crm.clock.passes(10 * MINUTE)
    assert not any(one["set_aside"] for one in await crm.rows())
    assert {one["problem"] for one in await crm.rows()} == {"the receiver cannot be reached", None}
    await crm.receiver.up()
    for _ in range(12):
        await crm.works(5)
        crm.clock.passes(HOUR)
    assert all(crm.receiver.told(f"customer-{number}") == ["1", "2"] for number in range(20))


async def test_what_nobody_takes_is_set_aside_and_waits_for_an_operator(crm: Crm) -> None:
    first, second = await crm.says("a", "1", "2")
    crm.receiver.moods["a"] = Reply(400, b"jeanne@example.com is unknown here")
    tries = 0
    while not (await crm.row(first))["set_aside"]:
        crm.clock.at = max(crm.clock(), (await crm.row(first))["next_try_at"])
        await crm.works(2)
        tries += 1
    assert tries == len(PAUSES) + 1 == len(crm.receiver.asked)
    assert (await crm.row(first))["problem"] == "the receiver answered 400"
    crm.receiver.moods.clear()
    crm.clock.passes(DAY)
    assert await crm.works() == 0
    await crm.shop.db.write(announcements.retry, first, crm.clock())
    assert await crm.works() == 2
    assert crm.receiver.ids == [first, second]


async def test_an_endpoint_that_is_gone_is_not_asked_again_until_its_url_changes(crm: Crm) -> None:
    await crm.says("a", "1")
    crm.receiver.moods[None] = Reply(410)
    assert await crm.works() == 0
    await crm.says("b", "1")
    crm.clock.passes(30 * DAY)
    assert await crm.works() == 0
    assert len(crm.receiver.asked) == 1
    assert len(await crm.shop.db.read(announcements.silent)) == 1
    crm.receiver.moods.clear()
    moved = crm.another("/new")
    assert await moved.once() == 2
    await moved.aclose()


async def test_a_redirect_is_never_followed(crm: Crm) -> None:
    (row,) = await crm.says("a", "1")
    crm.receiver.moods[None] = Reply(307, headers={"Location": f"{crm.receiver.url}/elsewhere"})
    assert await crm.works() == 0
    assert [one.path for one in crm.receiver.asked] == ["/hook"]
    assert "it sends us elsewhere" in (await crm.row(row))["problem"]


async def test_a_receiver_that_says_nothing_is_given_up_in_time_and_keeps_nobody_else_waiting(crm: Crm) -> None:
    (stuck,) = await crm.says("a", "1")
    for number in range(20):
        await crm.says(f"customer-{number}", "1", "2")
    crm.receiver.moods["a"] = Act.HANG
    running = asyncio.create_task(crm.another(patience_s=60).run(every=0.02))
    await crm.receiver.has(lambda: len(crm.receiver.heard) == 40)
    await ended_with(running)
    crm.clock.passes(announcements.LEASE)
    hasty = crm.another(patience_s=0.2)
    await hasty.once()
    await hasty.aclose()
    assert (await crm.row(stuck))["problem"] == "the receiver did not answer within 0.2 s"


@pytest.mark.parametrize(("status", "told", "rest"), [(429, "120", 120), (503, "Mon, 02 Mar 2026 12:10:00 GMT", 600)])
async def test_a_receiver_that_asks_for_a_rest_gets_it(crm: Crm, status: int, told: str, rest: int) -> None:
    (row,) = await crm.says("a", "1")
    crm.receiver.moods[None] = Reply(status, headers={"Retry-After": told})
    assert await crm.works() == 0
    assert (await crm.row(row))["next_try_at"] == NOON + timedelta(seconds=rest)  # whoever tries it
    crm.receiver.moods.clear()
    await crm.says("b", "1")
    crm.clock.passes(timedelta(seconds=rest - 1))
    assert await crm.works() == 0
    assert len(crm.receiver.asked) == 1
    crm.clock.passes(timedelta(seconds=2))
    assert await crm.works() == 2


async def test_several_instances_at_once_tell_everything_once_and_in_order(crm: Crm) -> None:
    for number in range(15):
        await crm.says(f"customer-{number}", "1", "2", "3")
    others = [crm.another() for _ in range(3)]
    for _ in range(8):
        await asyncio.gather(*(one.once() for one in (crm.runner, *others)))
    assert all(crm.receiver.told(f"customer-{number}") == ["1", "2", "3"] for number in range(15))
    assert len(crm.receiver.asked) == 45
    for one in others:
        await one.aclose()


async def test_an_answer_that_is_lost_makes_a_repetition_under_the_same_id(crm: Crm) -> None:
    (row,) = await crm.says("a", "1")
    crm.receiver.moods["a"] = Act.DROP_AFTER
    assert await crm.works() == 0
    crm.receiver.moods.clear()
    crm.clock.passes(PAUSES[0])
    assert await crm.works() == 1
    assert [one.headers["webhook-id"] for one in crm.receiver.asked] == [row, row]
    assert len({one.headers["webhook-timestamp"] for one in crm.receiver.asked}) == 2
    assert len(crm.receiver.heard) == 1


async def test_a_runner_that_is_killed_in_a_call_leaves_the_rest_to_another(crm: Crm) -> None:
    await crm.says("a", "1")
    crm.receiver.moods["a"] = Act.HANG
    running = asyncio.create_task(crm.another().run(every=0.02))
    await crm.receiver.has(lambda: bool(crm.receiver.asked))
    await ended_with(running)
    crm.receiver.moods.clear()
    assert await crm.works() == 0
    crm.clock.passes(announcements.LEASE)
    assert await crm.works() == 1


async def test_nothing_of_a_person_or_a_receiver_is_logged(crm: Crm, capsys: pytest.CaptureFixture[str]) -> None:
    await crm.shop.hears(identify(JEANNE))
    await crm.says((await crm.shop.customer("jeanne"))["id"], "1")
    crm.receiver.moods[None] = Reply(500, b"jeanne@example.com")
    runner = crm.another("/hook?token=very-secret")
    await runner.once()
    await runner.aclose()
    said = capsys.readouterr()
    assert "answered 500" in said.out
    assert not [one for one in ("jeanne", "very-secret", SECRET) if one in said.out + said.err + repr(runner)]


def test_a_body_is_far_smaller_than_twenty_kilobytes() -> None:
    row = AnnouncementRow("0" * 36, "s" * 63, "0" * 36, "journey.closed", {"policy": "p" * 200}, NOON, NOON)
    assert len(body_of(row, {"email": "e" * 320}).encode()) < 2_000


def test_a_shop_that_names_no_receiver_has_none() -> None:
    assert listener(ShopSettings()) is None


def test_a_fact_bears_its_own_time_in_utc() -> None:
    at = datetime(2026, 7, 1, 14, 0, 0, 5000, tzinfo=UTC)
    row = AnnouncementRow("i", SHOP, None, "journey.closed", {}, at, NOON)
    assert '"timestamp":"2026-07-01T14:00:00.005Z"' in body_of(row, {})


async def test_a_runner_whose_store_is_away_waits_for_it() -> None:
    away = connect("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    shop = ShopSettings(webhook_url="https://crm.example", webhook_secret=SecretStr(SECRET))
    runner = Announcing(away, [shop], clock.now)
    assert await runner.once() == 0
    await runner.aclose()
    await away.aclose()


async def test_the_chain_holds_from_the_api_to_the_shop(tmp_path: Path, database_url: str) -> None:
    async with (
        Receiver(clock.now) as receiver,
        serving(tmp_path, database_url, webhook_url=receiver.url, webhook_secret=SecretStr(SECRET)) as api,
    ):
        await api.post("/v1/events", event_of_checkout(), 202)
        await api.post("/v1/opt-outs", {"email": EMAIL, "channel": "email"})
        services = Services(api.installation, "127.0.0.1:1")
        async with services.running(services.keeping):
            await receiver.has(lambda: len(receiver.heard) == 2)
    assert [one["type"] for one in receiver.heard] == ["customer.opted_out", "journey.closed"]
    assert {one["data"]["email"] for one in receiver.heard} == {EMAIL}


async def test_a_rehearsal_tells_nobody_anything_neither_meanwhile_nor_afterwards(
    tmp_path: Path, database_url: str
) -> None:
    async def opts_out(api: Api, name: str) -> None:
        await api.post("/v1/events", event_of_checkout(name, f"{name}@example.com"), 202)
        await api.post("/v1/opt-outs", {"email": f"{name}@example.com", "channel": "email"})

    def kept(api: Api) -> Awaitable[Any]:
        return api.read(lambda store: store.execute(select(ANNOUNCEMENTS).order_by(ANNOUNCEMENTS.c.id)).all())

    long_ago = event_of_checkout("old", "old@example.com", timestamp="2020-03-02T12:00:00Z")
    old = select(EVENTS.c.key).where(EVENTS.c.at < datetime(2021, 1, 1, tzinfo=UTC))
    async with Receiver(clock.now) as receiver:
        of_shop: dict[str, Any] = {"webhook_url": receiver.url, "webhook_secret": SecretStr(SECRET)}
        async with serving(tmp_path, database_url, **of_shop) as api:
            await opts_out(api, "before")
            await api.post("/v1/events", long_ago, 202)
            waiting = await kept(api)
        async with serving(tmp_path, database_url, rehearsal=True, **of_shop) as api:
            await opts_out(api, "rehearsed")
            services = Services(api.installation, "127.0.0.1:1")
            async with services.running(services.keeping), asyncio.timeout(5):
                while await api.read(lambda store: store.execute(old).first()):  # until everything else is under way
                    pass
            assert (receiver.asked, await kept(api)) == ([], waiting)
        async with serving(tmp_path, database_url, **of_shop) as api:
            services = Services(api.installation, "127.0.0.1:1")
            async with services.running(services.keeping):
                await receiver.has(lambda: len(receiver.heard) == len(waiting))
    assert {one["data"]["email"] for one in receiver.heard} == {"before@example.com"}


async def test_the_daily_chore_ends_what_was_kept_for_long_enough(crm: Crm, tmp_path: Path) -> None:
    await crm.says("a", "1", "2")
    await crm.works()
    later = Clock(NOON + KEPT + HOUR)
    await Retaining(crm.shop.db, Settings(home=tmp_path), later).once()
    assert await crm.rows() == []
