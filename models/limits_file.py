"""Caps and quiet hours as a policy file writes them, read with the line and field of every mistake."""

import re
from datetime import time

from models.calendar import QuietHours
from models.france import FRANCE
from models.policy import Pressure
from models.policy_nodes import Spot, read_length
from models.vocabulary import Channel
from models.windows import hours_problem

_CAP_KEYS = ("messages", "per", "gap")
_HOUR = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


def read_pressure(spot: Spot | None) -> tuple[Pressure, dict[Channel, Pressure]]:
    """Return the cap of every channel, and those that a channel has of its own."""
    entries = spot.entries((*_CAP_KEYS, *Channel)) if spot else {}
    usual = _read_cap(entries, Pressure())
    own = {Channel(name): item for name, item in entries.items() if name not in _CAP_KEYS}
    return usual, {channel: _read_cap(item.entries(_CAP_KEYS), usual) for channel, item in own.items()}


def _read_cap(entries: dict[str, Spot], usual: Pressure) -> Pressure:
    messages = entries["messages"].whole(1, 100) if "messages" in entries else None
    return Pressure(
        messages or usual.messages,
        read_length(entries, "per", usual.per),
        read_length(entries, "gap", usual.gap, zero=True),
    )


def read_quiet_hours(spot: Spot | None) -> dict[Channel, QuietHours]:
    """Return the hours of each channel in which nothing goes out."""
    found: dict[Channel, QuietHours] = {}
    for channel, item in (spot.entries(tuple(Channel), "channel") if spot else {}).items():
        entries = item.entries(("from", "to"))
        for key in ("from", "to"):
            if item.is_mapping and key not in entries:
                item.report("is missing; write a local time like 22:00", key)
        hours = [entries[key].parsed(_read_hour) for key in ("from", "to") if key in entries]
        if len(hours) == 2 and hours[0] is not None and hours[1] is not None:
            if hours[0] == hours[1]:
                item.report("begin and end at the same time; leave them out to have none")
            found[Channel(channel)] = QuietHours(hours[0], hours[1])
            problem = hours_problem(Channel(channel), found[Channel(channel)], FRANCE)
            if problem is not None:
                item.report(problem)
    return found


def _read_hour(text: str) -> time:
    found = _HOUR.fullmatch(text)
    if found is None:
        raise ValueError("not a time of day; write it like 22:00")
    return time(int(found[1]), int(found[2]))
