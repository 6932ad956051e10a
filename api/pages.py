"""The page behind an unsubscribe link: a GET shows it and changes nothing, a POST leaves, at once and for good."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.context import STAFF_BODY, Context, body_of, context_of
from api.openapi import told
from api.page_words import WORDS
from api.texts import ONE_CLICK, Language, language_of
from models.vocabulary import Channel
from settings import ShopSettings
from store.acts import By, object_
from store.db import NotFoundError, StoreError
from store.search import Leaving, load_leaving

_FOLDER = Path(__file__).parent.parent / "templates" / "pages"
_templates = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
_page = _templates.get_template("page.html.j2")
_STYLE = _templates.get_template("style.css").render()  # to the letter what the page includes
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_LONGEST_TOKEN = 1024

router = APIRouter()


@dataclass(frozen=True, slots=True)
class _Visit:
    """Who came by which link; `shop` is None when the settings no longer name it."""

    shop_id: str
    shop: ShopSettings | None
    customer: str
    channel: Channel


@router.head("/u/{token}", include_in_schema=False)
@router.get(
    "/u/{token}",
    **told("Show what unsubscribing does, with a button; changes nothing", "The page, in HTML", 404, 503, key=False),
)
async def get(request: Request, token: str) -> Response:
    """Show what a click on the button will do."""
    context = context_of(request)
    visit = _visit(context, token)
    if visit is None:
        return _show(context, None, _language(request), "forged", 404)
    try:
        leaving = await context.db.read(load_leaving, visit.customer, visit.channel)
    except StoreError:
        return _show(context, visit, _language(request, visit), "away", 503)
    return _show(context, visit, _language(request, visit, leaving), "done" if leaving.done else "ask")


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
    visit = _visit(context, token)
    if visit is None:
        return _show(context, None, _language(request), "forged", 404)
    try:
        leaving = await context.db.read(load_leaving, visit.customer, visit.channel)
        if not leaving.done:
            await _leave(context, visit)
    except StoreError:
        return _show(context, visit, _language(request, visit), "away", 503)
    return _show(context, visit, _language(request, visit, leaving), "done")


async def _leave(context: Context, visit: _Visit) -> None:
    by = By(ONE_CLICK, None, context.now())
    try:
        rows = await context.db.write(object_, visit.shop_id, visit.customer, None, (visit.channel,), by)
    except NotFoundError:  # erased in this very moment: there is nobody left to write to
        return
    context.relay.nudge(rows)


def _visit(context: Context, token: str) -> _Visit | None:
    """Return who a token stands for, None for a forged one."""
    found = context.installation.links.read(token) if len(token) <= _LONGEST_TOKEN else None
    if found is None:
        return None
    shop_id, customer, channel = found
    shop = next((one for one in context.installation.settings.shops if one.id == shop_id), None)
    return _Visit(shop_id, shop, customer, channel)


def _language(request: Request, visit: _Visit | None = None, leaving: Leaving | None = None) -> Language:
    """Return the customer's language, else the shop's; whoever is nobody is asked for theirs."""
    shop = visit.shop.locale if visit and visit.shop else None
    if leaving is not None and leaving.locale is not None:
        return language_of(leaving.locale, shop or "fr")
    return language_of(None, shop) if shop else language_of(request.headers.get("accept-language"), "fr")


def _show(context: Context, visit: _Visit | None, language: Language, state: str, status: int = 200) -> Response:
    words, shop = WORDS[language], visit.shop if visit else None
    channel = visit.channel if visit else Channel.EMAIL
    said = {"channel": words[channel], "way": words[f"by_{channel}"], "shop": shop.name if shop else words["shop"]}
    content = _page.render(
        lang=language,
        words=words,
        title=words[f"{state}_title"].format(**said),
        lines=[line.format(**said) for line in words[state].split("\n")],
        button=words["button"].format(**said) if state == "ask" else "",
        done=state == "done",
        shop=shop.name if shop else "",
        foot=shop.postal_address if shop else "",
        privacy_url=shop.privacy_url if shop else None,
        rehearsal=context.installation.rehearsal,
    )
    return HTMLResponse(content, status, dict(_HEADERS))
