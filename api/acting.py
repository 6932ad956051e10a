"""What staff does to one journey: committed in the store first, then told to Temporal."""

import asyncio
from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from api.auth import Staff
from api.clocks import move
from api.context import Caller, context_of, known_id, read
from api.openapi import told
from api.problems import ProblemError, unknown
from api.staff import told_journey
from api.staff_shapes import Advance, Because, Cancel
from relay import start
from store.acts import ActName, By, act_on
from store.rehearsal import customer_of
from store.runs import load_run

_PATIENCE = timedelta(seconds=10)
_ANSWER = "The journey as it stands now"

router = APIRouter()


@router.post(
    "/v1/journeys/{journey_id}/cancel",
    **told("Cancel a journey for good", _ANSWER, 400, 404, 409, 422, 503, takes=Cancel),
)
async def cancel(request: Request, caller: Staff, journey_id: str) -> Response:
    """Effective at the gate from the commit; the cart never gets another journey."""
    return await _act(request, caller, journey_id, ActName.CANCEL, (await read(request, Cancel)).reason)


@router.post(
    "/v1/journeys/{journey_id}/pause",
    **told("Hold a journey", _ANSWER, 400, 404, 409, 422, 503, takes=Because),
)
async def pause(request: Request, caller: Staff, journey_id: str) -> Response:
    """Effective at the gate from the commit."""
    return await _act(request, caller, journey_id, ActName.PAUSE, (await read(request, Because)).reason)


@router.post(
    "/v1/journeys/{journey_id}/resume",
    **told("Let a journey go on, shifted by the length of its pause", _ANSWER, 400, 404, 409, 422, 503, takes=Because),
)
async def resume(request: Request, caller: Staff, journey_id: str) -> Response:
    """Undo a pause."""
    return await _act(request, caller, journey_id, ActName.RESUME, (await read(request, Because)).reason)


async def _act(request: Request, caller: Caller, journey_id: str, name: ActName, reason: str | None) -> Response:
    context, by_id = context_of(request), known_id(journey_id, "journey")
    rows = await context.db.write(act_on, by_id, name, By(caller.name, reason, context.now()))
    context.relay.nudge(rows)
    return await told_journey(request, by_id)


@router.post(
    "/v1/journeys/{journey_id}/send-now",
    **told("Send the next step now, through the whole gate", _ANSWER, 400, 404, 409, 422, 503, takes=Because),
)
async def send_now(request: Request, caller: Staff, journey_id: str) -> Response:
    """Answer when the gate has, or after ten seconds; the journey says what became of it."""
    context, by_id = context_of(request), known_id(journey_id, "journey")
    reason = (await read(request, Because)).reason
    await context.db.read(customer_of, by_id)
    client = await context.temporal()
    await context.db.write(act_on, by_id, ActName.SEND_NOW, By(caller.name, reason, context.now()))
    try:
        await _hurry(client, by_id)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        run = await context.db.read(load_run, by_id)  # the run was lost: it is made again, and hurried then
        if run is not None:
            await start(client, run, context.now())
            await _hurry(client, by_id)
    return await told_journey(request, by_id)


async def _hurry(client: Client, journey_id: str) -> None:
    """Ask the run to send; a provider that takes its time is not waited for."""
    update = client.get_workflow_handle(journey_id).execute_update("send_now")
    try:
        await asyncio.wait_for(update, _PATIENCE.total_seconds())
    except TimeoutError:
        return
    except WorkflowUpdateFailedError:
        raise ProblemError(409, "the journey is paused, has not begun or is over") from None


@router.post(
    "/v1/journeys/{journey_id}/advance",
    **told("Rehearsal only: move its customer's clock", _ANSWER, 400, 404, 409, 422, 503, takes=Advance),
)
async def advance(request: Request, caller: Staff, journey_id: str) -> Response:
    """Answer when every one of them has got there."""
    context, by_id = context_of(request), known_id(journey_id, "journey")
    if not context.installation.rehearsal:
        raise unknown("journey of a rehearsal")
    seconds = (await read(request, Advance)).seconds
    await move(context, by_id, seconds, caller.name)
    return await told_journey(request, by_id)
