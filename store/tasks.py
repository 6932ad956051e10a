"""Call-backs that journeys ask of the shop's staff: written with the hand-over, listed, and closed with a result."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, insert, or_, select, update

from models.callback import STOPPED, Standing, standing
from models.question import Question, ShopRules
from models.vocabulary import CallResult, Channel, Outcome, SoftOptIn, TaskState
from store.acts import By, object_
from store.db import ConflictError, NotFoundError
from store.ids import new_id
from store.outbox import OutboxRow
from store.people import People
from store.policies import version
from store.rows import fetch
from store.schema import CUSTOMERS, DELIVERIES, JOURNEYS, TASKS
from store.shops import load_shop
from store.situations import load_situation


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One call-back as it is stored, with the briefing of its step; times are those of the customer's clock.

    `clock_s` is how far that runs ahead of the wall's (rehearsal only).
    """

    id: str
    shop: str
    journey_id: str
    customer_id: str
    delivery_id: str
    created_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    result: str | None
    note: str | None
    step: str
    message: bytes | None
    clock_s: int


@dataclass(frozen=True, slots=True)
class CallBack:
    """A call-back with all that whoever calls needs to know; what was erased with its customer is None.

    `value` is the cart's in minor units, `locale` the shop's language, `speaks` the customer's. After `until` the call
    is worthless.
    """

    task: TaskRow
    standing: Standing
    outcome: Outcome | None
    locale: str
    first_name: str | None
    phone: str | None
    speaks: str | None
    policy: str
    value: int | None
    currency: str | None
    until: datetime
    briefing: str | None


@dataclass(frozen=True, slots=True)
class TaskSearch:
    """Which call-backs are asked for; `beyond` is the last id of the page before. Open ones come oldest first."""

    state: TaskState | None = None
    beyond: str | None = None
    limit: int = 50


def ask(connection: Connection, question: Question, delivery: str) -> None:
    """Put a call-back on the list of the shop's staff, in the transaction that hands it over."""
    journey, customer = question.situation.journey, question.situation.customer
    assert customer is not None
    row = {
        "id": new_id(),
        "shop": journey.shop,
        "journey_id": journey.id,
        "customer_id": customer.id,
        "delivery_id": delivery,
        "created_at": question.at,
    }
    connection.execute(insert(TASKS), [row])


def list_tasks(connection: Connection, search: TaskSearch, now: datetime) -> list[CallBack]:
    """Return a page of call-backs as they stand at `now`, the wall's; open ones are those that may still be made."""
    found: list[CallBack] = []
    beyond = search.beyond
    while len(found) < search.limit:
        rows = fetch(connection, TaskRow, _page(search, beyond))
        told = [_told(connection, row, now) for row in rows]
        found += [one for one in told if search.state in (None, one.standing.state)]
        if len(rows) < search.limit:
            break
        beyond = rows[-1].id
    return found[: search.limit]


def load_task(connection: Connection, task_id: str, now: datetime) -> CallBack:
    """Return one call-back as it stands at `now`; raise `NotFoundError` for an unknown id."""
    return _told(connection, _row(connection, task_id), now)


def tasks_of(connection: Connection, journey_id: str) -> list[TaskRow]:
    """Return the call-backs of a journey, oldest first."""
    return fetch(connection, TaskRow, _select().where(TASKS.c.journey_id == journey_id).order_by(TASKS.c.id))


