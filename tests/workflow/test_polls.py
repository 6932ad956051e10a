import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr
from temporalio.client import Client, Schedule, ScheduleOverlapPolicy, WorkflowHandle
from temporalio.exceptions import ApplicationErrorCategory

from api.app import create_app
from models.events import Event, EventType, OrderFacts, OrderStatus, Person
from models.journey import TASK_QUEUE
from models.polling import PollRequest
from models.vocabulary import Outcome
from runtime import clock
from runtime.schedules import POLL, schedule_polls
from runtime.shop_settings import ShopSettings
from settings import Settings
from store import polls
from store.schema import EVENTS
from storefronts.base import StorefrontAway, StorefrontRefused
from tests.asked_shop import AskedShop
from tests.temporal_env import Temporal, events_of
from tests.trial import HOUR, SHOP, Journey, Trial, about
from tests.workflow.conftest import Install
from workflows.poll import PAGES

MINUTE = timedelta(minutes=1)
ORDERS = PollRequest(SHOP.id, "woocommerce", "orders")
CARTS = PollRequest(SHOP.id, "woocommerce", "carts")
Run = WorkflowHandle[object, int]


@pytest.fixture
def api() -> AskedShop:
    return AskedShop()


@pytest.fixture
def polled(trial_at_rest: Trial, api: AskedShop) -> Trial:
    """An installation that can ask its storefront, hourly."""
    settings = Settings(home=trial_at_rest.installation.settings.home, poll_every=HOUR)
    trial_at_rest.installation = replace(trial_at_rest.installation, settings=settings)
    trial_at_rest.apis = {SHOP.id: api}
    return trial_at_rest


@pytest.fixture
async def trial_at_rest(install: Install) -> Trial:
    return await install()


def paid(number: int, who: Person | None = None, *tokens: str) -> Event:
    facts = OrderFacts(f"O{number}", OrderStatus.PAID, cart_tokens=tokens, currency="EUR", value=9000)
    buyer = who or Person(external_id=f"b{number}", email=f"b{number}@example.org")
    return Event(f"paid-{number}", EventType.ORDER_COMPLETED, "", clock.now(), replace(buyer, consents=()), order=facts)


async def started(trial: Trial, request: PollRequest) -> Run:
    """Start a poll as the schedule does."""
    name = f"{POLL}{request.shop}/{request.stream}-{clock.now().timestamp()}"
    found: Run = await trial.temporal.client.start_workflow(
        "Poll", request, id=name, task_queue=TASK_QUEUE, result_type=int
    )
    return found


async def state(trial: Trial, request: PollRequest = ORDERS) -> polls.Poll:
    return await trial.database.read(polls.load, request.shop, request.storefront, request.stream)


async def fails(trial: Trial, request: PollRequest = ORDERS) -> polls.Poll:
    """Wait for the first failure."""
    async with asyncio.timeout(20):
        while not (found := await state(trial, request)).failures:
            await asyncio.sleep(0.02)
    return found


async def ends(run: Run) -> int:
    async with asyncio.timeout(30):
        return await run.result()


async def stopped(journey: Journey) -> Outcome | None:
    await journey.trial.relay.once()
    return await journey.outcome()


async def test_a_poll_reads_everything_page_by_page_and_what_webhooks_told_counts_once(
    polled: Trial, api: AskedShop
) -> None:
    api.logs["orders"] = [paid(number) for number in range(5)]
    await polled.ingest(api.logs["orders"][0], clock.now())
    async with polled.working():
        assert await ends(await started(polled, ORDERS)) == 4
        assert await ends(await started(polled, ORDERS)) == 0
    assert [cursor for _, cursor in api.asked] == [None, "2", "4", "end 5"]
    assert (await state(polled)).read_at is not None


