"""Journeys on the command line: find them, understand one, and stop, hold or hurry it."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from cli.client import Json, local, place, talk
from cli.customers import journeys as list_journeys
from cli.options import AsJson, JourneyId, Reason
from cli.show import coloured, moment, pairs, print_json, safe, say, span, timeline
from models.vocabulary import Status

_ALL = 1_000_000
_WORDS = {
    "en": {
        "journey": "journey",
        "state": "state",
        "next": "next",
        "customer": "customer",
        "cart": "cart",
        "policy": "policy",
        "segment": "segment",
        "clock": "now",
        "in": "in {}",
        "due": "due now",
        "nothing": "nothing: it is over",
        "held": "held by staff until `relaunch resume`",
        "no_step": "nothing more is planned",
        "ahead": "clock moved ahead by {}",
        "holdout": "held out: gets no message",
        "waiting": "waiting",
        "paused": "paused",
        "since": "since {}",
    },
    "fr": {
        "journey": "relance",
        "state": "état",
        "next": "ensuite",
        "customer": "client",
        "cart": "panier",
        "policy": "séquence",
        "segment": "segment",
        "clock": "maintenant",
        "in": "dans {}",
        "due": "à l’instant",
        "nothing": "rien : elle est terminée",
        "held": "en pause jusqu’à `relaunch resume`",
        "no_step": "plus rien de prévu",
        "ahead": "horloge avancée de {}",
        "holdout": "groupe témoin : ne reçoit rien",
        "waiting": "en attente",
        "paused": "en pause",
        "since": "depuis le {}",
    },
}


def register(app: typer.Typer) -> None:
    """Add `journeys`, `show`, `cancel`, `pause`, `resume` and `send-now`."""
    some = "0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77"
    app.command("journeys", epilog="Example: relaunch journeys --status waiting")(journeys)
    app.command("show", epilog=f"Example: relaunch show {some}")(show)
    app.command(
        "cancel",
        short_help="End a journey for good.",
        epilog=f'Example: relaunch cancel {some} --reason "bought in the shop"',
    )(cancel)
    app.command("pause", epilog=f"Example: relaunch pause {some}")(pause)
    app.command("resume", epilog=f"Example: relaunch resume {some}")(resume)
    app.command("send-now", epilog=f"Example: relaunch send-now {some}")(send_now)


def journeys(
    status: Annotated[Status | None, typer.Option(help="Only journeys that stand so.")] = None,
    cart: Annotated[str | None, typer.Option(metavar="ID", help="Only journeys of this cart or checkout.")] = None,
    customer: Annotated[str | None, typer.Option(metavar="ID", help="Only journeys of this customer.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many, newest first; 0 for all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List journeys, newest first."""
    found = talk(
        lambda api: api.items(place("journeys"), limit or _ALL, status=status, cart_id=cart, customer_id=customer)
    )
    if as_json:
        print_json(found)
        return
    list_journeys(found["items"], local())
    if found["next_cursor"]:
        say("[dim]there are more: --limit 0 shows all[/]", err=True)


def show(journey: JourneyId, as_json: AsJson = False) -> None:
    """Tell a journey: what happened, what comes next.

    What was sent or not and why, by whom it was held or ended, and when the next step is due.
    """
    found = talk(lambda api: api.get(place("journeys", journey)))
    if as_json:
        print_json(found)
        return
    ways = local()
    tell(found, ways.zone(found["shop"]), ways.locale(found["shop"]))


def cancel(
    journey: JourneyId,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the log of staff acts.")],
    as_json: AsJson = False,
) -> None:
    """End a journey for good; its cart is never relaunched again."""
    _act(journey, "cancel", reason, as_json=as_json)


def pause(journey: JourneyId, reason: Reason = None, as_json: AsJson = False) -> None:
    """Hold a journey until it is resumed.

    What is left of it shifts by the length of the pause.
    """
    _act(journey, "pause", reason, as_json=as_json)


def resume(journey: JourneyId, reason: Reason = None, as_json: AsJson = False) -> None:
    """Let a held journey go on."""
    _act(journey, "resume", reason, as_json=as_json)


