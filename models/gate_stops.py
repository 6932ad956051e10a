"""The gate's first checks: what ends a journey, or silences this message for good or for now, whoever it is for.

They are asked before anything that this message still needs; `models/gate.py` has them in their order.
"""

from models.consent import objected
from models.question import HELD, Question, Ruling, later, skip, stop
from models.situation import SuppressionReason, bought, quiet_since
from models.step import Spread
from models.stored import Json
from models.vocabulary import MAY_HAVE_ARRIVED, DeliveryState, Kind, Outcome, Reason, Status

_OBJECTIONS = {SuppressionReason.OBJECTION, SuppressionReason.COMPLAINT}


def closed(question: Question) -> Ruling | None:
    """A closed journey sends nothing."""
    journey = question.situation.journey
    if journey.status is Status.CLOSED:
        return stop(Reason.JOURNEY_CLOSED, journey.outcome or Outcome.CANCELLED)
    return None


def settled(question: Question) -> Ruling | None:
    """A step that was handed over is over, unless there is proof that it was not accepted.

    A second hand-over is none where the provider knows the key. A step for the first channel that is allowed is over
    as soon as any channel had it.
    """
    delivery = question.delivery
    if delivery is not None and delivery.state is not DeliveryState.RELEASED and not question.repeatable:
        return skip(Reason.ALREADY_SENT, {"delivery": delivery.state})
    for channel, other in question.situation.deliveries.items():
        elsewhere = channel is not question.channel and question.step.spread is Spread.FIRST
        if elsewhere and other.state in MAY_HAVE_ARRIVED:
            return skip(Reason.ALREADY_SENT, {"delivery": other.state, "channel": channel})
    return None


def paused(question: Question) -> Ruling | None:
    """What staff has paused waits."""
    if question.situation.journey.paused_at is not None:
        return later(Reason.PAUSED, question.at + HELD)
    return None


def erased(question: Question) -> Ruling | None:
    """Without the customer's row there is nobody to write to."""
    return stop(Reason.ERASED, Outcome.ERASED) if question.situation.customer is None else None


def opted_out(question: Question) -> Ruling | None:
    """Whoever objected to this channel, or to this topic on it, is left in peace there."""
    reason = question.situation.suppressed.get(question.channel)
    if reason in _OBJECTIONS or objected(question.situation, question.channel):
        return closed_road(question, Reason.OPTED_OUT, Outcome.OPTED_OUT, {"suppressed": reason or "withdrawn"})
    return None


def suppressed(question: Question) -> Ruling | None:
    """An address that bounced is not tried again; a channel without an address or a provider is skipped."""
    customer, channel = question.situation.customer, question.channel
    if customer is None or customer.address(channel) is None:
        return skip(Reason.NO_ADDRESS, {"channel": channel})
    if channel in question.situation.suppressed:
        return skip(Reason.SUPPRESSED, {"suppressed": question.situation.suppressed[channel]})
    if channel not in question.reachable:
        return skip(Reason.CHANNEL_MISSING, {"channel": channel})
    return None


def purchased(question: Question) -> Ruling | None:
    """Whoever bought is not asked to buy."""
    ended = bought(question.situation, question.policy.purchase)
    return stop(Reason.PURCHASED, Outcome.PURCHASED) if ended else None


def reengaged(question: Question) -> Ruling | None:
    """An inactive subscriber who is back is won back."""
    situation = question.situation
    if situation.journey.kind is Kind.INACTIVE and quiet_since(situation) > situation.journey.since:
        return stop(Reason.REENGAGED, Outcome.REENGAGED)
    return None


def emptied(question: Question) -> Ruling | None:
    """An emptied cart needs no reminder."""
    cart = question.situation.cart
    if question.situation.journey.kind is Kind.CART and (cart is None or not cart.lines):
        return stop(Reason.CART_EMPTIED, Outcome.CART_EMPTIED)
    return None


def closed_road(question: Question, reason: Reason, outcome: Outcome, inputs: dict[str, Json]) -> Ruling:
    """Skip this channel when another one, of this step or a later one, is lawful; else the journey has no road left."""
    ahead = set(question.step.after_channel(question.channel))
    for step in question.policy.steps:
        if step.after > question.step.after:
            ahead |= set(step.channels)
    closed = {channel for channel, why in question.situation.suppressed.items() if why in _OBJECTIONS}
    if any(question.lawful(channel) is not None for channel in ahead - closed):
        return skip(reason, inputs)
    return stop(reason, outcome, inputs)
