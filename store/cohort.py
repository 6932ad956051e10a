"""Which journeys the figures are about, and where in them something is counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select, true

from models.events import OrderStatus
from models.tallies import Key, Place, step_of
from models.vocabulary import DeliveryState, Kind
from store.carts import PURCHASE
from store.schema import DELIVERIES, JOURNEYS, ORDERS

JOURNEY = tuple(JOURNEYS.c[name] for name in ("policy", "policy_hash", "segment", "arm", "kind"))
"""The columns that say which group a journey belongs to."""
STEP = (*JOURNEY, DELIVERIES.c.step, DELIVERIES.c.channel, DELIVERIES.c.segment.label("step_segment"))
"""The columns that say which group a delivery belongs to."""
DELIVERED = DELIVERIES.join(JOURNEYS, JOURNEYS.c.id == DELIVERIES.c.journey_id)
"""Deliveries beside their journeys."""
SENT = DELIVERIES.c.state == DeliveryState.SENT
"""Only these are known to have been accepted by a provider."""
KEPT = and_(
    ORDERS.c.status.in_((*PURCHASE, OrderStatus.REFUNDED)),
    or_(ORDERS.c.refunded < ORDERS.c.value, and_(ORDERS.c.refunded == 0, ORDERS.c.status != OrderStatus.REFUNDED)),
)
"""An order counts while it is paid for at least in part: cancelled or wholly refunded it brought nothing back."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """The journeys that are looked at: J0 from `since` on and before `until`, of one policy if asked."""

    since: datetime | None
    until: datetime | None
    policy: str | None

    @property
    def condition(self) -> ColumnElement[bool]:
        """Return what chooses them among `JOURNEYS`."""
        chosen: list[ColumnElement[bool]] = [JOURNEYS.c.j0.is_not(None)]
        if self.since is not None:
            chosen.append(JOURNEYS.c.j0 >= self.since)
        if self.until is not None:
            chosen.append(JOURNEYS.c.j0 < self.until)
        if self.policy is not None:
            chosen.append(JOURNEYS.c.policy == self.policy)
        return and_(*chosen)

    def holds(self, j0: datetime, policy: str) -> bool:
        """Say the same of one journey that was read."""
        begun = (self.since is None or j0 >= self.since) and (self.until is None or j0 < self.until)
        return begun and self.policy in (None, policy)

    def later(self, column: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Leave out what lies before every journey of the window, give or take the second that shops round to."""
        return true() if self.since is None else column >= self.since - timedelta(seconds=1)

    def first(self) -> Select[tuple[str]]:
        """Select the first journey of each customer under each policy: the unit by which arms are compared."""
        order = (JOURNEYS.c.j0, JOURNEYS.c.id)
        place = func.row_number().over(partition_by=(JOURNEYS.c.policy, JOURNEYS.c.customer_id), order_by=order)
        ranked = select(JOURNEYS.c.id, place.label("place")).where(self.condition).subquery()
        return select(ranked.c.id).where(ranked.c.place == 1)


def place_of(row: RowMapping) -> Place:
    """Read the columns `JOURNEY`, or `STEP`, which a row has among others."""
    journey = Key(row["policy"], row["policy_hash"], row["segment"], row["arm"])
    if "step" not in row:
        return Place(journey, Kind(row["kind"]))
    return Place(journey, Kind(row["kind"]), step_of(journey, row["step"], row["channel"], row["step_segment"]))
