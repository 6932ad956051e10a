"""The journey: one durable workflow for one relaunch, whatever started it."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import assert_never

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from models.decide import Assess, Close, Progress, Send, Wait, decide, view
    from models.journey import OUTCOME_ATTRIBUTE, AssessRequest, CloseRequest, SendRequest, Start, View
    from models.vocabulary import Outcome
    from workflows import calls

OUTCOME = SearchAttributeKey.for_keyword(OUTCOME_ATTRIBUTE)


@workflow.defn(name="Relaunch")
class Relaunch:
    """Assess, then send each step when it is due, until a fact, a decision or the end of the plan closes it."""

    @workflow.init
    def __init__(self, start: Start) -> None:
        """Be ready for facts before the first line runs."""
        self._ahead = timedelta(seconds=start.clock_s)
        self._progress = Progress()
        self._heard = False

    @workflow.run
    async def run(self, start: Start) -> Outcome:
        """Do what `decide` says until it says close."""
        while True:
            match command := decide(self._progress, self._now()):
                case Assess():
                    answer = await calls.assess(AssessRequest(self._now()))
                    self._progress = self._progress.assessed(answer)
                case Wait():
                    await self._wait(command.until)
                case Send():
                    await self._send(command)
                case Close():
                    return await self._close(command.outcome)
                case _:
                    assert_never(command)

    async def _wait(self, until: datetime | None) -> None:
        """Wait until then, or until something is heard; there is no other wait in the product."""
        self._heard = False
        left = None if until is None else max(until - self._now(), timedelta(milliseconds=1))
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._heard, timeout=left)

    async def _send(self, command: Send) -> None:
        """Send a step; a stop ends the wait for a provider that is away, and the gate ends the retries."""
        sending = calls.send(SendRequest(command.step, self._now(), command.until, command.channel))
        await workflow.wait_condition(lambda: sending.done() or self._progress.outcome is not None)
        if sending.done():
            self._progress = self._progress.sent(command.step, sending.result())
        else:
            sending.cancel()

    async def _close(self, outcome: Outcome) -> Outcome:
        """End with an outcome; whoever told us one has recorded it already."""
        if outcome is Outcome.EXHAUSTED:
            await calls.close(CloseRequest(outcome, self._now()))
        workflow.upsert_search_attributes([OUTCOME.value_set(outcome)])
        await workflow.wait_condition(workflow.all_handlers_finished)
        return outcome

    @workflow.signal
    def stopped(self, outcome: Outcome) -> None:
        """Hear a fact that ends the journey and is already recorded; it may come twice."""
        self._hear(self._progress.stopped(outcome))

    @workflow.update
    def cancel(self) -> None:
        """Hear that staff has cancelled the journey."""
        self._hear(self._progress.stopped(Outcome.CANCELLED))

    @workflow.update
    def pause(self) -> None:
        """Hear that staff has paused the journey."""
        self._hear(self._progress.paused(self._now()))

    @workflow.update
    def resume(self) -> None:
        """Hear that staff lets the journey go on."""
        self._hear(self._progress.resumed(self._now()))

    @workflow.update
    async def send_now(self) -> None:
        """Send the next step now, and answer when the gate has."""
        if self._progress.j0 is None or self._progress.paused_at is not None:
            raise ApplicationError("the journey is paused, or has not begun", non_retryable=True)
        self._hear(self._progress.hurried())
        await workflow.wait_condition(lambda: not self._progress.asked or self._progress.outcome is not None)

    @workflow.query
    def progress(self) -> View:
        """Show how far the journey has come."""
        return view(self._progress, self._now())

    def _hear(self, progress: Progress) -> None:
        self._progress = progress
        self._heard = True

    def _now(self) -> datetime:
        return workflow.now() + self._ahead
