"""Every error of the API as `application/problem+json` (RFC 9457), translated in one place, without personal values."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from temporalio.exceptions import TemporalError as SdkError
from temporalio.service import RPCError

from api.bodies import TooMany, problem_of
from models.events import Unreadable
from runtime.temporal import TemporalError
from store.db import ConflictError, NotFoundError, StoreError
from storefronts.base import BadSignature

_BEARER = {"www-authenticate": 'Bearer realm="relaunch"'}
_SOON = {"retry-after": "5"}


class ProblemError(Exception):
    """A call that is answered with an error; `detail` names what to do, `more` are further members of the body."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: object) -> None:
        """Describe the error in words that are safe to show and to log."""
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, headers or {}, more

    def response(self) -> Response:
        """Return the answer."""
        body = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status}
        content = json.dumps(body | {"detail": self.detail} | self.more, ensure_ascii=False).encode()
        return Response(content, self.status, dict(self.headers), media_type="application/problem+json")


def unauthorized(detail: str) -> ProblemError:
    """Return the error of a call without a valid key."""
    return ProblemError(401, detail, headers=_BEARER)


def unknown(what: str) -> ProblemError:
    """Return the error of an id that names nothing, whatever it looks like."""
    return ProblemError(404, f"there is no such {what}")


# What each of our errors means in HTTP; their texts are written to be shown.
_OURS: dict[type[Exception], tuple[int, Mapping[str, str]]] = {
    NotFoundError: (404, {}),
    ConflictError: (409, {}),
    StoreError: (503, _SOON),
    Unreadable: (400, {}),
    TooMany: (413, {}),
    BadSignature: (401, {"www-authenticate": 'HMAC realm="webhook"'}),
    TemporalError: (503, _SOON),
}


def translate(error: Exception) -> ProblemError:
    """Return the error as its caller shall see it."""
    if type(error) in _OURS:
        status, headers = _OURS[type(error)]
        return ProblemError(status, str(error), headers=headers)
    match error:
        case ProblemError():
            return error
        case RPCError() | SdkError():
            return ProblemError(503, f"Temporal does not answer ({type(error).__name__})", headers=_SOON)
        case ValidationError():
            unreadable = error.errors(include_input=False, include_url=False)[0]["type"] == "json_invalid"
            return ProblemError(400, "the body is not JSON") if unreadable else ProblemError(422, _fields(error))
        case RequestValidationError():
            fields = sorted({".".join(str(part) for part in one["loc"][1:]) for one in error.errors()})
            return ProblemError(422, f"not what it should be: {', '.join(fields)}")
        case HTTPException():
            detail = "there is nothing at this address" if error.status_code == 404 else str(error.detail)
            return ProblemError(error.status_code, detail, headers=error.headers)
        case _:
            return ProblemError(500, "something broke on our side; the log says what")


def _fields(error: ValidationError) -> str:
    return problem_of(error).replace("Value error, ", "")  # pydantic's own beginning of a check's words


async def answer(request: Request, error: Exception) -> Response:
    """Answer an error that a handler raised."""
    return translate(error).response()


TRANSLATED: tuple[type[Exception], ...] = (
    *_OURS,
    ProblemError,
    RPCError,
    SdkError,
    ValidationError,
    RequestValidationError,
    HTTPException,
)
"""What handlers may raise; anything else is a fault of ours, answered by `api.access`."""
