"""The ledger's promises proved again from the tables: at most once, and never after a stop."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, and_, func, or_, select

from models.journey import delivery_key
from models.vocabulary import Arm, Channel, DeliveryState, Status, Verdict
from store.schema import CUSTOMERS, DECISIONS, DELIVERIES, JOURNEYS
from store.silence import Finding, after_close, after_objection, after_purchase, against_staff


class Invariant(StrEnum):
    """What must hold at every moment; `INVARIANTS` says it in words."""

    SILENT_AFTER_CLOSE = "silent_after_close"
    SILENT_AFTER_OBJECTION = "silent_after_objection"
    SILENT_AFTER_PURCHASE = "silent_after_purchase"
    SILENT_AGAINST_STAFF = "silent_against_staff"
    SILENT_HOLDOUT = "silent_holdout"
    ONE_DELIVERY = "one_delivery"
    PROVED_RETRIES = "proved_retries"
    DECIDED = "decided"
    OUTCOME = "outcome"
    ONE_OPEN_JOURNEY = "one_open_journey"
    ORDERED_DECISIONS = "ordered_decisions"


INVARIANTS: Mapping[Invariant, str] = {
    Invariant.SILENT_AFTER_CLOSE: "nothing was handed over after its journey was closed",
    Invariant.SILENT_AFTER_OBJECTION: "nothing was handed over after an objection to the channel",
    Invariant.SILENT_AFTER_PURCHASE: "nothing was handed over after the order that ended its journey",
    Invariant.SILENT_AGAINST_STAFF: "nothing was handed over that staff had cancelled or paused",
    Invariant.SILENT_HOLDOUT: "nothing was handed over to the holdout arm",
    Invariant.ONE_DELIVERY: "there is one delivery for a step and a channel",
    Invariant.PROVED_RETRIES: "nothing was handed over again without proof that it had not been accepted",
    Invariant.DECIDED: "every delivery has its decision, its basis, and its message for as long as messages are kept",
    Invariant.OUTCOME: "every closed journey has an outcome, and no open one has",
    Invariant.ONE_OPEN_JOURNEY: "no customer has two open journeys of one kind",
    Invariant.ORDERED_DECISIONS: "the decisions of a journey follow each other",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise: which, by what (an id), and the numbers that show it; without personal data."""

    invariant: Invariant
    subject: str
    detail: str


def audit(connection: Connection) -> list[Violation]:
    """Return every violation, each once; none is the proof of silence."""
    found = {
        (invariant, subject): Violation(invariant, subject, detail)
        for invariant, check in _CHECKS.items()
        for subject, detail in check(connection)
    }
    return list(found.values())


def _held_out(connection: Connection) -> Iterator[Finding]:
    held_out = and_(JOURNEYS.c.id == DELIVERIES.c.journey_id, JOURNEYS.c.arm == Arm.HOLDOUT)
    for delivery in connection.execute(select(DELIVERIES.c.id).join(JOURNEYS, held_out)).scalars():
        yield delivery, "its journey is held out"


def _repeated(connection: Connection) -> Iterator[Finding]:
    """One delivery a step and channel, under their key."""
    place = (DELIVERIES.c.journey_id, DELIVERIES.c.step, DELIVERIES.c.channel)
    seen: tuple[str, ...] = ()
    for delivery, key, *where in connection.execute(select(DELIVERIES.c.id, DELIVERIES.c.key, *place).order_by(*place)):
        if seen == tuple(where):
            yield delivery, "a second one of its step and channel"
        elif key != delivery_key(where[0], where[1], Channel(where[2])):
            yield delivery, "its key is not that of its step and channel"
        seen = tuple(where)


def _unproved(connection: Connection) -> Iterator[Finding]:
    """Each hand-over but the last has the proof that it was not accepted; a released one has it too."""
    columns = (DELIVERIES.c.id, DELIVERIES.c.state, DELIVERIES.c.attempts, DELIVERIES.c.releases)
    for delivery, state, attempts, releases in connection.execute(select(*columns)):
        proofs = len(releases)
        if attempts != (proofs if state == DeliveryState.RELEASED else proofs + 1):
            yield delivery, f"{state} after {attempts} hand-overs, {proofs} of them proved to be refused"


