"""Steps and offers as a policy file writes them, read with the line and field of every mistake."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from models.durations import format_duration, format_moment, parse_moment
from models.offers import DEFAULT_SEGMENT, Offer
from models.policy_nodes import Spot, hint, read_length
from models.rule_file import read_rule
from models.step import LAST_WINDOW, Spread, Step
from models.vocabulary import Channel, Kind

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)
"""The name of a policy or a step: it becomes part of delivery keys and of the paths of templates."""

NAME_RULE = "a name of letters without accents, digits and -"

DEFAULT_STEPS = (("reminder", timedelta(0)), ("social-proof", timedelta(days=3)), ("incentive", timedelta(days=7)))
"""The e-mails of a policy without `steps`; their templates are the shipped ones, `KIND/STEP`."""

_KEYS = ("name", "at", "window", "channel", "template", "when", "offer")
_OFFER_KEYS = ("percent", "valid", "code", "pool", "minimum", "exclusions", "every")
_TEMPLATE = re.compile(f"{NAME.pattern}/{NAME.pattern}", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,2}|100)%?", re.ASCII)
_CODE = re.compile(r"\S{1,64}")
_MAX_MINIMUM = 10**12


@dataclass(frozen=True, slots=True)
class Around:
    """What a step can refer to: its policy, that policy's segments with `default`, and the known templates.

    `policy` is None when the name could not be read; `templates` are named like `email/cart/reminder`, None leaves
    that check out.
    """

    policy: str | None
    kind: Kind
    segments: tuple[str, ...]
    templates: Collection[str] | None


def read_steps(policy: Spot, spot: Spot | None, around: Around) -> tuple[Step, ...]:
    """Return the steps of a policy, `DEFAULT_STEPS` when it has none, each with its window."""
    if spot is None:
        return _settled(_default_steps(policy, around))
    drafts: dict[str, tuple[Step, Spot]] = {}
    for item in spot.items():
        step = _read_step(item, around)
        if step and step.name in drafts:
            item.report(f"a step called '{step.name}' stands further up already", "name")
        elif step:
            drafts[step.name] = (step, item)
    return _settled(list(drafts.values()))


def _default_steps(policy: Spot, around: Around) -> list[tuple[Step, Spot]]:
    drafts = []
    for name, after in DEFAULT_STEPS:
        template = f"{around.kind}/{name}"
        _check_template(policy, "steps", Channel.EMAIL, template, around)
        drafts.append((Step(name, after, timedelta(0), (Channel.EMAIL,), template), policy))
    return drafts


def _settled(drafts: list[tuple[Step, Spot]]) -> tuple[Step, ...]:
    """Let each window, 0 when none is written, end where the next step begins at the latest; note a wrong order."""
    steps = []
    for place, (step, spot) in enumerate(drafts):
        room = None
        if place + 1 < len(drafts):
            following, next_spot = drafts[place + 1]
            room = following.after - step.after
            if room <= timedelta(0):
                next_spot.report(f"must come after '{step.name}', which is at {format_moment(step.after)}", "at")
                room = None
            elif step.window > room:
                spot.report(f"reaches beyond the next step, which begins {format_duration(room)} later", "window")
        steps.append(replace(step, window=step.window or room or LAST_WINDOW))
    return tuple(steps)


def _read_step(spot: Spot, around: Around) -> Step | None:
    entries = spot.entries(_KEYS)
    for key in ("name", "at", "channel"):
        if spot.is_mapping and key not in entries:
            spot.report("is missing", key)
    name = entries["name"].matching(NAME, NAME_RULE) if "name" in entries else None
    after = entries["at"].parsed(parse_moment) if "at" in entries else None
    spread, channels = _read_channels(entries["channel"]) if "channel" in entries else (Spread.FIRST, ())
    template = entries["template"].matching(_TEMPLATE, "a template like cart/reminder") if "template" in entries else ""
    if template == "" and name and around.policy:
        template = f"{around.policy}/{name}"
    for channel in channels:
        _check_template(spot, "template", channel, template or "", around)
    step = Step(
        name=name or "",
        after=after or timedelta(0),
        window=read_length(entries, "window", timedelta(0)),
        channels=channels or (Channel.EMAIL,),
        template=template or "",
        when=read_rule(entries["when"], around.segments) if "when" in entries else None,
        offer=_read_offer(entries["offer"], around.segments) if "offer" in entries else None,
        spread=spread,
    )
    return step if name and after is not None else None


def _read_channels(spot: Spot) -> tuple[Spread, tuple[Channel, ...]]:
    """Return `sms` as it stands, `[sms, email]` as the first that is allowed, `{all: [sms, email]}` as both."""
    if spot.is_mapping:
        entries = spot.entries(tuple(Spread))
        if len(entries) != 1:
            spot.report("write either {first: [sms, email]} or {all: [email, sms]}")
            return Spread.FIRST, ()
        ((spread, listed),) = entries.items()
        channels = _read_list(listed)
        return Spread(spread) if len(channels) > 1 else Spread.FIRST, channels
    if spot.is_list:
        return Spread.FIRST, _read_list(spot)
    chosen = spot.choice(tuple(Channel))
    return Spread.FIRST, (Channel(chosen),) if chosen else ()


def _read_list(spot: Spot) -> tuple[Channel, ...]:
    channels: list[Channel] = []
    for item in spot.items():
        chosen = item.choice(tuple(Channel))
        if chosen and Channel(chosen) in channels:
            item.report(f"{chosen} stands further up already")
        elif chosen:
            channels.append(Channel(chosen))
    return tuple(channels)


def _check_template(spot: Spot, key: str, channel: Channel, template: str, around: Around) -> None:
    """Note a template that does not exist for this channel."""
    if not template or around.templates is None or f"{channel}/{template}" in around.templates:
        return
    known = [path.removeprefix(f"{channel}/") for path in around.templates if path.startswith(f"{channel}/")]
    spot.report(f"there is no {channel} template '{template}'" + hint(template, known), key)


def _read_offer(spot: Spot, segments: tuple[str, ...]) -> Offer:
    entries = spot.entries(_OFFER_KEYS)
    if spot.is_mapping and "percent" not in entries:
        spot.report("is missing; write 10 or {SEGMENT: 15, default: 10}", "percent")
    if "code" in entries and "pool" in entries:
        entries["pool"].report("an offer has either one code for all or a pool of single-use codes, not both")
    usual = Offer({})
    minimum = entries["minimum"].whole(1, _MAX_MINIMUM) if "minimum" in entries else None
    return Offer(
        percent=_read_percent(entries["percent"], segments) if "percent" in entries else {},
        valid=read_length(entries, "valid", usual.valid),
        code=entries["code"].matching(_CODE, "a code of up to 64 characters without spaces")
        if "code" in entries
        else None,
        pool=entries["pool"].matching(NAME, NAME_RULE) if "pool" in entries else None,
        minimum=minimum,
        exclusions=entries["exclusions"].text() if "exclusions" in entries else None,
        every=read_length(entries, "every", usual.every, zero=True),
    )


def _read_percent(spot: Spot, segments: tuple[str, ...]) -> dict[str, int]:
    entries = spot.entries(segments, "segment") if spot.is_mapping else {DEFAULT_SEGMENT: spot}
    if spot.is_mapping and not entries:
        spot.report("names no segment; write 10 or {SEGMENT: 15, default: 10}")
    percents = {segment: entry.parsed(_percent) for segment, entry in entries.items()}
    return {segment: percent for segment, percent in percents.items() if percent is not None}


def _percent(text: str) -> int:
    found = _PERCENT.fullmatch(text)
    if found is None:
        raise ValueError("not a whole number from 0 to 100")
    return int(found[1])
