"""The public holidays of countries and of the parts of France, from the `holidays` library.

The library and its countries take about 0.2 s to load, once per process, and only what asks for a day loads them;
afterwards a year of a place costs under a millisecond, and a day under a microsecond.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import NamedTuple


class Home(NamedTuple):
    """A place with public holidays of its own: ISO 3166 code, and a part of it as the library names it, or none."""

    country: str
    part: str | None = None


@lru_cache(maxsize=4096)
def public_holidays(home: Home, year: int) -> frozenset[date]:
    """Return the public holidays of a place in a year, none for a country that the library does not know.

    Days that are observed in place of one that falls on a weekend count too.
    """
    from holidays import country_holidays  # noqa: PLC0415 - slow to load, and e-mail never asks

    try:
        return frozenset(country_holidays(home.country, subdiv=home.part, years=year))
    except NotImplementedError:
        return frozenset()


def is_holiday(homes: Iterable[Home], day: date) -> bool:
    """Say whether a day is a public holiday in any of these places."""
    return any(day in public_holidays(home, day.year) for home in homes)
