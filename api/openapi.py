"""The description of the API at `/openapi.json`: what handlers read by themselves is told here."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

_STANDARD = "Of Standard Webhooks: all three sign a call under a secret of RELAUNCH_EVENTS_SECRET"
_REF = "#/components/schemas/{model}"
_PROBLEMS = {
    400: "The body cannot be read",
    401: "No valid key or signature",
    403: "The key has the wrong role",
    404: "There is no such thing",
    409: "It is in no state for that",
    413: "The body is too large",
    422: "Nothing of the body is usable",
    503: "The store or Temporal does not answer; try again",
}
_SIGNED: Mapping[str, list[str]] = {name: [] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
_PROBLEM = {
    "type": "object",
    "description": "An error as RFC 9457 describes it.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


def told(
    summary: str,
    answer: str,
    *problems: int,
    takes: type[BaseModel] | None = None,
    many: bool = False,
    raw: str | None = None,
    status: int = 200,
    key: bool = True,
    signed: bool = False,
) -> dict[str, Any]:
    """Return what a route says of itself.

    `takes` is the shape of a JSON body, one or a list of it with `many`; `raw` is the media type of a body that has
    no shape. `problems` are the statuses of its errors; a route with a key has those of `api.auth` too.
    `signed` says that a signature does as well as a key.
    """
    reads = takes is not None or raw is not None
    statuses = sorted({*problems, *((401, 403) if key else ()), *((413,) if reads else ())})
    content = {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}
    extra: dict[str, Any] = {"security": ([{"key": []}] if key else []) + ([_SIGNED] if signed else [])}
    if takes is not None:
        one = {"$ref": _REF.format(model=takes.__name__)}
        schema = {"anyOf": [one, {"type": "array", "items": one}]} if many else one
        needed = any(field.is_required() for field in takes.model_fields.values())
        extra["requestBody"] = {"required": needed, "content": {"application/json": {"schema": schema}}}
    elif raw is not None:
        extra["requestBody"] = {"required": False, "content": {raw: {"schema": {"type": "string"}}}}
    return {
        "summary": summary,
        "status_code": status,
        "responses": {status: {"description": answer}}
        | {one: {"description": _PROBLEMS[one], "content": content} for one in statuses},
        "openapi_extra": extra,
    }


def describe(app: FastAPI, shapes: tuple[type[BaseModel], ...]) -> None:
    """Make `/openapi.json` complete: the shapes that bodies have, problems, and how a key is sent."""
    made: dict[str, Any] = {}

    def openapi() -> Mapping[str, Any]:
        if not made:
            made.update(get_openapi(title=app.title, version=app.version, routes=app.routes, summary=app.summary))
            _, found = models_json_schema([(one, "validation") for one in shapes], ref_template=_REF)
            components = made.setdefault("components", {})
            components["schemas"] = {**components.get("schemas", {}), **found.get("$defs", {}), "Problem": _PROBLEM}
            header = {"type": "apiKey", "in": "header", "description": _STANDARD}
            signature = {name: header | {"name": name} for name in _SIGNED}
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}, **signature}
            _forget_validation(made)
        return made

    app.openapi = openapi  # type: ignore[method-assign,assignment] # FastAPI's own way to change it


def _forget_validation(made: dict[str, Any]) -> None:
    """Leave out the framework's own shape of an error, which our calls never answer with."""
    for name in ("HTTPValidationError", "ValidationError"):
        made["components"]["schemas"].pop(name, None)
    for path in made["paths"].values():
        for call in path.values():
            if "ValidationError" in str(call["responses"].get("422")):
                del call["responses"]["422"]
