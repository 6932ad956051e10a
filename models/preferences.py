"""What a customer may choose on the preference page: what stands, and what a form that comes back changes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from models.consent import granted, latest, soft_opt_in
from models.events import ConsentEntry
from models.situation import ConsentRecord, CustomerRecord, OrderRecord, SuppressionReason
from models.vocabulary import Channel, ConsentState, Purpose, SoftOptIn

BREAK: Final = timedelta(days=30)
"""How long the pause lasts that the page offers."""
SOURCE: Final = "preferences"
"""Source and actor of everything that is said on the page."""
ONE_CLICK: Final = "unsubscribe link"
"""The actor of an objection that the customer made by the link of a message."""


class Choice(StrEnum):
    """One box of the page; the page's language is beside them."""

    EMAIL = "email"
    SMS = "sms"
    CART_REMINDERS = "cart_reminders"
    WIN_BACK = "win_back"
    OPEN_TRACKING = "open_tracking"
    CLICK_TRACKING = "click_tracking"
    PAUSE = "pause"


CHANNELS: Final = {Choice.EMAIL: Channel.EMAIL, Choice.SMS: Channel.SMS}
TOPICS: Final = {Choice.CART_REMINDERS: Purpose.CART_REMINDERS, Choice.WIN_BACK: Purpose.WIN_BACK}
MEASURES: Final = {Choice.OPEN_TRACKING: Purpose.OPEN_TRACKING, Choice.CLICK_TRACKING: Purpose.CLICK_TRACKING}
_WISHES: Final = (SuppressionReason.OBJECTION, SuppressionReason.COMPLAINT)


@dataclass(frozen=True, slots=True)
class Closure:
    """Why an address is closed on a channel; `own` says that the customer's own later consent lifts it."""

    channel: Channel
    reason: SuppressionReason
    own: bool


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the store holds of one customer that the page is about; `scope` is the shop's, `at` the customer's clock."""

    customer: CustomerRecord
    consents: tuple[ConsentRecord, ...]
    orders: tuple[OrderRecord, ...]
    closures: tuple[Closure, ...]
    scope: SoftOptIn
    at: datetime

    def withdrawn(self, channel: Channel, purpose: Purpose) -> bool:
        """Say whether the last word on a purpose for a channel is a no."""
        word = latest(self.consents, channel, purpose)
        return word is not None and word.state is ConsentState.WITHDRAWN

    def receives(self, channel: Channel) -> bool:
        """Say whether messages may come by a channel, as far as the customer's own wishes go."""
        if any(one.channel is channel and one.reason in _WISHES for one in self.closures):
            return False
        if latest(self.consents, channel) is not None:
            return granted(self.consents, channel, Purpose.MARKETING)
        if any(granted(self.consents, channel, topic) for topic in TOPICS.values()):
            return True
        account = self.customer.has_account
        return soft_opt_in(channel, self.orders, self.at, self.scope, has_account=account) is not None

    def wants(self, topic: Purpose) -> bool:
        """Say whether a topic may come by any channel that is open, or, when none is, by any that could be."""
        offered = [CHANNELS[one] for one in self.offered if one in CHANNELS]
        channels = [one for one in offered if self.receives(one)] or offered or list(Channel)
        return any(not self.withdrawn(one, topic) for one in channels)

    @property
    def offered(self) -> tuple[Choice, ...]:
        """Return the boxes that the page shows: channels with an address, and measuring where there is e-mail."""
        reached = {choice for choice, channel in CHANNELS.items() if self.customer.address(channel) is not None}
        left_out = (CHANNELS.keys() | MEASURES.keys()) - reached
        return tuple(one for one in Choice if one not in left_out or (one in MEASURES and Choice.EMAIL in reached))

    @property
    def on(self) -> frozenset[Choice]:
        """Return the boxes that are ticked."""
        channels = {choice for choice, channel in CHANNELS.items() if self.receives(channel)}
        topics = {choice for choice, topic in TOPICS.items() if self.wants(topic)}
        measures = {one for one, purpose in MEASURES.items() if granted(self.consents, Channel.EMAIL, purpose)}
        pause = {Choice.PAUSE} if self.paused_until is not None else set()
        return frozenset(self.offered) & (channels | topics | measures | pause)

    @property
    def paused_until(self) -> datetime | None:
        """Return the end of the pause that the customer is in."""
        until = self.customer.snoozed_until
        return until if until is not None and self.at < until else None

    @property
    def closed(self) -> Mapping[Choice, SuppressionReason]:
        """Return the channels that no consent of the customer opens, each with the reason that weighs most."""
        order = (SuppressionReason.COMPLAINT, *SuppressionReason)
        found: dict[Choice, SuppressionReason] = {}
        for choice, channel in CHANNELS.items():
            reasons = [one.reason for one in self.closures if one.channel is channel and not one.own]
            if reasons:
                found[choice] = min(reasons, key=order.index)
        return found


