"""What the gate is asked and what it answers."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models.consent import Lawful, lawful_basis
from models.facts import Facts
from models.known import known
from models.look import Look
from models.policy import Policy
from models.restored import Lost
from models.situation import DeliveryRecord, Situation
from models.step import Spread, Step
from models.stored import Json
from models.vocabulary import Basis, Channel, Outcome, Reason, SoftOptIn, Verdict

HELD = timedelta(minutes=5)
"""How soon to ask again when somebody holds a send: staff (pause), the operator (kill switch) or a storefront."""


@dataclass(frozen=True, slots=True)
class ShopRules:
    """What a shop decides for all its customers: whom it may write to, and the place of those whose own is unknown.

    `zone` is an IANA name, `country` an ISO 3166 code. `spread` is over how long those are spread whom the same hour
    lets through. `lost` is the time of which a restored store knows nothing.
    """

    zone: str = "UTC"
    country: str = "FR"
    soft_opt_in: SoftOptIn = SoftOptIn.BUYERS_ONLY
    spread: timedelta = timedelta()
    lost: Lost | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """The question that the gate is asked: may this step go out on this channel now.

    `until` is where the step's window ends. `reachable` are the channels that have a provider. `broken` says why the
    message could not be rendered, None when it was. `repeatable` says that the provider still takes a second
    hand-over of this delivery for the first one. `look` is what asking the storefront for newer orders came to, None
    where there is nobody to ask.
    """

    situation: Situation
    policy: Policy
    step: Step
    channel: Channel
    at: datetime
    until: datetime
    reachable: Collection[Channel]
    shop: ShopRules
    broken: Reason | None = None
    repeatable: bool = False
    look: Look | None = None
    _lawful: dict[Channel, Lawful | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def facts(self) -> Facts:
        """Return what the rules see."""
        return known(self.situation, self.policy, self.at)

    @property
    def delivery(self) -> DeliveryRecord | None:
        """Return what there is of this step's delivery on this channel."""
        return self.situation.deliveries.get(self.channel)

    def lawful(self, channel: Channel) -> Lawful | None:
        """Return why a message on a channel is lawful now, None when it is not; looked up once for each channel."""
        if channel not in self._lawful:
            self._lawful[channel] = lawful_basis(self.situation, channel, self.at, self.shop.soft_opt_in)
        return self._lawful[channel]

    def passes_on(self, ruling: "Ruling") -> bool:
        """Say whether the step's next channel is asked after this ruling."""
        if not self.step.after_channel(self.channel):
            return False
        if ruling.verdict is Verdict.SENT:
            return self.step.spread is Spread.ALL
        return ruling.verdict is Verdict.SKIPPED and self.step.passes_on(ruling.reason)


@dataclass(frozen=True, slots=True)
class Ruling:
    """The gate's answer, with everything that it rests on."""

    verdict: Verdict
    reason: Reason
    inputs: dict[str, Json] = field(default_factory=dict)
    until: datetime | None = None
    outcome: Outcome | None = None
    basis: Basis | None = None


def stop(reason: Reason, outcome: Outcome, inputs: dict[str, Json] | None = None) -> Ruling:
    """Return the ruling that ends the journey."""
    return Ruling(Verdict.STOPPED, reason, inputs or {}, outcome=outcome)


def skip(reason: Reason, inputs: dict[str, Json] | None = None) -> Ruling:
    """Return the ruling that this message never goes out on this channel."""
    return Ruling(Verdict.SKIPPED, reason, inputs or {})


def later(reason: Reason, until: datetime, inputs: dict[str, Json] | None = None) -> Ruling:
    """Return the ruling that the message is asked for again at `until`."""
    return Ruling(Verdict.LATER, reason, {**(inputs or {}), "until": until.isoformat()}, until=until)
