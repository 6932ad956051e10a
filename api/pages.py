"""The page behind an unsubscribe link: a GET shows it and changes nothing, a POST leaves, at once and for good."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.context import STAFF_BODY, Context, body_of, context_of
from api.openapi import told
from api.visits import Visit, language_for, say, visit_of
from models.preferences import ONE_CLICK
from store.acts import By, object_
from store.db import NotFoundError, StoreError
from store.search import load_leaving

router = APIRouter()


@router.head("/u/{token}", include_in_schema=False)
@router.get(
    "/u/{token}",
    **told("Show what unsubscribing does, with a button; changes nothing", "The page, in HTML", 404, 503, key=False),
)
async def get(request: Request, token: str) -> Response:
    """Show what a click on the button will do."""
    context = context_of(request)
    visit = visit_of(context, token)
    if visit is None:
        return say(context, None, language_for(request), "forged", 404)
    try:
        leaving = await context.db.read(load_leaving, visit.customer, visit.channel)
    except StoreError:
        return say(context, visit, language_for(request, visit), "away", 503)
    return say(context, visit, language_for(request, visit, leaving.locale), "done" if leaving.done else "ask")


@router.post(
    "/u/{token}",
    **told(
        "Unsubscribe with one click (RFC 8058)",
        "Unsubscribed; the same when repeated, and after the customer was erased",
        *(404, 413, 503),
        raw="application/x-www-form-urlencoded",
        key=False,
    ),
)
async def post(request: Request, token: str) -> Response:
    """Close the channel to the customer and end their journeys; whatever the body says, the POST is the wish."""
    context = context_of(request)
    await body_of(request, STAFF_BODY)
    visit = visit_of(context, token)
    if visit is None:
        return say(context, None, language_for(request), "forged", 404)
    try:
        leaving = await context.db.read(load_leaving, visit.customer, visit.channel)
        if not leaving.done:
            await _leave(context, visit)
    except StoreError:
        return say(context, visit, language_for(request, visit), "away", 503)
    return say(context, visit, language_for(request, visit, leaving.locale), "done")


async def _leave(context: Context, visit: Visit) -> None:
    by = By(ONE_CLICK, None, context.now())
    try:
        rows = await context.db.write(object_, visit.shop_id, visit.customer, None, (visit.channel,), by)
    except NotFoundError:  # erased in this very moment: there is nobody left to write to
        return
    context.relay.nudge(rows)
