"""Sends one step: everything slow first, then the gate in one short transaction, then the provider, then what is known.

The promise: no hand-over follows the commit of a stop, and no key is handed over again without proof that the
earlier hand-over was not accepted.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import assert_never

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.composing import Composer
from activities.context import attempt_at, journey_id
from channels.base import ChannelError, Misconfigured, Receipt, Refused, Sender, TemporarilyUnavailable
from models.gate import Question, Ruling
from models.journey import SendRequest, SendResult, SendStatus, delivery_key
from models.message import Message
from models.situation import DeliveryRecord
from models.vocabulary import Channel, DeliveryState, Outcome, Reason, Verdict
from runtime.metrics import DELIVERIES
from store.db import Database
from store.drafts import Draft, load_draft
from store.ids import new_id
from store.ledger import Intent, answered, hand_over, ruled, settle

_log = structlog.get_logger()
_ROUNDS = 5
_SOON, _LATEST = timedelta(seconds=30), timedelta(minutes=30)
# What an operator holds is asked again by the activity's own retry, which leaves no trace in the history.
_HOLDS = {Reason.KILL_SWITCH: timedelta(minutes=1), Reason.PROVIDER_MISCONFIGURED: _LATEST}
_PROVIDER_LATEST = timedelta(hours=1)


class Sending:
    """The activity `send`."""

    def __init__(
        self, db: Database, composer: Composer, senders: Mapping[Channel, Sender], now: Callable[[], datetime]
    ) -> None:
        """Be ready to send on every channel that has a sender; `now` is the wall clock."""
        self.db, self.composer, self.senders, self.now = db, composer, senders, now

    @activity.defn(name="send")
    async def send(self, request: SendRequest) -> SendResult:
        """Send one step, or say why not; a provider that is away is asked again until the step's window ends."""
        journey, at = journey_id(), attempt_at(request.at)
        log = _log.bind(journey=journey, step=request.step)
        for _ in range(_ROUNDS):
            draft = await self.db.read(load_draft, journey, request.step, at)
            if draft is None:
                return SendResult(SendStatus.STOP, outcome=Outcome.ERASED)
            if (known := await self._known(draft, at)) is not None:
                return known
            intent, message = self._intent(draft, request, at)
            ruling = await self.db.write(hand_over, intent, self.now())
            if ruling is not None:
                DELIVERIES.labels(draft.step.channel, ruling.verdict, ruling.reason).inc()
                log.info("step.decided", verdict=ruling.verdict, reason=ruling.reason)
                return await self._follow(ruling, draft, intent, message, request, at)
        raise _again("the customer's facts move faster than they can be read", _SOON)

    async def _known(self, draft: Draft, at: datetime) -> SendResult | None:
        """Answer at once when an earlier attempt has handed this step over, whatever became of it."""
        delivery = draft.situation.delivery
        match delivery.state if delivery else None:
            case None | DeliveryState.RELEASED:
                return None
            case DeliveryState.SENT:
                return SendResult(SendStatus.SENT)
            case DeliveryState.REFUSED:
                return SendResult(SendStatus.SKIPPED)
            case DeliveryState.UNKNOWN:
                return SendResult(SendStatus.UNKNOWN)
            case DeliveryState.HANDED:
                assert delivery is not None
                return await self._lost(draft, delivery, at)

    async def _lost(self, draft: Draft, delivery: DeliveryRecord, at: datetime) -> SendResult:
        """A worker died while a message was handed: only a look-up that finds it proves anything."""
        channel, key = draft.step.channel, delivery_key(draft.situation.journey.id, draft.step.name, draft.step.channel)
        message = Message(delivery.id, key, channel, "", "", None, "", "", "", "")
        sender = self.senders.get(channel)
        receipt = await sender.find(message) if sender else None
        if receipt is not None:
            await self.db.write(settle, delivery.id, DeliveryState.SENT, at, receipt.provider_id, "")
            return SendResult(SendStatus.SENT)
        question = self._question(draft, at, at, None)
        ruling = ruled(Verdict.UNKNOWN, Reason.NO_PROOF, "the worker stopped while the message was handed over")
        await self._answered(question, ruling, delivery.id, DeliveryState.UNKNOWN)
        return SendResult(SendStatus.UNKNOWN)

    def _question(self, draft: Draft, at: datetime, until: datetime, broken: Reason | None) -> Question:
        return Question(draft.situation, draft.policy, draft.step, at, until, self.senders, draft.shop.timezone, broken)

    def _intent(self, draft: Draft, request: SendRequest, at: datetime) -> tuple[Intent, Message | None]:
        delivery = draft.situation.delivery.id if draft.situation.delivery else new_id()
        composed = self.composer.compose(draft, delivery, at)
        sender = self.senders.get(draft.step.channel)
        intent = Intent(
            question=self._question(draft, at, request.until, composed.broken),
            delivery=delivery,
            provider=sender.name if sender else "",
            message=composed.message.raw or composed.message.text.encode() if composed.message else None,
            coupon=composed.coupon,
            inputs=composed.inputs,
            following=_following(draft),
        )
        return intent, composed.message

    async def _follow(
        self, ruling: Ruling, draft: Draft, intent: Intent, message: Message | None, request: SendRequest, at: datetime
    ) -> SendResult:
        """Do what the gate ruled."""
        match ruling.verdict:
            case Verdict.SENT:
                assert message is not None
                return await self._hand(draft, intent, message, request, at)
            case Verdict.SKIPPED:
                return SendResult(SendStatus.SKIPPED)
            case Verdict.STOPPED:
                return SendResult(SendStatus.STOP, outcome=ruling.outcome)
            case Verdict.LATER if ruling.reason in _HOLDS:
                raise _again(f"held: {ruling.reason}", min(_HOLDS[ruling.reason], request.until - at))
            case Verdict.LATER:
                return SendResult(SendStatus.LATER, until=ruling.until)
            case Verdict.UNKNOWN | Verdict.HANDED_OVER:
                raise AssertionError("the gate never answers so")
            case _:
                assert_never(ruling.verdict)

    async def _hand(
        self, draft: Draft, intent: Intent, message: Message, request: SendRequest, at: datetime
    ) -> SendResult:
        """Call the provider; the delivery is `handed` until what is known is written."""
        question = intent.question
        try:
            receipt = await self.senders[draft.step.channel].send(message)
        except (TemporarilyUnavailable, Misconfigured) as error:
            pause = min(_pause(error), max(request.until - at, _SOON))
            down = isinstance(error, TemporarilyUnavailable)
            reason = Reason.PROVIDER_DOWN if down else Reason.PROVIDER_MISCONFIGURED
            ruling = ruled(Verdict.LATER, reason, str(error), at + pause)
            await self._answered(question, ruling, message.delivery, DeliveryState.RELEASED)
            raise _again(str(error), pause) from None
        except Refused as error:
            ruling = ruled(Verdict.SKIPPED, Reason.PROVIDER_REFUSED, str(error))
            await self._answered(question, ruling, message.delivery, DeliveryState.REFUSED, bounced=error.address)
            return SendResult(SendStatus.SKIPPED)
        except Exception as error:  # noqa: BLE001 - whatever breaks after the hand-over proves nothing
            problem = str(error) if isinstance(error, ChannelError) else type(error).__name__
            ruling = ruled(Verdict.UNKNOWN, Reason.NO_PROOF, problem)
            await self._answered(question, ruling, message.delivery, DeliveryState.UNKNOWN)
            return SendResult(SendStatus.UNKNOWN)
        return await self._accepted(message, receipt, at)

    async def _accepted(self, message: Message, receipt: Receipt, at: datetime) -> SendResult:
        await self.db.write(settle, message.delivery, DeliveryState.SENT, at, receipt.provider_id, "")
        return SendResult(SendStatus.SENT)

    async def _answered(
        self, question: Question, ruling: Ruling, delivery: str, state: DeliveryState, *, bounced: bool = False
    ) -> None:
        DELIVERIES.labels(question.step.channel, ruling.verdict, ruling.reason).inc()
        await self.db.write(answered, question, ruling, delivery, state, self.now(), bounced=bounced)


def _following(draft: Draft) -> tuple[str, datetime] | None:
    """Return the step after this one and when it is due, None after the last."""
    journey, steps = draft.situation.journey, draft.policy.steps
    later = [step for step in steps if step.after > draft.step.after]
    if not later or journey.j0 is None:
        return None
    return later[0].name, journey.j0 + timedelta(seconds=journey.paused_s) + later[0].after


def _pause(error: TemporarilyUnavailable | Misconfigured) -> timedelta:
    """Return when to try again: the provider's wish, else longer and longer up to half an hour."""
    if isinstance(error, Misconfigured):
        return _LATEST
    if error.retry_after is not None:
        return min(max(error.retry_after, _SOON), _PROVIDER_LATEST)
    return min(_SOON * (1 << min(activity.info().attempt - 1, 10)), _LATEST)


def _again(problem: str, pause: timedelta) -> ApplicationError:
    return ApplicationError(problem, type="NotYet", next_retry_delay=pause, category=ApplicationErrorCategory.BENIGN)
