"""One step of a policy: what is sent when, on which channels, and its stored form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from models.durations import format_duration, format_moment, parse_moment
from models.offers import Offer, offer_from_json, offer_to_json
from models.rules import Rule, rule_from_json, rule_to_json
from models.stored import Json, take, take_length, take_optional
from models.vocabulary import Channel, DeliveryState, Reason

LAST_WINDOW = timedelta(days=3)
"""How long the last step stays useful, unless its policy says otherwise."""


ROAD_CLOSED = frozenset(
    {
        Reason.OPTED_OUT,
        Reason.NO_ADDRESS,
        Reason.SUPPRESSED,
        Reason.CHANNEL_MISSING,
        Reason.TEMPLATE_MISSING,
        Reason.TEMPLATE_ERROR,
        Reason.NO_LAWFUL_BASIS,
        Reason.PROVIDER_REFUSED,
        Reason.QUIET_HOURS,
        Reason.PRESSURE,
    }
)
"""The reasons to skip that speak against a channel and not against the message: another channel may take it."""
_ARRIVED = (DeliveryState.SENT, DeliveryState.UNKNOWN)


class Spread(StrEnum):
    """What a step with several channels does: take the first that is allowed, or all of them."""

    FIRST = "first"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Step:
    """One message: due `after` J0, useful for `window` from then on, rendered from `template` of each channel."""

    name: str
    after: timedelta
    window: timedelta
    channels: tuple[Channel, ...]
    template: str
    when: Rule | None = None
    offer: Offer | None = None
    spread: Spread = Spread.FIRST

    def after_channel(self, channel: Channel) -> tuple[Channel, ...]:
        """Return the channels that are asked after this one."""
        return self.channels[self.channels.index(channel) + 1 :]

    def passes_on(self, reason: Reason) -> bool:
        """Say whether the next channel is asked after one was skipped for this reason."""
        return self.spread is Spread.ALL or reason in ROAD_CLOSED

    def is_over(self, states: Mapping[Channel, DeliveryState], skipped: Mapping[Channel, Reason]) -> bool:
        """Say whether nothing is left to do for this step, as the ledger tells it.

        `states` are those of the deliveries that there are, `skipped` the reasons of the channels that were given up.
        A message of which nobody knows counts as sent, and one that is `handed` has still to be looked up.
        """
        if self.spread is Spread.FIRST and any(state in _ARRIVED for state in states.values()):
            return True
        for channel in self.channels:
            state, reason = states.get(channel), skipped.get(channel)
            if state in _ARRIVED or state is DeliveryState.REFUSED:
                continue
            if state is DeliveryState.HANDED or reason is None:
                return False
            if not self.passes_on(reason):
                return True
        return True


def step_to_json(step: Step) -> dict[str, Json]:
    """Return a step as a policy file would write it, every default written out."""
    return {
        "name": step.name,
        "at": format_moment(step.after),
        "window": format_duration(step.window),
        "channel": _channels_to_json(step),
        "template": step.template,
        "when": rule_to_json(step.when),
        "offer": None if step.offer is None else offer_to_json(step.offer),
    }


def step_from_json(record: dict[str, Json]) -> Step:
    """Read what `step_to_json` wrote; raise ValueError for anything else."""
    offer = take_optional(record, "offer", dict)
    spread, channels = _channels_from_json(record["channel"])
    return Step(
        take(record, "name", str),
        parse_moment(take(record, "at", str)),
        take_length(record, "window"),
        channels,
        take(record, "template", str),
        rule_from_json(record.get("when")),
        None if offer is None else offer_from_json(offer),
        spread,
    )


def _channels_to_json(step: Step) -> Json:
    if len(step.channels) == 1:
        return str(step.channels[0])
    return {str(step.spread): [str(channel) for channel in step.channels]}


def _channels_from_json(value: Json) -> tuple[Spread, tuple[Channel, ...]]:
    if isinstance(value, dict):
        ((spread, names),) = value.items()
        if isinstance(names, list):
            return Spread(spread), tuple(Channel(str(name)) for name in names)
    return Spread.FIRST, (Channel(str(value)),)
