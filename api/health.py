"""Whether this process lives, whether it can work, and what it has counted."""

import asyncio
from collections.abc import Awaitable

import httpx
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from temporalio.exceptions import TemporalError as SdkError
from temporalio.service import RPCError

from api.context import Context, context_of
from api.duties import count_duties, receivers
from api.openapi import told
from runtime.metrics import OUTBOX_LAG, OUTBOX_SET_ASIDE, POLL_AGE, POLL_FAILING
from runtime.storefronts import asked, current, trouble_of
from runtime.temporal import TemporalError
from store.db import StoreError
from store.outbox import lag
from store.polls import standing

_PATIENCE_S = 2.0
_FAULTS = (StoreError, TemporalError, SdkError, RPCError, OSError, RuntimeError)

router = APIRouter()


@router.get("/healthz", **told("Does this process live?", "It does", key=False))
async def get_health() -> Response:
    """Answer."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", **told("Can it work: do the store and Temporal answer?", "They do", 503, key=False))
async def get_ready(request: Request) -> Response:
    """Ask both, each for two seconds at most.

    How the polls of storefronts go is said, too, for each shop that has some; without them it can work all the same.
    """
    context = context_of(request)
    found = await asyncio.gather(_ask(context.db.ping()), _ask(_temporal(context)))
    checks: dict[str, object] = dict(zip(("store", "temporal"), found, strict=True))
    checks["storefronts"] = await _storefronts(context)
    checks["receivers"] = await receivers(context)
    ready = all(answer == "ok" for answer in found)
    return JSONResponse({"status": "ok" if ready else "not ready", "checks": checks}, 200 if ready else 503)


@router.get("/metrics", **told("Figures for Prometheus", "In Prometheus' text format", key=False))
async def get_metrics(request: Request) -> Response:
    """Return our figures, and those of Temporal's SDK when this process has some."""
    context = context_of(request)
    try:
        age, aside = await context.db.read(lag, context.now())
        OUTBOX_LAG.set(age)
        OUTBOX_SET_ASIDE.set(aside)
        await _count_polls(context)
        await count_duties(context)
    except StoreError:
        pass  # what was last known is still worth showing, and /readyz says that the store is away
    text = generate_latest().decode() + await _sdk_metrics(getattr(request.app.state, "sdk_metrics_url", None))
    return PlainTextResponse(text, media_type=CONTENT_TYPE_LATEST)


async def _storefronts(context: Context) -> dict[str, str]:
    """Return `ok`, or what is wrong, for each shop whose storefront can be asked; nothing while the store is away."""
    settings = context.installation.settings
    if not asked(settings):
        return {}
    try:
        polls = await asyncio.wait_for(context.db.read(standing), _PATIENCE_S)
    except (TimeoutError, *_FAULTS):
        return {}
    shops = current(settings, polls).items()
    return {shop: trouble_of(streams, settings, context.now()) or "ok" for shop, streams in shops}


async def _count_polls(context: Context) -> None:
    polls = await context.db.read(standing)
    for shop, streams in current(context.installation.settings, polls).items():
        for one in streams:
            POLL_AGE.labels(shop, one.stream).set(one.age(context.now()).total_seconds())
            POLL_FAILING.labels(shop, one.stream).set(one.failures)


async def _temporal(context: Context) -> None:
    client = await context.temporal()
    if not await client.service_client.check_health():
        raise TemporalError("Temporal answers, but does not serve")


async def _ask(call: Awaitable[None]) -> str:
    """Return `ok`, or what is wrong."""
    try:
        await asyncio.wait_for(call, _PATIENCE_S)
    except TimeoutError:
        return f"no answer within {_PATIENCE_S:.0f} s"
    except (StoreError, TemporalError) as error:
        return str(error)
    except _FAULTS as error:
        return type(error).__name__
    return "ok"


async def _sdk_metrics(url: str | None) -> str:
    if url is None:
        return ""
    try:
        async with httpx.AsyncClient(timeout=1) as client:
            return (await client.get(url)).text
    except httpx.HTTPError:
        return ""