async def test_a_storefront_that_is_away_for_six_hours_tells_every_lost_order_in_the_first_round_after(
    polled: Trial, api: AskedShop
) -> None:
    journey = await polled.abandon()
    async with polled.working():
        assert await ends(await started(polled, ORDERS)) == 0
        before = await state(polled)
        api.problems["orders"] = StorefrontAway("woocommerce does not answer (ConnectError)")
        run = await started(polled, ORDERS)
        await fails(polled)
        lost = [paid(number) for number in range(7)]
        api.logs["orders"] += [*lost, paid(8, journey.who, journey.cart)]
        await polled.temporal.move(run, 6 * HOUR)
        failing = await state(polled)
        assert 10 <= failing.failures <= 20
        assert (failing.cursor, failing.read_at) == (before.cursor, before.read_at)
        assert failing.problem == "woocommerce does not answer (ConnectError)"
        api.problems.clear()
        await polled.temporal.move(run, HOUR)
        assert await ends(run) == 8
    assert (await state(polled)).failing_since is None
    stored = await polled.database.read(lambda connection: list(connection.execute(EVENTS.select()).mappings()))
    assert {one.key for one in lost} <= {row["key"] for row in stored}
    assert await stopped(journey) is Outcome.PURCHASED


async def test_a_storefront_that_names_its_time_is_asked_again_then(polled: Trial, api: AskedShop) -> None:
    api.problems["orders"] = StorefrontAway("woocommerce is overrun (429)", 20 * MINUTE)
    async with polled.working():
        run = await started(polled, ORDERS)
        await fails(polled)
        assert await next_try(run) == about(20 * MINUTE)
        await run.terminate()


async def test_a_key_that_was_taken_back_is_tried_again_slowly(polled: Trial, api: AskedShop) -> None:
    api.problems["orders"] = StorefrontRefused("woocommerce does not let us in (401)")
    async with polled.working():
        run = await started(polled, ORDERS)
        await fails(polled)
        assert await next_try(run) == about(HOUR)
        (pending,) = (await run.describe()).raw_description.pending_activities
        told = pending.last_failure.application_failure_info
        assert told.type == "StorefrontRefused"
        assert ApplicationErrorCategory(told.category) is ApplicationErrorCategory.BENIGN
        api.problems.clear()
        api.logs["orders"] = [paid(1)]
        await polled.temporal.move(run, HOUR + MINUTE)
        assert await ends(run) == 1


async def next_try(run: Run) -> timedelta:
    """Return how long the run's activity is put off for, once it has failed."""
    async with asyncio.timeout(20):
        while True:
            (pending,) = (await run.describe()).raw_description.pending_activities
            if pending.HasField("next_attempt_schedule_time"):
                return pending.next_attempt_schedule_time.ToDatetime() - pending.last_attempt_complete_time.ToDatetime()
            await asyncio.sleep(0.02)


async def test_a_stream_that_fails_does_not_hold_up_the_other(polled: Trial, api: AskedShop) -> None:
    api.problems["orders"] = StorefrontAway("away")
    api.logs["carts"] = [Event("v", EventType.PRODUCT_VIEWED, "", clock.now(), Person(external_id="c"))]
    async with polled.working():
        run = await started(polled, ORDERS)
        await fails(polled)
        assert await ends(await started(polled, CARTS)) == 1
        await run.terminate()
    assert (await state(polled, CARTS)).read_at is not None
    assert (await state(polled)).read_at is None


async def test_a_storefront_that_fails_does_not_keep_the_service_from_working(polled: Trial, api: AskedShop) -> None:
    async def connected() -> Client:
        return polled.temporal.client

    shop = ShopSettings(woocommerce_key=SecretStr("ck_1:cs_1"))
    settings = polled.installation.settings.model_copy(update={"shops": (shop,)})
    polled.installation = replace(polled.installation, settings=settings)
    api.problems["orders"] = StorefrontAway("woocommerce does not answer")
    async with polled.working():
        run = await started(polled, ORDERS)
        await fails(polled)
        await run.terminate()
    transport = httpx.ASGITransport(create_app(polled.installation, polled.relay, connected))
    async with httpx.AsyncClient(transport=transport, base_url="http://relaunch.test") as http:
        answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert "orders failing since" in answer.json()["checks"]["storefronts"][SHOP.id]


