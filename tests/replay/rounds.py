"""The polls that later versions must be able to replay: how one ends, and what can happen on the way."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio.client import WorkflowHandle

from models.events import Event, EventType, Person
from models.journey import TASK_QUEUE
from models.polling import PollRequest
from runtime import clock
from runtime.schedules import POLL
from store import polls
from storefronts.base import StorefrontAway
from tests.asked_shop import AskedShop
from tests.trial import SHOP, Trial
from workflows.poll import PAGES

ORDERS = PollRequest(SHOP.id, "woocommerce", "orders")
_PATIENCE_S = 60.0

Run = WorkflowHandle[object, int]
Round = Callable[[Trial, AskedShop], Awaitable[Run]]


async def poll_of_pages(trial: Trial, api: AskedShop) -> Run:
    api.logs["orders"] = visits(5)
    return await begun(trial)


async def poll_of_nothing(trial: Trial, api: AskedShop) -> Run:
    return await begun(trial)


async def poll_retried(trial: Trial, api: AskedShop) -> Run:
    api.logs["orders"] = visits(3)
    api.problems["orders"] = StorefrontAway("woocommerce does not answer")
    run = await begun(trial)
    await fails(trial)
    api.problems.clear()
    await trial.temporal.move(run, timedelta(minutes=1))
    return run


async def poll_continued(trial: Trial, api: AskedShop) -> Run:
    api.size = 1
    api.logs["orders"] = visits(PAGES + 1)
    return await begun(trial)


ROUNDS: tuple[Round, ...] = (poll_of_pages, poll_of_nothing, poll_retried, poll_continued)


def visits(number: int) -> list[Event]:
    return [
        Event(f"visit-{one}", EventType.PRODUCT_VIEWED, "", clock.now(), Person(external_id=f"c{one}"))
        for one in range(number)
    ]


async def begun(trial: Trial) -> Run:
    """Start a poll as the schedule does."""
    name = f"{POLL}{ORDERS.shop}/{ORDERS.stream}-{clock.now():%Y-%m-%dT%H:%M:%SZ}"
    client = trial.temporal.client
    return await client.start_workflow("Poll", ORDERS, id=name, task_queue=TASK_QUEUE, result_type=int)


async def fails(trial: Trial) -> None:
    """Wait for the first failure."""
    async with asyncio.timeout(_PATIENCE_S):
        while not (await trial.database.read(polls.load, ORDERS.shop, ORDERS.storefront, ORDERS.stream)).failures:
            await asyncio.sleep(0.02)


async def polled(trial: Trial, round_: Round) -> tuple[str, str | None]:
    """Live one round to its end, and return the id and the first run of it: how it went on is another run."""
    api = AskedShop()
    trial.apis[SHOP.id] = api
    run = await round_(trial, api)
    async with asyncio.timeout(_PATIENCE_S):
        await run.result()
    return run.id, run.first_execution_run_id
