"""Customers on the command line: who somebody is to us, and the objection that a customer voiced elsewhere."""

import re
from enum import StrEnum
from typing import Annotated

import typer

from cli.client import Json, Local, local, place, talk
from cli.failures import CommandError
from cli.options import AsJson, Reason
from cli.show import amount, coloured, moment, pairs, print_json, safe, say, table

_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{4,}")
_TOPICS = {"marketing": "", "cart_reminders": " for cart reminders", "win_back": " for winning back"}


class Closed(StrEnum):
    """What an objection closes."""

    ALL = "all"
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    CALL = "call"


def register(app: typer.Typer) -> None:
    """Add `customer` and `opt-out`."""
    app.command("customer", epilog="Example: relaunch customer jeanne@shop.example")(customer)
    app.command("opt-out", epilog="Example: relaunch opt-out jeanne@shop.example --channel email")(opt_out)


def customer(
    who: Annotated[str, typer.Argument(metavar="EMAIL", help="An e-mail address; or a phone number, or an id.")],
    as_json: AsJson = False,
) -> None:
    """Show who somebody is to us, also without a journey.

    Consents, closed channels, journeys, messages, carts and orders.
    """
    found = talk(lambda api: api.post(place("customers", "search"), {kind_of(who): who}))
    if as_json:
        print_json(found)
    elif found["items"]:
        ways = local()
        for number, one in enumerate(found["items"]):
            if number:
                say("")
            _show(one, ways)
    if not found["items"]:
        raise CommandError("no customer is known by this e-mail address, number or id")


def opt_out(
    who: Annotated[str, typer.Argument(metavar="EMAIL", help="The address, or the id of a customer.")],
    channel: Annotated[Closed, typer.Option(help="What the objection closes.")] = Closed.ALL,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Record an objection: every open journey ends.

    Nothing is handed over any more from the moment this returns.
    """
    name = "email" if "@" in who else "customer_id"
    body = {name: who, "channel": channel, "reason": reason}
    answer = talk(
        lambda api: api.post(place("opt-outs"), {key: value for key, value in body.items() if value is not None}),
        changes=True,
    )
    if as_json:
        print_json(answer)
    else:
        what = "every channel" if channel is Closed.ALL else channel
        ended = answer["journeys_closed"]
        say(f"[green]noted[/]: {what} is closed to {safe(who)}; {_count(ended)} ended, and no message follows")


def _count(journeys: int) -> str:
    return "1 open journey" if journeys == 1 else f"{journeys or 'no'} open journeys"


def kind_of(who: str) -> str:
    """Return by what a customer is looked up."""
    if "@" in who:
        return "email"
    return "phone" if _PHONE.fullmatch(who) else "id"


def _show(found: Json, ways: Local) -> None:
    zone = ways.zone(found["shop"])
    profile = found["profile"]
    name = profile.get("first_name") or profile.get("email") or profile.get("phone") or "a customer"
    traits = ", ".join(f"{key}={value}" for key, value in (profile.get("traits") or {}).items())
    home = ", ".join(str(profile[key]) for key in ("country", "timezone") if profile.get(key))
    pairs(
        [
            ("customer", f"[bold]{safe(name)}[/]"),
            ("id", safe(found["customer_id"])),
            ("shop", safe(found["shop"])),
            ("the shop's id", safe(profile["external_id"] or "")),
            ("e-mail", safe(profile["email"] or "")),
            ("phone", safe(profile["phone"] or "")),
            ("language", safe(profile["locale"] or "")),
            ("lives in", safe(home)),
            ("traits", safe(traits)),
            ("known since", f"{moment(found['first_seen_at'], zone)}  [dim]times in {zone}[/]"),
            ("last active", moment(found["last_activity_at"], zone)),
            ("alias of", safe(", ".join(_joined(found, "customer_id", "root_id")))),
            ("aliases", safe(", ".join(_joined(found, "root_id", "customer_id")))),
            ("may send", _permissions(found)),
        ]
    )
    _lists(found, ways, zone)


def _joined(found: Json, own: str, other: str) -> list[str]:
    """Return the `other` ids of what this row was joined with, and not parted from, where it is `own` itself."""
    standing = [one for one in found["aliases"] if one["parted_at"] is None]
    return [str(one[other]) for one in standing if one[own] == found["customer_id"]]


def _permissions(found: Json) -> str:
    """Return the last word on each channel and topic: a closed one before any consent, the newest before older ones."""
    closed = {one["channel"]: one["reason"] for one in found["suppressions"]}
    words = [f"{channel} [red]closed[/]: {coloured(reason)}" for channel, reason in closed.items()]
    newest: dict[tuple[str, str], str] = {}
    for one in sorted(found["consents"], key=lambda entry: str(entry["at"]), reverse=True):
        if one["purpose"] in _TOPICS and one["channel"] not in closed:
            newest.setdefault((one["channel"], one["purpose"]), one["state"])
    words += [f"{channel} {coloured(state)}{_TOPICS[topic]}" for (channel, topic), state in sorted(newest.items())]
    unasked = "no consent on record; orders may allow it" if found["orders"] else "no consent on record"
    return "; ".join(words) or unasked


def _lists(found: Json, ways: Local, zone: str) -> None:
    journeys(found["journeys"], ways)
    table(
        "messages",
        ("id", "step", "channel", "state", "handed over"),
        [
            (one["id"], one["step"], one["channel"], one["state"], moment(one["handed_at"], zone))
            for one in found["deliveries"]
        ],
        wide=("channel",),
    )
    table(
        "carts",
        ("cart", "products", "value", "last change"),
        [
            (
                one["token"],
                ", ".join(str(line.get("name") or line.get("product_id")) for line in one["lines"]) or None,
                amount(one["value"], one["currency"]),
                moment(one["last_activity_at"], zone),
            )
            for one in found["carts"]
        ],
    )
    table(
        "orders",
        ("order", "state", "value", "placed"),
        [
            (one["order_id"], one["status"], amount(one["value"], one["currency"]), moment(one["placed_at"], zone))
            for one in found["orders"]
        ],
    )
    _consents(found, zone)


def _consents(found: Json, zone: str) -> None:
    """Show the ledger as evidence: what was said, when, where, who passed it on, and to which words."""
    table(
        "consents and objections",
        ("channel", "purpose", "state", "said", "where", "told by", "wording"),
        [
            (
                *(one[name] for name in ("channel", "purpose", "state")),
                moment(one["at"], zone),
                one["source"],
                one["actor"],
                (one["wording_hash"] or "")[:12] or None,
            )
            for one in found["consents"]
        ],
        wide=("wording",),
    )


def journeys(items: list[Json], ways: Local) -> None:
    """Show journeys, newest first: where each stands, and what comes next."""
    table(
        "journeys",
        ("id", "state", "next step", "when", "started", "policy", "cart"),
        [
            (
                one["id"],
                one["outcome"] or one["status"],
                one["step"],
                moment(one["next_action_at"], ways.zone(one["shop"])),
                moment(one["started_at"], ways.zone(one["shop"])),
                one["policy"],
                one["cart_id"],
            )
            for one in items
        ],
        wide=("started", "policy", "cart"),
    )