async def test_a_poll_of_a_shop_that_can_be_asked_no_longer_ends(polled: Trial, api: AskedShop) -> None:
    polled.apis = {}
    async with polled.working():
        assert await ends(await started(polled, ORDERS)) == 0
    polled.apis = {SHOP.id: replace(api, name="magento")}
    async with polled.working():
        assert await ends(await started(polled, ORDERS)) == 0
    polled.apis = {SHOP.id: replace(api, streams=("carts",))}
    async with polled.working():
        assert await ends(await started(polled, ORDERS)) == 0
    assert api.asked == []


async def test_a_long_round_goes_on_in_a_run_of_its_own(polled: Trial, api: AskedShop) -> None:
    api.size = 1
    api.logs["orders"] = [paid(number) for number in range(PAGES + 3)]
    async with polled.working():
        assert await ends(await started(polled, ORDERS)) == 3
    assert (await state(polled)).cursor == f"end {PAGES + 3}"


async def test_temporal_is_told_nothing_of_anybody(polled: Trial, api: AskedShop) -> None:
    api.logs["orders"] = [paid(1), paid(2)]
    api.problems["orders"] = StorefrontAway("b1@example.org is in no error, but if it were")
    async with polled.working():
        run = await started(polled, ORDERS)
        await fails(polled)
        api.problems.clear()
        await polled.temporal.move(run, MINUTE)
        assert await ends(run) == 2
    history, _ = await events_of(run)
    assert "example.org" not in history.to_json()


async def schedules(client: Client) -> set[str]:
    return {one.id async for one in await client.list_schedules() if one.id.startswith(f"{POLL}atelier/")}


async def listed(client: Client, names: set[str]) -> bool:
    """Wait until Temporal lists exactly these schedules: it lists them a moment after it has them."""
    async with asyncio.timeout(20):
        while await schedules(client) != names:
            await asyncio.sleep(0.05)
    return True


async def schedule(client: Client, name: str) -> Schedule:
    return (await client.get_schedule_handle(name).describe()).schedule


async def test_each_stream_has_a_schedule_that_is_made_changed_and_removed(temporal: Temporal) -> None:
    client, names = temporal.client, {f"{POLL}atelier/orders", f"{POLL}atelier/carts"}
    await schedule_polls(client, 5 * MINUTE, {"atelier": AskedShop()})
    assert await listed(client, names)
    made = await schedule(client, f"{POLL}atelier/orders")
    assert [one.every for one in made.spec.intervals] == [5 * MINUTE]
    assert made.policy.overlap is ScheduleOverlapPolicy.SKIP
    await client.get_schedule_handle(f"{POLL}atelier/orders").pause()
    await schedule_polls(client, 10 * MINUTE, {"atelier": AskedShop(streams=("orders",))})
    assert await listed(client, {f"{POLL}atelier/orders"})
    changed = await schedule(client, f"{POLL}atelier/orders")
    assert [one.every for one in changed.spec.intervals] == [10 * MINUTE]
    assert changed.state.paused
    await schedule_polls(client, 10 * MINUTE, {})
    assert await listed(client, set())


async def test_a_new_schedule_polls_at_once(polled: Trial, api: AskedShop) -> None:
    client = polled.temporal.client
    api.logs["orders"] = [paid(1)]
    async with polled.working():
        await schedule_polls(client, HOUR, {SHOP.id: api})
        async with asyncio.timeout(20):
            while not (await state(polled)).read_at:
                await asyncio.sleep(0.05)
    for stream in api.streams:
        await client.get_schedule_handle(f"{POLL}{SHOP.id}/{stream}").delete()
