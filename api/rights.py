"""What a person may ask of the shop: everything about them, and to be forgotten."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from api import requests, views
from api.auth import Staff
from api.context import Context, context_of, known_id
from api.openapi import told
from api.problems import unknown
from store import erasures, export
from store.acts import By
from store.erasures import ErasureRow
from store.forgetting import ask

FORMAT: Final = "relaunch-customer-export"
VERSION: Final = 1

router = APIRouter()
router.include_router(requests.router)


@router.get(
    "/v1/customers/{customer_id}/export",
    **told("Export everything about a customer", "The export, as `docs/rights.md` describes it", 404, 503),
)
async def export_customer(request: Request, caller: Staff, customer_id: str) -> Response:
    """Stream it page by page; the last member is `complete`, so that a broken export is never taken for a whole one."""
    context = context_of(request)
    customer = await context.db.read(export.person, known_id(customer_id, "customer"))
    if customer is None:
        raise unknown("customer")
    name = f"customer-{customer['id']}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return StreamingResponse(written(context, customer), media_type="application/json", headers=headers)


async def written(context: Context, customer: Mapping[str, Any]) -> AsyncIterator[str]:
    """Write the export in pieces of a row each; never more than a page of a section is held."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": views.moment(context.now()),
        "customer": customer,
    }
    yield _json(head)[:-1]
    for section in export.SECTIONS:
        yield f', "{section.name}": ['
        between, after = "", None
        while True:
            rows, after = await context.db.read(export.page, section, customer, after)
            for row in rows:
                yield between + _json(_shown(row))
                between = ", "
            if after is None:
                break
        yield "]"
    yield ', "complete": true}'


def _shown(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row with its message taken apart."""
    return {**row, "message": views.message(row["message"], row["channel"])} if "message" in row else row


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str | None:
    match value:
        case datetime():
            return views.moment(value)
        case date():
            return value.isoformat()
        case _:
            return str(value)


@router.delete(
    "/v1/customers/{customer_id}",
    **told("Forget a customer", "Committed: everything is closed; the job that does the rest", 404, 503, status=202),
)
async def erase_customer(request: Request, caller: Staff, customer_id: str) -> Response:
    """Close everything at once; what is left to do is done by the job, and asking again shows the same one."""
    context = context_of(request)
    by = By(caller.name, None, context.now())
    job, outbox = await context.db.write(ask, known_id(customer_id, "customer"), by)
    context.relay.nudge(outbox)
    return JSONResponse(job_json(job), 202, {"location": f"/v1/erasures/{job.id}"})


@router.get(
    "/v1/erasures/{erasure_id}",
    **told("Show how far an erasure has come", "The job, and its certificate once there was a search", 404, 503),
)
async def erasure(request: Request, caller: Staff, erasure_id: str) -> Response:
    """Return the job; nothing in it names anybody."""
    job = await context_of(request).db.read(erasures.load, known_id(erasure_id, "erasure"))
    if job is None:
        raise unknown("erasure")
    return JSONResponse(job_json(job))


def job_json(job: ErasureRow) -> dict[str, Any]:
    """Return a job as callers see it."""
    return {
        "id": job.id,
        "state": job.state,
        "shop": job.shop,
        "customer_id": job.customer_id,
        "actor": job.actor,
        "asked_at": views.moment(job.asked_at),
        "next_try_at": None if job.done_at else views.moment(job.next_try_at),
        "done_at": views.moment(job.done_at),
        "problem": job.problem,
        "journeys": list(job.journeys),
        "certificate": job.certificate,
    }