def close_task(
    connection: Connection, task_id: str, result: CallResult, note: str | None, by: By
) -> Sequence[OutboxRow]:
    """Close a call-back with its result, and return what to tell Temporal; the same act twice counts once.

    Who declines has objected to calls, which ends all their journeys. Raises `NotFoundError` for an unknown task and
    `ConflictError` for one that was closed otherwise.
    """
    task = _row(connection, task_id)
    people = People(connection, task.shop)
    people.lock((), [task.customer_id])  # before the task's row: an erasure takes them in this order too
    task = _row(connection, task_id, lock=True)
    if task.closed_at is not None:
        if (task.closed_by, task.result, task.note) == (by.actor, result, note):
            return ()
        raise ConflictError("the task is closed already")
    known = task.customer_id in people.known
    closed_at = by.now + timedelta(seconds=task.clock_s)
    # A note may say anything about somebody: of whom we forgot, it is not kept.
    values = {"closed_at": closed_at, "closed_by": by.actor, "result": result, "note": note if known else None}
    connection.execute(update(TASKS).where(TASKS.c.id == task.id).values(values))
    if result is not CallResult.DECLINED or not known:
        return ()
    return object_(connection, task.shop, task.customer_id, None, (Channel.CALL,), By(by.actor, None, by.now))


def _select() -> Select[Any]:
    """Select tasks with their delivery and their customer's clock; an erased customer has none."""
    own = [TASKS.c[name] for name in TaskRow.__slots__ if name in TASKS.c]
    ahead = func.coalesce(CUSTOMERS.c.clock_s, 0).label("clock_s")
    statement = select(*own, DELIVERIES.c.step, DELIVERIES.c.message, ahead)
    return (
        statement.join(DELIVERIES, DELIVERIES.c.id == TASKS.c.delivery_id)
        .join(JOURNEYS, JOURNEYS.c.id == TASKS.c.journey_id)
        .outerjoin(CUSTOMERS, CUSTOMERS.c.id == TASKS.c.customer_id)
    )


def _row(connection: Connection, task_id: str, *, lock: bool = False) -> TaskRow:
    statement = _select().where(TASKS.c.id == task_id)
    found = fetch(connection, TaskRow, statement.with_for_update(of=TASKS) if lock else statement)
    if not found:
        raise NotFoundError("there is no such task")
    return found[0]


def _page(search: TaskSearch, beyond: str | None) -> Select[Any]:
    """Select candidates: a task whose journey was stopped or whose customer is gone need not be looked at as open."""
    statement = _select().limit(search.limit)
    if search.state is not None:
        closed = TASKS.c.closed_at.is_not(None)
        statement = statement.where(closed if search.state is TaskState.CLOSED else ~closed)
    if search.state is TaskState.OPEN:
        may = or_(JOURNEYS.c.outcome.is_(None), JOURNEYS.c.outcome.not_in(STOPPED))
        statement = statement.where(may, CUSTOMERS.c.id.is_not(None)).order_by(TASKS.c.id)
        return statement if beyond is None else statement.where(TASKS.c.id > beyond)
    statement = statement.order_by(TASKS.c.id.desc())
    return statement if beyond is None else statement.where(TASKS.c.id < beyond)


def _told(connection: Connection, task: TaskRow, now: datetime) -> CallBack:
    """Return a call-back with its facts as they are now."""
    at = now + timedelta(seconds=task.clock_s)
    situation = load_situation(connection, task.journey_id, None, at)
    assert situation is not None
    journey, customer, cart = situation.journey, situation.customer, situation.cart
    policy, shop = version(connection, journey.policy_hash), load_shop(connection, task.shop)
    step = policy.step(task.step)
    assert step is not None
    assert journey.j0 is not None
    until = journey.j0 + timedelta(seconds=journey.paused_s) + step.after + step.window
    rules = ShopRules(shop.timezone, shop.country, SoftOptIn(shop.soft_opt_in))
    question = Question(situation, policy, step, Channel.CALL, at, until, {Channel.CALL}, rules)
    return CallBack(
        task=task,
        standing=Standing(TaskState.CLOSED) if task.closed_at is not None else standing(question),
        outcome=journey.outcome,
        locale=shop.locale,
        first_name=customer.first_name if customer else None,
        phone=customer.phone if customer else None,
        speaks=customer.locale if customer else None,
        policy=policy.name,
        value=cart.value if cart else None,
        currency=cart.currency if cart else None,
        until=until,
        briefing=task.message.decode() if task.message is not None and customer else None,
    )
