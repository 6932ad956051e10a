"""The ledger: the one short transaction in which the gate is asked, answered for, and a message counts as handed over.

No hand-over follows the commit of a stop, because stops and hand-overs take the same lock and this is the only place
that writes `handed`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from models.announcing import opted_out
from models.gate import gate
from models.journey import delivery_key
from models.notices import may_become
from models.question import Question, Ruling
from models.situation import DeliveryRecord, SuppressionReason
from models.stored import Json
from models.vocabulary import Channel, DeliveryState, Outcome, Reason, Status, Verdict
from store.announcements import announce, announce_ends
from store.groups import lock_people_of
from store.ids import new_id
from store.ledger_statements import CLOSED_SEQ, COUNT, DECIDE, HAND, HANDED, LAST_DECISION, SEQ, SETTLE, SHOW
from store.objections import address_of, suppress
from store.schema import CUSTOMERS, DELIVERIES, JOURNEYS
from store.sealing import hidden
from store.situations import stock_of, switched_off
from store.tasks import ask


@dataclass(frozen=True, slots=True)
class Intent:
    """A rendered step before the gate: the question, the message as bytes, and what the decision must remember.

    `delivery` is the id that the message carries. `following` is the step after this one and when it is due. Until
    `repeat_until` (the wall clock's) the provider takes a second hand-over for this one, None when it never does.
    """

    question: Question
    delivery: str
    provider: str
    message: bytes | None
    coupon: str | None
    inputs: dict[str, Json]
    following: tuple[str, datetime] | None
    repeat_until: datetime | None = None


def hand_over(connection: Connection, intent: Intent, recorded_at: datetime) -> Ruling | None:
    """Lock the customer, ask the gate, and write its answer; None when the facts have moved: read and ask again.

    With the verdict `sent` the delivery is `handed` once this commits, and only then may the provider be called.
    """
    question = _locked(connection, intent.question)
    if question is None:
        return None
    ruling = gate(question)
    record(connection, question, ruling, intent, recorded_at)
    journey_id, step = question.situation.journey.id, question.step.name
    if ruling.verdict is Verdict.STOPPED and ruling.outcome is not None:
        close(connection, journey_id, ruling.outcome, question.at)
    elif ruling.verdict is Verdict.LATER:
        _show(connection, journey_id, step, ruling.until)
    elif question.passes_on(ruling):
        _show(connection, journey_id, step, question.at)
    else:
        _show(connection, journey_id, *(intent.following or (None, None)))
    return ruling


def _locked(connection: Connection, question: Question) -> Question | None:
    """Lock everybody whom a stop would reach; the question stands when no writer has been there since it was read.

    The kill switch and the stock belong to no customer, so they are read again.
    """
    situation = question.situation
    if situation.customer is None:
        return question
    if lock_people_of(connection, situation.journey.shop, situation.customer.id) != situation.locked:
        return None
    off, stock = switched_off(connection), stock_of(connection, situation.journey.shop, situation.cart)
    if (off, stock) == (situation.switched_off, situation.stock):
        return question
    return replace(question, situation=replace(situation, switched_off=off, stock=stock))


def record(
    connection: Connection, question: Question, ruling: Ruling, intent: Intent | None, recorded_at: datetime
) -> None:
    """Write a decision, and for a send the delivery; the same hold twice in a row is written once."""
    situation, step = question.situation, question.step
    handed = ruling.verdict is Verdict.SENT and intent is not None
    if ruling.verdict is Verdict.LATER and _repeated(connection, question, ruling):
        return
    seq = _bump(connection, question) if handed else _seq(connection, situation.journey.id)
    decision = {
        "id": new_id(),
        "journey_id": situation.journey.id,
        "at": question.at,
        "step": step.name,
        "channel": question.channel,
        "verdict": ruling.verdict,
        "reason": ruling.reason,
        "inputs": ruling.inputs | (intent.inputs if handed and intent else {}),
        "basis": ruling.basis,
        "policy_hash": question.policy.hash,
        "delivery_id": intent.delivery if handed and intent else None,
        "seq": seq,
        "recorded_at": recorded_at,
    }
    if handed and intent is not None:
        decision["delivery_id"] = _hand(connection, question, ruling, intent, seq)
    DECIDE.run(connection, decision)


def _bump(connection: Connection, question: Question) -> int:
    locked = question.situation.locked
    seq = 1 + max(seq for _, seq in locked)
    COUNT.run(connection, {"ids": [one for one, _ in locked], "new_seq": seq})
    return seq


def _seq(connection: Connection, journey_id: str) -> int:
    """Return the number of the customer's last fact, and hold it; of an erased one, when the journey was closed."""
    place = {"journey": journey_id}
    (seq,) = SEQ.first(connection, place) or CLOSED_SEQ.first(connection, place) or (0,)
    return seq or 0


def _repeated(connection: Connection, question: Question, ruling: Ruling) -> bool:
    place = {"journey": question.situation.journey.id, "step": question.step.name}
    return LAST_DECISION.first(connection, place) == (question.channel, ruling.verdict, ruling.reason)


def _hand(connection: Connection, question: Question, ruling: Ruling, intent: Intent, seq: int) -> str:
    """Write the delivery as handed: a new one, or the same one again after proof that nothing was accepted."""
    situation, step, policy = question.situation, question.step, question.policy
    assert situation.customer is not None
    values = {
        "state": DeliveryState.HANDED,
        "provider": intent.provider,
        "provider_id": None,
        "problem": None,
        "basis": ruling.basis,
        "coupon": intent.coupon,
        "message": intent.message,
        "segment": question.facts["segment"],
        "handed_at": question.at,
        "settled_at": None,
        "repeat_until": intent.repeat_until,
        "seq": seq,
    }
    if question.delivery is not None:
        return _hand_again(connection, question.delivery, values, question.at)
    fixed = {
        "id": intent.delivery,
        "key": delivery_key(situation.journey.id, step.name, question.channel),
        "journey_id": situation.journey.id,
        "customer_id": situation.customer.id,
        "step": step.name,
        "channel": question.channel,
        "address": hidden(connection, situation.journey.shop, address_of(question.channel, situation.customer) or ""),
        "policy": policy.name,
        "policy_hash": policy.hash,
        "attempts": 1,
        "releases": [],
        "emptied_at": None,
    }
    HAND.run(connection, fixed | values)
    if question.channel is Channel.CALL:
        ask(connection, question, intent.delivery)
    return intent.delivery


def _hand_again(connection: Connection, delivery: DeliveryRecord, values: Mapping[str, object], at: datetime) -> str:
    """Hand a delivery over once more: after proof that it was not accepted, or to a provider that knows its key."""
    mine = DELIVERIES.c.id == delivery.id
    row = connection.execute(select(DELIVERIES.c.attempts, DELIVERIES.c.releases).where(mine)).one()
    releases, changes = list(row.releases), dict(values)
    if delivery.state is not DeliveryState.RELEASED:
        proof = f"its key counts once until {delivery.repeat_until:%Y-%m-%dT%H:%M:%SZ}"
        releases.append({"attempt": row.attempts, "at": at.isoformat(), "proof": proof})
        changes["repeat_until"] = delivery.repeat_until
    changes |= {"attempts": row.attempts + 1, "releases": releases}
    connection.execute(update(DELIVERIES).where(mine).values(changes))
    return delivery.id


def _show(connection: Connection, journey_id: str, step: str | None, at: datetime | None) -> None:
    """Keep what the journey does next where everybody can see it."""
    SHOW.run(connection, {"journey": journey_id, "new_step": step, "new_next_action_at": at})


def close(connection: Connection, journey_id: str, outcome: Outcome, at: datetime) -> None:
    """Record an outcome, unless there is one, under the customer's lock; a send under way notices the new number."""
    open_ = (JOURNEYS.c.id == journey_id, JOURNEYS.c.status != Status.CLOSED)
    owner = select(JOURNEYS.c.customer_id).where(*open_).scalar_subquery()
    counted = update(CUSTOMERS).where(CUSTOMERS.c.id == owner).values(seq=CUSTOMERS.c.seq + 1)
    seq, ahead = connection.execute(counted.returning(CUSTOMERS.c.seq, CUSTOMERS.c.clock_s)).one_or_none() or (None, 0)
    values = {"status": Status.CLOSED, "outcome": outcome, "closed_at": at, "closed_seq": seq, "next_action_at": None}
    for row in connection.execute(update(JOURNEYS).where(*open_).values(values).returning(JOURNEYS)).all():
        announce_ends(connection, row.shop, [row], at - timedelta(seconds=ahead))


def settle(
    connection: Connection, delivery: str, state: DeliveryState, at: datetime, provider_id: str | None, problem: str
) -> None:
    """Write what is known of a handed message; what was proved before is never unlearnt."""
    row = HANDED.first(connection, {"delivery": delivery})
    if row is None:
        return
    known, releases, attempts, known_problem, known_id = row
    if not may_become(state, known, known_problem):
        return
    if state is DeliveryState.RELEASED:
        releases = [*releases, {"attempt": attempts, "at": at.isoformat(), "proof": problem}]
    values = {"new_state": state, "new_settled_at": at, "new_releases": releases, "new_problem": problem or None}
    values["new_provider_id"] = known_id if provider_id is None else provider_id
    SETTLE.run(connection, values | {"delivery": delivery})


def answered(
    connection: Connection,
    question: Question,
    ruling: Ruling,
    delivery: str,
    state: DeliveryState,
    recorded_at: datetime,
    closes: SuppressionReason | None,
) -> None:
    """Write a provider's answer: the decision that follows, the delivery's state, and why the address is closed."""
    record(connection, question, ruling, None, recorded_at)
    settle(connection, delivery, state, question.at, None, str(ruling.inputs["problem"]))
    customer, channel, shop = question.situation.customer, question.channel, question.situation.journey.shop
    address = customer and address_of(channel, customer)
    if closes is not None and customer is not None and address:  # kept as a hash: its owner may be erased by now
        suppress(connection, shop, channel, hidden(connection, shop, address), closes, question.at, customer.seq)
        if closes in (SuppressionReason.COMPLAINT, SuppressionReason.OBJECTION):
            announce(connection, shop, [opted_out(customer.id, channel, closes, question.at)], recorded_at)


def ruled(verdict: Verdict, reason: Reason, problem: str, until: datetime | None = None) -> Ruling:
    """Return the ruling that a provider's answer amounts to."""
    inputs: dict[str, Json] = {"problem": problem}
    if until is not None:
        inputs["until"] = until.isoformat()
    return Ruling(verdict, reason, inputs, until=until)
