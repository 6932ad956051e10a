"""Each channel has a queue of its own: with its rate, and with nobody behind it but its own messages."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

import worker
from channels.base import Receipt, Sender
from channels.memory import Memory
from models.events import ConsentEntry
from models.journey import TASK_QUEUE, queue_of
from models.message import Message
from models.vocabulary import Channel, ConsentState
from runtime import clock
from runtime.temporal import set_rates
from tests.temporal_env import Temporal
from tests.trial import DAY, HOUR, Trial, daytime
from tests.workflow.conftest import Install

TEXTS = ConsentEntry(Channel.SMS, "marketing", ConsentState.GRANTED, "form", clock.now() - DAY)
POLICY = """
name: cart
trigger: {kind: cart}
steps: [{name: reminder, at: J0, channel: [sms, email], template: cart/reminder}]
"""
MAIL_THEN_TEXT = """
name: cart
trigger: {kind: cart}
steps:
  - {name: reminder, at: J0, channel: email, template: cart/reminder}
  - {name: last-call, at: J+1, channel: sms, template: cart/last-call}
"""


async def rate_of(client: Client, channel: Channel) -> float | None:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue_of(channel)),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_config=True,
    )
    config = (await client.workflow_service.describe_task_queue(request)).config
    if not config.queue_rate_limit.HasField("rate_limit"):
        return None
    return config.queue_rate_limit.rate_limit.requests_per_second


async def test_a_channels_rate_is_the_servers_and_goes_when_it_is_no_longer_set(temporal: Temporal) -> None:
    await set_rates(temporal.client, {Channel.EMAIL: 12.5, Channel.SMS: None})
    assert await rate_of(temporal.client, Channel.EMAIL) == 12.5
    assert await rate_of(temporal.client, Channel.SMS) is None
    await set_rates(temporal.client, {Channel.EMAIL: None})
    assert await rate_of(temporal.client, Channel.EMAIL) is None


@pytest.fixture
async def trial(install: Install) -> AsyncIterator[Trial]:
    made = await install(policy=POLICY)
    async with made.working():
        yield made


async def test_every_send_goes_through_the_queue_of_its_channel(trial: Trial) -> None:
    journey = await trial.abandon()
    await journey.passes(2 * HOUR)
    queues = [
        (event.activity_task_scheduled_event_attributes.activity_type.name, at.task_queue.name)
        async for event in journey.handle.fetch_history_events()
        if (at := event.activity_task_scheduled_event_attributes).activity_id
    ]
    sends = [("send", queue_of(channel)) for channel in (Channel.SMS, Channel.EMAIL)]
    assert queues == [("assess", TASK_QUEUE), *sends, ("close", TASK_QUEUE)]
    assert await journey.decided() == [("reminder", "skipped", "no_address"), ("reminder", "sent", "sent")]


class Stuck(Memory):
    """Never answers."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self.called = asyncio.Event()

    async def send(self, message: Message) -> Receipt:
        self.called.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody lets it go")


async def test_a_provider_that_never_answers_holds_up_its_own_channel_only(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "SLOTS", 1)
    trial, stuck, mail = await install(policy=MAIL_THEN_TEXT), Stuck(Channel.SMS), Memory()
    senders: dict[Channel, Sender] = {Channel.SMS: stuck, Channel.EMAIL: mail}
    async with worker.working(trial.temporal.client, trial.installation, senders, {}):
        by_text = await trial.abandon(phone="+33612345678", consents=(TEXTS,), **daytime())
        waiting = asyncio.create_task(by_text.passes(DAY + 2 * HOUR))
        async with asyncio.timeout(20):
            await stuck.called.wait()
        by_mail = [await trial.abandon() for _ in range(3)]
        for journey in by_mail:
            await journey.passes(2 * HOUR)
        assert [await journey.delivered() for journey in by_mail] == [[("reminder", "sent")]] * 3
        assert (await by_text.delivered())[-1] == ("last-call", "handed")
        waiting.cancel()
