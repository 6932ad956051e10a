"""How names, e-mail addresses and phone numbers from outside become safe to keep and possible to match."""

import re
import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email

NAME_LIMIT = 200
"""Longest name of a person or a product that is kept, in characters."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# The everyday part of what email-validator accepts, at a small part of its time; the rest takes the long way.
_EVERYDAY = re.compile(
    r"(?=[^@]{1,64}@)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?=.{4,189}\Z)(?:[A-Za-z0-9]{1,30}(?:-[A-Za-z0-9]{1,30})?\.)+[A-Za-z]{2,24}\Z"
)


def clean(text: str, limit: int = NAME_LIMIT) -> str:
    """Return the text without control characters and outer space, at most `limit` characters long.

    Runs of control characters (line breaks too, so no header can be forged) become one space; marks of direction
    stay, right-to-left names need them.
    """
    if _CONTROL.search(text):
        text = _CONTROL.sub(" ", text)
    return text.strip()[:limit].rstrip()


def text_or_none(value: str | None, limit: int = NAME_LIMIT) -> str | None:
    """Return a text made safe by `clean`, None when nothing is left of it."""
    return clean(value, limit) or None if value else None


def is_email(address: str) -> bool:
    """Tell whether mail can be addressed to this: RFC 5322 and 6531 by email-validator, a domain with a dot.

    Reserved domains such as `.test` and `.local` pass: rehearsals and private networks use them.
    """
    return _EVERYDAY.match(address) is not None or _normalised(address) is not None


def email_key(address: str) -> str:
    """Return the form under which two spellings of one address match: lower case, domain in Unicode.

    A text that is no address comes back in lower case.
    """
    address = address.strip()
    if _EVERYDAY.match(address):
        return address.lower()
    return unicodedata.normalize("NFC", (_normalised(address) or address).lower())


def phone_number(number: str, country: str) -> str | None:
    """Return the number in E.164, None when there is no such number.

    Parameters
    ----------
    number:
        As a person types it, with or without country code.
    country:
        ISO 3166 code of the country in which a number without country code is dialled.
    """
    try:
        parsed = phonenumbers.parse(number, country.upper())
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _normalised(address: str) -> str | None:
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False, strict=True)
    except EmailNotValidError:
        return None
    last = found.domain.rpartition(".")[2]
    return None if last in (found.domain, "") or last.isdigit() else found.normalized
