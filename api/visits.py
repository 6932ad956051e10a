"""Who comes by a link that we signed, which language they read, and the frame of every page that they see."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.context import Context
from api.language import Language, language_of
from api.page_words import WORDS
from models.vocabulary import Channel
from runtime.shop_settings import ShopSettings

_FOLDER: Final = Path(__file__).parent.parent / "templates" / "pages"
_templates: Final = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_STYLE: Final = _templates.get_template("style.css").render()  # to the letter what the page includes
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_LONGEST_TOKEN: Final = 1024


@dataclass(frozen=True, slots=True)
class Visit:
    """Who came by which link; `shop` is None when the settings no longer name it."""

    token: str
    shop_id: str
    shop: ShopSettings | None
    customer: str
    channel: Channel


def visit_of(context: Context, token: str) -> Visit | None:
    """Return who a token stands for, None for a forged one."""
    found = context.installation.links.read(token) if len(token) <= _LONGEST_TOKEN else None
    if found is None:
        return None
    shop_id, customer, channel = found
    shop = next((one for one in context.installation.settings.shops if one.id == shop_id), None)
    return Visit(token, shop_id, shop, customer, channel)


def language_for(request: Request, visit: Visit | None = None, locale: str | None = None) -> Language:
    """Return the customer's language, else the shop's; whoever is nobody is asked for theirs."""
    shop = visit.shop.locale if visit and visit.shop else None
    if locale is not None:
        return language_of(locale, shop or "fr")
    return language_of(None, shop) if shop else language_of(request.headers.get("accept-language"), "fr")


def show(
    context: Context, visit: Visit | None, language: Language, template: str, status: int = 200, **content: object
) -> Response:
    """Answer with a page: its own content in the frame that tells the shop, as neither cached nor framed nor indexed.

    `content` has at least the title.
    """
    shop = visit.shop if visit else None
    frame = {
        "lang": language,
        "words": WORDS[language],
        "shop": shop.name if shop else "",
        "foot": shop.postal_address if shop else "",
        "privacy_url": shop.privacy_url if shop else None,
        "rehearsal": context.installation.rehearsal,
    }
    html = _templates.get_template(template).render(frame | content)
    return HTMLResponse(html, status, dict(_HEADERS))


def say(context: Context, visit: Visit | None, language: Language, state: str, status: int = 200) -> Response:
    """Answer with the plain page of a state: a title, some lines, and a button where there is something to do."""
    words, shop = WORDS[language], visit.shop if visit else None
    channel = visit.channel if visit else Channel.EMAIL
    said = {"channel": words[channel], "way": words[f"by_{channel}"], "shop": shop.name if shop else words["shop"]}
    return show(
        context,
        visit,
        language,
        "page.html.j2",
        status,
        title=words[f"{state}_title"].format(**said),
        lines=[line.format(**said) for line in words[state].split("\n")],
        button=words["button"].format(**said) if state == "ask" else "",
        done=state == "done",
        preferences_url=f"{visit.token}/preferences" if visit and state in ("ask", "done") else "",
    )
