"""The bare workflow that journeys are compared with: the same shape, doing nothing; run alone it is the bare worker."""

import asyncio
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

BARE_QUEUE = "bare"
_SHORT = timedelta(seconds=30)


@activity.defn(name="nothing")
async def nothing(what: str) -> str:
    """Do nothing."""
    return what


@workflow.defn(name="Bare")
class Bare:
    """Assess, send with a wait before each further send, close; no activity does anything."""

    def __init__(self) -> None:
        """Wait for nothing yet."""
        self._stopped = False

    @workflow.run
    async def run(self, waits: list[float]) -> int:
        """Send once more than there are `waits`, each in seconds; return how many were sent."""
        await workflow.execute_activity(nothing, "assess", start_to_close_timeout=_SHORT)
        for number, wait in enumerate([*waits, 0.0]):
            await workflow.execute_activity(nothing, f"step {number}", start_to_close_timeout=_SHORT)
            if wait and await self._stops_within(wait):
                return number + 1
        await workflow.execute_activity(nothing, "close", start_to_close_timeout=_SHORT)
        return len(waits) + 1

    async def _stops_within(self, seconds: float) -> bool:
        try:
            await workflow.wait_condition(lambda: self._stopped, timeout=seconds)
        except TimeoutError:
            return False
        return True

    @workflow.signal
    def stopped(self) -> None:
        """Hear that it is over."""
        self._stopped = True


def bare_worker(client: Client) -> Worker:
    """Return a worker for the bare workflow, with the limits of ours."""
    return Worker(
        client,
        task_queue=BARE_QUEUE,
        workflows=[Bare],
        activities=[nothing],
        max_concurrent_activities=50,
        max_cached_workflows=2000,
    )


async def _main(address: str) -> None:
    async with bare_worker(await Client.connect(address)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
