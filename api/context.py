"""What every handler works with, and how it reads a body: once, and never more than it asked for."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from temporalio.client import Client

from api.problems import ProblemError, unknown
from api.together import Together
from models.policy import Policy
from models.vocabulary import Kind, Role
from relay import Relay
from runtime import clock
from runtime.installation import Installation
from runtime.shop_settings import ShopSettings
from store import keys, policies
from store.db import Database

STAFF_BODY = 64 * 1024
"""Largest body of a staff call, in bytes."""
FRESH_S = 1.0
"""How long a key or a policy may be remembered."""

_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_KEY = 512
_DRAINED = 32 * 1024 * 1024
_DRAIN_S = 5.0
_Body = TypeVar("_Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Caller:
    """A key that opened the door; its name is the actor in the log of acts."""

    name: str
    role: Role


@dataclass(slots=True)
class Context:
    """One running API: the installation, the way to Temporal, and what it remembers for a second."""

    installation: Installation
    relay: Relay
    temporal: Callable[[], Awaitable[Client]]
    now: Callable[[], datetime] = clock.now
    moving: asyncio.Lock = field(default_factory=asyncio.Lock)
    together: Together = field(init=False)
    _callers: dict[str, tuple[float, Caller]] = field(default_factory=dict)
    _policy: tuple[float, Policy | None] = (0.0, None)

    def __post_init__(self) -> None:
        """Begin with nobody waiting for a commit."""
        self.together = Together(self.db, self._now)

    def _now(self) -> datetime:
        return self.now()

    @property
    def db(self) -> Database:
        """Return the store."""
        return self.installation.db

    async def caller(self, key: str) -> Caller | None:
        """Return who has this key, None for nobody; a revoked key is forgotten within a second."""
        if len(key) > _LONGEST_KEY:
            return None
        until, caller = self._callers.get(key, (0.0, None))
        if caller is not None and time.monotonic() < until:
            return caller
        self._callers.pop(key, None)
        found = await self.db.read(keys.find_key, key)
        if found is None:
            return None
        caller = Caller(*found)
        self._callers[key] = (time.monotonic() + FRESH_S, caller)
        return caller

    async def cart_policy(self) -> Policy | None:
        """Return the policy that new cart journeys begin with."""
        until, policy = self._policy
        if time.monotonic() >= until:
            active = await self.db.read(policies.active, Kind.CART)
            policy = active[0] if active else None
            self._policy = (time.monotonic() + FRESH_S, policy)
        return policy

    def shop(self, request: Request) -> ShopSettings:
        """Return the shop that `?shop=` names, the first one without it; 404 for an unknown one."""
        wanted = request.query_params.get("shop")
        shop = next((one for one in self.installation.settings.shops if wanted in (None, one.id)), None)
        if shop is None:
            raise unknown("shop")
        return shop


def context_of(request: Request) -> Context:
    """Return the context of the app that a request came to."""
    context: Context = request.app.state.context
    return context


def known_id(text: str, what: str) -> str:
    """Return an id that may exist; 404 for anything that is no id of ours, before any database sees it."""
    if _ID.fullmatch(text) is None:
        raise unknown(what)
    return text


def is_id(text: str) -> bool:
    """Say whether this may be an id of ours."""
    return _ID.fullmatch(text) is not None


async def body_of(request: Request, limit: int) -> bytes:
    """Return the body; 413 for more than `limit` bytes, which are never kept."""
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdecimal() else 0
    chunks = []
    if size <= limit:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                break
            chunks.append(chunk)
    if size > limit:
        await _drain(request, size)
        raise ProblemError(413, f"the body is larger than {limit // 1024} kB", headers={"connection": "close"})
    return b"".join(chunks)


async def _drain(request: Request, size: int) -> None:
    """Throw away the rest of a body that is not absurdly large: who is still sending does not hear an answer."""
    if size > _DRAINED or "expect" in request.headers:
        return
    seen = 0
    with suppress(TimeoutError, RuntimeError):  # the stream may have been read to its end
        async with asyncio.timeout(_DRAIN_S):
            async for chunk in request.stream():
                seen += len(chunk)
                if seen > _DRAINED:
                    return


async def read(request: Request, shape: type[_Body]) -> _Body:
    """Return the body of a staff call as `shape`; an empty one counts as an empty object."""
    return shape.model_validate_json(await body_of(request, STAFF_BODY) or b"{}")
