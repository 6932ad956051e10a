"""The access log and the request metrics: routes and figures, never an address, a query or a key."""

import re
import time
from functools import cache
from pathlib import Path

import structlog
from prometheus_client import Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import translate
from runtime.metrics import REQUESTS

_log = structlog.get_logger()
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_GONE = 499
_OWN = frozenset({"/openapi.json", "/docs"})
_ID = re.compile("[0-9a-f-]{36}")


class Access:
    """Middleware around the whole app: one line and one measurement a request, and no error leaves it unanswered."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before `app`."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except ClientDisconnect:
            status = status or _GONE
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer and the log a line
            _log.error("http.failed", route=_route(scope), problem=type(error).__name__, where=_where(error))
            if not status:
                await translate(error).response()(scope, receive, sending)
        finally:
            _note(scope, status or _GONE, time.perf_counter() - began)


def _note(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = _route(scope)
    _measured(method, route, status).observe(seconds)
    journey = scope.get("path_params", {}).get("journey_id", "")
    named = {"journey": journey} if _ID.fullmatch(journey) else {}
    _log.info("http.request", method=method, route=route, status=status, ms=round(seconds * 1000, 1), **named)


@cache
def _measured(method: str, route: str, status: int) -> Histogram:
    """Return the histogram of a route's answers; routes are templates, so there are few."""
    return REQUESTS.labels(method, route, status)


def _route(scope: Scope) -> str:
    """Return the template of the route, because a path may hold a token."""
    path = getattr(scope.get("route"), "path", None) or scope["path"]
    return path if path in _OWN or "route" in scope else "unmatched"


def _where(error: Exception) -> str:
    """Return where an error was raised; its text may quote a person, so it stays out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
