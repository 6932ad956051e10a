"""The next moment at which a message may reach a customer: windows by law, quiet hours by policy, clocks that change.

Loads telephone and holiday data when a message to a telephone first asks; e-mail needs neither.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from models.calendar import QuietHours, elapsed, zone_of
from models.france import SOMEWHERE_IN_FRANCE
from models.public_holidays import Home, is_holiday, public_holidays
from models.situation import CustomerRecord
from models.stored import Json
from models.vocabulary import Channel
from models.whereabouts import Whereabouts, whereabouts
from models.windows import DAY, Profile, Span, open_hours, profile_of

HORIZON = timedelta(days=31)
"""How far ahead an allowed moment is looked for; the longest run of holidays and Sundays in any country is 11 days."""


class Closed(StrEnum):
    """Why a moment is closed: the day of the week, a public holiday, the law's hours, or quiet hours within them."""

    WEEKDAY = "weekday"
    HOLIDAY = "holiday"
    HARD_LIMIT = "hard_limit"
    QUIET_HOURS = "quiet_hours"


@dataclass(frozen=True, slots=True)
class Opening:
    """When a message may go: `moment` is the very instant asked about when nothing is closed then.

    Otherwise `moment` (UTC) is the first later one, None when there is none within a month (a customer who may be in
    zones that are never open together), and `closes` the first instant after it that may be closed again. `why`, with
    the zone and the local time there without seconds, says what is closed at the instant asked about.
    """

    moment: datetime | None
    closes: datetime | None = None
    why: Closed | None = None
    zone: str = ""
    local: str = ""

    def inputs(self) -> dict[str, Json]:
        """Return what a decision records: why it waits, and the zone and local time that say so; nothing if open."""
        return {"closed": self.why, "zone": self.zone, "local": self.local} if self.why else {}

    def spread(self, key: str, window: timedelta) -> datetime | None:
        """Return the moment put off by up to `window` as `spread` does, but never beyond the end of the opening."""
        if self.moment is None or self.closes is None:
            return self.moment
        return spread(self.moment, key, min(window, self.closes - self.moment))


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is open on the local clock of one customer, whatever their zone."""

    profile: Profile
    hours: tuple[Span, ...]
    homes: tuple[Home, ...]

    def ahead(self, local: datetime) -> timedelta:
        """Return how far the local clock is from the next opening of this day, or from midnight; zero when open."""
        clock = _clock(local)
        if self._closed_day(local.date()) is None:
            for start, end in self.hours:
                if clock < end:
                    return max(start - clock, timedelta())
        return DAY - clock

    def open_for(self, local: datetime) -> timedelta:
        """Return how far the local clock, at an open moment, is from the end of its span."""
        clock = _clock(local)
        return next(end - clock for _, end in self.hours if clock < end)

    def why(self, local: datetime) -> Closed | None:
        """Return what is closed at a local time, None when nothing is."""
        day, clock = self._closed_day(local.date()), _clock(local)
        if day is not None:
            return day
        if not _within(self.profile.limit, clock):
            return Closed.HARD_LIMIT
        return None if _within(self.hours, clock) else Closed.QUIET_HOURS

    def _closed_day(self, day: date) -> Closed | None:
        if day.weekday() not in self.profile.days:
            return Closed.WEEKDAY
        return Closed.HOLIDAY if self.profile.holidays_closed and is_holiday(self.homes, day) else None


def next_allowed_for(
    channel: Channel,
    customer: CustomerRecord | None,
    quiet: QuietHours | None,
    shop_zone: str,
    shop_country: str,
    at: datetime,
) -> Opening:
    """Return when a message on a channel may reach a customer, from the instant `at` on.

    Parameters
    ----------
    quiet:
        The policy's quiet hours for the channel; they take the place of the country's usual hours, within its limit.
    shop_zone, shop_country:
        IANA zone and ISO 3166 code that count where the customer's own are unknown.
    """
    if quiet is None and channel in (Channel.EMAIL, Channel.PUSH):
        return Opening(at)
    place = _place(channel, customer, shop_zone, shop_country)
    profile = profile_of(channel, place.country)
    rules = _Rules(profile, open_hours(profile, quiet), place.homes)
    for zone in place.zones:
        local = _local(at, zone)
        why = rules.why(local)
        if why is not None:
            moment, closes = _first_open(at.astimezone(UTC), place.zones, rules)
            return Opening(moment, closes, why, zone.key, local.isoformat(timespec="minutes"))
    return Opening(at)


def spread(at: datetime, key: str, window: timedelta) -> datetime:
    """Return `at` put off by less than `window`, always the same for one key and evenly spread over many.

    So a crowd that may be written to from 08:00 on does not come at 08:00. The share of the window is the first
    64 bits of the key's SHA-256; a window of zero or less changes nothing.
    """
    share = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    return at + timedelta(microseconds=max(window // timedelta(microseconds=1), 0) * share >> 64)


def load_places() -> None:
    """Load telephone and holiday data ahead (about 0.2 s), so that no customer is locked meanwhile."""
    import phonenumbers.timezone  # noqa: F401, PLC0415 - slow to load

    public_holidays(SOMEWHERE_IN_FRANCE, 2026)


def _place(channel: Channel, customer: CustomerRecord | None, shop_zone: str, shop_country: str) -> Whereabouts:
    if customer is None or channel in (Channel.EMAIL, Channel.PUSH):
        zone = zone_of(customer.timezone if customer else None, shop_zone)
        return Whereabouts(shop_country, (Home(shop_country),), (zone,))
    return whereabouts(customer, shop_zone, shop_country)


def _first_open(at: datetime, zones: tuple[ZoneInfo, ...], rules: _Rules) -> tuple[datetime | None, datetime | None]:
    """Return the first instant that is open in every zone, and the next that may not be.

    Each round goes on to the latest of the zones' own next openings (or midnights, or changes of the clocks); nothing
    before that can be open in all of them, so nothing is overlooked.
    """
    moment = at
    while moment <= at + HORIZON:
        later = max(elapsed(moment, rules.ahead(_local(moment, zone)), zone) for zone in zones)
        if later == moment:
            return moment, min(elapsed(moment, rules.open_for(_local(moment, zone)), zone) for zone in zones)
        moment = later
    return None, None


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def _clock(local: datetime) -> timedelta:
    return local - local.replace(hour=0, minute=0, second=0, microsecond=0)


def _within(spans: tuple[Span, ...], clock: timedelta) -> bool:
    return any(start <= clock < end for start, end in spans)
