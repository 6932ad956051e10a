"""The parts of France whose public holidays and clocks differ: Alsace, Moselle, and what lies overseas."""

import re
from collections.abc import Mapping

from models.public_holidays import Home

FRANCE = "FR"
POSTAL_TRAITS = ("postal_code", "zip", "code_postal")
"""The traits of a customer in France that are read as a postal code, in this order."""

METROPOLE, MOSELLE, ALSACE = Home(FRANCE), Home(FRANCE, "57"), Home(FRANCE, "6AE")
SOMEWHERE_IN_FRANCE = MOSELLE
"""Where a French customer counts as living who may live anywhere: all metropolitan holidays and the two local ones."""

_BY_POST: Mapping[str, str] = {
    "971": "GP",
    "97133": "BL",
    "97150": "MF",
    "972": "MQ",
    "973": "GF",
    "974": "RE",
    "975": "PM",
    "976": "YT",
    "977": "BL",
    "978": "MF",
    "984": "TF",
    "986": "WF",
    "987": "PF",
    "988": "NC",
}
# Calling codes are shared: Réunion and Mayotte have one, Guadeloupe and its two northern neighbours another.
_BY_NUMBER: Mapping[str, tuple[str, ...]] = {
    "+262": ("RE", "YT"),
    "+508": ("PM",),
    "+590": ("GP", "BL", "MF"),
    "+594": ("GF",),
    "+596": ("MQ",),
    "+681": ("WF",),
    "+687": ("NC",),
    "+689": ("PF",),
}
_POSTAL = re.compile(r"(?:FR?-)?(\d{2}) ?(\d{3})", re.ASCII | re.IGNORECASE)

OVERSEAS = frozenset(_BY_POST.values())
"""The parts of France that have an ISO 3166 code of their own, a zone of their own, and holidays of their own."""


def is_french(country: str) -> bool:
    """Say whether the law of France holds in a country (ISO 3166)."""
    return country == FRANCE or country in OVERSEAS


def overseas_by_number(phone: str | None) -> tuple[Home, ...]:
    """Return the overseas parts of France that a number (E.164) may belong to, none for any other number."""
    return tuple(Home(part) for part in _BY_NUMBER.get((phone or "")[:4], ()))


def home_by_post(traits: Mapping[str, object]) -> Home | None:
    """Return where in France a customer's postal code is, None when there is none that can be read.

    A code begins with its department, but for a few villages on a border; the two islands north of Guadeloupe have
    codes of Guadeloupe.
    """
    typed = next((traits[name] for name in POSTAL_TRAITS if traits.get(name)), "")
    # A number has lost the zero that the first nine departments begin with.
    found = _POSTAL.fullmatch(f"{typed:05d}" if isinstance(typed, int) else str(typed).strip())
    if found is None:
        return None
    code, department = found[1] + found[2], found[1]
    overseas = _BY_POST.get(code) or _BY_POST.get(code[:3])
    if overseas:
        return Home(overseas)
    if department in ("67", "68"):
        return ALSACE
    if department == "57":
        return MOSELLE
    return METROPOLE if "01" <= department <= "95" else None
