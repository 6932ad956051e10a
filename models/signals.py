"""What somebody's behaviour shows before words do: lingering, hesitating, clicking erratically."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from models.events import EventType
from models.policy import Policy
from models.profile import by_machine
from models.rules import fields

SIGNALS: Final = ("time_on_page_s", "hesitation", "erratic_clicks")
"""The properties of an event by which a shop, or its session tool, tells of behaviour."""
WINDOW: Final = timedelta(days=7)
"""How long before a journey's last activity behaviour still tells something of it."""
MOST: Final = 500
"""Most events that are looked at, the latest first."""

PREFIX: Final = "behaviour."
"""How the fields of rules begin that ask for signals."""

Seen = tuple[str, str | None, Mapping[str, object] | None]
"""An event as the store keeps it: its type, the product looked at, and its properties."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What the shop told of somebody's behaviour since `WINDOW` before the last activity that their journey began with.

    `time_on_page_s` is the sum of the seconds on pages of products that are not in the journey's cart, `hesitation`
    the highest score told, 0 to 1, and `erratic_clicks` their sum. None: nobody told.
    """

    time_on_page_s: float | None = None
    hesitation: float | None = None
    erratic_clicks: float | None = None


def signals(events: Iterable[Seen], in_cart: Collection[str]) -> Signals:
    """Sum up what events tell of behaviour; a machine's is none."""
    human = [one for one in events if not by_machine(one[2] or {})]
    lingered = [one for one in human if one[0] == EventType.PRODUCT_VIEWED and one[1] not in in_cart]
    times, scores = _told(lingered, "time_on_page_s"), _told(human, "hesitation")
    clicks = _told(human, "erratic_clicks")
    return Signals(
        sum(times) if times else None,
        max(scores, default=None),
        sum(clicks) if clicks else None,
    )


def asks_for_signals(policy: Policy) -> bool:
    """Say whether a rule of a policy asks for behaviour."""
    rules = [policy.audience, *(one.when for one in policy.segments), *(one.when for one in policy.steps)]
    return any(name.startswith(PREFIX) for rule in rules for name in fields(rule))


def _told(events: Iterable[Seen], name: str) -> list[float]:
    """Return a signal of each event that tells it; what an older version let in as anything else says nothing."""
    values = [(properties or {}).get(name) for _, _, properties in events]
    return [value for value in values if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0]
