"""Who may call what: named keys with a role, in the `Authorization` header, or a shop by its signature."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from api.context import Caller, body_of, context_of
from api.problems import ProblemError, unauthorized
from channels import standard
from channels.base import BadSignature, Knock
from models.vocabulary import Role
from runtime.shop_settings import ShopSettings

_HMAC = {"www-authenticate": 'HMAC realm="webhook"'}


async def _caller(request: Request) -> Caller:
    """Return who calls; 401 without a valid key."""
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if kind.lower() != "bearer" or not key:
        raise unauthorized("send your key as `Authorization: Bearer KEY`")
    caller = await context_of(request).caller(key)
    if caller is None:
        raise unauthorized("this key is unknown or revoked")
    return caller


async def _staff(request: Request) -> Caller:
    """Return a member of staff; 403 for a key that may only ingest."""
    caller = await _caller(request)
    if caller.role is Role.INGEST:
        raise ProblemError(403, "a key with the role ingest may call /v1/events and /v1/products only")
    return caller


Staff = Annotated[Caller, Depends(_staff)]
"""A caller with a key of the role staff or admin."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a shop reports: the body, and the shop itself; `call` is the id of a signed call."""

    shop: ShopSettings
    body: bytes
    call: str | None = None


async def reported(request: Request, limit: int) -> Report:
    """Return a body of at most `limit` bytes from somebody who may report events and products.

    That is anybody with a key, of whatever role, or the shop whose secret made the signature. Where a key is sent it
    alone counts. 401 with neither, 404 for a key and an unknown shop, 413.
    """
    if "authorization" in request.headers or "webhook-signature" not in request.headers:
        await _caller(request)
        body = await body_of(request, limit)
        return Report(context_of(request).shop(request), body)
    return await _signed(request, limit)


async def _signed(request: Request, limit: int) -> Report:
    """Return a signed body; of several shops the one whose secret fits, with `?shop=` only that one."""
    context, wanted = context_of(request), request.query_params.get("shop")
    named = [one for one in context.installation.settings.shops if wanted in (None, one.id)]
    shops = [(one, secrets) for one in named if (secrets := one.secrets("events"))]
    failure = "no secret is set up for signed calls: set RELAUNCH_EVENTS_SECRET"
    body = await body_of(request, limit) if shops else b""  # whom nobody expects is not listened to
    knock = Knock(body, dict(request.headers), str(request.url), context.now())
    for shop, secrets in shops:
        try:
            standard.verify(knock, secrets)
        except BadSignature as error:
            failure = str(error)
        else:
            return Report(shop, body, request.headers["webhook-id"])
    raise ProblemError(401, failure, headers=_HMAC)
