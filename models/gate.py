"""The gate: the checks made at the last moment before a delivery, in one order, each with its reason.

It is asked inside the transaction that records its answer, under the lock of the customer, so that nothing it looks
at can change between the question and the hand-over.
"""

from collections.abc import Callable
from datetime import timedelta

from models.gate_stops import (
    closed,
    closed_road,
    emptied,
    erased,
    opted_out,
    paused,
    purchased,
    reengaged,
    settled,
    suppressed,
)
from models.policy import CartTrigger
from models.question import HELD, Question, Ruling, later, skip
from models.restored import may_have_gone_out
from models.rules import evaluate
from models.sending_time import next_allowed_for
from models.situation import quiet_since
from models.stored import Json
from models.vocabulary import Arm, LastLook, Outcome, Reason, Verdict

_OPENS_LATER = (Reason.QUIET_HOURS, Reason.PRESSURE)

Check = Callable[[Question], Ruling | None]
_BREAK_ASKED = timedelta(days=1)


def gate(question: Question) -> Ruling:
    """Ask every check in order; the first objection is the answer, and without one the step may go out."""
    for check in CHECKS:
        if (ruling := check(question)) is not None:
            return _in_time(question, ruling)
    lawful = question.lawful(question.channel)
    inputs: dict[str, Json] = {"segment": str(question.facts["segment"]), "proof": lawful.proof if lawful else None}
    inputs |= question.look.to_json() if question.look else {}
    return Ruling(Verdict.SENT, Reason.SENT, inputs, basis=lawful.basis if lawful else None)


def restored(question: Question) -> Ruling | None:
    """What may have gone out in a time that a restored store knows nothing of is never sent again."""
    lost, situation = question.shop.lost, question.situation
    if lost is None or not may_have_gone_out(lost, situation, question.policy, question.step, question.until):
        return None
    inputs: dict[str, Json] = {"lost_from": lost.begins.isoformat(), "lost_until": lost.ends.isoformat()}
    return Ruling(Verdict.UNKNOWN, Reason.RESTORED, inputs)


def window_ended(question: Question) -> Ruling | None:
    """A step that could not go out in its window is worthless."""
    if question.at >= question.until:
        return skip(Reason.WINDOW_ENDED, {"until": question.until.isoformat()})
    return None


def switched_off(question: Question) -> Ruling | None:
    """The kill switch holds everything that has not been handed over.

    The one of a channel does not hold up those who get nothing on it anyway, and have another channel in this step.
    """
    off = question.situation.switched_off
    elsewhere = bool(question.step.after_channel(question.channel)) and question.lawful(question.channel) is None
    if "all" in off or (question.channel in off and not elsewhere):
        return later(Reason.KILL_SWITCH, question.at + HELD)
    return None


def snoozed(question: Question) -> Ruling | None:
    """Whoever asked for a break gets one; who ends it early is found by asking again each day."""
    until = question.situation.customer.snoozed_until if question.situation.customer else None
    if until is not None and question.at < until:
        return later(Reason.SNOOZED, min(until, question.at + _BREAK_ASKED), {"snoozed_until": until.isoformat()})
    return None


def active_now(question: Question) -> Ruling | None:
    """A customer who is busy in the shop right now is not interrupted."""
    if not isinstance(question.policy.trigger, CartTrigger):
        return None
    quiet = quiet_since(question.situation) + question.policy.trigger.abandoned_after
    return later(Reason.ACTIVE_NOW, quiet) if question.at < quiet else None


def when(question: Question) -> Ruling | None:
    """The step's own condition, on fresh facts."""
    verdict = evaluate(question.step.when, question.facts)
    return None if verdict.result else skip(Reason.WHEN, {"rules": verdict.to_json()})


def rendered(question: Question) -> Ruling | None:
    """A message that cannot be written is skipped; when the shop's settings are at fault, people wait for them."""
    if question.broken is Reason.PROVIDER_MISCONFIGURED:
        return later(question.broken, question.at + HELD)
    return skip(question.broken, {"template": question.step.template}) if question.broken else None


