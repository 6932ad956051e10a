"""The HTTP application: every route, one translation of errors, one access log."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from types import ModuleType

from fastapi import FastAPI
from temporalio.client import Client

from api import (
    acting,
    health,
    identities,
    ingest,
    pages,
    preferences,
    providers,
    rights,
    staff,
    tasks,
    tracking,
    webhooks,
)
from api.access import Access
from api.context import Context
from api.openapi import describe
from api.problems import TRANSLATED, answer
from api.shapes import EventShape, ProductShape
from api.staff_shapes import Advance, Because, Cancel, CloseTask, Join, OptOut, SearchFor
from relay import Relay
from runtime.installation import Installation

VERSION = version("relaunch")
_SHAPES = (EventShape, ProductShape, SearchFor, OptOut, Because, Cancel, CloseTask, Advance, Join)


def create_app(installation: Installation, relay: Relay, temporal: Callable[[], Awaitable[Client]]) -> FastAPI:
    """Return the API of an installation.

    Temporal is asked for when a call needs it: `send-now`, `advance` and readiness. Everything else is the store's,
    and `relay` tells Temporal afterwards.
    """
    people = (staff, acting, tasks, rights, identities, pages, preferences)
    app = _app(installation, relay, temporal, ingest, webhooks, providers, *people, tracking, health)
    describe(app, _SHAPES)
    return app


def create_health(installation: Installation, relay: Relay, temporal: Callable[[], Awaitable[Client]]) -> FastAPI:
    """Return what a worker or relay answers that runs by itself: how it does, and its figures."""
    return _app(installation, relay, temporal, health)


def _app(
    installation: Installation, relay: Relay, temporal: Callable[[], Awaitable[Client]], *parts: ModuleType
) -> FastAPI:
    app = FastAPI(
        title="Relaunch",
        summary="Brings back customers who left a cart and subscribers who went quiet.",
        version=VERSION,
        redirect_slashes=False,
        redoc_url=None,
    )
    app.state.context = Context(installation, relay, temporal)
    app.add_middleware(Access)
    for kind in TRANSLATED:
        app.add_exception_handler(kind, answer)
    for part in parts:
        app.router.routes.extend(part.router.routes)  # found in half the time that an included router takes
    return app
