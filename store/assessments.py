"""Whether a journey is due: asked when its quiet period ends, and again when its run is made anew."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from models.arms import arm_of
from models.journey import Assessment
from models.known import known
from models.policy import CartTrigger, Policy, plan, segment_of
from models.rules import evaluate
from models.situation import Situation, ended_before_j0, quiet_since
from models.vocabulary import DeliveryState, Kind, Outcome, Reason, Status, Verdict
from store.groups import lock_customer_of
from store.ids import new_id
from store.ledger import close
from store.policies import active, version
from store.schema import DECISIONS, DELIVERIES, JOURNEYS
from store.situations import load_situation


def assess(connection: Connection, journey_id: str, at: datetime, secret: str, recorded_at: datetime) -> Assessment:
    """Return what the journey should do at `at`; when it is due for the first time, this is its J0."""
    lock_customer_of(connection, journey_id)
    situation = load_situation(connection, journey_id, None, at)
    if situation is None:
        return Assessment(outcome=Outcome.ERASED)
    journey = situation.journey
    if journey.status is Status.CLOSED:
        return Assessment(outcome=journey.outcome or Outcome.CANCELLED)
    if journey.j0 is not None:
        return _again(connection, situation)
    if journey.paused_at is not None:
        return Assessment(paused_at=journey.paused_at)
    stop = ended_before_j0(situation, version(connection, journey.policy_hash).purchase)
    if stop is not None:
        close(connection, journey_id, stop, at)
        return Assessment(outcome=stop)
    return _first(connection, situation, at, secret, recorded_at)


def _again(connection: Connection, situation: Situation) -> Assessment:
    """Answer for a journey that has begun: where it stands, from what was decided and delivered."""
    journey = situation.journey
    policy = version(connection, journey.policy_hash)
    return Assessment(
        j0=journey.j0,
        plan=plan(policy),
        settled=_settled(connection, journey.id, policy),
        paused_at=journey.paused_at,
        paused_s=journey.paused_s,
    )


def _settled(connection: Connection, journey_id: str, policy: Policy) -> tuple[str, ...]:
    """Return the steps of which nothing is left to do; one that stopped between its channels goes on there."""
    columns = (DECISIONS.c.step, DECISIONS.c.channel, DECISIONS.c.verdict, DECISIONS.c.reason)
    decided = select(*columns).where(DECISIONS.c.journey_id == journey_id).order_by(DECISIONS.c.id)
    last = {(row.step, row.channel): row for row in connection.execute(decided)}
    given_up = {place: row.reason for place, row in last.items() if row.verdict in (Verdict.SKIPPED, Verdict.UNKNOWN)}
    delivered = select(DELIVERIES.c.step, DELIVERIES.c.channel, DELIVERIES.c.state)
    rows = connection.execute(delivered.where(DELIVERIES.c.journey_id == journey_id))
    states = {(step, channel): state for step, channel, state in rows}
    return tuple(
        step.name
        for step in policy.steps
        if step.is_over(
            {one: DeliveryState(states[step.name, one]) for one in step.channels if (step.name, one) in states},
            {one: Reason(given_up[step.name, one]) for one in step.channels if (step.name, one) in given_up},
        )
    )


def _first(
    connection: Connection, situation: Situation, at: datetime, secret: str, recorded_at: datetime
) -> Assessment:
    journey = situation.journey
    candidates = _candidates(connection, situation)
    quiet = [policy for policy in candidates if at >= _due(policy, situation)]
    if candidates and not quiet:
        until = min(_due(policy, situation) for policy in candidates)
        connection.execute(update(JOURNEYS).where(JOURNEYS.c.id == journey.id).values(next_action_at=until))
        return Assessment(until=until)
    if journey.kind is Kind.CART and _too_old(quiet, situation, at):
        close(connection, journey.id, Outcome.EXPIRED, at)
        return Assessment(outcome=Outcome.EXPIRED)
    for policy in quiet:
        if evaluate(policy.audience, known(situation, policy, at)).result:
            return _begin(connection, situation, policy, at, secret)
    return _refuse(connection, situation, quiet, at, recorded_at)


def _candidates(connection: Connection, situation: Situation) -> list[Policy]:
    """Return the active policies that may take the journey: any for a cart, its own for an inactive subscriber."""
    policies = active(connection, situation.journey.kind)
    if situation.journey.kind is Kind.INACTIVE:
        return [policy for policy in policies if policy.name == situation.journey.policy]
    return policies


def _due(policy: Policy, situation: Situation) -> datetime:
    """Return the end of the quiet period; a spell of inactivity was long enough when it was found."""
    if isinstance(policy.trigger, CartTrigger):
        return quiet_since(situation) + policy.trigger.abandoned_after
    return situation.journey.since


def _too_old(policies: list[Policy], situation: Situation, at: datetime) -> bool:
    ages = [one.trigger.max_age for one in policies if isinstance(one.trigger, CartTrigger)]
    return bool(ages) and at - quiet_since(situation) > max(ages)


def _begin(connection: Connection, situation: Situation, policy: Policy, at: datetime, secret: str) -> Assessment:
    steps = plan(policy)
    values = {
        "j0": at,
        "policy": policy.name,
        "policy_hash": policy.hash,
        "segment": segment_of(policy, known(situation, policy, at))[0],
        "arm": arm_of(situation.customer.id if situation.customer else "", policy.name, policy.holdout, secret),
        "step": steps[0].step,
        "next_action_at": at,
    }
    connection.execute(update(JOURNEYS).where(JOURNEYS.c.id == situation.journey.id).values(values))
    return Assessment(j0=at, plan=steps)


def _refuse(
    connection: Connection, situation: Situation, policies: list[Policy], at: datetime, recorded_at: datetime
) -> Assessment:
    """Close a journey that no policy wants, and say which comparison failed."""
    journey = situation.journey
    judged = {one.name: evaluate(one.audience, known(situation, one, at)).to_json() for one in policies}
    decision = {
        "id": new_id(),
        "journey_id": journey.id,
        "at": at,
        "step": policies[0].steps[0].name if policies else "",
        "channel": policies[0].steps[0].channels[0] if policies else "email",
        "verdict": Verdict.STOPPED,
        "reason": Reason.NOT_ELIGIBLE,
        "inputs": {"audience": judged},
        "policy_hash": policies[0].hash if policies else journey.policy_hash,
        "seq": situation.customer.seq if situation.customer else 0,
        "recorded_at": recorded_at,
    }
    connection.execute(DECISIONS.insert(), [decision])
    close(connection, journey.id, Outcome.NOT_ELIGIBLE, at)
    return Assessment(outcome=Outcome.NOT_ELIGIBLE)
