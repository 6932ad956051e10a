"""How things look as JSON: one place for the shapes that callers rely on."""

import email
import email.policy
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from api.language import Language
from api.texts import texts
from api.timeline import shown, timeline
from models.vocabulary import Channel
from store.journeys import DecisionRow, DeliveryRow, JourneyRow, Story
from store.notice_rows import NoticeRow
from store.search import Known

Json = dict[str, Any]

_ALIAS = ("customer_id", "root_id", "reason", "actor", "at", "parted_at", "parted_by")
_CONSENT = ("channel", "purpose", "state", "source", "actor", "wording", "wording_hash", "at", "recorded_at")


def journey(row: JourneyRow, now: datetime) -> Json:
    """Return a journey as lists show it; `clock` is its customer's own now."""
    return {
        "id": row.id,
        "kind": row.kind,
        "shop": row.shop,
        "customer_id": row.customer_id,
        "cart_id": row.cart_token,
        "policy": row.policy,
        "policy_version": row.policy_hash,
        "segment": row.segment,
        "arm": row.arm,
        "status": row.status,
        "step": row.step if row.open else None,
        "next_action_at": moment(row.next_action_at),
        "outcome": row.outcome,
        "started_at": moment(row.started_at),
        "j0": moment(row.j0),
        "paused_at": moment(row.paused_at),
        "closed_at": moment(row.closed_at),
        "clock": moment(now + timedelta(seconds=row.clock_s)),
    }


def story(told: Story, now: datetime, language: Language) -> Json:
    """Return one journey with its timeline and its decisions."""
    clock = now + timedelta(seconds=told.journey.clock_s)
    entries = [
        {"at": moment(entry.at), "type": entry.type, "text": entry.text, **entry.more}
        for entry in timeline(told, clock, language)
    ]
    decisions = [_decision(one, told, language) for one in told.decisions]
    return journey(told.journey, now) | {"timeline": entries, "decisions": decisions}


def _decision(row: DecisionRow, told: Story, language: Language) -> Json:
    return {
        "id": row.id,
        "at": moment(row.at),
        "step": row.step,
        "channel": row.channel,
        "verdict": shown(row, told),
        "reason": row.reason,
        "text": texts(language).reasons[row.reason],
        "inputs": row.inputs,
        "basis": row.basis,
        "delivery_id": row.delivery_id,
    }


def delivery(row: DeliveryRow) -> Json:
    """Return a delivery without its message."""
    names = ("id", "key", "journey_id", "customer_id", "step", "channel", "segment", "policy", "state", "provider")
    return {name: getattr(row, name) for name in names} | {
        "provider_id": row.provider_id,
        "attempts": row.attempts,
        "releases": row.releases,
        "problem": row.problem,
        "basis": row.basis,
        "coupon": row.coupon,
        "policy_version": row.policy_hash,
        "handed_at": moment(row.handed_at),
        "settled_at": moment(row.settled_at),
    }


def notice(row: NoticeRow) -> Json:
    """Return what a provider told of a message; what it did not tell is null."""
    said = {name: getattr(row, name) for name in ("type", "provider", "permanent", "human", "reason")}
    return {"at": moment(row.at)} | said | {"received_at": moment(row.received_at)}


def message(raw: bytes | None, channel: str) -> Json | None:
    """Return a message as it was handed over, taken apart; None when it was erased."""
    if raw is None:
        return None
    text = raw.decode("utf-8", "replace")
    if channel != Channel.EMAIL:
        return {"headers": [], "subject": "", "text": text, "html": "", "raw": text}
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    return {
        "headers": [[name, str(value)] for name, value in parsed.items()],
        "subject": str(parsed["subject"] or ""),
        "text": _part(parsed, "plain"),
        "html": _part(parsed, "html"),
        "raw": text,
    }


def _part(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def customer(known: Known, now: datetime) -> Json:
    """Return everything that support asks about one customer."""
    row = known.customer
    profile = ("external_id", "email", "phone", "first_name", "locale", "timezone", "country", "traits")
    return {
        "customer_id": row["id"],
        "shop": row["shop"],
        "profile": {name: row[name] for name in profile},
        "first_seen_at": moment(row["first_seen_at"]),
        "last_activity_at": moment(row["last_activity_at"]),
        "clock": moment(now + timedelta(seconds=row["clock_s"])),
        "consents": _rows(known.consents, *_CONSENT),
        "suppressions": _rows(known.suppressions, "channel", "reason", "at", "until"),
        "carts": _rows(known.carts, "token", "lines", "value", "currency", "checkout_url", "last_activity_at"),
        "orders": _rows(known.orders, "order_id", "status", "value", "refunded", "currency", "placed_at"),
        "journeys": [journey(one, now) for one in known.journeys],
        "deliveries": [delivery(one) for one in known.deliveries],
        "root_id": row["root_id"],
        "aliases": _rows(known.aliases, *_ALIAS),
    }


def _rows(rows: Sequence[Mapping[str, Any]], *names: str) -> list[Json]:
    return [{name: _value(row[name]) for name in names} for row in rows]


def _value(value: object) -> object:
    return moment(value) if isinstance(value, datetime) else value


def moment(at: datetime | None) -> str | None:
    """Return a moment as RFC 3339, in UTC."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")
