"""The policy file as marketers write it: every mistake at once, with line and field, or else the policies."""

import re
from collections.abc import Collection

from models.durations import format_duration, parse_share
from models.events import OrderStatus
from models.limits_file import read_pressure, read_quiet_hours
from models.offers import DEFAULT_SEGMENT
from models.policy import (
    INACTIVE_AFTER,
    PRIORITY,
    PURCHASE,
    CartTrigger,
    InactiveTrigger,
    Policy,
    Sector,
    Segment,
    Trigger,
)
from models.policy_nodes import Problem, Spot, read_length
from models.policy_text import documents
from models.rule_file import read_rule
from models.step_file import NAME, NAME_RULE, Around, read_steps
from models.vocabulary import Kind, LastLook

__all__ = ["PolicyError", "Problem", "check", "parse_policies"]

_POLICY_KEYS = (
    "name",
    "trigger",
    "locale",
    "holdout",
    "audience",
    "segments",
    "steps",
    "priority",
    "pressure",
    "quiet_hours",
    "purchase",
    "last_look",
)
_TRIGGER_KEYS = {
    Kind.CART: ("kind", "abandoned_after", "max_age", "reentry"),
    Kind.INACTIVE: ("kind", "sector", "inactive_after", "reentry", "per_sweep", "max_inactive"),
}
_SEGMENT = re.compile(r"\w[\w-]{0,39}")
_LOCALE = re.compile(r"[a-z]{2}(-[A-Z]{2})?", re.ASCII)


class PolicyError(Exception):
    """A policy text has mistakes; `problems` lists every one of them."""

    def __init__(self, problems: Collection[Problem]) -> None:
        """Keep the mistakes, and say them all on one line."""
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def parse_policies(text: str, *, templates: Collection[str] | None = None) -> list[Policy]:
    """Return the policies of a text, one a YAML document; raise PolicyError with every mistake.

    `templates` are the known ones as `email/cart/reminder`; None leaves that check out.
    """
    problems: list[Problem] = []
    policies = _read_documents(text, templates, problems)
    if problems:
        raise PolicyError(sorted(problems))
    return policies


def check(text: str, *, templates: Collection[str] | None = None) -> list[Problem]:
    """Return every mistake of a policy text by line, none when it may be loaded; see `parse_policies`."""
    try:
        parse_policies(text, templates=templates)
    except PolicyError as error:
        return list(error.problems)
    return []


def _read_documents(text: str, templates: Collection[str] | None, problems: list[Problem]) -> list[Policy]:
    policies: dict[str, Policy] = {}
    for spot in documents(text, problems):
        policy = _read_policy(spot, templates)
        if policy and policy.name in policies:
            spot.report(f"a policy called '{policy.name}' stands further up already", "name")
        elif policy:
            policies[policy.name] = policy
    if not policies and not problems:
        problems.append(Problem(1, "", "there is no policy in this text"))
    return list(policies.values())


def _read_policy(spot: Spot, templates: Collection[str] | None) -> Policy | None:
    entries = spot.entries(_POLICY_KEYS)
    name = entries["name"].matching(NAME, NAME_RULE) if "name" in entries else None
    trigger = _read_trigger(spot, entries)
    if spot.is_mapping and "name" not in entries:
        spot.report("is missing", "name")
    segments = _read_segments(entries.get("segments"))
    names = [segment.name for segment in segments]
    around = Around(name, _kind(trigger), (*names, DEFAULT_SEGMENT), templates)
    pressure, caps = read_pressure(entries.get("pressure"))
    audience, holdout, locale = entries.get("audience"), entries.get("holdout"), entries.get("locale")
    read = Policy(
        name=name or "",
        trigger=trigger or CartTrigger(),
        steps=read_steps(spot, entries.get("steps"), around),
        locale=None if locale is None else locale.matching(_LOCALE, "a locale like fr or en-GB"),
        holdout=0.0 if holdout is None else _read_holdout(holdout),
        audience=None if audience is None else read_rule(audience, None),
        segments=segments,
        pressure=pressure,
        caps=caps,
        priority=(entries["priority"].whole(1, 100) if "priority" in entries else None) or PRIORITY[_kind(trigger)],
        quiet_hours=read_quiet_hours(entries.get("quiet_hours")),
        purchase=_read_purchase(entries["purchase"]) if "purchase" in entries else PURCHASE,
        last_look=_read_last_look(entries.get("last_look")),
    )
    return read if name else None


