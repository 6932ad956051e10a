"""What providers' doors share: a shared secret, the age of a signature, and bodies of JSON."""

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from channels.base import BadSignature, Knock
from models.events import Unreadable
from models.hits import PROXIES
from models.provider_events import ProviderEventType

SIGNATURE_AGE = timedelta(minutes=5)
"""How far the clocks of a provider and of this machine may be apart, replays included."""

_SECONDS = re.compile(r"\d{1,12}")
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)")

Shape = TypeVar("Shape", bound=BaseModel)


def check_secret(knock: Knock, secrets: Sequence[str], *, header: str = "") -> None:
    """Check for a shared secret: password of basic auth (any user), bearer token, or the value of an own `header`.

    `header` is in lower case. Raises `BadSignature`.
    """
    keys = good_keys(secrets)
    told = [word for word in (*_authorization(knock), knock.headers.get(header, "")) if word]
    if not told:
        raise BadSignature("there is no secret in the Authorization header")
    # All are compared, so that the time taken does not tell which one came close.
    matches = [hmac.compare_digest(key, word.encode()) for key in keys for word in told]
    if not any(matches):
        raise BadSignature("the secret is not one of ours")


def good_keys(secrets: Sequence[str]) -> list[bytes]:
    """Return the secrets that count, as bytes; raises `BadSignature` when there is none: an empty one is anybody's."""
    keys = [secret.encode() for secret in secrets if secret]
    if not keys:
        raise BadSignature("no secret is set up for this provider")
    return keys


def check_age(signed_at: str, at: datetime, within: timedelta = SIGNATURE_AGE) -> None:
    """Check a signature's time in Unix seconds against the wall clock; raises `BadSignature`."""
    if not _SECONDS.fullmatch(signed_at):
        raise BadSignature("the signature has no time in seconds")
    age = at.timestamp() - int(signed_at)
    if abs(age) > within.total_seconds():
        raise BadSignature("the signature is too old" if age > 0 else "the signature is from the future")


def read_bodies(body: bytes, shape: type[Shape]) -> list[Shape]:
    """Read one JSON object, or a list of them, into a shape of which every name is known.

    Raises `Unreadable` with the name of the field at fault: a shape with free names would put what it was sent there.
    """
    try:
        if body.lstrip()[:1] == b"[":
            return _many(shape).validate_json(body)
        return [shape.model_validate_json(body)]
    except ValidationError as error:
        fault = _fault(error)
    raise Unreadable(fault)


def by_a_person(agent: str | None) -> bool | None:
    """Tell from a user agent who opened a message: False for the proxies of mail services, None for anybody else.

    Gmail and Yahoo name theirs; Apple's Mail Privacy Protection sends nothing but `Mozilla/5.0`.
    """
    return False if agent and PROXIES.search(agent) else None


def mail_status(reply: str | None) -> str | None:
    """Return the enhanced status code in a mail server's reply (RFC 3463), all of it that may be repeated."""
    found = _STATUS.search(reply or "")
    return found[0] if found else None


def bounced(permanent: bool | None, status: str | None) -> tuple[ProviderEventType, bool | None]:
    """Return what a mail server's refusal is: one by policy (RFC 3463, x.7.x) is about the sender, not the address."""
    if status is not None and status.split(".")[1] == "7":
        return ProviderEventType.REJECTED, None
    return ProviderEventType.BOUNCED, permanent


def reason(*codes: str | None) -> str | None:
    """Return the codes that are known in one line, None when there is none."""
    return " ".join(filter(None, codes)) or None


def utc(moment: datetime | None) -> datetime | None:
    """Return a moment in UTC, None for one without zone: nobody knows when that was."""
    return moment.astimezone(UTC) if moment and moment.tzinfo else None


@cache
def _many(shape: type[Shape]) -> TypeAdapter[list[Shape]]:
    return TypeAdapter(list[shape])  # type: ignore[valid-type] # a type is a value here


def _authorization(knock: Knock) -> tuple[str, ...]:
    scheme, _, told = knock.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return (told.strip(),)
        case "basic":
            try:
                pair = base64.b64decode(told.strip(), validate=True).decode()
            except (binascii.Error, ValueError):
                return ()
            return (pair.partition(":")[2],)
        case _:
            return ()


def _fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "the body is not JSON"
    path = ".".join(str(part) for part in first["loc"])
    return f"{path} is missing or not what it should be" if path else "the body is not an object"
