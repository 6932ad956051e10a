"""Inactive subscribers: who has been quiet long enough, page by page, each spell at most once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, or_, select

from models.episode import JourneyState
from models.facts import Facts
from models.known import known
from models.policy import InactiveTrigger, Policy
from models.rules import evaluate
from models.situation import JourneyRecord
from models.vocabulary import Arm, Kind, Status
from store.ids import new_id
from store.outbox import Call, OutboxRow, add_rows
from store.policies import active
from store.rows import insert_all
from store.schema import CUSTOMERS, JOURNEYS
from store.situations import situation_of

PAGE = 500
"""How many quiet customers one page looks at."""
_LAST = func.coalesce(CUSTOMERS.c.last_activity_at, CUSTOMERS.c.first_seen_at)


@dataclass(frozen=True, slots=True)
class Found:
    """One inactive subscriber whom a policy wants, and the facts behind that."""

    customer_id: str
    shop: str
    since: datetime
    policy: Policy
    facts: Facts


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a sweep is: the policy's place, the last customer looked at, and how many this policy has started."""

    policy: int = 0
    customer: str = ""
    started: int = 0

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Read what `__str__` wrote; an empty text is the beginning."""
        if not text:
            return cls()
        policy, customer, started = text.split("/")
        return cls(int(policy), customer, int(started))

    def __str__(self) -> str:
        """Return the cursor as it travels through a workflow."""
        return f"{self.policy}/{self.customer}/{self.started}"


def find_page(connection: Connection, cursor: Cursor, at: datetime) -> tuple[list[Found], Cursor | None]:
    """Return the inactive subscribers of one page, and where the next page begins; None after the last one."""
    policies = active(connection, Kind.INACTIVE)
    if cursor.policy >= len(policies):
        return [], None
    policy = policies[cursor.policy]
    assert isinstance(policy.trigger, InactiveTrigger)
    rows = _quiet(connection, policy.trigger, cursor.customer, at)
    left = policy.trigger.per_sweep - cursor.started
    found = [one for row in rows if (one := _found(connection, row, policy, policy.trigger, at)) is not None][:left]
    if len(rows) < PAGE or len(found) == left:
        following = Cursor(cursor.policy + 1)
        return found, following if following.policy < len(policies) else None
    return found, Cursor(cursor.policy, rows[-1]["id"], cursor.started + len(found))


def start_page(
    connection: Connection, cursor: Cursor, at: datetime, recorded_at: datetime
) -> tuple[list[OutboxRow], Cursor | None]:
    """Start the journeys of one page, and say what Temporal must be told."""
    found, following = find_page(connection, cursor, at)
    journeys = [_journey(one, at) for one in found]
    insert_all(connection, JOURNEYS, journeys)
    outbox = [OutboxRow(new_id(), one.id, Call.START, None, recorded_at, recorded_at) for one in journeys]
    add_rows(connection, outbox)
    return outbox, following


def _quiet(connection: Connection, trigger: InactiveTrigger, after: str, at: datetime) -> list[RowMapping]:
    """Return customers who may be inactive; in a rehearsal, whoever's clock was moved is looked at more closely."""
    quiet = and_(at - trigger.inactive_after >= _LAST, at - trigger.max_inactive <= _LAST)
    statement = (
        select(CUSTOMERS)
        .where(
            CUSTOMERS.c.id > after,
            CUSTOMERS.c.root_id.is_(None),  # a person is written to once, under their root
            or_(CUSTOMERS.c.email.is_not(None), CUSTOMERS.c.phone.is_not(None)),
            or_(quiet, CUSTOMERS.c.clock_s > 0),
            ~_busy(trigger, at),
        )
        .order_by(CUSTOMERS.c.id)
        .limit(PAGE)
    )
    return list(connection.execute(statement).mappings())


def _busy(trigger: InactiveTrigger, at: datetime) -> ColumnElement[bool]:
    """Somebody with an open journey, or with a journey of this spell or within the re-entry time, is left alone."""
    alias = CUSTOMERS.alias("alias")
    aliases = select(alias.c.id).where(alias.c.root_id == CUSTOMERS.c.id)
    mine = or_(JOURNEYS.c.customer_id == CUSTOMERS.c.id, JOURNEYS.c.customer_id.in_(aliases))
    spell = and_(JOURNEYS.c.kind == Kind.INACTIVE, JOURNEYS.c.since >= _LAST)
    recent = and_(JOURNEYS.c.kind == Kind.INACTIVE, JOURNEYS.c.started_at > at - trigger.reentry)
    return select(JOURNEYS.c.id).where(mine, or_(JOURNEYS.c.status != Status.CLOSED, spell, recent)).exists()


def _found(
    connection: Connection, row: RowMapping, policy: Policy, trigger: InactiveTrigger, at: datetime
) -> Found | None:
    own = at + timedelta(seconds=row["clock_s"])
    since = row["last_activity_at"] or row["first_seen_at"]
    if not trigger.inactive_after <= own - since <= trigger.max_inactive:
        return None
    record = JourneyRecord(
        id="",
        shop=row["shop"],
        kind=Kind.INACTIVE,
        status=Status.WAITING,
        outcome=None,
        policy=policy.name,
        policy_hash=policy.hash,
        segment=None,
        arm=Arm.TREATMENT,
        since=since,
        j0=None,
        paused_at=None,
        paused_s=0,
    )
    situation = situation_of(connection, record, row, None, None, own)
    facts = known(situation, policy, own)
    return Found(row["id"], row["shop"], since, policy, facts) if evaluate(policy.audience, facts).result else None


def _journey(found: Found, at: datetime) -> JourneyState:
    return JourneyState(
        id=new_id(),
        shop=found.shop,
        kind=Kind.INACTIVE,
        customer_id=found.customer_id,
        episode=f"{Kind.INACTIVE}/{found.customer_id}/{found.since.isoformat()}",
        since=found.since,
        policy=found.policy.name,
        policy_hash=found.policy.hash,
        started_at=at,
        step=found.policy.steps[0].name,
        next_action_at=at,
    )
