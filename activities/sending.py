"""Sends one step: everything slow first, then the gate in one short transaction, then the provider, then what is known.

The promise: no hand-over follows the commit of a stop, and no key is handed over again without proof that the
earlier hand-over was not accepted.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.composing import Composer
from activities.context import attempt_at, journey_id
from activities.leg import Leg
from activities.looking import LastLook
from channels.base import ChannelError, Misconfigured, Refused, Sender, TemporarilyUnavailable
from models.gate import gate
from models.journey import SendRequest, SendResult, SendStatus
from models.message import Message
from models.question import Question, Ruling
from models.situation import DeliveryRecord, SuppressionReason
from models.vocabulary import Channel, DeliveryState, Outcome, Reason, Verdict
from runtime.metrics import DELIVERIES
from store.db import Database
from store.drafts import load_draft
from store.ids import new_id
from store.ledger import Intent, answered, hand_over, ruled, settle

_log = structlog.get_logger()
_ROUNDS = 5
_SOON, _LATEST = timedelta(seconds=30), timedelta(minutes=30)
# What an operator holds is asked again by the activity's own retry, which leaves no trace in the history.
_HOLDS = {
    Reason.KILL_SWITCH: timedelta(minutes=1),
    Reason.STOREFRONT_AWAY: timedelta(minutes=1),
    Reason.PROVIDER_MISCONFIGURED: _LATEST,
}
_LONGEST_HOLD = {Reason.STOREFRONT_AWAY: timedelta(minutes=10)}
_PROVIDER_LATEST = timedelta(hours=1)


class Sending:
    """The activity `send`."""

    def __init__(
        self,
        db: Database,
        composer: Composer,
        senders: Mapping[Channel, Sender],
        now: Callable[[], datetime],
        spread: timedelta = timedelta(),
        looking: LastLook | None = None,
    ) -> None:
        """Be ready to send on every channel that has a sender; `now` is the wall clock.

        Those whom one hour lets through at once are spread over `spread`. `looking` asks storefronts before a send.
        """
        self.db, self.composer, self.senders, self.now, self.spread = db, composer, senders, now, spread
        self.looking = looking

    @activity.defn(name="send")
    async def send(self, request: SendRequest) -> SendResult:
        """Send one step, or say why not; a provider that is away is asked again until the step's window ends."""
        journey, at = journey_id(), attempt_at(request.at)
        log = _log.bind(journey=journey, step=request.step)
        for _ in range(_ROUNDS):
            draft = await self.db.read(load_draft, journey, request.step, at)
            if draft is None:
                return SendResult(SendStatus.STOP, outcome=Outcome.ERASED)
            leg = Leg(draft, request.channel or draft.step.channels[0], at, request.until, self.spread)
            if (known := await self._known(leg)) is not None:
                return known
            intent, message = self._intent(leg)
            intent = await self._looked(intent)
            ruling = await self.db.write(hand_over, intent, self.now())
            if ruling is not None:
                DELIVERIES.labels(leg.channel, ruling.verdict, ruling.reason).inc()
                log.info("step.decided", channel=leg.channel, verdict=ruling.verdict, reason=ruling.reason)
                return await self._follow(ruling, leg, intent, message)
        raise _again("the customer's facts move faster than they can be read", _SOON)

    async def _known(self, leg: Leg) -> SendResult | None:
        """Answer at once when an earlier attempt has handed this step over, whatever became of it."""
        if leg.overtaken:
            return leg.settled(SendStatus.SKIPPED, refused=True)
        delivery = leg.delivery
        match delivery.state if delivery else None:
            case None | DeliveryState.RELEASED:
                return None
            case DeliveryState.SENT:
                return leg.settled(SendStatus.SENT)
            case DeliveryState.REFUSED:
                return leg.settled(SendStatus.SKIPPED, refused=True)
            case DeliveryState.UNKNOWN:
                return None if self._repeatable(leg) else leg.settled(SendStatus.UNKNOWN)
            case DeliveryState.HANDED:
                assert delivery is not None
                return await self._lost(leg, delivery)

    def _repeatable(self, leg: Leg) -> bool:
        """Say whether the provider still takes a second hand-over of this delivery for the first one."""
        until = leg.delivery.repeat_until if leg.delivery else None
        return until is not None and self.now() < until

    async def _lost(self, leg: Leg, delivery: DeliveryRecord) -> SendResult | None:
        """A worker died while a message was handed: only a look-up that finds it proves anything."""
        message = Message(delivery.id, leg.key, leg.channel, "", "", None, "", "", "", leg.message_id)
        sender = self.senders.get(leg.channel)
        receipt = await sender.find(message) if sender else None
        if receipt is not None:
            await self.db.write(settle, delivery.id, DeliveryState.SENT, leg.at, receipt.provider_id, "")
            return leg.settled(SendStatus.SENT)
        if self._repeatable(leg):
            return None
        ruling = ruled(Verdict.UNKNOWN, Reason.NO_PROOF, "the worker stopped while the message was handed over")
        await self._answered(self._question(leg, None), ruling, delivery.id, DeliveryState.UNKNOWN)
        return leg.settled(SendStatus.UNKNOWN)

    def _question(self, leg: Leg, broken: Reason | None) -> Question:
        return leg.question(self.senders, broken, repeatable=self._repeatable(leg))

    def _intent(self, leg: Leg) -> tuple[Intent, Message | None]:
        delivery = leg.delivery.id if leg.delivery else new_id()
        composed = self.composer.compose(leg.draft, leg.channel, delivery, leg.at)
        sender = self.senders.get(leg.channel)
        window = sender.honours_key if sender else None
        intent = Intent(
            question=self._question(leg, composed.broken),
            delivery=delivery,
            provider=sender.name if sender else "",
            message=composed.message.raw or composed.message.text.encode() if composed.message else None,
            coupon=composed.coupon,
            inputs=composed.inputs,
            following=leg.following(),
            repeat_until=self.now() + window if window else None,
        )
        return intent, composed.message

    async def _looked(self, intent: Intent) -> Intent:
        """Ask the shop's storefront for newer orders, where nothing that is known yet speaks against the message."""
        question = intent.question
        shop, customer = question.situation.journey.shop, question.situation.customer
        if self.looking is None or customer is None:
            return intent
        allowed = gate(question).verdict is Verdict.SENT
        look = await self.looking.refresh(shop, customer.id) if allowed else self.looking.unasked(shop)
        return replace(intent, question=replace(question, look=look)) if look else intent

    async def _follow(self, ruling: Ruling, leg: Leg, intent: Intent, message: Message | None) -> SendResult:
        """Do what the gate ruled."""
        match ruling.verdict:
            case Verdict.SENT:
                assert message is not None
                return await self._hand(leg, intent, message)
            case Verdict.SKIPPED:
                return leg.skipped(ruling.reason)
            case Verdict.STOPPED:
                return SendResult(SendStatus.STOP, outcome=ruling.outcome)
            case Verdict.LATER if ruling.reason in _HOLDS:
                raise _again(f"held: {ruling.reason}", min(_hold(ruling.reason), leg.until - leg.at))
            case Verdict.LATER:
                return SendResult(SendStatus.LATER, until=ruling.until)
            case Verdict.UNKNOWN:
                return leg.settled(SendStatus.UNKNOWN)
            case Verdict.HANDED_OVER:
                raise AssertionError("the gate never answers so")
            case _:
                assert_never(ruling.verdict)

    async def _hand(self, leg: Leg, intent: Intent, message: Message) -> SendResult:
        """Call the provider; the delivery is `handed` until what is known is written."""
        try:
            receipt = await self.senders[leg.channel].send(message)
        except (TemporarilyUnavailable, Misconfigured) as error:
            pause = min(_pause(error), max(leg.until - leg.at, _SOON))
            down = isinstance(error, TemporarilyUnavailable)
            reason = Reason.PROVIDER_DOWN if down else Reason.PROVIDER_MISCONFIGURED
            ruling = ruled(Verdict.LATER, reason, str(error), leg.at + pause)
            await self._answered(intent.question, ruling, message.delivery, DeliveryState.RELEASED)
            raise _again(str(error), pause) from None
        except Refused as error:
            ruling = ruled(Verdict.SKIPPED, Reason.PROVIDER_REFUSED, str(error))
            await self._answered(intent.question, ruling, message.delivery, DeliveryState.REFUSED, _closed_by(error))
            return leg.settled(SendStatus.SKIPPED, refused=True)
        except Exception as error:  # noqa: BLE001 - whatever breaks after the hand-over proves nothing
            return await self._unproved(leg, intent, error)
        await self.db.write(settle, message.delivery, DeliveryState.SENT, leg.at, receipt.provider_id, "")
        return leg.settled(SendStatus.SENT)

    async def _unproved(self, leg: Leg, intent: Intent, error: Exception) -> SendResult:
        """Nobody knows: ask again under the same key where the provider counts it once, through the whole gate."""
        problem = str(error) if isinstance(error, ChannelError) else type(error).__name__
        ruling = ruled(Verdict.UNKNOWN, Reason.NO_PROOF, problem)
        await self._answered(intent.question, ruling, intent.delivery, DeliveryState.UNKNOWN)
        if intent.repeat_until is not None and self.now() + _SOON < intent.repeat_until:
            raise _again(problem, _SOON)
        return leg.settled(SendStatus.UNKNOWN)

    async def _answered(
        self,
        question: Question,
        ruling: Ruling,
        delivery: str,
        state: DeliveryState,
        closes: SuppressionReason | None = None,
    ) -> None:
        DELIVERIES.labels(question.channel, ruling.verdict, ruling.reason).inc()
        await self.db.write(answered, question, ruling, delivery, state, self.now(), closes)


def _closed_by(error: Refused) -> SuppressionReason | None:
    """Return why a refusal closes the address: it is dead, or its owner told the provider to stop."""
    if error.consent:
        return SuppressionReason.OBJECTION
    return SuppressionReason.BOUNCE if error.address else None


def _hold(reason: Reason) -> timedelta:
    """Return when a held message is asked for again; for a storefront that stays away less and less often."""
    pause = _HOLDS[reason]
    return min(pause * (1 << min(activity.info().attempt - 1, 10)), _LONGEST_HOLD.get(reason, pause))


def _pause(error: TemporarilyUnavailable | Misconfigured) -> timedelta:
    """Return when to try again: the provider's wish, else longer and longer up to half an hour."""
    if isinstance(error, Misconfigured):
        return _LATEST
    if error.retry_after is not None:
        return min(max(error.retry_after, _SOON), _PROVIDER_LATEST)
    return min(_SOON * (1 << min(activity.info().attempt - 1, 10)), _LATEST)


def _again(problem: str, pause: timedelta) -> ApplicationError:
    return ApplicationError(problem, type="NotYet", next_retry_delay=pause, category=ApplicationErrorCategory.BENIGN)
