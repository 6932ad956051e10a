"""When each country lets a message of each channel in: hours, weekdays and public holidays as data, with sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from functools import lru_cache

from models.calendar import QuietHours
from models.france import FRANCE, is_french
from models.vocabulary import Channel

Span = tuple[timedelta, timedelta]
"""A part of a local day, from the first length after midnight up to but not including the second."""

DAY = timedelta(days=1)
EVERY_DAY = frozenset(range(7))
"""Weekdays as `date.weekday` counts them: 0 is Monday."""
WORKING_DAYS, OFFICE_DAYS = frozenset(range(6)), frozenset(range(5))
"""Monday to Saturday (French *jours ouvrables*), and Monday to Friday."""
ELSEWHERE = "*"
"""The profile of every country that has none of its own."""


def _hours(*pairs: tuple[int, int]) -> tuple[Span, ...]:
    return tuple((timedelta(hours=start), timedelta(hours=end)) for start, end in pairs)


ALL_DAY = _hours((0, 24))


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The window of one country and channel, in local time.

    `hours` hold unless a policy has quiet hours of its own; `limit` holds always; only `days` are open, and no public
    holiday when `holidays_closed`. The spans of a day are in order and do not touch. `source` says where the rule is
    from and how strict we are beyond it.
    """

    hours: tuple[Span, ...]
    limit: tuple[Span, ...]
    days: frozenset[int]
    holidays_closed: bool
    source: str


ALWAYS = Profile(ALL_DAY, ALL_DAY, EVERY_DAY, holidays_closed=False, source="no law sets hours for e-mail or push")

SMS: Mapping[str, Profile] = {
    FRANCE: Profile(
        _hours((8, 20)),
        _hours((8, 22)),
        WORKING_DAYS,
        holidays_closed=True,
        source="af2m Business Messaging charter, in force 1 Sep 2024: working days (Mon-Sat without public holidays),"
        " 08:00-22:00; 08:00-20:00 is what French SMS providers apply",
    ),
    "IT": Profile(
        _hours((8, 20)),
        _hours((8, 22)),
        WORKING_DAYS,
        holidays_closed=True,
        source="Twilio's SMS guidelines for Italy: no marketing 22:00-08:00 nor on Sunday; holidays are our caution",
    ),
    "US": Profile(
        _hours((9, 20)),
        _hours((8, 21)),
        EVERY_DAY,
        holidays_closed=False,
        source="TCPA, 47 CFR 64.1200(c)(1): 08:00-21:00; 09:00-20:00 also keeps to Florida, Oklahoma, Maryland,"
        " Connecticut and, but for Sunday mornings, Texas; Rhode Island is stricter still",
    ),
    ELSEWHERE: Profile(
        _hours((8, 20)),
        _hours((8, 20)),
        WORKING_DAYS,
        holidays_closed=True,
        source="no rule known here: the strict common practice, which a policy can only narrow",
    ),
}
"""Marketing messages by SMS, by ISO 3166 country."""

CALL: Mapping[str, Profile] = {
    FRANCE: Profile(
        _hours((10, 13), (14, 20)),
        _hours((10, 13), (14, 20)),
        OFFICE_DAYS,
        holidays_closed=True,
        source="Code de la consommation, art. D223-9 (decree 2022-1313): Mon-Fri without public holidays, 10:00-13:00"
        " and 14:00-20:00 in the consumer's zone; law 2025-594 announces a decree that may change it",
    ),
    "US": Profile(
        _hours((9, 20)),
        _hours((8, 21)),
        EVERY_DAY,
        holidays_closed=False,
        source="TCPA, 47 CFR 64.1200(c)(1): 08:00-21:00; 09:00-20:00 also keeps to most of the stricter states",
    ),
    ELSEWHERE: Profile(
        _hours((10, 20)),
        _hours((10, 20)),
        OFFICE_DAYS,
        holidays_closed=True,
        source="no rule known here: hours of an office, which a policy can only narrow",
    ),
}
"""Calls by the shop's own staff, by ISO 3166 country."""


def profile_of(channel: Channel, country: str) -> Profile:
    """Return the window of a channel in a country (ISO 3166), the strict one if unknown; overseas France is France."""
    law = FRANCE if is_french(country) else country
    match channel:
        case Channel.SMS:
            return SMS.get(law, SMS[ELSEWHERE])
        case Channel.CALL:
            return CALL.get(law, CALL[ELSEWHERE])
        case Channel.EMAIL | Channel.PUSH:
            return ALWAYS


@lru_cache(maxsize=1024)
def open_hours(profile: Profile, quiet: QuietHours | None) -> tuple[Span, ...]:
    """Return the open spans of an open day, in order.

    A policy's quiet hours take the place of the profile's hours, and never open what lies beyond its limit.
    """
    if quiet is None:
        return profile.hours
    both = [(max(start, first), min(end, last)) for start, end in profile.limit for first, last in _outside(quiet)]
    return tuple((start, end) for start, end in sorted(both) if start < end)


def hours_problem(channel: Channel, quiet: QuietHours, country: str) -> str | None:
    """Return why a policy's quiet hours can never work in a country, in one sentence for people, else None.

    With any time open a message goes out within days: every profile opens on some weekday, and no holidays last.
    """
    profile = profile_of(channel, country)
    if open_hours(profile, quiet):
        return None
    limit = " and ".join(f"{_clock(start)}-{_clock(end)}" for start, end in profile.limit)
    return f"quiet hours for {channel} leave no time at all: in {country} the limit is {limit}; shorten them"


def _outside(quiet: QuietHours) -> tuple[Span, ...]:
    start, end = _since_midnight(quiet.start), _since_midnight(quiet.end)
    if start == end:
        return ALL_DAY
    return ((end, start),) if start > end else ((timedelta(), start), (end, DAY))


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond)


def _clock(moment: timedelta) -> str:
    minutes = moment // timedelta(minutes=1)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
