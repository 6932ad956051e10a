"""The doors of providers: what became of messages, proved to be theirs, answered after the commit."""

import asyncio

import structlog
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.context import Context, body_of, context_of
from api.ingest import MAX_EVENTS_BODY
from api.openapi import told
from api.problems import ProblemError, unknown
from channels.base import BadSignature, Knock, TemporarilyUnavailable
from models.provider_events import ProviderEvent
from runtime.installation import Door
from runtime.metrics import EVENTS
from store.notices import MAX_EVENTS, take_in

_CHALLENGE = {"www-authenticate": 'Basic realm="provider events"'}
_SOON = {"retry-after": "5"}
_log = structlog.get_logger()

router = APIRouter()


@router.post(
    "/v1/providers/{provider}/events",
    **told(
        "Events of a provider, one or many, proved by its signature or by the secret that was set up with it",
        "Committed: `{accepted, duplicates, ignored}`; a ping holds no event and is answered alike",
        *(400, 401, 404, 413, 503),
        raw="application/json",
        key=False,
    ),
)
async def post_events(request: Request, provider: str) -> Response:
    """Store and apply what a provider tells."""
    context = context_of(request)
    door = context.installation.door(provider)
    if door is None or not any(door.secrets):
        raise unknown("provider")
    knock = await _knock(request, context)
    await _verified(door, knock)
    counts = {"accepted": 0, "duplicates": 0, "ignored": 0}
    events = door.reader.read(knock)
    for start in range(0, len(events), MAX_EVENTS):
        for name, number in (await _taken(context, events[start : start + MAX_EVENTS])).items():
            counts[name] += number
            EVENTS.labels(door.reader.name, name.removesuffix("s")).inc(number)
    return JSONResponse(counts)


async def _knock(request: Request, context: Context) -> Knock:
    """Return the request as its sender signed it: at our public URL, whatever the proxies between us made of it."""
    url = context.installation.settings.public_url.rstrip("/") + request.url.path
    query = f"?{request.url.query}" if request.url.query else ""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Knock(await body_of(request, MAX_EVENTS_BODY), headers, url + query, context.now())


async def _verified(door: Door, knock: Knock) -> None:
    """Check who knocks, in a thread, because a certificate may have to be fetched; a forger learns nothing."""
    try:
        await asyncio.to_thread(door.reader.verify, knock, door.secrets)
    except BadSignature as error:
        _log.warning("provider_events.refused", provider=door.reader.name, why=str(error))
        EVENTS.labels(door.reader.name, "refused").inc()
        raise ProblemError(401, "this is not proved to be the provider's", headers=_CHALLENGE) from None
    except TemporarilyUnavailable as error:
        raise ProblemError(503, str(error), headers=_SOON) from None


async def _taken(context: Context, events: list[ProviderEvent]) -> dict[str, int]:
    """Commit events, then tell Temporal at once."""
    shops = [shop.id for shop in context.installation.settings.shops]
    result = await context.db.write(take_in, shops, events, context.now())
    context.relay.nudge(result.outbox)
    return {"accepted": result.accepted, "duplicates": result.duplicates, "ignored": result.ignored}
