"""The preference page: a GET shows what stands and changes nothing, a POST takes in what its form has changed."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.context import context_of
from api.forms import form_of
from api.language import Language
from api.openapi import told
from api.preference_page import Page, wording
from api.preference_words import NAMES
from api.visits import Visit, language_for, say, visit_of
from models.preferences import Choice, Form
from models.vocabulary import SoftOptIn
from store.db import StoreError
from store.preferences import load_holdings, save_preferences

_STATUSES: Final = (404, 503)

router = APIRouter()


@router.head("/u/{token}/preferences", include_in_schema=False)
@router.get(
    "/u/{token}/preferences",
    **told("Show what a customer has chosen to receive; changes nothing", "The page, in HTML", *_STATUSES, key=False),
)
async def get(request: Request, token: str) -> Response:
    """Show the form as things stand."""
    context = context_of(request)
    visit = visit_of(context, token)
    if visit is None:
        return say(context, None, language_for(request), "forged", 404)
    try:
        held = await context.db.read(load_holdings, visit.customer, _scope(visit), context.now())
    except StoreError:
        return say(context, visit, language_for(request, visit), "away", 503)
    if held is None:
        return say(context, visit, language_for(request, visit), "gone")
    return Page(visit, held, language_for(request, visit, held.customer.locale)).answer(context)


@router.post(
    "/u/{token}/preferences",
    **told(
        "Save what a customer chooses: channels, topics, measuring, a break, the language",
        "The page, which says what was saved; the same when repeated, and after the customer was erased",
        *(400, *_STATUSES),
        raw="application/x-www-form-urlencoded",
        key=False,
    ),
)
async def post(request: Request, token: str) -> Response:
    """Take in what the form has changed, in one transaction; the token in the URL is the right to."""
    context, fields = context_of(request), await form_of(request)
    visit = visit_of(context, token)
    if visit is None:
        return say(context, None, language_for(request), "forged", 404)
    form = _form(visit, fields, language_for(request, visit))
    try:
        saved = await context.db.write(
            save_preferences, visit.shop_id, visit.customer, form, _scope(visit), context.now()
        )
    except StoreError:
        return say(context, visit, language_for(request, visit), "away", 503)
    if saved is None:
        return say(context, visit, language_for(request, visit), "gone")
    context.relay.nudge(saved.outbox)
    language = language_for(request, visit, saved.held.customer.locale)
    return Page(visit, saved.held, language).answer(context, saved)


def _scope(visit: Visit) -> SoftOptIn:
    return visit.shop.soft_opt_in_scope if visit.shop else SoftOptIn.NONE


def _form(visit: Visit, fields: Mapping[str, str], fallback: Language) -> Form:
    """Return what a form says; one that names nothing of ours changes nothing."""
    before = fields.get("shown", "").split()
    spoken: Language = next((one for one in NAMES if one in before), fallback)
    ours = {"leave", *Choice} & fields.keys()
    return Form(
        frozenset(choice for choice in Choice if choice in fields),
        frozenset(choice for choice in Choice if choice in before) if "shown" in fields or not ours else None,
        leave="leave" in fields,
        language=next((one for one in NAMES if fields.get("language") == one != spoken), None),
        wordings={choice: wording(visit, spoken, choice) for choice in Choice},
    )