@dataclass(frozen=True, slots=True)
class Form:
    """A form that came back: what its page had shown as ticked, and what is ticked now.

    Only the difference is a wish: whoever changes one box has said nothing about the others, even when these have
    changed meanwhile. `shown` is None when the page did not say. `leave` is the button that ends everything.
    `language` is None where it stays. `wordings` is what each box said.
    """

    wanted: frozenset[Choice]
    shown: frozenset[Choice] | None = None
    leave: bool = False
    language: str | None = None
    wordings: Mapping[Choice, str] = field(default_factory=dict)

    def wishes(self, held: Holdings) -> dict[Choice, bool]:
        """Return the boxes that the customer has changed and that do not stand so already."""
        if self.leave:
            return {one: False for one in held.offered if one in held.on and (one in CHANNELS or one in MEASURES)}
        changed = (held.on if self.shown is None else self.shown) ^ self.wanted
        wishes = {one: one in self.wanted for one in held.offered if one in changed}
        return {one: wish for one, wish in wishes.items() if wish is not (one in held.on)}


def entries(held: Holdings, wishes: Mapping[Choice, bool], wordings: Mapping[Choice, str]) -> list[ConsentEntry]:
    """Return what the ledger takes down of these wishes, but for closed channels, which are objections.

    A topic is declined on every channel. It comes back where messages are welcome, and where only the channel itself
    forbids them: never so that it would allow what nobody has allowed.
    """
    opened = {channel: choice for choice, channel in CHANNELS.items() if wishes.get(choice)}
    said = [_Said(channel, Purpose.MARKETING, choice, yes=True) for channel, choice in opened.items()]
    for choice, topic in TOPICS.items():
        yes = wishes.get(choice, choice in held.on)
        for channel in Channel:
            asked = choice in wishes or channel in opened
            if asked and held.withdrawn(channel, topic) is yes and (not yes or _safe(held, channel, opened)):
                said.append(_Said(channel, topic, choice, yes=yes))
    said += [_Said(Channel.EMAIL, MEASURES[one], one, yes=yes) for one, yes in wishes.items() if one in MEASURES]
    return [one.entry(held.at, wordings.get(one.choice)) for one in said]


def _safe(held: Holdings, channel: Channel, opened: Collection[Channel]) -> bool:
    """Say whether a consent to a topic allows nothing on a channel that its owner has not allowed there."""
    return channel in opened or held.receives(channel) or held.withdrawn(channel, Purpose.MARKETING)


@dataclass(frozen=True, slots=True)
class _Said:
    channel: Channel
    purpose: Purpose
    choice: Choice
    yes: bool

    def entry(self, at: datetime, wording: str | None) -> ConsentEntry:
        state = ConsentState.GRANTED if self.yes else ConsentState.WITHDRAWN
        return ConsentEntry(self.channel, self.purpose, state, SOURCE, at, wording)
