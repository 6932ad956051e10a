"""Tells Temporal what the store has decided: at once, and again until it has heard."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import assert_never

import structlog
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import TemporalError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from models.journey import TASK_QUEUE, Start
from runtime import temporal
from runtime.metrics import OUTBOX_LAG, OUTBOX_SET_ASIDE
from store.db import Database
from store.outbox import Call, OutboxRow, any_due, claim, failed, give_back, lag, told
from store.runs import Run, load_run, open_runs

_log = structlog.get_logger()
_BATCH = 100
_AT_ONCE = 16
_PATIENCE = timedelta(seconds=10)
_GONE = (RPCStatusCode.NOT_FOUND,)
_AWAY = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.CANCELLED,
)
_AWAY_S = 2.0


class Relay:
    """Delivers outbox rows to Temporal; several may run, for each claims what it tells, and no call harms twice."""

    def __init__(self, db: Database, connect: Callable[[], Awaitable[Client]], now: Callable[[], datetime]) -> None:
        """Connect with `connect` when there is something to tell; `now` is the wall clock."""
        self.db, self.connect, self.now = db, connect, now
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._nudges: set[asyncio.Task[set[str]]] = set()
        self._away_until = 0.0

    def nudge(self, rows: Iterable[OutboxRow]) -> None:
        """Deliver fresh rows in the background, right after the commit that wrote them."""
        rows = list(rows)
        if rows:
            task = asyncio.create_task(self.deliver(rows))
            self._nudges.add(task)
            task.add_done_callback(self._nudges.discard)

    async def deliver(self, rows: Iterable[OutboxRow]) -> set[str]:
        """Deliver these rows: in order for one journey, side by side for different ones; return whose were heard."""
        by_journey: dict[str, list[OutboxRow]] = {}
        for row in rows:
            by_journey.setdefault(row.journey_id, []).append(row)
        heard = await asyncio.gather(*(self._deliver_all(group) for group in by_journey.values()))
        ids = {row_id for group in heard for row_id in group}
        if ids:
            await self.db.write(told, ids)
        return ids

    async def _deliver_all(self, rows: list[OutboxRow]) -> list[str]:
        """Deliver one journey's rows, and return the ids of those that Temporal has heard."""
        heard: list[str] = []
        async with self._slots:
            for row in rows:
                try:
                    await self._tell(row)
                except WorkflowUpdateFailedError as error:
                    _log.warning("outbox.refused", journey=row.journey_id, call=row.call, problem=str(error.cause))
                except (RPCError, TemporalError, OSError, RuntimeError, temporal.TemporalError) as error:
                    if _away(error):
                        self._away_until = time.monotonic() + _AWAY_S
                    else:
                        await self._not_heard(row, error)
                    break
                heard.append(row.id)
        return heard

    async def _not_heard(self, row: OutboxRow, error: Exception) -> None:
        """Remember that this row could not be told, which is the row's own fault: Temporal is there."""
        problem = f"{type(error).__name__} {getattr(error, 'message', '')}".strip()
        _log.warning("outbox.not_heard", journey=row.journey_id, call=row.call, problem=problem)
        await self.db.write(failed, row, problem, self.now())

    async def _tell(self, row: OutboxRow) -> None:
        if self._is_away():
            raise temporal.TemporalError("Temporal was away a moment ago")
        client = await self.connect()
        handle = client.get_workflow_handle(row.journey_id)
        match call := Call(row.call):
            case Call.START:
                run = await self.db.read(load_run, row.journey_id)
                if run is not None:
                    await start(client, run, self.now())
            case Call.STOPPED:
                await _ignoring_gone(self._stop(handle, row))
            case Call.CANCEL | Call.PAUSE | Call.RESUME:
                await _ignoring_gone(handle.execute_update(call, id=row.id, rpc_timeout=_PATIENCE))
            case _:
                assert_never(call)

    async def _stop(self, handle: WorkflowHandle[object, object], row: OutboxRow) -> None:
        """Signal a stop; a run that has not begun would hear a signal only at its beginning, so it is cancelled."""
        run = await self.db.read(load_run, row.journey_id, closed=True)
        if run is not None and run.j0 is None:
            await handle.cancel(rpc_timeout=_PATIENCE)
        else:
            await handle.signal("stopped", row.argument, rpc_timeout=_PATIENCE)

    async def run(self, every: float = 1.0) -> None:
        """Deliver what is due, for ever; first make the runs that Temporal has lost."""
        while True:
            told_now = 0
            try:
                told_now = await self.once()
            except Exception as error:  # noqa: BLE001 - the relay outlives everything; what it could not do, it will
                _log.warning("relay.failed", problem=type(error).__name__)
            if told_now == 0:  # else there may be more: what follows in the same journeys, or another batch
                await asyncio.sleep(every)

    async def once(self) -> int:
        """Deliver one batch of what is due, and return how much of it Temporal has heard."""
        rows = await self.db.write(claim, self.now(), _BATCH) if await self.db.read(any_due, self.now()) else []
        heard = await self.deliver(rows)
        if self._is_away():
            await self.db.write(give_back, {row.id for row in rows} - heard, self.now())
        age, aside = await self.db.read(lag, self.now())
        OUTBOX_LAG.set(age)
        OUTBOX_SET_ASIDE.set(aside)
        return len(heard)

    def _is_away(self) -> bool:
        return time.monotonic() < self._away_until

    async def rebuild(self) -> int:
        """Start every open journey that has no run in Temporal, and return how many there were."""
        client = await self.connect()
        query = "WorkflowType = 'Relaunch' AND ExecutionStatus = 'Running'"
        running = {one.id async for one in client.list_workflows(query, page_size=1000)}
        started, after = 0, ""
        while page := await self.db.read(open_runs, after, _BATCH):
            lost = [run for run in page if run.id not in running]
            started += sum(await asyncio.gather(*(start(client, run, self.now()) for run in lost)))
            after = page[-1].id
        if started:
            _log.info("journeys.rebuilt", started=started)
        return started


async def start(client: Client, run: Run, now: datetime) -> bool:
    """Start a journey's run under its own id; False when it runs already.

    The delay carries the quiet period, so that a cart costs one event until it is due. A closed run of an open
    journey was lost by somebody's hand, and may begin again; the store knows what it has sent.
    """
    clock = now + timedelta(seconds=run.clock_s)
    delay = max((run.next_action_at or clock) - clock, timedelta()) if run.j0 is None else timedelta()
    attributes = TypedSearchAttributes(
        [
            SearchAttributePair(temporal.SHOP, run.shop),
            SearchAttributePair(temporal.POLICY, run.policy),
            SearchAttributePair(temporal.CUSTOMER, run.customer_id),
        ]
    )
    try:
        await client.start_workflow(
            "Relaunch",
            Start(run.clock_s),
            id=run.id,
            task_queue=TASK_QUEUE,
            start_delay=delay or None,
            search_attributes=attributes,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            rpc_timeout=_PATIENCE,
        )
    except WorkflowAlreadyStartedError:
        return False
    return True


def _away(error: Exception) -> bool:
    """Say whether Temporal itself is away or overrun: no row is to blame, and none is set aside for it."""
    if isinstance(error, RPCError):
        return error.status in _AWAY
    return isinstance(error, temporal.TemporalError | OSError | RuntimeError)


async def _ignoring_gone(call: Awaitable[object]) -> None:
    """A run that is over has nothing more to hear."""
    try:
        await call
    except RPCError as error:
        if error.status not in _GONE:
            raise
