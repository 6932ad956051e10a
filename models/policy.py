"""What a shop has decided about its relaunches: the versioned description of a sequence, and its stored form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from models.calendar import QuietHours, quiet_from_json, quiet_to_json
from models.durations import format_duration, format_share, parse_share
from models.events import OrderStatus
from models.facts import Facts
from models.journey import PlannedStep
from models.offers import DEFAULT_SEGMENT
from models.rules import Explained, Leaf, Rule, evaluate, rule_from_json, rule_to_json
from models.step import Step, step_from_json, step_to_json
from models.stored import Json, content_hash, objects, take, take_length, take_optional
from models.vocabulary import Channel, Kind, LastLook


class Sector(StrEnum):
    """The trade of a shop, which decides when a subscriber counts as inactive."""

    DEFAULT = "default"
    FASHION = "fashion"
    LUXURY = "luxury"


INACTIVE_AFTER: Mapping[Sector, timedelta] = {
    Sector.DEFAULT: timedelta(days=180),
    Sector.FASHION: timedelta(days=90),
    Sector.LUXURY: timedelta(days=365),
}
"""The inactivity threshold of each sector (`domain.md`, the two triggers)."""


PRIORITY: Mapping[Kind, int] = {Kind.CART: 50, Kind.INACTIVE: 30}
"""How much a policy's messages matter beside another's, 1 to 100, unless it says so itself: a cart is more urgent."""


PURCHASE = (OrderStatus.PAID, OrderStatus.AUTHORIZED, OrderStatus.REFUNDED)
"""The states in which an order ends a journey unless a policy says otherwise; what was refunded, even in part, was
bought, and its refund may be the first that is heard of it."""
_PURCHASE_ONCE = (OrderStatus.PAID, OrderStatus.AUTHORIZED)  # of versions that were stored before policies could say


@dataclass(frozen=True, slots=True)
class CartTrigger:
    """Relaunch a cart that is quiet for `abandoned_after`, unless it was older than `max_age` when first heard of.

    After a journey ends, another one for the same cart starts at the earliest `reentry` later.
    """

    abandoned_after: timedelta = timedelta(hours=1)
    max_age: timedelta = timedelta(days=3)
    reentry: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class InactiveTrigger:
    """Relaunch a subscriber who is inactive for longer than `inactive_after`, but not for longer than `max_inactive`.

    `reentry` is the least time between two journeys of one customer; `per_sweep` is how many one sweep may start.
    """

    sector: Sector = Sector.DEFAULT
    inactive_after: timedelta = INACTIVE_AFTER[Sector.DEFAULT]
    reentry: timedelta = timedelta(days=90)
    per_sweep: int = 1000
    max_inactive: timedelta = timedelta(days=1095)


Trigger = CartTrigger | InactiveTrigger


@dataclass(frozen=True, slots=True)
class Pressure:
    """At most `messages` to one customer on one channel in any span of `per`, and at least `gap` between two."""

    messages: int = 3
    per: timedelta = timedelta(days=7)
    gap: timedelta = timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class Segment:
    """A group of customers; without `when` it takes everybody who is left."""

    name: str
    when: Rule | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a policy; `hash` is computed from the content and names the version for ever.

    `locale` is None where the customer's own decides; `holdout` is the share, 0 to 1, that gets no message. Of two
    journeys that want to write to one person at once, the one with the higher `priority` (1 to 100) does. `caps`
    take the place of `pressure` on their channel. `purchase` are the states in which an order ends a journey.
    `last_look` is for when the shop's storefront cannot be asked just before a send.
    """

    name: str
    trigger: Trigger
    steps: tuple[Step, ...]
    locale: str | None = None
    holdout: float = 0.0
    audience: Rule | None = None
    segments: tuple[Segment, ...] = ()
    pressure: Pressure = Pressure()
    caps: Mapping[Channel, Pressure] = field(default_factory=dict)
    priority: int = 50
    quiet_hours: Mapping[Channel, QuietHours] = field(default_factory=dict)
    purchase: tuple[OrderStatus, ...] = PURCHASE
    last_look: LastLook = LastLook.HOLD
    hash: str = ""

    def __post_init__(self) -> None:
        """Seal a new version with the hash of its content."""
        if not self.hash:
            object.__setattr__(self, "hash", content_hash(to_json(self)))

    @property
    def kind(self) -> Kind:
        """Return what this policy answers."""
        return Kind.CART if isinstance(self.trigger, CartTrigger) else Kind.INACTIVE

    def step(self, name: str) -> Step | None:
        """Return the step of that name, if there is one."""
        return next((step for step in self.steps if step.name == name), None)

    def cap(self, channel: Channel) -> Pressure:
        """Return how much one person may get on a channel."""
        return self.caps.get(channel, self.pressure)


