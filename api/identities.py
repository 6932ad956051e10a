"""What staff says of who somebody is: that two customers are one person, or that they are not."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api import views
from api.auth import Staff
from api.context import Context, context_of, known_id, read
from api.openapi import told
from api.staff_shapes import Cancel, Join
from store import aliases
from store.acts import By
from store.outbox import OutboxRow
from store.search import find_customers

_ANSWER = "`{items: [...]}`: everybody who is this person now, as a search shows them"

router = APIRouter()


@router.post(
    "/v1/customers/{customer_id}/join",
    **told("Join another customer to this one as an alias", _ANSWER, 400, 404, 409, 422, 503, takes=Join),
)
async def join(request: Request, caller: Staff, customer_id: str) -> Response:
    """Effective at the gate from the commit: a stop of one is a stop of the other, and so is a consent."""
    context, asked = context_of(request), await read(request, Join)
    by = By(caller.name, asked.reason, context.now())
    return await _done(context, customer_id, aliases.join, known_id(asked.other, "customer"), by)


@router.post(
    "/v1/customers/{customer_id}/part",
    **told("Part an alias from its root", _ANSWER, 400, 404, 409, 422, 503, takes=Cancel),
)
async def part(request: Request, caller: Staff, customer_id: str) -> Response:
    """Effective from the commit, and remembered: they are not joined by themselves again."""
    context = context_of(request)
    by = By(caller.name, (await read(request, Cancel)).reason, context.now())
    return await _done(context, customer_id, aliases.part, by)


async def _done(
    context: Context, customer_id: str, change: Callable[..., Sequence[OutboxRow]], *arguments: object
) -> Response:
    by_id = known_id(customer_id, "customer")
    context.relay.nudge(await context.db.write(change, by_id, *arguments))
    known = await context.db.read(find_customers, id_=by_id)
    return JSONResponse({"items": [views.customer(one, context.now()) for one in known]})
