"""Reading journeys for people: lists, one whole story, and everything that is known of a customer."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from models.policy import Policy
from models.vocabulary import Status
from store.notice_rows import NoticeRow, notices_of_journey
from store.policies import version
from store.rows import fetch, select_state
from store.schema import ACTS, CARTS, CUSTOMERS, DECISIONS, DELIVERIES, JOURNEYS
from store.shops import ShopRecord, load_shop
from store.tasks import TaskRow, tasks_of


@dataclass(frozen=True, slots=True)
class JourneyRow:
    """A journey as people see it; `clock_s` is how far its customer's clock runs ahead."""

    id: str
    shop: str
    kind: str
    customer_id: str
    cart_id: str | None
    cart_token: str | None
    since: datetime
    policy: str
    policy_hash: str
    segment: str | None
    arm: str
    status: str
    step: str | None
    next_action_at: datetime | None
    outcome: str | None
    started_at: datetime
    j0: datetime | None
    paused_at: datetime | None
    paused_s: int
    closed_at: datetime | None
    clock_s: int

    @property
    def open(self) -> bool:
        """Say whether nothing has ended it."""
        return self.status != Status.CLOSED


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One recorded answer of the gate, or what a provider's answer amounts to."""

    id: str
    at: datetime
    step: str
    channel: str
    verdict: str
    reason: str
    inputs: dict[str, Any]
    basis: str | None
    delivery_id: str | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One message under one key, without its text."""

    id: str
    key: str
    journey_id: str
    customer_id: str
    step: str
    channel: str
    segment: str | None
    policy: str
    policy_hash: str
    state: str
    attempts: int
    releases: list[dict[str, Any]]
    provider: str
    provider_id: str | None
    problem: str | None
    basis: str
    coupon: str | None
    handed_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActRow:
    """What a member of staff did, or the customer by a link."""

    id: str
    at: datetime
    actor: str
    act: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class CartRow:
    """A cart in figures: `value` in minor units of `currency`."""

    token: str
    items: int
    value: int
    currency: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that one journey's page tells."""

    journey: JourneyRow
    shop: ShopRecord
    policy: Policy
    cart: CartRow | None
    decisions: list[DecisionRow]
    deliveries: list[DeliveryRow]
    acts: list[ActRow]
    tasks: list[TaskRow] = field(default_factory=list)
    notices: Sequence[NoticeRow] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """Which journeys are asked for; `before` is the last id of the page before, newest first."""

    customer_id: str | None = None
    cart_id: str | None = None
    status: str | None = None
    before: str | None = None
    limit: int = 50


def list_journeys(connection: Connection, search: Search) -> list[JourneyRow]:
    """Return one page of journeys, newest first; a cart is found by each of its names, also after it was joined."""
    statement = _select()
    if search.customer_id is not None:
        statement = statement.where(JOURNEYS.c.customer_id == search.customer_id)
    if search.cart_id is not None:
        named = or_(CARTS.c.token == search.cart_id, CARTS.c.alias == search.cart_id)
        statement = statement.where(
            or_(
                JOURNEYS.c.cart_token == search.cart_id,
                JOURNEYS.c.cart_id.in_(select(CARTS.c.id).where(named)),
                JOURNEYS.c.id.in_(select(CARTS.c.journey_id).where(named)),
            )
        )
    if search.status is not None:
        statement = statement.where(JOURNEYS.c.status == search.status)
    if search.before is not None:
        statement = statement.where(JOURNEYS.c.id < search.before)
    return fetch(connection, JourneyRow, statement.order_by(JOURNEYS.c.id.desc()).limit(search.limit))


def journeys_of(connection: Connection, customers: Collection[str]) -> list[JourneyRow]:
    """Return every journey of these customers, newest first."""
    statement = _select().where(JOURNEYS.c.customer_id.in_(customers)).order_by(JOURNEYS.c.id.desc())
    return fetch(connection, JourneyRow, statement)


def load_journey(connection: Connection, journey_id: str) -> JourneyRow | None:
    """Return one journey, None for an unknown id."""
    return next(iter(fetch(connection, JourneyRow, _select().where(JOURNEYS.c.id == journey_id))), None)


def load_story(connection: Connection, journey_id: str) -> Story | None:
    """Return everything about one journey, None for an unknown id."""
    journey = load_journey(connection, journey_id)
    if journey is None:
        return None
    decisions = select(*select_state(DECISIONS, DecisionRow)).where(DECISIONS.c.journey_id == journey_id)
    deliveries = select(*select_state(DELIVERIES, DeliveryRow)).where(DELIVERIES.c.journey_id == journey_id)
    return Story(
        journey,
        load_shop(connection, journey.shop),
        version(connection, journey.policy_hash),
        _cart(connection, journey.cart_id),
        fetch(connection, DecisionRow, decisions.order_by(DECISIONS.c.id)),
        fetch(connection, DeliveryRow, deliveries.order_by(DELIVERIES.c.id)),
        _acts(connection, journey),
        tasks_of(connection, journey_id),
        notices_of_journey(connection, journey_id),
    )


def load_delivery(connection: Connection, delivery_id: str) -> tuple[DeliveryRow, bytes | None] | None:
    """Return one delivery and the message as handed over (None once erased); None for an unknown id."""
    statement = select(*select_state(DELIVERIES, DeliveryRow)).where(DELIVERIES.c.id == delivery_id)
    row = next(iter(fetch(connection, DeliveryRow, statement)), None)
    if row is None:
        return None
    message = connection.execute(select(DELIVERIES.c.message).where(DELIVERIES.c.id == delivery_id)).scalar_one()
    return row, message


def _select() -> Select[Any]:
    names = [one for one in JourneyRow.__slots__ if one != "clock_s"]
    ahead = func.coalesce(CUSTOMERS.c.clock_s, 0).label("clock_s")  # an erased customer has no clock
    return select(*[JOURNEYS.c[name] for name in names], ahead).outerjoin(
        CUSTOMERS, CUSTOMERS.c.id == JOURNEYS.c.customer_id
    )


def _cart(connection: Connection, cart_id: str | None) -> CartRow | None:
    columns = (CARTS.c.token, CARTS.c.lines, CARTS.c.value, CARTS.c.currency)
    row = connection.execute(select(*columns).where(CARTS.c.id == cart_id)).one_or_none() if cart_id else None
    return None if row is None else CartRow(row.token, len(row.lines), row.value, row.currency)


def _acts(connection: Connection, journey: JourneyRow) -> list[ActRow]:
    """Return what was done to a journey, and to its customer while it was open."""
    mine = (ACTS.c.customer_id == journey.customer_id, ACTS.c.journey_id.is_(None))
    about = and_(*mine, ACTS.c.at >= journey.started_at)
    if journey.closed_at is not None:
        about = and_(about, ACTS.c.at <= journey.closed_at)
    statement = select(*select_state(ACTS, ActRow)).where(or_(ACTS.c.journey_id == journey.id, about))
    return fetch(connection, ActRow, statement.order_by(ACTS.c.id))
