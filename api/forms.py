"""Forms as browsers send them, read without touching a disk."""

from collections.abc import AsyncGenerator, Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from api.context import STAFF_BODY, body_of
from models.events import Unreadable

_FIELDS: Final = 50


async def form_of(request: Request) -> Mapping[str, str]:
    """Return the fields of a form, urlencoded or multipart; the last one of a name counts.

    Raises `Unreadable` for a body that is neither, and answers 413 to one that no page of ours makes.
    """
    body = await body_of(request, STAFF_BODY)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _multipart(request.headers, body)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:  # too many fields, or no UTF-8
        raise Unreadable("the form cannot be read") from None


async def _multipart(headers: Headers, body: bytes) -> Mapping[str, str]:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    try:
        parsed = await MultiPartParser(headers, once(), max_files=0, max_fields=_FIELDS).parse()
    except (MultiPartException, KeyError, ValueError):
        raise Unreadable("the form cannot be read") from None
    return {name: value for name, value in parsed.multi_items() if isinstance(value, str)}
