"""The gate: the checks made at the last moment before a delivery, in one order, each with its reason.

It is asked inside the transaction that records its answer, under the lock of the customer, so that nothing it looks
at can change between the question and the hand-over.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models.calendar import next_allowed
from models.consent import lawful_basis, objected
from models.facts import Facts
from models.known import known
from models.policy import CartTrigger, Policy, Step
from models.rules import evaluate
from models.situation import Situation, SuppressionReason, bought, quiet_since
from models.stored import Json
from models.vocabulary import Arm, Basis, Channel, DeliveryState, Kind, Outcome, Reason, Status, Verdict

HELD = timedelta(minutes=5)
"""How soon to ask again when somebody holds a send: staff (pause) or the operator (kill switch)."""


@dataclass(frozen=True, slots=True)
class Question:
    """The question that the gate is asked: may this step go out now.

    `until` is where the step's window ends. `reachable` are the channels that have a provider. `broken` says why the
    message could not be rendered, None when it was. `zone` is the shop's, for a customer who has none.
    """

    situation: Situation
    policy: Policy
    step: Step
    at: datetime
    until: datetime
    reachable: Collection[Channel]
    zone: str
    broken: Reason | None = None

    @property
    def facts(self) -> Facts:
        """Return what the rules see."""
        return known(self.situation, self.policy, self.at)


@dataclass(frozen=True, slots=True)
class Ruling:
    """The gate's answer, with everything that it rests on."""

    verdict: Verdict
    reason: Reason
    inputs: dict[str, Json] = field(default_factory=dict)
    until: datetime | None = None
    outcome: Outcome | None = None
    basis: Basis | None = None


Check = Callable[[Question], Ruling | None]


def gate(question: Question) -> Ruling:
    """Ask every check in order; the first objection is the answer, and without one the step may go out."""
    for check in CHECKS:
        ruling = check(question)
        if ruling is not None:
            return ruling
    basis = lawful_basis(question.situation, question.step.channel, question.at)
    return Ruling(Verdict.SENT, Reason.SENT, {"segment": str(question.facts["segment"])}, basis=basis)


def closed(question: Question) -> Ruling | None:
    """A closed journey sends nothing."""
    journey = question.situation.journey
    if journey.status is Status.CLOSED:
        return _stop(Reason.JOURNEY_CLOSED, journey.outcome or Outcome.CANCELLED)
    return None


def settled(question: Question) -> Ruling | None:
    """A step that was handed over is over, unless there is proof that it was not accepted."""
    delivery = question.situation.delivery
    if delivery is None or delivery.state is DeliveryState.RELEASED:
        return None
    return _skip(Reason.ALREADY_SENT, {"delivery": delivery.state})


def paused(question: Question) -> Ruling | None:
    """What staff has paused waits."""
    if question.situation.journey.paused_at is not None:
        return _later(Reason.PAUSED, question.at + HELD)
    return None


def erased(question: Question) -> Ruling | None:
    """Without the customer's row there is nobody to write to."""
    return _stop(Reason.ERASED, Outcome.ERASED) if question.situation.customer is None else None


def opted_out(question: Question) -> Ruling | None:
    """Whoever objected to this channel is left in peace."""
    channel = question.step.channel
    reason = question.situation.suppressed.get(channel)
    if reason in (SuppressionReason.OBJECTION, SuppressionReason.COMPLAINT) or objected(question.situation, channel):
        return _stop(Reason.OPTED_OUT, Outcome.OPTED_OUT, {"suppressed": reason or "withdrawn"})
    return None


def suppressed(question: Question) -> Ruling | None:
    """An address that bounced is not tried again; a channel without an address or a provider is skipped."""
    customer, channel = question.situation.customer, question.step.channel
    if customer is None or customer.address(channel) is None:
        return _skip(Reason.NO_ADDRESS, {"channel": channel})
    if channel in question.situation.suppressed:
        return _skip(Reason.SUPPRESSED, {"suppressed": question.situation.suppressed[channel]})
    if channel not in question.reachable:
        return _skip(Reason.CHANNEL_MISSING, {"channel": channel})
    return None


def purchased(question: Question) -> Ruling | None:
    """Whoever bought is not asked to buy."""
    return _stop(Reason.PURCHASED, Outcome.PURCHASED) if bought(question.situation) else None


def reengaged(question: Question) -> Ruling | None:
    """An inactive subscriber who is back is won back."""
    situation = question.situation
    if situation.journey.kind is Kind.INACTIVE and quiet_since(situation) > situation.journey.since:
        return _stop(Reason.REENGAGED, Outcome.REENGAGED)
    return None


def emptied(question: Question) -> Ruling | None:
    """An emptied cart needs no reminder."""
    cart = question.situation.cart
    if question.situation.journey.kind is Kind.CART and (cart is None or not cart.lines):
        return _stop(Reason.CART_EMPTIED, Outcome.CART_EMPTIED)
    return None


