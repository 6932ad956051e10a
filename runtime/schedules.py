"""What Temporal starts again and again by itself: the search for inactive subscribers, the polls of storefronts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from models.journey import TASK_QUEUE
from models.polling import PollRequest
from runtime.temporal import TemporalError
from storefronts.base import ShopApi

SWEEP: Final = "relaunch-sweep"
"""The id of the schedule that looks for inactive subscribers, and the beginning of its runs' ids."""
POLL: Final = "relaunch-poll-"
"""The beginning of the id of every schedule of a poll; the shop and the stream follow."""

_EVERY = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7)}
# Whatever was missed while Temporal was away is read by the next poll.
_MISSED = timedelta(minutes=1)


async def schedule_sweep(client: Client, every: str) -> None:
    """Have inactive subscribers looked for so often: hourly, daily or weekly; an older schedule is changed."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow("Sweep", id=SWEEP, task_queue=TASK_QUEUE),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=_EVERY[every])], jitter=timedelta(minutes=5)),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    await _put(client, SWEEP, schedule)


async def schedule_polls(client: Client, every: timedelta, apis: Mapping[str, ShopApi]) -> None:
    """Have each stream of each storefront that can be asked polled so often, beginning at once.

    A stream has a schedule of its own: while one storefront's carts cannot be had, its orders are read all the same.
    Older schedules are changed; those of shops that can be asked no longer are removed. One that somebody has paused
    in Temporal stays paused.
    """
    wanted = {
        f"{POLL}{shop}/{stream}": PollRequest(shop, api.name, stream)
        for shop, api in apis.items()
        for stream in api.streams
    }
    try:
        async for one in await client.list_schedules():
            if one.id.startswith(POLL) and one.id not in wanted:
                await _remove(client, one.id)
        for name, request in wanted.items():
            await _put(client, name, _poll(name, request, every), at_once=True)
    except RPCError as error:
        raise TemporalError(f"the polls of storefronts cannot be scheduled ({error.status.name.lower()})") from None


def _poll(name: str, request: PollRequest, every: timedelta) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow("Poll", request, id=name, task_queue=TASK_QUEUE),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)], jitter=every / 10),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=_MISSED),
    )


async def _put(client: Client, name: str, schedule: Schedule, *, at_once: bool = False) -> None:
    """Make a schedule, or change the one of that name; `at_once` starts a new one's first run now."""

    def changed(known: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(replace(schedule, state=known.description.schedule.state))

    try:
        await client.create_schedule(name, schedule, trigger_immediately=at_once)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(name).update(changed)


async def _remove(client: Client, name: str) -> None:
    try:
        await client.get_schedule_handle(name).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:  # another worker may have been first
            raise
