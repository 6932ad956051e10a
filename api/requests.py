"""What people, and the law through a storefront, ask of the shop, each with the day by which it must be done."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.auth import Staff
from api.context import context_of, is_id, known_id
from api.openapi import told
from api.problems import ProblemError
from api.views import moment
from store.requests import RequestRow, RequestSearch, done, list_requests

router = APIRouter()


@router.get(
    "/v1/requests",
    **told(
        "List requests of the law: open ones oldest first, all newest first", "`{items: […], next_cursor}`", 422, 503
    ),
)
async def requests(
    request: Request,
    caller: Staff,
    open: bool = False,  # noqa: A002 - the parameter's name
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return one page; nothing in it names anybody."""
    if cursor is not None and not is_id(cursor):
        raise ProblemError(422, "cursor: take it from next_cursor of the page before")
    context = context_of(request)
    found = await context.db.read(list_requests, RequestSearch(open, cursor, limit + 1))
    following = found[limit - 1].id if len(found) > limit else None
    return JSONResponse({"items": [_view(one) for one in found[:limit]], "next_cursor": following})


@router.post(
    "/v1/requests/{request_id}/done",
    **told(
        "Say that a request has been answered; an erasure closes its own", "The request as it stands now", 404, 409, 503
    ),
)
async def close(request: Request, caller: Staff, request_id: str) -> Response:
    """Close it; the same call again changes nothing and answers the same."""
    context, by_id = context_of(request), known_id(request_id, "request")
    return JSONResponse(_view(await context.db.write(done, by_id, caller.name, context.now())))


def _view(one: RequestRow) -> dict[str, Any]:
    return {
        "id": one.id,
        "shop": one.shop,
        "kind": one.kind,
        "customer_id": one.customer_id,
        "reference": one.reference,
        "actor": one.actor,
        "asked_at": moment(one.asked_at),
        "due_at": moment(one.due_at),
        "done_at": moment(one.done_at),
        "done_by": one.done_by,
    }
