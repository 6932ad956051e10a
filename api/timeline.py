"""A journey told to support: what happened, what was sent or not and why, what comes next and when."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from api.texts import ONE_CLICK, Language, Texts, amount, moment_in, texts
from models.vocabulary import Arm, DeliveryState, Kind, Reason, Status, Verdict
from store.acts import ActName
from store.journeys import ActRow, DecisionRow, Story

# What a provider's answer amounts to is a decision of its own in the ledger, and news of the delivery to people.
_ANSWERS = {
    Reason.PROVIDER_DOWN: DeliveryState.RELEASED,
    Reason.PROVIDER_REFUSED: DeliveryState.REFUSED,
    Reason.NO_PROOF: DeliveryState.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline; `more` are further members of its JSON."""

    at: datetime
    type: str
    text: str
    more: dict[str, Any] = field(default_factory=dict)


def shown(row: DecisionRow, story: Story) -> Verdict:
    """Return a decision's verdict as it may be believed: `sent` says that the provider has accepted.

    The gate writes `sent` when it lets a step go; until the provider has answered, and for each attempt that it did
    not accept, that is a hand-over and no more.
    """
    verdict = Verdict(row.verdict)
    if verdict is not Verdict.SENT:
        return verdict
    accepted = any(one.id == row.delivery_id and one.state == DeliveryState.SENT for one in story.deliveries)
    attempts = [one.id for one in story.decisions if one.delivery_id == row.delivery_id]
    return Verdict.SENT if accepted and attempts[-1] == row.id else Verdict.HANDED_OVER


def timeline(story: Story, clock: datetime, language: Language) -> list[Entry]:
    """Return the entries in the order in which they happened; `clock` is the journey's own now."""
    teller = _Teller(story, clock, language)
    return [*sorted(teller.past(), key=lambda entry: entry.at), *teller.future()]


@dataclass(frozen=True, slots=True)
class _Teller:
    story: Story
    clock: datetime
    language: Language

    @property
    def words(self) -> Texts:
        return texts(self.language)

    def past(self) -> Iterator[Entry]:
        """Tell what happened; entries of one moment come in the order of cause and effect."""
        yield self._seen()
        if self.story.journey.j0 is not None:
            yield self._began(self.story.journey.j0)
        for act in self.story.acts:
            yield self._act(act)
        for decision in self.story.decisions:
            yield self._decision(decision)
        yield from self._accepted()
        journey = self.story.journey
        if journey.outcome is not None and journey.closed_at is not None:
            text = self.words.outcomes[journey.outcome]
            yield Entry(journey.closed_at, "outcome", text, {"outcome": journey.outcome})

    def _seen(self) -> Entry:
        journey, cart, phrases = self.story.journey, self.story.cart, self.words.phrases
        if journey.kind == Kind.INACTIVE:
            text = phrases["inactive"].format(since=self._moment(journey.since))
            return Entry(journey.started_at, "inactive", text, {"since": journey.since.isoformat()})
        if cart is None:
            return Entry(journey.started_at, "cart", phrases["cart_gone"])
        items = phrases["item" if cart.items == 1 else "items"].format(n=cart.items)
        text = phrases["cart"].format(items=items, value=amount(cart.value, cart.currency, self.language))
        return Entry(journey.started_at, "cart", text, {"cart_id": cart.token, "value": cart.value})

    def _began(self, j0: datetime) -> Entry:
        journey = self.story.journey
        phrase = self.words.phrases["held_out" if journey.arm == Arm.HOLDOUT else "began"]
        text = phrase.format(policy=journey.policy, segment=journey.segment or "")
        return Entry(j0, "began", text, {"policy": journey.policy, "segment": journey.segment, "arm": journey.arm})

    def _act(self, act: ActRow) -> Entry:
        more = {"act": act.act, "actor": act.actor, "reason": act.reason}
        if act.actor == ONE_CLICK and act.act == ActName.OPT_OUT:
            return Entry(act.at, "act", self.words.phrases["one_click"], more)
        colon = " : " if self.language == "fr" else ": "
        reason = f"{colon}{act.reason}" if act.reason else ""
        return Entry(act.at, "act", self.words.acts[act.act].format(actor=act.actor, reason=reason), more)

    def _decision(self, row: DecisionRow) -> Entry:
        verdict, words = shown(row, self.story), self.words
        text = words.verdicts[verdict].format(
            step=row.step,
            channel=words.channels[row.channel],
            reason=words.reasons[row.reason],
            basis=words.bases.get(row.basis or "", ""),
            until=self._until(row.inputs.get("until")),
        )
        more = {"step": row.step, "channel": row.channel, "verdict": verdict, "reason": row.reason}
        state = _ANSWERS.get(Reason(row.reason))
        if state is None:
            return Entry(row.at, "decision", text, more | {"delivery_id": row.delivery_id})
        return Entry(row.at, "delivery", text, more | {"state": state, "problem": row.inputs.get("problem")})

    def _until(self, stored: object) -> str:
        if not isinstance(stored, str):
            return ""
        return self.words.phrases["until"].format(moment=self._moment(datetime.fromisoformat(stored)))

    def _accepted(self) -> Iterator[Entry]:
        for one in self.story.deliveries:
            if one.state == DeliveryState.SENT and one.settled_at is not None:
                text = self.words.phrases["accepted"].format(step=one.step, provider=one.provider)
                more = {"step": one.step, "delivery_id": one.id, "state": one.state, "provider_id": one.provider_id}
                yield Entry(one.settled_at, "delivery", text, more)

    def future(self) -> Iterator[Entry]:
        """Tell what comes next, and what later, as things stand."""
        journey, phrases = self.story.journey, self.words.phrases
        if journey.status == Status.CLOSED:
            return
        if journey.status == Status.PAUSED:
            yield Entry(self.clock, "paused", phrases["paused"])
            return
        if journey.next_action_at is None:
            return
        at = max(journey.next_action_at, self.clock)
        if journey.j0 is None:
            yield Entry(at, "next", phrases["quiet"].format(moment=self._moment(at)))
            return
        steps = self.story.policy.steps
        names = [step.name for step in steps]
        rest = steps[names.index(journey.step) :] if journey.step in names else ()
        for place, step in enumerate(rest):
            when = at if place == 0 else max(at, journey.j0 + timedelta(seconds=journey.paused_s) + step.after)
            kind = "next" if place == 0 else "planned"
            text = phrases[kind].format(
                step=step.name, channel=self.words.channels[step.channel], moment=self._moment(when)
            )
            yield Entry(when, kind, text, {"step": step.name, "channel": step.channel})

    def _moment(self, at: datetime) -> str:
        return moment_in(at, self.story.shop.timezone, self.words)
