"""The call-backs that staff makes: a list that never shows a call nobody may make, and how each one ended."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.auth import Staff
from api.context import context_of, is_id, known_id, read
from api.language import Language, language_of
from api.openapi import told
from api.problems import ProblemError
from api.staff_shapes import CloseTask
from api.texts import texts
from api.views import Json, moment
from models.callback import STOPPED
from models.vocabulary import TaskState
from store.acts import By
from store.tasks import CallBack, TaskSearch, close_task, list_tasks, load_task

router = APIRouter()


@router.get(
    "/v1/tasks",
    **told("List call-backs: open ones oldest first, others newest first", "`{items: […], next_cursor}`", 422, 503),
)
async def tasks(
    request: Request,
    caller: Staff,
    status: TaskState | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return one page; a call-back after a purchase, an objection or another stop is `moot` and never open."""
    if cursor is not None and not is_id(cursor):
        raise ProblemError(422, "cursor: take it from next_cursor of the page before")
    context = context_of(request)
    found = await context.db.read(list_tasks, TaskSearch(status, cursor, limit + 1), context.now())
    following = found[limit - 1].task.id if len(found) > limit else None
    items = [_view(one, _language(request, one)) for one in found[:limit]]
    return JSONResponse({"items": items, "next_cursor": following})


@router.post(
    "/v1/tasks/{task_id}/close",
    **told(
        "Close a call-back with its result; `declined` is an objection to calls",
        "The task as it stands now",
        *(400, 404, 409, 422, 503),
        takes=CloseTask,
    ),
)
async def close(request: Request, caller: Staff, task_id: str) -> Response:
    """Close it; the same call again changes nothing and answers the same."""
    context, by_id = context_of(request), known_id(task_id, "task")
    asked = await read(request, CloseTask)
    by = By(caller.name, None, context.now())
    context.relay.nudge(await context.db.write(close_task, by_id, asked.result, asked.note, by))
    found = await context.db.read(load_task, by_id, context.now())
    return JSONResponse(_view(found, _language(request, found)))


def _language(request: Request, one: CallBack) -> Language:
    return language_of(request.headers.get("accept-language"), one.locale)


def _view(one: CallBack, language: Language) -> Json:
    """Return a call-back as lists show it; `not_before` is null when the call may be made now."""
    task, stands, words = one.task, one.standing, texts(language)
    text = words.outcomes[one.outcome] if one.outcome in STOPPED else words.reasons.get(stands.reason or "")
    return {
        "id": task.id,
        "shop": task.shop,
        "status": stands.state,
        "reason": stands.reason,
        "text": text if stands.reason else None,
        "not_before": moment(stands.until),
        "journey_id": task.journey_id,
        "delivery_id": task.delivery_id,
        "customer_id": task.customer_id,
        "first_name": one.first_name,
        "phone": one.phone,
        "locale": one.speaks,
        "policy": one.policy,
        "step": task.step,
        "value": one.value,
        "currency": one.currency,
        "asked_at": moment(task.created_at),
        "call_by": moment(one.until),
        "briefing": one.briefing,
        "closed_at": moment(task.closed_at),
        "closed_by": task.closed_by,
        "result": task.result,
        "note": task.note,
    }
