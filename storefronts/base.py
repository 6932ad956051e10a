"""What every storefront promises: to tell whether a webhook is its own, what it means, and to answer when asked."""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from models.events import Event

FIRST: Final = timedelta(days=7)
"""How far back a storefront is asked the first time."""
OVERLAP: Final = timedelta(minutes=15)
"""How much of what was read is read again each round: clocks differ, and storefronts commit later than they date."""


class BadSignature(Exception):
    """A webhook was not, or not provably, sent by the storefront; says why, never what the body holds."""


class StorefrontError(Exception):
    """A storefront did not answer what it was asked; says what happened and what to do, never what it holds."""


class StorefrontAway(StorefrontError):
    """It cannot be reached, is overrun or broken for now; `retry_after` is its own wish, if it told one."""

    def __init__(self, problem: str, retry_after: timedelta | None = None) -> None:
        """Say what happened."""
        super().__init__(problem)
        self.retry_after = retry_after


class StorefrontRefused(StorefrontError):
    """It does not let us in, or does not know what we ask for: the operator must look at its URL, key or rights."""


class StorefrontGarbled(StorefrontError):
    """It answered what nobody understands."""


@dataclass(frozen=True, slots=True)
class Account:
    """How a shop's storefront is asked.

    `country` (ISO 3166) is for phone numbers without country code, `currency` (ISO 4217) for amounts without one,
    `zone` (IANA) for times without one.
    """

    url: str
    key: str = field(repr=False)
    country: str = "FR"
    currency: str = "EUR"
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who may have ordered: every name under which the storefront may know them, and the tokens of their cart."""

    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    tokens: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what has changed, and the cursor to go on from; `more` when there is more now.

    `unreadable` counts the items that were left out because nobody understands them.
    """

    events: tuple[Event, ...]
    cursor: str
    more: bool = False
    unreadable: int = 0


class Storefront(Protocol):
    """One kind of storefront, and what it sends."""

    name: str

    def verify(self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> None:
        """Check the signature of the raw body.

        Parameters
        ----------
        body:
            The body as it came, byte for byte.
        headers:
            The headers of the request; the case of their names does not matter.
        secrets:
            All secrets that are valid now, more than one while they are rotated; empty ones are ignored.

        Raises
        ------
        BadSignature:
            No secret made this signature for this body.
        """
        ...

    def translate(self, body: bytes, headers: Mapping[str, str], *, shop_country: str, at: datetime) -> list[Event]:
        """Return what a verified webhook means, nothing for a topic that is of no use.

        Parameters
        ----------
        body, headers:
            As in `verify`.
        shop_country:
            ISO 3166 code, for phone numbers without country code.
        at:
            When the webhook came: the event time of last resort.

        Raises
        ------
        Unreadable:
            The body is not what the topic promises; names the field at fault, never its value.
        """
        ...

    def origin(self, headers: Mapping[str, str]) -> str | None:
        """Return the host of the shop that sent this, None when the headers do not name one."""
        ...

    def greets(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Say whether this only asks whether anybody answers: it is unsigned, means nothing and wants a 200."""
        ...

    def guess(self, body: bytes) -> Mapping[str, str]:
        """Return the headers that say what a body is, by its shape; empty for one that looks like nothing."""
        ...


class ShopApi(Protocol):
    """One shop's storefront that can be asked. Everything may raise a `StorefrontError`."""

    name: str
    streams: tuple[str, ...]
    """What it can be asked for page by page, like `orders` and `carts`."""

    async def changes(self, stream: str, cursor: str | None, at: datetime) -> Page:
        """Return the next page of what has changed, oldest first.

        `cursor` is what the page before gave, None the very first time: then it begins `FIRST` before `at`. A cursor
        that a last page gave (`more` was false) begins a new round, `OVERLAP` before the newest thing that was read.
        """
        ...

    async def orders_of(self, buyer: Buyer, since: datetime, at: datetime) -> list[Event]:
        """Return the orders of a person that were placed or changed since then, as the webhooks would tell them."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class Headers(dict[str, str]):
    """Headers whose names are in lower case already, as ASGI writes them: `lower` has nothing left to do."""


def lower(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers by lower-case name."""
    return headers if isinstance(headers, Headers) else {name.lower(): value for name, value in headers.items()}


def check_hmac(body: bytes, told: str, secrets: Sequence[str], header: str) -> None:
    """Check base64 of HMAC-SHA256 over the raw body, made with any of the secrets that is not empty.

    `header` is the name of the one that told it, for the `BadSignature` that this raises.
    """
    if not told:
        raise BadSignature(f"there is no {header} header")
    try:
        signature = base64.b64decode(told.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature("the signature is not base64") from None
    # An empty key would let anybody sign.
    keys = [secret.encode() for secret in secrets if secret]
    if not keys:
        raise BadSignature("no secret is set up for this storefront")
    # All keys are tried, so that the time taken does not tell which one came close.
    matches = [hmac.compare_digest(hmac.digest(key, body, "sha256"), signature) for key in keys]
    if not any(matches):
        raise BadSignature("none of the secrets made this signature for this body")
