"""When a customer may be written to: quiet hours in their own zone, right also on the days that clocks change."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
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
    for candidate in (name, default):
        try:
            if candidate:
                return ZoneInfo(candidate)
        except (LookupError, ValueError, OSError):  # names come from storefronts: "", "../x", "Europe", a whole novel
            continue
    return ZoneInfo("UTC")


def next_allowed(quiet: QuietHours | None, zone: str | None, at: datetime, default: str = "UTC") -> datetime:
    """Return `at` itself when it is not quiet there, else the first instant (UTC) that is not.

    `zone` is an IANA name, replaced by `default` when unknown. Where clocks jump over the end of the quiet hours, the
    first instant is the jump; where they are put back into them, the second end counts.
    """
    if quiet is None:
        return at
    place = zone_of(zone, default)
    while quiet.covers(at.astimezone(place).time()):
        at = _end_or_change(quiet.end, place, at.astimezone(UTC))
    return at


def _end_or_change(end: time, place: ZoneInfo, at: datetime) -> datetime:
    """Return when the local clock next reads `end`, or the change of the clocks (to 1 s) if one comes before."""
    local = at.astimezone(place).replace(tzinfo=None)
    reached = at + (datetime.combine(local, end) - local) % _DAY
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
