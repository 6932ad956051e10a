"""Every activity call of every workflow: its name, its types, its timeouts and its retries, on one screen.

Workflows call by name, so that no line of I/O code comes near the sandbox; a contract test compares these names and
types with the real activities.
"""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from models.journey import (
    Assessment,
    AssessRequest,
    CloseRequest,
    SendRequest,
    SendResult,
    SweepPage,
    SweepRequest,
    queue_of,
)
from models.polling import PollRequest, PollResult

# A store that is away comes back; nothing that we ask of it is worth giving up for.
_STORE = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
# A provider that is away says itself when to come back; this is for everything that did not get so far.
_SENDING = RetryPolicy(initial_interval=timedelta(seconds=30), maximum_interval=timedelta(minutes=30))
# A storefront that fails is asked again when the activity says; this is for everything that did not get so far.
_POLLING = RetryPolicy(initial_interval=timedelta(seconds=15), maximum_interval=timedelta(minutes=5))
_SHORT = timedelta(seconds=30)
_SEND = timedelta(minutes=2)
_SWEEP = timedelta(minutes=10)
_POLL = timedelta(minutes=5)


async def assess(request: AssessRequest) -> Assessment:
    """Ask the store what the journey should do now."""
    answer: Assessment = await workflow.execute_activity(
        "assess", request, result_type=Assessment, start_to_close_timeout=_SHORT, retry_policy=_STORE
    )
    return answer


def send(request: SendRequest) -> "workflow.ActivityHandle[SendResult]":
    """Send one step through the gate; it retries until the step's window ends, so the caller may stop waiting."""
    return workflow.start_activity(
        "send",
        request,
        result_type=SendResult,
        task_queue=queue_of(request.channel) if request.channel else None,
        start_to_close_timeout=_SEND,
        retry_policy=_SENDING,
        cancellation_type=workflow.ActivityCancellationType.TRY_CANCEL,
    )


async def close(request: CloseRequest) -> None:
    """Record the journey's outcome."""
    await workflow.execute_activity("close", request, start_to_close_timeout=_SHORT, retry_policy=_STORE)


async def sweep(request: SweepRequest) -> SweepPage:
    """Find one page of inactive subscribers and start their journeys."""
    page: SweepPage = await workflow.execute_activity(
        "sweep", request, result_type=SweepPage, start_to_close_timeout=_SWEEP, retry_policy=_STORE
    )
    return page


async def poll(request: PollRequest) -> PollResult:
    """Read the next page of a storefront's stream; it is asked for until the storefront answers."""
    page: PollResult = await workflow.execute_activity(
        "poll", request, result_type=PollResult, start_to_close_timeout=_POLL, retry_policy=_POLLING
    )
    return page
