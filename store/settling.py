"""What providers' words prove of deliveries: settled once, whichever of several words is heard first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypedDict

from sqlalchemy import Connection, bindparam, func, select, update

from models.notices import ACCEPTED_BY, REFUSED_BY, REPORTED, may_become, reason_of
from models.provider_events import ProviderEventType
from models.vocabulary import DeliveryState
from store.lists import among
from store.matching import Told
from store.schema import DELIVERIES

_LONGEST_ID: Final = 300
_STATES = (
    select(DELIVERIES.c.id, DELIVERIES.c.state, DELIVERIES.c.problem, DELIVERIES.c.handed_at)
    .where(among(DELIVERIES.c.id, "ids"))
    .order_by(DELIVERIES.c.id)
    .with_for_update()
)
_MINE = DELIVERIES.c.id == bindparam("delivery")
_SETTLE = (
    update(DELIVERIES)
    .where(_MINE)
    .values({name: bindparam(f"new_{name}") for name in ("state", "settled_at", "problem")})
)
_NAME = update(DELIVERIES).where(_MINE).values(provider_id=func.coalesce(DELIVERIES.c.provider_id, bindparam("name")))


class _Proof(TypedDict):
    """What one event proves of a delivery, as it is written."""

    new_state: DeliveryState
    new_settled_at: datetime
    new_problem: str | None


def settle_told(connection: Connection, told: Sequence[Told]) -> None:
    """Write what events prove of deliveries whose fate was open or only reported, and the provider's ids for them.

    Acceptance outweighs a refusal: whoever bounces a message had taken it first. Deliveries are locked in id order.
    """
    proofs, names = _proofs(told), _names(told)
    ids = sorted({*proofs, *names})
    if not ids:
        return
    rows = []
    for delivery, state, problem, handed_at in connection.execute(_STATES, {"ids": ids}).all():
        proof = proofs.get(delivery)
        if proof and may_become(proof["new_state"], state, problem):
            settled_at = max(proof["new_settled_at"], handed_at)
            rows.append({**proof, "new_settled_at": settled_at, "delivery": delivery})
    if rows:
        connection.execute(_SETTLE, rows)
    if names:
        connection.execute(_NAME, [{"delivery": delivery, "name": names[delivery]} for delivery in sorted(names)])


def _proofs(told: Sequence[Told]) -> Mapping[str, _Proof]:
    """Return what to write of each delivery, as the earliest event that proves its acceptance says, else its end."""
    proving = [one for one in told if (state := _proved(one)) and _open(one, state)]
    proofs: dict[str, _Proof] = {}
    for one in sorted(proving, key=lambda one: (one.event.type not in ACCEPTED_BY, one.at, one.key)):
        if one.delivery is not None:
            proofs.setdefault(one.delivery.id, _proof(one))
    return proofs


def _open(one: Told, state: DeliveryState) -> bool:
    return one.delivery is not None and may_become(state, one.delivery.state, one.delivery.problem)


def _proved(one: Told) -> DeliveryState | None:
    kind: ProviderEventType = one.event.type
    if kind in ACCEPTED_BY:
        return DeliveryState.SENT
    return DeliveryState.REFUSED if kind in REFUSED_BY else None


def _proof(one: Told) -> _Proof:
    if one.event.type in ACCEPTED_BY:
        return {"new_state": DeliveryState.SENT, "new_settled_at": one.clock, "new_problem": None}
    reason = reason_of(one.event)
    problem = f"{REPORTED}{one.event.type}{f' ({reason})' if reason else ''}"
    return {"new_state": DeliveryState.REFUSED, "new_settled_at": one.clock, "new_problem": problem}


def _names(told: Sequence[Told]) -> Mapping[str, str]:
    """Return the provider's ids of messages that had none, so that events which bear nothing else find them."""
    unnamed = [one for one in told if one.delivery and one.delivery.provider_id is None]
    names: dict[str, str] = {}
    for one in sorted(unnamed, key=lambda one: (one.at, one.key)):
        name = one.event.provider_message_id
        if one.delivery and name and len(name) <= _LONGEST_ID and name.isprintable():
            names.setdefault(one.delivery.id, name)
    return names