def plan(policy: Policy) -> tuple[PlannedStep, ...]:
    """Return what a workflow carries of the steps: names, whole seconds and channels."""
    return tuple(
        PlannedStep(step.name, int(step.after.total_seconds()), int(step.window.total_seconds()), step.channels)
        for step in policy.steps
    )


def threshold(policy: Policy) -> timedelta:
    """Return after what time a customer counts as inactive, also the window of the engagement score.

    A cart policy has no threshold of its own and takes the default sector's.
    """
    match policy.trigger:
        case InactiveTrigger(inactive_after=length):
            return length
        case _:
            return INACTIVE_AFTER[Sector.DEFAULT]


def segment_of(policy: Policy, facts: Facts) -> tuple[str, Explained]:
    """Return the first segment that matches, or `default` when none does, and every comparison made on the way."""
    leaves: tuple[Leaf, ...] = ()
    for segment in policy.segments:
        verdict = evaluate(segment.when, facts)
        leaves += verdict.leaves
        if verdict.result:
            return segment.name, Explained(True, leaves)
    return DEFAULT_SEGMENT, Explained(False, leaves)


def to_json(policy: Policy) -> dict[str, Json]:
    """Return the content of a policy for the store: a policy document with every default written out, no hash."""
    return {
        "name": policy.name,
        "trigger": _trigger_to_json(policy.trigger),
        "locale": policy.locale,
        "holdout": format_share(policy.holdout),
        "audience": rule_to_json(policy.audience),
        "segments": [{"name": part.name, "when": rule_to_json(part.when)} for part in policy.segments],
        "steps": [step_to_json(step) for step in policy.steps],
        "priority": policy.priority,
        "pressure": _pressure_to_json(policy.pressure)
        | {str(channel): _pressure_to_json(cap) for channel, cap in policy.caps.items()},
        "quiet_hours": {str(channel): quiet_to_json(quiet) for channel, quiet in policy.quiet_hours.items()},
        "purchase": [str(status) for status in policy.purchase],
        "last_look": str(policy.last_look),
    }


def from_json(record: dict[str, Json]) -> Policy:
    """Read what `to_json` wrote, under the hash of just that record; raise ValueError for anything else."""
    pressure = take(record, "pressure", dict)
    quiet_hours = take(record, "quiet_hours", dict)
    return Policy(
        name=take(record, "name", str),
        trigger=_trigger_from_json(take(record, "trigger", dict)),
        locale=take_optional(record, "locale", str),
        holdout=parse_share(take(record, "holdout", str)),
        audience=rule_from_json(record.get("audience")),
        segments=tuple(
            Segment(take(part, "name", str), rule_from_json(part.get("when"))) for part in objects(record, "segments")
        ),
        steps=tuple(step_from_json(step) for step in objects(record, "steps")),
        pressure=_pressure_from_json(pressure),
        caps={one: _pressure_from_json(take(pressure, one, dict)) for one in Channel if one in pressure},
        priority=take_optional(record, "priority", int) or PRIORITY[Kind(str(take(record, "trigger", dict)["kind"]))],
        quiet_hours={Channel(name): quiet_from_json(take(quiet_hours, name, dict)) for name in quiet_hours},
        purchase=tuple(map(OrderStatus, take_optional(record, "purchase", list) or _PURCHASE_ONCE)),
        last_look=LastLook(take_optional(record, "last_look", str) or LastLook.HOLD),
        hash=content_hash(record),
    )


def _pressure_to_json(cap: Pressure) -> dict[str, Json]:
    return {"messages": cap.messages, "per": format_duration(cap.per), "gap": format_duration(cap.gap)}


def _pressure_from_json(record: dict[str, Json]) -> Pressure:
    return Pressure(take(record, "messages", int), take_length(record, "per"), take_length(record, "gap"))


def _trigger_to_json(trigger: Trigger) -> dict[str, Json]:
    match trigger:
        case CartTrigger(abandoned_after, max_age, reentry):
            lengths = {"abandoned_after": abandoned_after, "max_age": max_age, "reentry": reentry}
            content: dict[str, Json] = {"kind": "cart"}
        case InactiveTrigger(sector, inactive_after, reentry, per_sweep, max_inactive):
            lengths = {"inactive_after": inactive_after, "reentry": reentry, "max_inactive": max_inactive}
            content = {"kind": "inactive", "sector": str(sector), "per_sweep": per_sweep}
        case _:
            assert_never(trigger)
    return content | {key: format_duration(length) for key, length in lengths.items()}


def _trigger_from_json(record: dict[str, Json]) -> Trigger:
    if take(record, "kind", str) == Kind.CART:
        return CartTrigger(
            take_length(record, "abandoned_after"), take_length(record, "max_age"), take_length(record, "reentry")
        )
    return InactiveTrigger(
        Sector(take(record, "sector", str)),
        take_length(record, "inactive_after"),
        take_length(record, "reentry"),
        take(record, "per_sweep", int),
        take_length(record, "max_inactive"),
    )