def window_ended(question: Question) -> Ruling | None:
    """A step that could not go out in its window is worthless."""
    if question.at >= question.until:
        return _skip(Reason.WINDOW_ENDED, {"until": question.until.isoformat()})
    return None


def switched_off(question: Question) -> Ruling | None:
    """The kill switch holds everything that has not been handed over."""
    if {"all", question.step.channel} & question.situation.switched_off:
        return _later(Reason.KILL_SWITCH, question.at + HELD)
    return None


def active_now(question: Question) -> Ruling | None:
    """A customer who is busy in the shop right now is not interrupted."""
    if not isinstance(question.policy.trigger, CartTrigger):
        return None
    quiet = quiet_since(question.situation) + question.policy.trigger.abandoned_after
    return _later(Reason.ACTIVE_NOW, quiet) if question.at < quiet else None


def when(question: Question) -> Ruling | None:
    """The step's own condition, on fresh facts."""
    verdict = evaluate(question.step.when, question.facts)
    return None if verdict.result else _skip(Reason.WHEN, {"rules": verdict.to_json()})


def rendered(question: Question) -> Ruling | None:
    """A message that cannot be written is skipped; when the shop's settings are at fault, people wait for them."""
    if question.broken is Reason.PROVIDER_MISCONFIGURED:
        return _later(question.broken, question.at + HELD)
    return _skip(question.broken, {"template": question.step.template}) if question.broken else None


def basis(question: Question) -> Ruling | None:
    """No lawful basis, no message; and no journey when no later step has one either."""
    situation, at = question.situation, question.at
    if lawful_basis(situation, question.step.channel, at) is not None:
        return None
    later = {step.channel for step in question.policy.steps if step.after > question.step.after}
    if any(lawful_basis(situation, channel, at) for channel in later):
        return _skip(Reason.NO_LAWFUL_BASIS, {"channel": question.step.channel})
    return _stop(Reason.NO_LAWFUL_BASIS, Outcome.NO_LAWFUL_BASIS, {"channel": question.step.channel})


def quiet_hours(question: Question) -> Ruling | None:
    """Quiet hours are the customer's own."""
    zone = question.situation.customer.timezone if question.situation.customer else None
    quiet = question.policy.quiet_hours.get(question.step.channel)
    allowed = next_allowed(quiet, zone, question.at, question.zone)
    return _later(Reason.QUIET_HOURS, allowed) if allowed > question.at else None


def pressure(question: Question) -> Ruling | None:
    """No more than so many messages in so long, over all relaunches of this person on this channel."""
    cap, channel = question.policy.pressure, question.step.channel
    handed = sorted(one.at for one in question.situation.handed if one.channel is channel)
    recent = [at for at in handed if question.at - at < cap.per]
    until = question.at
    if handed:
        until = max(until, handed[-1] + cap.gap)
    if len(recent) >= cap.messages:
        until = max(until, recent[-cap.messages] + cap.per)
    return _later(Reason.PRESSURE, until, {"messages": len(recent)}) if until > question.at else None


def in_stock(question: Question) -> Ruling | None:
    """A cart of which the shop says that nothing is left is not advertised; unknown stock never blocks."""
    lines = question.situation.cart.lines if question.situation.cart else ()
    stock = [question.situation.stock.get(line.product_id) for line in lines]
    if lines and all(left is not None and left <= 0 for left in stock):
        return _skip(Reason.OUT_OF_STOCK, {"items": len(lines)})
    return None


def held_out(question: Question) -> Ruling | None:
    """The holdout arm goes through everything and sends nothing."""
    return _skip(Reason.HOLDOUT) if question.situation.journey.arm is Arm.HOLDOUT else None


STOPS: tuple[Check, ...] = (closed, settled, paused, erased, opted_out, suppressed, purchased, reengaged, emptied)
PERMITS: tuple[Check, ...] = (window_ended, switched_off, active_now, when, rendered, basis, quiet_hours, pressure)
CHECKS: tuple[Check, ...] = (*STOPS, *PERMITS, in_stock, held_out)
"""The order in which they are asked: first what ends or silences a journey, then what this message still needs."""


def _stop(reason: Reason, outcome: Outcome, inputs: dict[str, Json] | None = None) -> Ruling:
    return Ruling(Verdict.STOPPED, reason, inputs or {}, outcome=outcome)


def _skip(reason: Reason, inputs: dict[str, Json] | None = None) -> Ruling:
    return Ruling(Verdict.SKIPPED, reason, inputs or {})


def _later(reason: Reason, until: datetime, inputs: dict[str, Json] | None = None) -> Ruling:
    return Ruling(Verdict.LATER, reason, {**(inputs or {}), "until": until.isoformat()}, until=until)
