"""The picture and the links by which a message tells what its reader does: always answered, seldom written down."""

import base64
from typing import Final

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.context import Context, context_of
from api.openapi import told
from api.problems import unknown
from models.hits import Hit, by_program
from store.db import StoreError
from store.tracking import record_hit

_GIF: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # one transparent dot
_HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
_log = structlog.get_logger()

router = APIRouter()


@router.head("/o/{token}", include_in_schema=False)
@router.get(
    "/o/{token}",
    **told("The picture of a message whose reader agreed to it", "A GIF of one transparent dot", 404, key=False),
)
async def opening(request: Request, token: str) -> Response:
    """Note the open, if its reader still agrees; show the dot in any case."""
    context = context_of(request)
    delivery = context.installation.links.read_opening(token)
    if delivery is None:
        raise unknown("picture")
    await _note(context, request, Hit(delivery, by_program(request.headers)))
    return Response(_GIF, headers=_HEADERS, media_type="image/gif")


@router.head("/c/{token}", include_in_schema=False)
@router.get(
    "/c/{token}",
    **told(
        "A link of a message whose reader agreed to it", "On to the address that we signed", 404, status=302, key=False
    ),
)
async def clicking(request: Request, token: str) -> Response:
    """Note the click, if its reader still agrees; lead on in any case."""
    context = context_of(request)
    found = context.installation.links.read_clicking(token)
    if found is None:
        raise unknown("link")
    delivery, url = found
    await _note(context, request, Hit(delivery, by_program(request.headers), url))
    return Response(status_code=302, headers=_HEADERS | {"location": url})


async def _note(context: Context, request: Request, hit: Hit) -> None:
    """Record a hit before it is answered; whoever asks for the head only looks, and nobody waits for a broken store."""
    if request.method == "HEAD":
        return
    try:
        rows = await context.db.write(record_hit, hit, context.now())
    except StoreError as error:
        _log.warning("hit.lost", type=hit.type, problem=str(error))
        return
    context.relay.nudge(rows)