def basis(question: Question) -> Ruling | None:
    """No lawful basis, no message; and no journey when no other channel that is still to come has one."""
    if question.lawful(question.channel) is not None:
        return None
    inputs: dict[str, Json] = {"channel": question.channel, "soft_opt_in": question.shop.soft_opt_in}
    return closed_road(question, Reason.NO_LAWFUL_BASIS, Outcome.NO_LAWFUL_BASIS, inputs)


def quiet_hours(question: Question) -> Ruling | None:
    """Hours and days of the customer's own country and zone; those who wait for one morning do not all come at once."""
    quiet, shop = question.policy.quiet_hours.get(question.channel), question.shop
    opening = next_allowed_for(
        question.channel, question.situation.customer, quiet, shop.zone, shop.country, question.at
    )
    if opening.why is None:
        return None
    until = opening.spread(question.situation.journey.id, shop.spread) or question.until
    return later(Reason.QUIET_HOURS, until, opening.inputs())


def pressure(question: Question) -> Ruling | None:
    """No more than so many messages in so long, over all relaunches of this person on this channel."""
    cap = question.policy.cap(question.channel)
    handed = sorted(one.at for one in question.situation.handed if one.channel is question.channel)
    recent = [at for at in handed if question.at - at < cap.per]
    until = question.at
    if handed:
        until = max(until, handed[-1] + cap.gap)
    if len(recent) >= cap.messages:
        until = max(until, recent[-cap.messages] + cap.per)
    return later(Reason.PRESSURE, until, {"messages": len(recent)}) if until > question.at else None


def outranked(question: Question) -> Ruling | None:
    """Of two journeys that want to write to one person at about the same time, the better message does.

    The loser waits until the winner's message is as old as two messages must be apart; its decision names the winner.
    """
    gap = question.policy.cap(question.channel).gap
    for rival in question.situation.rivals:
        near = question.at - gap < rival.due < question.at + gap
        if near and question.channel in rival.channels and rival.priority > question.policy.priority:
            inputs: dict[str, Json] = {"journey": rival.journey, "policy": rival.policy, "priority": rival.priority}
            return later(Reason.OUTRANKED, max(rival.due, question.at) + gap, inputs)
    return None


def in_stock(question: Question) -> Ruling | None:
    """A cart of which the shop says that nothing is left is not advertised; unknown stock never blocks."""
    lines = question.situation.cart.lines if question.situation.cart else ()
    stock = [question.situation.stock.get(line.product_id) for line in lines]
    if lines and all(left is not None and left <= 0 for left in stock):
        return skip(Reason.OUT_OF_STOCK, {"items": len(lines)})
    return None


def held_out(question: Question) -> Ruling | None:
    """The holdout arm goes through everything and sends nothing."""
    return skip(Reason.HOLDOUT) if question.situation.journey.arm is Arm.HOLDOUT else None


def last_look(question: Question) -> Ruling | None:
    """A storefront that cannot be asked for newer orders holds a message, unless the policy lets it go."""
    look = question.look
    if look is None or look.problem is None or question.policy.last_look is LastLook.GO:
        return None
    return later(Reason.STOREFRONT_AWAY, question.at + HELD, look.to_json())


STOPS: tuple[Check, ...] = (closed, settled, paused, erased, opted_out, suppressed, purchased, reengaged, emptied)
PERMITS: tuple[Check, ...] = (window_ended, switched_off, snoozed, active_now, when, rendered, basis, quiet_hours)
CHECKS: tuple[Check, ...] = (*STOPS, restored, *PERMITS, pressure, outranked, in_stock, held_out, last_look)
"""The order in which they are asked: first what ends or silences a journey, then what this message still needs."""


def _in_time(question: Question, ruling: Ruling) -> Ruling:
    """A channel that opens too late for this step gives way to the next one, when there is one."""
    late = ruling.reason in _OPENS_LATER and ruling.until is not None and ruling.until >= question.until
    if late and question.step.after_channel(question.channel):
        return skip(ruling.reason, ruling.inputs)
    return ruling
