"""What every storefront promises: to tell whether a webhook is its own, and what it means."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from models.events import Event


class BadSignature(Exception):
    """A webhook was not, or not provably, sent by the storefront; says why, never what the body holds."""


class Storefront(Protocol):
    """One kind of storefront."""

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


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by lower-case name."""
    return {name.lower(): value for name, value in headers.items()}
