"""What the ledger asks and writes for every message.

Parameters that are written begin with `new_`, the others say which row is meant; an insert takes every column.
"""

from typing import Final

from sqlalchemy import BindParameter, bindparam, insert, select, update

from models.vocabulary import Status
from store.driven import Driven
from store.lists import among
from store.schema import CUSTOMERS, DECISIONS, DELIVERIES, JOURNEYS


def _new(*names: str) -> dict[str, BindParameter[object]]:
    return {name: bindparam(f"new_{name}") for name in names}


_JOURNEY: Final[BindParameter[str]] = bindparam("journey")
_DELIVERY: Final = DELIVERIES.c.id == bindparam("delivery")
_OWNER: Final = select(JOURNEYS.c.customer_id).where(JOURNEYS.c.id == _JOURNEY).scalar_subquery()

COUNT: Final = Driven(update(CUSTOMERS).where(among(CUSTOMERS.c.id, "ids")).values(_new("seq")))
SEQ: Final = Driven(select(CUSTOMERS.c.seq).where(CUSTOMERS.c.id == _OWNER).with_for_update())
CLOSED_SEQ: Final = Driven(select(JOURNEYS.c.closed_seq).where(JOURNEYS.c.id == _JOURNEY))
LAST_DECISION: Final = Driven(
    select(DECISIONS.c.channel, DECISIONS.c.verdict, DECISIONS.c.reason)
    .where(DECISIONS.c.journey_id == _JOURNEY, DECISIONS.c.step == bindparam("step"))
    .order_by(DECISIONS.c.id.desc())
    .limit(1)
)
DECIDE: Final = Driven(insert(DECISIONS))
HAND: Final = Driven(insert(DELIVERIES))
SHOW: Final = Driven(
    update(JOURNEYS)
    .where(JOURNEYS.c.id == _JOURNEY, JOURNEYS.c.status != Status.CLOSED)
    .values(_new("step", "next_action_at"))
)
HANDED: Final = Driven(
    select(*(DELIVERIES.c[name] for name in ("state", "releases", "attempts", "problem", "provider_id")))
    .where(_DELIVERY)
    .with_for_update()
)
SETTLE: Final = Driven(
    update(DELIVERIES).where(_DELIVERY).values(_new("state", "settled_at", "releases", "problem", "provider_id"))
)
