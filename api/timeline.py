"""A journey told to support: what happened, what was sent or not and why, what comes next and when."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from api.language import Language, amount
from api.notice_words import notice_text
from api.texts import Texts, moment_in, texts
from models.preferences import ONE_CLICK
from models.preferences import SOURCE as PREFERENCES
from models.provider_events import ProviderEventType
from models.vocabulary import Arm, Basis, Channel, DeliveryState, Kind, Reason, Status, Verdict
from store.acts import ActName
from store.journeys import ActRow, DecisionRow, Story
from store.tasks import TaskRow

# What a provider's answer amounts to is a decision of its own in the ledger, and news of the delivery to people.
_ANSWERS = {
    Reason.PROVIDER_DOWN: DeliveryState.RELEASED,
    Reason.PROVIDER_REFUSED: DeliveryState.REFUSED,
    Reason.NO_PROOF: DeliveryState.UNKNOWN,
}
_TOLD_ALREADY = (ProviderEventType.QUEUED, ProviderEventType.ACCEPTED)
# By which ways customers object themselves, and how that is told.
_OWN_WORDS = {ONE_CLICK: "one_click", PREFERENCES: "preferences"}


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
        yield from self._told()
        for task in self.story.tasks:
            yield from self._called(task)
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
        if act.act == ActName.OPT_OUT and act.actor in _OWN_WORDS:
            return Entry(act.at, "act", self.words.phrases[_OWN_WORDS[act.actor]], more)
        reason = self._colon(act.reason)
        return Entry(act.at, "act", self.words.acts[act.act].format(actor=act.actor, reason=reason), more)

    def _decision(self, row: DecisionRow) -> Entry:
        verdict, words = shown(row, self.story), self.words
        asked = row.channel == Channel.CALL and verdict in (Verdict.SENT, Verdict.HANDED_OVER)
        text = (words.phrases["asked"] if asked else words.verdicts[verdict]).format(
            step=row.step,
            channel=words.channels[row.channel],
            reason=words.reasons[row.reason],
            basis=self._basis(row),
            until=self._until(row.inputs.get("until")),
        )
        more = {"step": row.step, "channel": row.channel, "verdict": verdict, "reason": row.reason}
        state = _ANSWERS.get(Reason(row.reason))
        if state is None:
            return Entry(row.at, "decision", text, more | {"delivery_id": row.delivery_id})
        return Entry(row.at, "delivery", text, more | {"state": state, "problem": row.inputs.get("problem")})

    def _told(self) -> Iterator[Entry]:
        """Tell what providers said of the messages later; that they took them is told already."""
        deliveries = {one.id: one for one in self.story.deliveries}
        for notice in self.story.notices:
            delivery = deliveries[notice.delivery_id]
            if notice.type not in _TOLD_ALREADY:
                text = notice_text(notice, delivery.step, self.language)
                more = {"step": delivery.step, "delivery_id": delivery.id, "notice": notice.type}
                yield Entry(max(notice.at, delivery.handed_at), "notice", text, more)

    def _called(self, task: TaskRow) -> Iterator[Entry]:
        """Tell how a call-back ended."""
        if task.closed_at is None or task.result is None:
            return
        note = self._colon(task.note)
        result = self.words.results[task.result]
        text = self.words.phrases["called"].format(step=task.step, actor=task.closed_by, result=result, note=note)
        more = {"task_id": task.id, "step": task.step, "actor": task.closed_by, "result": task.result}
        yield Entry(task.closed_at, "task", text, more | {"note": task.note})

    def _colon(self, words: str | None) -> str:
        """Return what somebody wrote, as a sentence goes on with it."""
        return f"{' : ' if self.language == 'fr' else ': '}{words}" if words else ""

    def _basis(self, row: DecisionRow) -> str:
        """Tell what made a message lawful, from the proof that its decision keeps."""
        proof, phrases = row.inputs.get("proof"), self.words.phrases
        if row.basis is None or not isinstance(proof, dict):
            return ""
        moment = self._moment(datetime.fromisoformat(str(proof.get("at") or proof.get("placed_at") or row.at)))
        if row.basis == Basis.CONSENT:
            source = str(proof.get("source"))
        elif "order" in proof:
            source = phrases["order"].format(order=proof["order"], moment=moment)
        else:
            source = phrases["account"]
        return self.words.bases[row.basis].format(moment=moment, source=source)

    def _until(self, stored: object) -> str:
        if not isinstance(stored, str):
            return ""
        return self.words.phrases["until"].format(moment=self._moment(datetime.fromisoformat(stored)))

    def _accepted(self) -> Iterator[Entry]:
        for one in self.story.deliveries:
            asked = one.channel == Channel.CALL  # told by its decision: there is no provider between us and the staff
            if one.state == DeliveryState.SENT and one.settled_at is not None and not asked:
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
            channels = self.words.several[step.spread].join(self.words.channels[one] for one in step.channels)
            text = phrases[kind].format(step=step.name, channel=channels, moment=self._moment(when))
            yield Entry(when, kind, text, {"step": step.name, "channel": ",".join(step.channels)})

    def _moment(self, at: datetime) -> str:
        return moment_in(at, self.story.shop.timezone, self.words)
