"""What the figures of Relaunch are made of: counts for each journey's and each step's group, and who gets an order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from models.vocabulary import Arm, Kind

OBJECTION_WINDOW = timedelta(days=7)
"""How long after a delivery an objection counts against it."""
ANSWER_WINDOW = timedelta(days=7)
"""How long after a delivery an open or a click counts for it."""
ARRIVAL_WINDOW = timedelta(hours=72)
"""How long after a delivery its return counts against it."""
CONVERSION_WINDOW = timedelta(days=14)
"""How long after J0 an order counts for the arm, in both arms alike."""


class Count(StrEnum):
    """What is counted; all of it adds up over keys."""

    STARTED = "started"
    HANDED = "handed"
    SENT = "sent"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    REACHED = "reached"
    RECOVERED = "recovered"
    ORDERS = "orders"
    OBJECTED = "objected"
    WATCHED = "watched"
    COMPLAINED = "complained"
    RETURNED = "returned"
    OPENABLE = "openable"
    OPENED = "opened"
    CLICKABLE = "clickable"
    CLICKED = "clicked"
    ENROLLED = "enrolled"
    CONVERTED = "converted"
    MATURING = "maturing"


@dataclass(frozen=True, slots=True)
class Key:
    """What a group of figures is about; without step and channel it is about whole journeys."""

    policy: str
    version: str
    segment: str | None
    arm: str
    step: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is counted: its journey, and the step of its delivery where there is one.

    A journey keeps the segment of J0; a delivery has the one it was sent to, because segments are read at each step.
    """

    journey: Key
    kind: Kind
    step: Key | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order that joins a journey, beside one delivery of it that was sent; `net` in minor units, after refunds."""

    order: str
    placed_at: datetime
    net: int
    currency: str
    journey: str
    delivery: str
    handed_at: datetime
    j0: datetime
    place: Place


@dataclass(slots=True)
class Tally:
    """Counts, and money by currency in minor units."""

    counts: Counter[Count] = field(default_factory=Counter)
    money: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Add what another one has counted."""
        self.counts.update(other.counts)
        self.money.update(other.money)


class Book:
    """One tally for each key."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self.tallies: defaultdict[Key, Tally] = defaultdict(Tally)

    def count(self, place: Place, what: Count, number: int = 1) -> None:
        """Count for the journey, and for the step where there is one."""
        for key in (place.journey, place.step):
            if key is not None:
                self.tallies[key].counts[what] += number

    def reach(self, place: Place, number: int) -> None:
        """Count journeys with a delivery that was sent (of a step, when the place has one); of carts only."""
        if place.kind is Kind.CART:
            self.tallies[place.step or place.journey].counts[Count.REACHED] += number

    def recover(self, orders: Iterable[Candidate]) -> None:
        """Count attributed orders, their value, and each journey that has one once."""
        journeys: set[tuple[Key, str]] = set()
        for order in orders:
            self.count(order.place, Count.ORDERS)
            for key in (order.place.journey, order.place.step):
                if key is not None:
                    self.tallies[key].money[order.currency] += order.net
                    if order.place.kind is Kind.CART:
                        journeys.add((key, order.journey))
        for key, _ in journeys:
            self.tallies[key].counts[Count.RECOVERED] += 1

    def whole(self, arm: Arm | None = None) -> Tally:
        """Return the sum over whole journeys, of one arm if asked."""
        total = Tally()
        for key, tally in self.tallies.items():
            if key.step is None and arm in (None, key.arm):
                total.add(tally)
        return total


def attributed(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield each order once, beside the latest delivery before it; an order before every delivery is left out.

    Storefronts tell whole seconds: an order in the second of the hand-over came after it.
    """
    latest: dict[str, Candidate] = {}
    for one in candidates:
        if one.handed_at.replace(microsecond=0) > one.placed_at:
            continue
        best = latest.get(one.order)
        if best is None or (one.handed_at, one.delivery) > (best.handed_at, best.delivery):
            latest[one.order] = one
    return iter(latest.values())


def converted(j0: datetime, first_order: datetime) -> bool:
    """Say whether the first order since the customer went quiet came within 14 days of J0."""
    return j0.replace(microsecond=0) <= first_order <= j0 + CONVERSION_WINDOW


def step_of(journey: Key, step: str, channel: str, segment: str | None) -> Key:
    """Return the key of a delivery's step; an unknown segment is the journey's."""
    return replace(journey, step=step, channel=channel, segment=segment or journey.segment)
