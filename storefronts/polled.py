"""What storefronts share that send nothing and are asked: nothing to verify, and pages in the order of changes.

A page begins behind the last thing of the one before, named by the second of its last change and by its id. So things
of one second may cross a page, and a thing that changes meanwhile comes again at the end; it is never skipped, as it
would be with numbered pages.
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from models.contact import email_key
from models.events import Event
from storefronts.base import FIRST, OVERLAP, BadSignature, Buyer, StorefrontGarbled

_WRITTEN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"
"""A moment as both storefronts write it, without a zone."""


class Polled:
    """The webhooks of a storefront that has none; derive from it and give a name. See `Storefront`."""

    name: str

    def verify(self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> None:
        """Refuse: nothing of this storefront's is signed; see `Storefront.verify`."""
        raise BadSignature(f"{self.name} signs nothing and sends nothing: it is asked, with its URL and key")

    def origin(self, headers: Mapping[str, str]) -> str | None:
        """Return None: it does not call; see `Storefront.origin`."""
        return None

    def greets(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Return False: it does not call; see `Storefront.greets`."""
        return False

    def guess(self, body: bytes) -> Mapping[str, str]:
        """Return nothing: its bodies need no headers; see `Storefront.guess`."""
        return {}


class _Cursor(BaseModel):
    """The newest thing that was read, and within a round also the last one."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    newest: AwareDatetime
    moment: Annotated[str, StringConstraints(pattern=_WRITTEN)] | None = None
    id: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next page begins: behind the thing `id` of the second `moment`, as the storefront writes it.

    `newest` is the newest time of all that was read, in UTC.
    """

    newest: datetime
    moment: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """By what a thing of a page is told from the next one; `at` is its time in UTC."""

    moment: str
    id: int
    at: datetime


def place_of(cursor: str | None, at: datetime, written: Callable[[datetime], str]) -> Place:
    """Return where to go on, `FIRST` before `at` without a cursor or with one of somebody else's.

    `written` writes the lower bound of a round so that nothing later is passed over.
    """
    known = _read(cursor)
    if known is None:
        return Place(at - FIRST, written(at - FIRST))
    newest = min(known.newest.astimezone(UTC), at)
    return Place(newest, written(newest - OVERLAP)) if known.moment is None else Place(newest, known.moment, known.id)


def cursor_behind(storefront: str, place: Place, marks: Sequence[Mark], at: datetime, *, more: bool) -> str:
    """Return the cursor behind these things of a page; a thing of the future takes no cursor past now.

    Raises
    ------
    StorefrontGarbled:
        There is more, and nothing of this page says where it begins.
    """
    newest = max([place.newest, *(min(mark.at, at) for mark in marks)])
    if not more:
        return _Cursor(newest=newest).model_dump_json()
    if not marks or (marks[-1].moment, marks[-1].id) <= (place.moment, place.id):
        raise StorefrontGarbled(f"{storefront} gave a page that does not go on behind the one before")
    return _Cursor(newest=newest, moment=marks[-1].moment, id=marks[-1].id).model_dump_json()


def plain(moment: datetime) -> str:
    """Write a moment as both storefronts do, in its own zone, to the second below."""
    return moment.replace(tzinfo=None, microsecond=0).isoformat(" ")


def unsafe(storefront: str, url: str, key: str) -> str | None:
    """Return why a shop cannot be asked: its key must fit a header, and must never travel in the open."""
    parts = urlsplit(url)
    if not key.isascii() or not key.isprintable():
        return f"the key of {storefront} has characters that no key has: paste it again"
    if parts.scheme == "https" or _this_machine(parts.hostname or ""):
        return None
    return f"{storefront} is asked over https only: set RELAUNCH_{storefront.upper()}_URL"


def theirs(event: Event, buyer: Buyer) -> bool:
    """Tell whether an order is a person's: a storefront may know less of a filter than it should."""
    person, tokens = event.person, event.order.cart_tokens if event.order else ()
    same = person.external_id is not None and person.external_id == buyer.external_id
    known = person.email_key is not None and buyer.email is not None and person.email_key == email_key(buyer.email)
    return same or known or not buyer.tokens.isdisjoint(tokens)


def fault_of(error: ValidationError) -> str:
    """Return which field is at fault, never its value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "the body is not JSON"
    path = ".".join(str(part) for part in first["loc"])
    return f"{path} is missing or not what it should be" if path else "the body is not an object"


def _this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(cursor: str | None) -> _Cursor | None:
    try:
        return None if cursor is None else _Cursor.model_validate_json(cursor)
    except ValidationError:
        return None
