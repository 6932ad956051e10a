"""When a customer may be written to: quiet hours in their own zone, right also on the days that clocks change."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from models.stored import Json, take

_DAY = timedelta(days=1)
_ACCURACY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local hours without messages, from `start` up to but not including `end`; 22:00 to 08:00 goes over midnight.

    Equal times mean no quiet hours at all.
    """

    start: time
    end: time

    def covers(self, local: time) -> bool:
        """Say whether a local time of day is quiet."""
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


def zone_of(name: str | None, default: str = "UTC") -> ZoneInfo:
    """Return the zone of that IANA name; of `default` when there is none of that name, else UTC."""
    return known_zone(name) or known_zone(default) or ZoneInfo("UTC")


@lru_cache(maxsize=1024)
def known_zone(name: str | None) -> ZoneInfo | None:
    """Return the zone of that IANA name, None when there is none; looked up once, as a miss searches the disk."""
    try:
        return ZoneInfo(name) if name else None
    except (LookupError, ValueError, OSError):  # names come from storefronts: "", "../x", "Europe", a whole novel
        return None


def elapsed(at: datetime, ahead: timedelta, place: ZoneInfo) -> datetime:
    """Return when the local clock of a place has gone on by `ahead`, at most a day, from the instant `at` (UTC).

    If the clocks are changed before that, the change (to 1 s) is returned instead: from there on it is another sum.
    """
    reached = at + ahead
    if _offset(place, reached) == _offset(place, at):
        return reached
    before, after = at, reached
    while after - before > _ACCURACY:
        middle = before + (after - before) / 2
        if _offset(place, middle) == _offset(place, at):
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _offset(place: ZoneInfo, instant: datetime) -> timedelta | None:
    return instant.astimezone(place).utcoffset()


def quiet_to_json(quiet: QuietHours) -> dict[str, Json]:
    """Return the hours as a policy file would write them."""
    return {"from": quiet.start.isoformat("minutes"), "to": quiet.end.isoformat("minutes")}


def quiet_from_json(record: dict[str, Json]) -> QuietHours:
    """Read what `quiet_to_json` wrote; raise ValueError for anything else."""
    return QuietHours(time.fromisoformat(take(record, "from", str)), time.fromisoformat(take(record, "to", str)))
