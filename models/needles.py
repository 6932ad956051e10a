"""What a certificate searches for: everything that names one person, in every spelling that may be stored."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote

import phonenumbers

_SHORTEST_ID: Final = 8
_SHORTEST_NAME: Final = 3
_SHORTEST_NUMBER: Final = 8


class Sort(StrEnum):
    """What a needle is of a person."""

    ADDRESS = "address"
    PHONE = "phone"
    ID = "id"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Needle:
    """One thing that names a person, as it was known."""

    sort: Sort
    text: str

    @property
    def telling(self) -> bool:
        """Say whether finding it anywhere at all means this person.

        A first name is many people's, and a short id of a shop stands in any number: both are searched for only in
        what is left about this very person.
        """
        match self.sort:
            case Sort.ADDRESS | Sort.PHONE:
                return True
            case Sort.ID:
                return len(self.text) >= _SHORTEST_ID
            case Sort.NAME:
                return False

    def spellings(self) -> frozenset[bytes]:
        """Return how it may be written, ASCII letters in lower case: plain, in JSON, in a URL; none within another.

        An address has its domain in Unicode and in Punycode too, a number is searched for without its plus.
        """
        texts = {self.text, self.text.lower()}
        if self.sort is Sort.ADDRESS:
            texts |= {ascii_domain(one) for one in texts}
        elif self.sort is Sort.PHONE:
            texts = _numbers(self.text)
        found = {form.encode(errors="replace").lower() for text in texts for form in _forms(text)}
        return frozenset(one for one in found if not any(other in one for other in found - {one}))

    def named_in(self, text: bytes) -> bool:
        """Say whether it stands in a text about this very person; a name or an id as a whole word only."""
        lowered = text.lower()
        if self.telling:
            return any(one in lowered for one in self.spellings())
        if self.sort is Sort.NAME and len(self.text) < _SHORTEST_NAME:
            return False
        return any(re.search(rb"(?<![^\W_])" + re.escape(one) + rb"(?![^\W_])", lowered) for one in self.spellings())


def ascii_domain(address: str) -> str:
    """Return an address with its domain in Punycode, as mail carries it; an address that has none as it is."""
    local, at, domain = address.rpartition("@")
    try:
        return local + at + domain.encode("idna").decode()
    except UnicodeError:
        return address


def _numbers(phone: str) -> set[str]:
    """Return a number in E.164 without its plus, and as it is dialled at home, in digits."""
    found = {phone.removeprefix("+")}
    try:
        parsed = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return found
    at_home = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    dialled = re.sub(r"\D", "", at_home)
    return found | ({dialled} if len(dialled) >= _SHORTEST_NUMBER else set())


def _forms(text: str) -> Iterable[str]:
    return (text, json.dumps(text)[1:-1], quote(text, safe=""), quote(text, safe="@+"))


def write(needles: Iterable[Needle]) -> str:
    """Return needles as text, to be sealed."""
    return json.dumps([[one.sort, one.text] for one in needles])


def read(text: str) -> list[Needle]:
    """Read what `write` wrote."""
    return [Needle(Sort(sort), written) for sort, written in json.loads(text)]


_Texts = Iterable[str | None]


def needles(addresses: _Texts, phones: _Texts, ids: _Texts, names: _Texts) -> Sequence[Needle]:
    """Return everything that names a person, each once."""
    sorts = ((Sort.ADDRESS, addresses), (Sort.PHONE, phones), (Sort.ID, ids), (Sort.NAME, names))
    return list(dict.fromkeys(Needle(sort, one) for sort, several in sorts for one in several if one))
