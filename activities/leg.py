"""One step on one channel at one moment: what is asked of the gate, and what the answer means for the workflow."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.mime import message_id, sender_domain
from models.journey import SendResult, SendStatus, delivery_key
from models.question import Question, ShopRules
from models.situation import DeliveryRecord
from models.step import Spread
from models.vocabulary import MAY_HAVE_ARRIVED, Channel, Reason, SoftOptIn
from store.drafts import Draft


@dataclass(frozen=True, slots=True)
class Leg:
    """A step's draft on one channel; from `until` on it is worthless; `spread` is that of `ShopRules`."""

    draft: Draft
    channel: Channel
    at: datetime
    until: datetime
    spread: timedelta = timedelta()

    @property
    def delivery(self) -> DeliveryRecord | None:
        """Return what there is of this step's delivery on this channel."""
        return self.draft.situation.deliveries.get(self.channel)

    @property
    def key(self) -> str:
        """Return the delivery's key."""
        return delivery_key(self.draft.situation.journey.id, self.draft.step.name, self.channel)

    @property
    def message_id(self) -> str:
        """Return the Message-ID of the delivery, by which some providers can look it up."""
        return message_id(self.key, sender_domain(self.draft.shop.sender))

    def question(self, reachable: Collection[Channel], broken: Reason | None, *, repeatable: bool) -> Question:
        """Return the question for the gate."""
        draft, shop = self.draft, self.draft.shop
        rules = ShopRules(shop.timezone, shop.country, SoftOptIn(shop.soft_opt_in), self.spread, shop.lost)
        return Question(
            draft.situation,
            draft.policy,
            draft.step,
            self.channel,
            self.at,
            self.until,
            reachable,
            rules,
            broken,
            repeatable,
        )

    def settled(self, status: SendStatus, *, refused: bool = False) -> SendResult:
        """Return that this channel is done with; the next one is asked for all of them, or after a refusal."""
        return SendResult(status, more=refused or self.draft.step.spread is Spread.ALL)

    def skipped(self, reason: Reason) -> SendResult:
        """Return that the gate refused; the next channel is asked when only this one is closed."""
        return SendResult(SendStatus.SKIPPED, more=self.draft.step.passes_on(reason))

    @property
    def overtaken(self) -> bool:
        """Say whether a former run came as far as a later channel, and what became of it is to be asked there."""
        step, deliveries = self.draft.step, self.draft.situation.deliveries
        states = [deliveries[one].state for one in step.after_channel(self.channel) if one in deliveries]
        return step.spread is Spread.FIRST and any(state in MAY_HAVE_ARRIVED for state in states)

    def following(self) -> tuple[str, datetime] | None:
        """Return the step after this one and when it is due, None after the last."""
        journey, step = self.draft.situation.journey, self.draft.step
        after = [one for one in self.draft.policy.steps if one.after > step.after]
        if not after or journey.j0 is None:
            return None
        return after[0].name, journey.j0 + timedelta(seconds=journey.paused_s) + after[0].after
