"""Random plans of several journeys of one person, lived through from one moment to the next: what the caps promise."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.decide import Close, Progress, Send, Wait, decide
from models.gate import gate
from models.journey import SendResult, SendStatus
from models.policy import CartTrigger, Policy, Pressure, plan
from models.question import Question, Ruling, ShopRules
from models.situation import DeliveryRecord, Handed, Rival
from models.step import Spread, Step
from models.vocabulary import Channel, DeliveryState, Verdict
from tests.situations import DAY, GRANTED, HOUR, NOON, QUIET

ROADS = (Channel.EMAIL, Channel.SMS)
STATES = (DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.REFUSED)
ALLOWED = tuple(replace(GRANTED, channel=channel) for channel in ROADS)

lengths = st.integers(0, 400).map(lambda number: number * HOUR)
caps = st.builds(
    Pressure,
    messages=st.integers(1, 3),
    per=st.integers(1, 9).map(lambda number: number * DAY),
    gap=st.integers(0, 30).map(lambda number: number * HOUR),
)
roads = st.lists(st.sampled_from(ROADS), min_size=1, max_size=2, unique=True).map(tuple)


@dataclass
class Life:
    """One journey: its policy, how far it has come, and when it wants to do something next."""

    name: str
    policy: Policy
    due: datetime
    progress: Progress
    deliveries: dict[tuple[str, Channel], DeliveryRecord] = field(default_factory=dict)

    def rival(self) -> Rival:
        """Return what another journey of the person sees of this one, as the store shows it."""
        planned = next(one for one in self.progress.plan if one.step not in self.progress.settled)
        return Rival(self.name, self.policy.name, self.policy.priority, planned.channels, self.due)

    @property
    def over(self) -> bool:
        return isinstance(decide(self.progress, self.due), Close)


@st.composite
def persons(draw: st.DrawFn) -> list[Life]:
    """Draw the journeys of one person, all under the same caps and each with a plan and a rank of its own."""
    pressure, own = draw(caps), draw(st.dictionaries(st.sampled_from(ROADS), caps))
    lives = []
    for number in range(draw(st.integers(1, 4))):
        moments = draw(st.lists(lengths, min_size=1, max_size=4, unique=True).map(sorted))
        steps = tuple(
            Step(f"s{place}", after, 5 * DAY, draw(roads), "cart/reminder", spread=draw(st.sampled_from(Spread)))
            for place, after in enumerate(moments)
        )
        rank = draw(st.sampled_from([30, 50, 90]))
        policy = Policy(f"p{number}", CartTrigger(), steps, pressure=pressure, caps=own, priority=rank)
        j0 = NOON + draw(lengths)
        lives.append(Life(f"j{number}", policy, j0, Progress(j0=j0, plan=plan(policy))))
    return lives


def asked(life: Life, lives: list[Life], handed: list[Handed], command: Send, at: datetime) -> Question:
    step = life.policy.step(command.step)
    assert step is not None
    assert command.channel is not None
    mine = {channel: one for (name, channel), one in life.deliveries.items() if name == step.name}
    situation = replace(
        QUIET,
        consents=ALLOWED,
        handed=tuple(handed),
        deliveries=mine,
        rivals=tuple(one.rival() for one in lives if one is not life and not one.over),
    )
    return Question(situation, life.policy, step, command.channel, at, command.until, set(ROADS), ShopRules())


def told(life: Life, question: Question, ruling: Ruling, state: DeliveryState) -> SendResult:
    """Answer as the send does when the provider says `state`."""
    step = question.step
    if ruling.verdict is Verdict.LATER:
        return SendResult(SendStatus.LATER, until=ruling.until)
    if ruling.verdict is Verdict.SKIPPED:
        return SendResult(SendStatus.SKIPPED, more=step.passes_on(ruling.reason))
    assert ruling.verdict is Verdict.SENT
    assert (step.name, question.channel) not in life.deliveries
    life.deliveries[step.name, question.channel] = DeliveryRecord("d", state)
    if state is DeliveryState.REFUSED:
        return SendResult(SendStatus.SKIPPED, more=True)
    return SendResult(SendStatus(state), more=step.spread is Spread.ALL)


def live(lives: list[Life], states: list[DeliveryState]) -> list[Handed]:
    """Let everything happen in its order; return what may have reached the person."""
    handed: list[Handed] = []
    for turn in count():
        assert turn < 2000, "it never ends"
        waiting = [one for one in lives if not one.over]
        if not waiting:
            return handed
        life = min(waiting, key=lambda one: one.due)
        at, command = life.due, decide(life.progress, life.due)
        if isinstance(command, Wait):
            assert command.until is not None
            life.due = command.until
            continue
        assert isinstance(command, Send)
        question = asked(life, lives, handed, command, at)
        ruling = gate(question)
        state = states[len(handed) % len(states)]
        life.progress = life.progress.sent(command.step, told(life, question, ruling, state))
        if ruling.verdict is Verdict.SENT and state is not DeliveryState.REFUSED:
            handed.append(Handed(question.channel, at, coupon=False))
        following = decide(life.progress, at)
        life.due = following.until if isinstance(following, Wait) and following.until is not None else at
    raise AssertionError


@given(persons(), st.lists(st.sampled_from(STATES), min_size=1, max_size=5))
def test_no_plans_together_ever_exceed_a_cap_or_break_a_gap(lives: list[Life], states: list[DeliveryState]) -> None:
    handed = live(lives, states)
    for channel in ROADS:
        cap = lives[0].policy.cap(channel)
        got = [one.at for one in handed if one.channel is channel]
        assert all(later - earlier >= cap.gap for earlier, later in pairwise(got))
        assert all(sum(start <= at < start + cap.per for at in got) <= cap.messages for start in got)


@given(persons(), st.lists(st.sampled_from(STATES), min_size=1, max_size=5))
def test_no_step_goes_twice_and_one_for_the_first_channel_goes_once(
    lives: list[Life], states: list[DeliveryState]
) -> None:
    live(lives, states)
    for life in lives:
        for step in life.policy.steps:
            got = [one for (name, _), one in life.deliveries.items() if name == step.name]
            arrived = [one for one in got if one.state is not DeliveryState.REFUSED]
            assert len(arrived) <= (1 if step.spread is Spread.FIRST else len(step.channels))


@given(persons())
def test_the_highest_rank_never_waits_for_a_lower_one_that_has_not_gone(lives: list[Life]) -> None:
    best = max(life.policy.priority for life in lives)
    top = [life for life in lives if life.policy.priority == best]
    for life in top:
        command = decide(life.progress, life.due)
        if isinstance(command, Send):
            ruling = gate(asked(life, lives, [], command, life.due))
            assert ruling.reason != "outranked"


def test_a_loser_goes_as_soon_as_the_gap_after_the_winner_is_over() -> None:
    def one(name: str, rank: int) -> Life:
        step = Step("s0", timedelta(), 5 * DAY, (Channel.EMAIL,), "cart/reminder")
        policy = Policy(name, CartTrigger(), (step,), priority=rank)
        return Life(name, policy, NOON, Progress(j0=NOON, plan=plan(policy)))

    lives = [one("low", 30), one("high", 50)]
    assert [shown.at - NOON for shown in live(lives, [DeliveryState.SENT])] == [timedelta(), 20 * HOUR]
    assert [life.due - NOON for life in lives] == [20 * HOUR, timedelta()]
