"""The doors of the storefronts: signed webhooks, answered after the commit."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.context import body_of, context_of
from api.ingest import MAX_EVENTS_BODY, take_in
from api.openapi import told
from api.problems import unknown
from runtime.shop_settings import ShopSettings
from store.intake import Ingested
from storefronts.base import BadSignature, Headers, Storefront
from storefronts.registry import storefront

router = APIRouter()


@router.post(
    "/v1/webhooks/{source}",
    **told(
        "A storefront's webhooks, signed by it: shopify, woocommerce",
        "Committed, or noted when the topic is of no use: `{accepted, duplicates}`",
        *(400, 401, 404, 413, 503),
        raw="application/json",
        key=False,
    ),
)
async def post_webhook(request: Request, source: str) -> Response:
    """Store and apply one webhook."""
    context, reader = context_of(request), storefront(source)
    if reader is None:
        raise unknown("storefront")
    body, headers = await body_of(request, MAX_EVENTS_BODY), Headers(request.headers)  # decoded once
    if reader.greets(body, headers):
        return JSONResponse({"accepted": 0, "duplicates": 0})
    shop = _sender(reader, context.installation.settings.shops, headers, body)
    events = reader.translate(body, headers, shop_country=shop.country, at=context.now())
    result = await take_in(context, shop, events, source) if events else Ingested(0, 0, ())
    return JSONResponse({"accepted": result.accepted, "duplicates": result.duplicates})


def _sender(reader: Storefront, shops: Sequence[ShopSettings], headers: Mapping[str, str], body: bytes) -> ShopSettings:
    """Return the shop whose secret made the signature: the one of that host, or any when none has it."""
    if f"{reader.name}_secret" not in ShopSettings.model_fields:
        reader.verify(body, headers, ())  # refuses: this storefront signs nothing, and is asked instead
    host = reader.origin(headers)
    named = [shop for shop in shops if host and host in _hosts(shop, reader.name)]
    failure = BadSignature(f"no secret is set up for this storefront: set RELAUNCH_{reader.name.upper()}_SECRET")
    for shop in named or shops:
        if secrets := shop.secrets(reader.name):
            try:
                reader.verify(body, headers, secrets)
            except BadSignature as error:
                failure = error
            else:
                return shop
    raise failure


def _hosts(shop: ShopSettings, source: str) -> set[str | None]:
    """Return the hosts under which a shop and its storefront are known."""
    return {urlsplit(url or "").hostname for url in (shop.url, getattr(shop, f"{source}_url", None))}
