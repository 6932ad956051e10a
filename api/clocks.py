"""Moving clocks in a rehearsal: every open journey of a customer goes ahead together, and has settled afterwards."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from api.context import Context
from api.problems import ProblemError
from models.durations import format_duration
from models.journey import Start
from relay import start
from runtime import clock
from runtime.temporal import TemporalError
from store.acts import By
from store.outbox import rows_of
from store.rehearsal import advance, customer_of
from store.runs import Run, open_runs_of

_HEALTH = timedelta(seconds=5)
_FORWARD_S = 120.0
_SETTLE_S = 10.0
_POLL_S = 0.03
_SLACK = timedelta(milliseconds=20)
_OVER = (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION)

_Handle = WorkflowHandle[object, object]


async def move(context: Context, journey_id: str, seconds: int, actor: str) -> None:
    """Move the clock of a journey's customer, and all their runs with it; return when these have settled.

    A run goes to where the store's clock is, so that one that an earlier call has lost on the way catches up.
    """
    async with context.moving:  # a second fast-forward would override the first
        customer_id = await context.db.read(customer_of, journey_id)
        client = await context.temporal()
        if not await client.service_client.check_health(timeout=_HEALTH):
            raise TemporalError("Temporal answers, but does not serve")
        under_way = [run.id for run in await context.db.read(open_runs_of, customer_id)]
        await context.relay.deliver(await context.db.read(rows_of, under_way))
        by = By(actor, format_duration(timedelta(seconds=seconds)), context.now())
        runs = await context.db.write(advance, journey_id, seconds, by)
        try:
            await asyncio.wait_for(asyncio.gather(*(_bring(context, client, run) for run in runs)), _FORWARD_S)
        except TimeoutError:
            raise ProblemError(503, "the journeys are still on their way: look at them again in a minute") from None


async def _bring(context: Context, client: Client, run: Run) -> None:
    """Bring one run to its customer's clock."""
    handle: _Handle = client.get_workflow_handle(run.id)
    described = await _describe(handle)
    if described is None or described.status is not WorkflowExecutionStatus.RUNNING:
        await start(client, run, context.now())
    else:
        lag = context.now() + timedelta(seconds=run.clock_s) - await _clock(client, handle, described)
        skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        try:
            if lag > _SLACK:
                await skipper.fast_forward(handle, lag)
        except RPCError as error:  # it has ended on its own meanwhile
            if error.status not in _OVER:
                raise
    await _settled(handle)


async def _describe(handle: _Handle) -> WorkflowExecutionDescription | None:
    try:
        return await handle.describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None


async def _clock(client: Client, handle: _Handle, described: WorkflowExecutionDescription) -> datetime:
    """Return a run's own now: the server's for it, and what it was ahead when it was started."""
    async for event in handle.fetch_history_events(page_size=1):
        payloads = event.workflow_execution_started_event_attributes.input.payloads
        (given,) = await client.data_converter.decode(payloads, [Start])
        return _now_of(described) + timedelta(seconds=given.clock_s)
    return _now_of(described)


def _now_of(described: WorkflowExecutionDescription) -> datetime:
    info = described.raw_description.workflow_extended_info
    if not info.HasField("time_skipping_info"):
        return clock.now()
    return info.time_skipping_info.current_time.ToDatetime(UTC)


async def _settled(handle: _Handle) -> None:
    """Wait until a run has nothing in hand: what waits for its next try counts as settled."""
    patience = time.monotonic() + _SETTLE_S
    while time.monotonic() < patience:
        described = await _describe(handle)
        if described is None or described.status is not WorkflowExecutionStatus.RUNNING or not _busy(described):
            return
        await asyncio.sleep(_POLL_S)


def _busy(described: WorkflowExecutionDescription) -> bool:
    raw, now = described.raw_description, _now_of(described)
    waiting = [one.next_attempt_schedule_time.ToDatetime(UTC) > now for one in raw.pending_activities]
    return raw.HasField("pending_workflow_task") or not all(waiting)
