"""Checks of single fields of the generic door that types alone cannot make, and of the person an event names."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

from api.shapes import ConsentShape, CustomerShape
from models.contact import clean, is_email, phone_number, text_or_none
from models.currencies import DECIMALS
from models.events import ConsentEntry, Person

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Nothing that a shop reports is older."""

AHEAD = timedelta(hours=24)
"""How far a sender's clock may run ahead."""

_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_COUNTRY = re.compile(r"[A-Za-z]{2}")


class Problem(Exception):
    """An item cannot be taken; says which field and why, never a value."""

    def __init__(self, where: str, what: str) -> None:
        """Say it as `field: what is wrong`."""
        super().__init__(f"{where}: {what}")


@dataclass(frozen=True, slots=True)
class Door:
    """What is known before a body is read: the shop's country (ISO 3166), and when the body came.

    `call` is the sender's own id of the call, by which a repetition of it is known.
    """

    shop_country: str
    at: datetime
    call: str | None = None

    @property
    def latest(self) -> datetime:
        """Return the last moment that anything in the body may bear."""
        return self.at + AHEAD


def moment(value: datetime, where: str, latest: datetime) -> datetime:
    """Return a moment in UTC; a `Problem` when it lies before 1990 or after `latest`."""
    # The first and the last year first: in some zones they have no UTC.
    utc = value.astimezone(UTC) if 1 < value.year < 9999 else value
    if utc < EARLIEST:
        raise Problem(where, "lies too far in the past")
    if utc > latest:
        raise Problem(where, "lies in the future")
    return utc


def currency(code: str, where: str) -> str:
    """Return the ISO 4217 code in capitals; a `Problem` when there is no such currency."""
    if code.upper() not in DECIMALS:
        raise Problem(where, "is no ISO 4217 code like EUR")
    return code.upper()


def person_of(given: CustomerShape | None, door: Door) -> tuple[Person, tuple[str, ...]]:
    """Return who it is, and notes on what had to be left out; raise `Problem`."""
    if given is None:
        return Person(), ()
    country, email = _country(given.country), _email(given.email)
    phone = phone_number(given.phone, country or door.shop_country) if given.phone else None
    person = Person(
        external_id=given.id or None,
        email=email,
        phone=phone,
        first_name=text_or_none(given.first_name),
        locale=_locale(given.locale),
        timezone=_zone(given.timezone),
        country=country,
        traits=tuple(
            (name, clean(value) if isinstance(value, str) else value)
            for name, value in sorted((given.traits or {}).items())
            if value is not None
        ),
        consents=tuple(_consent(one, index, door.latest) for index, one in enumerate(given.consents or ())),
        email_verified=email is not None and given.email_verified is True,
    )
    return person, ("customer.phone: no valid number, left out",) if given.phone and phone is None else ()


def _consent(given: ConsentShape, index: int, latest: datetime) -> ConsentEntry:
    return ConsentEntry(
        channel=given.channel,
        purpose=given.purpose,
        state=given.state,
        source=clean(given.source),
        at=moment(given.at, f"customer.consents[{index}].at", latest),
        wording=text_or_none(given.wording, 5000),
    )


def _email(given: str | None) -> str | None:
    address = (given or "").strip()
    if not address:
        return None
    if not is_email(address):
        raise Problem("customer.email", "is no e-mail address")
    return address


def _country(given: str | None) -> str | None:
    if not given:
        return None
    if not _COUNTRY.fullmatch(given):
        raise Problem("customer.country", "is no ISO 3166 code of two letters")
    return given.upper()


def _locale(given: str | None) -> str | None:
    if not given:
        return None
    if not _LOCALE.fullmatch(given):
        raise Problem("customer.locale", "is no language like fr or en-GB")
    return given.replace("_", "-")


def _zone(given: str | None) -> str | None:
    if not given:
        return None
    if given not in _zones():
        raise Problem("customer.timezone", "is no IANA zone like Europe/Paris")
    return given


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
