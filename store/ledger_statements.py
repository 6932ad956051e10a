"""What the ledger asks and writes for every message; made once, so that neither it nor its compiled form is made again.

Parameters that are written begin with `new_`, the others say which row is meant.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import BindParameter, bindparam, insert, select, update

from models.vocabulary import Status
from store.lists import among
from store.schema import CUSTOMERS, DECISIONS, DELIVERIES, JOURNEYS


def _new(names: Iterable[str]) -> dict[str, BindParameter[object]]:
    return {name: bindparam(f"new_{name}") for name in names}


_JOURNEY: Final[BindParameter[str]] = bindparam("journey")
_STEP: Final[BindParameter[str]] = bindparam("step")
_DELIVERY: Final[BindParameter[str]] = bindparam("delivery")
_OWNER: Final = select(JOURNEYS.c.customer_id).where(JOURNEYS.c.id == _JOURNEY)

COUNT: Final = update(CUSTOMERS).where(among(CUSTOMERS.c.id, "ids")).values(_new(["seq"]))
SEQ: Final = select(CUSTOMERS.c.seq).where(CUSTOMERS.c.id == _OWNER.scalar_subquery()).with_for_update()
CLOSED_SEQ: Final = select(JOURNEYS.c.closed_seq).where(JOURNEYS.c.id == _JOURNEY)
LAST_DECISION: Final = (
    select(DECISIONS.c.channel, DECISIONS.c.verdict, DECISIONS.c.reason)
    .where(DECISIONS.c.journey_id == _JOURNEY, DECISIONS.c.step == _STEP)
    .order_by(DECISIONS.c.id.desc())
    .limit(1)
)
DECIDE: Final = insert(DECISIONS)
HAND: Final = insert(DELIVERIES)
SHOW: Final = (
    update(JOURNEYS)
    .where(JOURNEYS.c.id == _JOURNEY, JOURNEYS.c.status != Status.CLOSED)
    .values(_new(["step", "next_action_at"]))
)
HANDED: Final = (
    select(DELIVERIES.c.state, DELIVERIES.c.releases, DELIVERIES.c.attempts, DELIVERIES.c.problem)
    .add_columns(DELIVERIES.c.provider_id)
    .where(DELIVERIES.c.id == _DELIVERY)
    .with_for_update()
)
SETTLE: Final = (
    update(DELIVERIES)
    .where(DELIVERIES.c.id == _DELIVERY)
    .values(_new(["state", "settled_at", "releases", "problem", "provider_id"]))
)