def _kind(trigger: Trigger | None) -> Kind:
    return Kind.INACTIVE if isinstance(trigger, InactiveTrigger) else Kind.CART


def _read_holdout(spot: Spot) -> float:
    return spot.parsed(parse_share) or 0.0


def _read_purchase(spot: Spot) -> tuple[OrderStatus, ...]:
    """Return the states in which an order ends a journey, in the order of an order's life."""
    chosen: set[str] = set()
    for item in spot.items():
        status = item.choice(tuple(OrderStatus))
        if status in chosen:
            item.report(f"{status} stands further up already")
        elif status is not None:
            chosen.add(status)
    return tuple(status for status in OrderStatus if status in chosen)


def _read_last_look(spot: Spot | None) -> LastLook:
    return LastLook((spot.choice(tuple(LastLook)) if spot else None) or LastLook.HOLD)


def _read_trigger(policy: Spot, entries: dict[str, Spot]) -> Trigger | None:
    if "trigger" not in entries:
        if policy.is_mapping:
            policy.report("is missing; write {kind: cart} or {kind: inactive}", "trigger")
        return None
    spot = entries["trigger"]
    kind = spot.peek("kind")
    if kind is None:
        if spot.is_mapping:
            spot.report("is missing; write cart or inactive", "kind")
        else:
            spot.entries()
        return None
    chosen = kind.choice(tuple(Kind))
    if chosen is None:
        return None
    keys = spot.entries(_TRIGGER_KEYS[Kind(chosen)])
    return _read_cart(keys, spot) if chosen == Kind.CART else _read_inactive(keys, spot)


def _read_cart(entries: dict[str, Spot], spot: Spot) -> CartTrigger:
    usual = CartTrigger()
    trigger = CartTrigger(
        read_length(entries, "abandoned_after", usual.abandoned_after),
        read_length(entries, "max_age", usual.max_age),
        read_length(entries, "reentry", usual.reentry, zero=True),
    )
    if trigger.max_age <= trigger.abandoned_after:
        age, after = format_duration(trigger.max_age), format_duration(trigger.abandoned_after)
        spot.report(f"{age} must be longer than abandoned_after ({after})", "max_age")
    return trigger


def _read_inactive(entries: dict[str, Spot], spot: Spot) -> InactiveTrigger:
    usual = InactiveTrigger()
    sector = Sector(entries["sector"].choice(tuple(Sector)) or "default") if "sector" in entries else Sector.DEFAULT
    per_sweep = entries["per_sweep"].whole(1, 1_000_000) if "per_sweep" in entries else None
    trigger = InactiveTrigger(
        sector,
        read_length(entries, "inactive_after", INACTIVE_AFTER[sector]),
        read_length(entries, "reentry", usual.reentry, zero=True),
        per_sweep or usual.per_sweep,
        read_length(entries, "max_inactive", usual.max_inactive),
    )
    if trigger.max_inactive <= trigger.inactive_after:
        longest, after = format_duration(trigger.max_inactive), format_duration(trigger.inactive_after)
        spot.report(f"{longest} must be longer than inactive_after ({after})", "max_inactive")
    return trigger


def _read_segments(spot: Spot | None) -> tuple[Segment, ...]:
    segments: dict[str, Segment] = {}
    rest = ""
    for item in spot.items() if spot else []:
        entries = item.entries(("name", "when"))
        name = entries["name"].matching(_SEGMENT, "a name of letters, digits and -") if "name" in entries else None
        when = read_rule(entries["when"], None) if "when" in entries else None
        if item.is_mapping and "name" not in entries:
            item.report("is missing", "name")
        if rest:
            item.report(f"is never reached: '{rest}' above has no `when` and takes everybody who is left")
        if name in segments:
            item.report(f"a segment called '{name}' stands further up already", "name")
        elif name:
            segments[name] = Segment(name, when)
        if name and "when" not in entries:
            rest = name
    return tuple(segments.values())
