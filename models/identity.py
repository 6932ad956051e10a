"""Who is one person: which rows of customers belong together, and why. Nothing here is stored or guessed.

Rows are one person by the shop's own id, then by an e-mail address that the shop has verified, then by a phone number.
What is shared and says nothing, as a household's address, joins nobody: a stop reaches both rows by their equal
address anyway, and only permissions would be gained, which need the person they were given by.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from models.events import Person
from models.profile import CustomerState

Family = Sequence[CustomerState]
"""The rows of one person: a root and its aliases, or a row that stands alone."""


class Tie(StrEnum):
    """Why a row is an alias of another."""

    EMAIL = "email"
    PHONE = "phone"
    STAFF = "staff"


def may_be(family: Family, person: Person) -> bool:
    """Say whether these rows, which share an address with a person, may be about them.

    Not when they have another id of the shop, nor when they have another e-mail address and share a phone alone: what
    one of a household allowed, the other did not.
    """
    ids, emails = _ids(family), _emails(family)
    other_id = person.external_id is not None and bool(ids) and person.external_id not in ids
    other_email = person.email_key is not None and bool(emails) and person.email_key not in emails
    return not other_id and not other_email


def joining(person: Person, mine: Family, others: Iterable[Family]) -> list[tuple[CustomerState, Tie]]:
    """Return one row of each family that an event shows to be the same person as `mine`, with the reason.

    `mine` are the rows that the event is about, `others` every family that shares an address with the event.

    By e-mail: the event names the shop's id together with an address that the shop has verified, and nobody with
    another id has that address. By phone: the other rows are known by nothing but the number, and nobody else has it.
    Two ids of the shop are never joined here, whatever they share.
    """
    rest = [one for one in others if one[0].root != mine[0].root]
    if person.external_id is not None and person.email_verified and person.external_id in _ids(mine):
        found = [one for one in rest if person.email_key in _emails(one)]
        if found and not any(_ids(one) - _ids(mine) for one in found):
            return [(one[0], Tie.EMAIL) for one in found] + _by_phone(person, mine, [o for o in rest if o not in found])
    return _by_phone(person, mine, rest)


def _by_phone(person: Person, mine: Family, others: Sequence[Family]) -> list[tuple[CustomerState, Tie]]:
    found = [one for one in others if person.phone is not None and any(row.phone == person.phone for row in one)]
    named = person.external_id in _ids(mine) or person.email_key in _emails(mine)
    if not named or any(_ids(one) or _emails(one) for one in found):
        return []
    return [(one[0], Tie.PHONE) for one in found]


def root_of(rows: Iterable[CustomerState]) -> CustomerState:
    """Return under which of these rows the others stand, whatever came first: one with an id, an e-mail, the oldest."""
    return min(rows, key=lambda one: (one.external_id is None, one.email_key is None, one.id))


def _ids(family: Family) -> set[str]:
    return {one.external_id for one in family if one.external_id is not None}


def _emails(family: Family) -> set[str]:
    return {one.email_key for one in family if one.email_key is not None}