def _undecided(connection: Connection) -> Iterator[Finding]:
    """A delivery has its decision and its basis.

    It has its message as long as its customer is known, unless the retention chore says when it has emptied it.
    """
    decision = and_(
        DECISIONS.c.journey_id == DELIVERIES.c.journey_id,
        DECISIONS.c.delivery_id == DELIVERIES.c.id,
        DECISIONS.c.verdict == Verdict.SENT,
        DECISIONS.c.seq == DELIVERIES.c.seq,
    )
    known = select(CUSTOMERS.c.id).where(CUSTOMERS.c.id == DELIVERIES.c.customer_id).exists()
    nothing = DECISIONS.c.id.is_(None)
    lost = and_(DELIVERIES.c.message.is_(None), DELIVERIES.c.emptied_at.is_(None), known)
    wrong = or_(nothing, DECISIONS.c.basis.is_(None), lost)
    statement = select(DELIVERIES.c.id, nothing).outerjoin(DECISIONS, decision).where(wrong)
    for delivery, undecided in connection.execute(statement):
        yield delivery, "no decision bears its number" if undecided else "its basis or its message is missing"
    delivered = select(DELIVERIES.c.id).where(DELIVERIES.c.id == DECISIONS.c.delivery_id).exists()
    alone = select(DECISIONS.c.id).where(DECISIONS.c.verdict == Verdict.SENT, ~delivered)
    for one in connection.execute(alone).scalars():
        yield one, "decided to send, and there is no delivery"


def _without_outcome(connection: Connection) -> Iterator[Finding]:
    """A closed journey has its outcome, an open one has none."""
    closed = JOURNEYS.c.status == Status.CLOSED
    wrong = or_(and_(closed, JOURNEYS.c.outcome.is_(None)), and_(~closed, JOURNEYS.c.outcome.is_not(None)))
    for journey, status in connection.execute(select(JOURNEYS.c.id, JOURNEYS.c.status).where(wrong)):
        yield journey, f"{status}, and its outcome says otherwise"


def _several_open(connection: Connection) -> Iterator[Finding]:
    """A customer has one open journey of a kind, on all rows of theirs."""
    whose = (func.coalesce(CUSTOMERS.c.root_id, JOURNEYS.c.customer_id), JOURNEYS.c.kind)
    rows = JOURNEYS.outerjoin(CUSTOMERS, CUSTOMERS.c.id == JOURNEYS.c.customer_id)
    several = select(*whose, func.count()).select_from(rows).where(JOURNEYS.c.status != Status.CLOSED)
    several = several.group_by(*whose)
    for customer, kind, number in connection.execute(several.having(func.count() > 1)):
        yield customer, f"{number} open journeys of kind {kind}"


def _disordered(connection: Connection) -> Iterator[Finding]:
    """The numbers of a journey's decisions never go down."""
    before = func.lag(DECISIONS.c.seq).over(partition_by=DECISIONS.c.journey_id, order_by=DECISIONS.c.id)
    pairs = select(DECISIONS.c.id, DECISIONS.c.seq, before.label("before")).subquery()
    for decision, seq, last in connection.execute(select(pairs).where(pairs.c.seq < pairs.c.before)):
        yield decision, f"made at {seq}, after one at {last}"


_CHECKS: Mapping[Invariant, Callable[[Connection], Iterable[Finding]]] = {
    Invariant.SILENT_AFTER_CLOSE: after_close,
    Invariant.SILENT_AFTER_OBJECTION: after_objection,
    Invariant.SILENT_AFTER_PURCHASE: after_purchase,
    Invariant.SILENT_AGAINST_STAFF: against_staff,
    Invariant.SILENT_HOLDOUT: _held_out,
    Invariant.ONE_DELIVERY: _repeated,
    Invariant.PROVED_RETRIES: _unproved,
    Invariant.DECIDED: _undecided,
    Invariant.OUTCOME: _without_outcome,
    Invariant.ONE_OPEN_JOURNEY: _several_open,
    Invariant.ORDERED_DECISIONS: _disordered,
}
