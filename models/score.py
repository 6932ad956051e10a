"""First, honest scores of a customer: each is a plain rule on counted things, and each shows its parts."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Generic, TypeVar

OPEN_POINTS = 10
CLICK_POINTS = 20
PURCHASE_POINTS = 50
LOYAL_ORDERS = 3
SERIAL_ABANDONS = 3
MIDDLING_RATIO = 1.5
DEEP_RATIO = 2.0
ABANDON_WINDOW = timedelta(days=90)
"""The span in which a serial abandoner's abandons and coupons are counted."""

T_co = TypeVar("T_co", covariant=True)


class Loyalty(StrEnum):
    """How often a customer has ordered: never; once or twice; three times or more."""

    NEW = "new"
    REGULAR = "regular"
    LOYAL = "loyal"


class Depth(StrEnum):
    """How long a customer has been quiet, against the sector's threshold: under 1.5 times, under twice, longer."""

    SLIGHT = "slight"
    MIDDLING = "middling"
    DEEP = "deep"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that went into a score: what was counted or measured, and the points it gave (None: no points)."""

    name: str
    measured: float
    points: int | None = None


@dataclass(frozen=True, slots=True)
class Score(Generic[T_co]):
    """A value with the parts that explain it."""

    value: T_co
    parts: tuple[Part, ...]


def engagement(opens: int, clicks: int, purchases: int) -> Score[int]:
    """Return 10 points an open, 20 a click and 50 a purchase (`domain.md`, scores).

    Count what happened within the sector's inactivity threshold (`models.policy.threshold`), and only opens of a
    human who agreed to open tracking: without a window every old customer would look engaged.
    """
    parts = (
        Part("open", opens, OPEN_POINTS * opens),
        Part("click", clicks, CLICK_POINTS * clicks),
        Part("purchase", purchases, PURCHASE_POINTS * purchases),
    )
    return Score(sum(part.points or 0 for part in parts), parts)


@dataclass(frozen=True, slots=True)
class Purchases:
    """What RFM looks at, for a customer with at least one order: days since the last, number, and sum spent.

    `spent` is in minor units of the shop's currency.
    """

    days_since_last: float
    orders: int
    spent: int


@dataclass(frozen=True, slots=True)
class Rfm:
    """Quintiles 1 (weakest) to 5 (strongest) of recency, frequency and monetary value, with the figures behind."""

    recency: int
    frequency: int
    monetary: int
    parts: tuple[Part, ...]

    @property
    def score(self) -> float:
        """Return the mean of the three quintiles, 1 to 5, to two decimals."""
        return round((self.recency + self.frequency + self.monetary) / 3, 2)


@dataclass(frozen=True, slots=True)
class Population:
    """The buyers that one buyer is ranked among: three ascending lists of one length, the first of minus days."""

    recency: Sequence[float]
    orders: Sequence[float]
    spent: Sequence[float]

    @classmethod
    def of(cls, members: Iterable[Purchases]) -> "Population":
        """Sort the figures of all customers that have ordered."""
        known = tuple(members)
        return cls(
            sorted(-member.days_since_last for member in known),
            sorted(member.orders for member in known),
            sorted(member.spent for member in known),
        )

    def rfm(self, purchases: Purchases) -> Rfm:
        """Rank one buyer; O(log n). Recency is reversed: the fewest days since an order make a 5."""
        recency = quintile(-purchases.days_since_last, self.recency)
        frequency = quintile(purchases.orders, self.orders)
        monetary = quintile(purchases.spent, self.spent)
        parts = (
            Part("days_since_last", purchases.days_since_last, recency),
            Part("orders", purchases.orders, frequency),
            Part("spent", purchases.spent, monetary),
        )
        return Rfm(recency, frequency, monetary, parts)


def rfm(members: Mapping[str, Purchases]) -> dict[str, Rfm]:
    """Rank every buyer of a population, by customer id, among all of them; O(n log n)."""
    population = Population.of(members.values())
    return {customer: population.rfm(purchases) for customer, purchases in members.items()}


def quintile(value: float, ascending: Sequence[float]) -> int:
    """Return the fifth, 1 (lowest) to 5, in which a value falls among sorted values.

    Ties share the mean of their ranks (the mid-rank), so equal values get equal fifths whatever their order, and a
    population of equals gets 3. A value that is not among them is ranked as if it were.
    """
    below = bisect_left(ascending, value)
    equal = bisect_right(ascending, value) - below
    size = len(ascending) if equal else len(ascending) + 1
    return 1 + 5 * (2 * below + max(equal, 1)) // (2 * size)


def loyalty(orders: int) -> Score[Loyalty]:
    """Return new for no order, regular for one or two, loyal from three on."""
    name = Loyalty.NEW if orders <= 0 else Loyalty.REGULAR if orders < LOYAL_ORDERS else Loyalty.LOYAL
    return Score(name, (Part("orders", orders),))


def depth(inactive_days: float, threshold: timedelta) -> Score[Depth]:
    """Return how far a spell of inactivity reaches beyond the sector's threshold: the ratio decides."""
    days = threshold / timedelta(days=1)
    name = Depth.DEEP
    if inactive_days < MIDDLING_RATIO * days:
        name = Depth.SLIGHT
    elif inactive_days < DEEP_RATIO * days:
        name = Depth.MIDDLING
    return Score(name, (Part("inactive_days", inactive_days), Part("threshold_days", days)))


def serial_abandoner(abandons: int, coupons: int) -> Score[bool]:
    """Say whether somebody seems to abandon carts for the coupons: 3 abandons or more and a coupon within 90 days."""
    return Score(abandons >= SERIAL_ABANDONS and coupons >= 1, (Part("abandons", abandons), Part("coupons", coupons)))
