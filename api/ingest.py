"""The doors by which facts come in: events and products, answered after the commit."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.auth import reported
from api.bodies import Rejected, parse_events, parse_products
from api.context import Context, context_of
from api.openapi import told
from api.problems import ProblemError
from api.shapes import EventShape, ProductShape
from models.events import Event
from runtime.metrics import EVENTS
from runtime.shop_settings import ShopSettings
from store.catalogue import save_products
from store.intake import Ingested

MAX_EVENTS_BODY = 1024 * 1024
"""Largest body of events or of a webhook, in bytes."""
MAX_PRODUCTS_BODY = 8 * 1024 * 1024
"""Largest body of products, in bytes."""

router = APIRouter()


@router.post(
    "/v1/events",
    **told(
        "Report what customers do: one event, or a list of at most 500",
        "Committed: `{accepted, duplicates, rejected: [{index, problem}]}`",
        *(400, 404, 413, 422, 503),
        takes=EventShape,
        many=True,
        status=202,
        signed=True,
    ),
)
async def post_events(request: Request) -> Response:
    """Store and apply events."""
    context, report = context_of(request), await reported(request, MAX_EVENTS_BODY)
    shop = report.shop
    batch = parse_events(report.body, shop_country=shop.country, at=context.now(), call=report.call)
    rejected = [_told(one) for one in batch.rejected]
    if rejected:
        EVENTS.labels("events", "rejected").inc(len(rejected))
    if not batch.events:
        raise ProblemError(422, "no event of the body is usable", rejected=rejected)
    result = await take_in(context, shop, [event for _, event in batch.events], "events")
    counts = {"accepted": result.accepted, "duplicates": result.duplicates}
    return JSONResponse(counts | {"rejected": rejected}, 202)


@router.put(
    "/v1/products",
    **told(
        "Describe products and their reviews: one, or a list of at most 5000",
        "Committed: `{accepted, rejected: [{index, problem}]}`",
        *(400, 404, 413, 422, 503),
        takes=ProductShape,
        many=True,
        signed=True,
    ),
)
async def put_products(request: Request) -> Response:
    """Store products."""
    context, report = context_of(request), await reported(request, MAX_PRODUCTS_BODY)
    shop, at = report.shop, context.now()
    batch = parse_products(report.body, at=at)
    rejected = [_told(one) for one in batch.rejected]
    if not batch.products:
        raise ProblemError(422, "no product of the body is usable", rejected=rejected)
    await context.db.write(save_products, shop.id, batch.products, at)
    return JSONResponse({"accepted": len(batch.products), "rejected": rejected})


async def take_in(context: Context, shop: ShopSettings, events: Sequence[Event], door: str) -> Ingested:
    """Commit events, then tell Temporal at once."""
    policy = await context.cart_policy()
    result = await context.together.ingest(shop.id, events, policy, door)
    context.relay.nudge(result.outbox)
    for name, number in (("accepted", result.accepted), ("duplicate", result.duplicates)):
        if number:
            EVENTS.labels(door, name).inc(number)
    return result


def _told(rejected: Rejected) -> dict[str, object]:
    return {"index": rejected.index, "problem": rejected.problem}
