"""Who may call what: named keys with a role, in the `Authorization` header."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from api.context import Caller, context_of
from api.problems import ProblemError, unauthorized
from models.vocabulary import Role


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


Ingesting = Annotated[Caller, Depends(_caller)]
"""A caller with any key: every role may report events and products."""
Staff = Annotated[Caller, Depends(_staff)]
"""A caller with a key of the role staff or admin."""