def send_now(journey: JourneyId, reason: Reason = None, as_json: AsJson = False) -> None:
    """Send the next step now, through the whole gate.

    It may still be refused; the answer says why.
    """
    _act(journey, "send-now", reason, as_json=as_json)


def _act(journey: str, what: str, reason: str | None, *, as_json: bool) -> None:
    body = {} if reason is None else {"reason": reason}
    # A send needs Temporal, so there is nothing that it would hear of later.
    answer = talk(lambda api: api.post(place("journeys", journey, what), body), changes=what != "send-now")
    if as_json:
        print_json(answer)
        return
    state = coloured(answer["outcome"] or answer["status"])
    coming = ""
    if answer["step"] and answer["status"] == Status.WAITING:
        ways = local()
        coming = f"; next: {safe(answer['step'])} {moment(answer['next_action_at'], ways.zone(answer['shop'])) or ''}"
    say(f"journey {safe(journey)}: {state}{coming}")
    if what == "send-now":
        news = [one["text"] for one in answer["timeline"] if one["type"] in {"decision", "delivery", "outcome"}]
        say(safe(news[-1]) if news else "the send is under way: `relaunch show` tells what became of it")


def tell(found: Json, zone: str, locale: str) -> None:
    """Print a journey's page in the shop's language: where it stands, and the whole timeline."""
    words = _WORDS.get(locale, _WORDS["en"])
    clock = datetime.fromisoformat(found["clock"])
    held = f"  [yellow]{words['holdout']}[/]" if found["arm"] == "holdout" else ""
    since = found["closed_at"] or found["paused_at"]
    after = f"  [dim]{words['since'].format(moment(since, zone))}[/]" if since else ""
    cart = safe(found["cart_id"] or "")
    pairs(
        [
            (words["journey"], f"[bold]{safe(found['id'])}[/]"),
            (words["state"], f"{_state(found, words)}{after}{held}"),
            (words["next"], _coming(found, clock, zone, locale)),
            (words["customer"], safe(found["customer_id"])),
            (words["cart"], cart),
            (words["policy"], f"{safe(found['policy'])}  [dim]{safe(found['policy_version'][:12])}[/]"),
            (words["segment"], safe(found["segment"] or "")),
            (words["clock"], f"{moment(clock, zone)}  [dim]{zone}{_ahead(clock, locale)}[/]"),
        ]
    )
    typer.echo()
    timeline((moment(one["at"], zone) or "", one) for one in found["timeline"])


def _state(found: Json, words: dict[str, str]) -> str:
    """Say where a journey stands; the end of a closed one in the words of its timeline."""
    if found["status"] != Status.CLOSED:
        return coloured(found["status"], words[found["status"]])
    end = next((one["text"] for one in reversed(found["timeline"]) if one["type"] == "outcome"), found["outcome"])
    return coloured(found["outcome"], end)


def _coming(found: Json, clock: datetime, zone: str, locale: str) -> str:
    """Say what comes next, and when."""
    words = _WORDS.get(locale, _WORDS["en"])
    if found["status"] == Status.CLOSED:
        return words["nothing"]
    if found["status"] == Status.PAUSED:
        return f"[yellow]{words['held']}[/]"
    if found["step"] is None:
        return words["no_step"]
    step = f"[bold]{safe(found['step'])}[/]"
    if found["next_action_at"] is None:
        return step
    due = datetime.fromisoformat(found["next_action_at"])
    wait = words["in"].format(span(due - clock, locale)) if due > clock else words["due"]
    return f"{step}, {moment(due, zone)}  [dim]({wait})[/]"


def _ahead(clock: datetime, locale: str) -> str:
    """Say how far the customer's clock runs ahead of the wall's; only in a rehearsal it does."""
    from runtime.clock import now  # noqa: PLC0415 - needed here only

    ahead = clock - now()
    if ahead < timedelta(minutes=1):
        return ""
    return ", " + _WORDS.get(locale, _WORDS["en"])["ahead"].format(span(ahead, locale))
