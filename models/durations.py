"""How a policy writes lengths of time, moments of a sequence and shares, so that file, store and screen agree."""

import re
from datetime import timedelta

MAX_DURATION = timedelta(days=3650)
"""The longest length of time a policy may name: ten years."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LENGTH = re.compile(r"(-?[0-9]{1,9})([A-Za-z]+)", re.ASCII)
_MOMENT = re.compile(r"J(?:0|\+([0-9]{1,9})([A-Za-z]*))", re.ASCII)
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)%|(0(?:\.[0-9]{1,4})?)", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Read `45s`, `30m`, `1h`, `3d` or `2w` (whole numbers); raise ValueError with a sentence for people."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a length of time; write a whole number and a unit, like 30m, 1h, 3d or 2w")
    return _length(int(found[1]), found[2])


def parse_moment(text: str) -> timedelta:
    """Read a moment after a journey's start: `J0`, `J+3` (days), `J+36h`, `J+90m`; raise ValueError."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a moment; write J0, J+3 (days after J0), J+36h or J+90m")
    return _length(int(found[1] or 0), found[2] or "d")


def _length(count: int, unit: str) -> timedelta:
    if unit not in _UNITS:
        raise ValueError(f"unknown unit '{unit[:20]}'; units are s, m (minutes), h, d (days) and w")
    if count < 0:
        raise ValueError("a length of time cannot be negative")
    if count * _UNITS[unit] > MAX_DURATION.total_seconds():
        raise ValueError("longer than ten years")
    return timedelta(seconds=count * _UNITS[unit])


def format_duration(length: timedelta) -> str:
    """Write a length the way `parse_duration` reads it, in days, hours, minutes or seconds; whole seconds only."""
    seconds, rest = divmod(length, timedelta(seconds=1))
    if rest or seconds < 0:
        raise ValueError(f"{length} is not a whole, positive number of seconds")
    unit = next(unit for unit in "dhms" if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def format_moment(after: timedelta) -> str:
    """Write a moment the way `parse_moment` reads it: `J0`, `J+3`, `J+36h`."""
    return f"J+{format_duration(after).removesuffix('d')}" if after else "J0"


def parse_share(text: str) -> float:
    """Read `10%`, `2.5%` or `0.1` as a share from 0 to 1; raise ValueError for more, and for a bare 10."""
    found = _SHARE.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a share; write it in percent, like 0%, 10% or 2.5%")
    share = float(found[2]) if found[2] else float(found[1]) / 100
    if share > 1:
        raise ValueError("more than 100%")
    return round(share, 4)


def format_share(share: float) -> str:
    """Write a share from 0 to 1 the way `parse_share` reads it, rounded to a hundredth of a percent."""
    return f"{round(100 * share, 2):g}%"
