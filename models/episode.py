"""When a cart or a spell of inactivity becomes a journey, and the journey's row while facts are applied."""

from dataclasses import dataclass
from datetime import datetime

from models.cart import CartState
from models.policy import CartTrigger
from models.vocabulary import Arm, Kind, Outcome, Status


@dataclass(slots=True, eq=False)
class JourneyState:
    """The row of a journey while a transaction changes it; the names are the table's columns."""

    id: str
    shop: str
    kind: str
    customer_id: str
    episode: str
    since: datetime
    policy: str
    policy_hash: str
    started_at: datetime
    cart_id: str | None = None
    cart_token: str | None = None
    segment: str | None = None
    arm: str = Arm.TREATMENT
    status: str = Status.WAITING
    step: str | None = None
    next_action_at: datetime | None = None
    outcome: str | None = None
    j0: datetime | None = None
    paused_at: datetime | None = None
    paused_s: int = 0
    closed_at: datetime | None = None
    closed_seq: int | None = None

    @property
    def open(self) -> bool:
        """Say whether nothing has ended it."""
        return self.status != Status.CLOSED

    def close(self, outcome: Outcome, at: datetime, seq: int) -> None:
        """Record the outcome; the caller has checked that there is none."""
        self.status, self.outcome = Status.CLOSED, outcome
        self.closed_at, self.closed_seq = at, seq
        self.next_action_at = None


@dataclass(frozen=True, slots=True)
class Former:
    """A closed journey of the same cart, and whose it was."""

    outcome: str
    closed_at: datetime
    customer_id: str


def may_begin(cart: CartState, former: list[Former], trigger: CartTrigger, at: datetime) -> bool:
    """Say whether a cart with lines, an owner and no order begins a journey at `at`.

    History is no abandonment; what staff cancelled stays cancelled; after any other end of the owner's own journey the
    cart must have seen new activity, and `reentry` must have passed.
    """
    if at - cart.last_activity_at > trigger.max_age:
        return False
    if any(one.outcome == Outcome.CANCELLED for one in former):
        return False
    last = max((one.closed_at for one in former if one.customer_id == cart.customer_id), default=None)
    return last is None or (cart.last_activity_at > last and at >= last + trigger.reentry)


def episode_of(kind: Kind, subject: str, number: int) -> str:
    """Return the key under which one episode becomes at most one journey."""
    return f"{kind}/{subject}/{number}"
