"""What people, or the law through a storefront, ask of a shop: each with the day by which it must be done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, select, update

from models.erasing import DONE
from models.events import Event, EventType
from models.profile import CustomerState
from models.requests import SOON, TERM, RequestKind
from store.db import ConflictError, NotFoundError
from store.ids import new_id
from store.rows import as_row, fetch, select_state
from store.schema import CUSTOMERS, ERASURES, REQUESTS, SHOPS

OURSELVES: Final = "relaunch"
"""Who did what nobody had to do by hand."""
ABOUT_NOBODY: Final = (EventType.DATA_REQUESTED, EventType.SHOP_REDACTED)
"""Events that make nobody known: who asks about somebody unknown has not told us of a customer."""
SHOP: Final = "shop_erasure"
"""The actor of the erasures of everybody, because the shop itself has gone."""


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request; `reference` is the storefront's number of it, or the id of the erasure that carries it out."""

    id: str
    shop: str
    kind: str
    customer_id: str | None
    reference: str | None
    actor: str
    asked_at: datetime
    due_at: datetime
    done_at: datetime | None = None
    done_by: str | None = None


@dataclass(frozen=True, slots=True)
class RequestSearch:
    """Which requests are asked for; `beyond` is the last id of the page before. Open ones come oldest first."""

    open: bool = False
    beyond: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Clock:
    """How many requests are open, how many of them are due soon, and how many should have been done by now."""

    open: int
    soon: int
    overdue: int


def note(
    connection: Connection,
    shop: str,
    kind: RequestKind,
    customer_id: str | None,
    actor: str,
    at: datetime,
    reference: str | None = None,
    *,
    done: bool = False,
) -> None:
    """Write a request down; `done` for one to which the answer is that there is nothing."""
    ended, by = (at, OURSELVES) if done else (None, None)
    row = RequestRow(new_id(), shop, kind, customer_id, reference, actor, at, at + TERM, ended, by)
    connection.execute(insert(REQUESTS), [as_row(row)])


def note_event(
    connection: Connection, shop: str, event: Event, customer: CustomerState | None, door: str, at: datetime
) -> None:
    """Write down what an event asks for, if anything; about somebody unknown there is nothing to show."""
    if event.type is EventType.DATA_REQUESTED:
        number = event.properties.get("data_request")
        reference = None if number is None or customer is None else str(number)
        owner = None if customer is None else customer.id
        note(connection, shop, RequestKind.ACCESS, owner, door, at, reference, done=customer is None)
    elif event.type is EventType.SHOP_REDACTED:
        note(connection, shop, RequestKind.SHOP_ERASURE, None, door, at)


def note_erasures(
    connection: Connection, shop: str, customers: Sequence[str], jobs: Mapping[str, str], actor: str, at: datetime
) -> None:
    """Write down the erasures of these customers; of whom there is nothing there is no job, and nothing to do.

    `jobs` are the ids of the erasures, by customer.
    """
    for one in customers:
        known = one if one in jobs else None
        note(connection, shop, RequestKind.ERASURE, known, actor, at, jobs.get(one), done=known is None)


def load_request(connection: Connection, request_id: str) -> RequestRow:
    """Return a request; raise `NotFoundError` for an unknown id."""
    found = fetch(connection, RequestRow, _select().where(REQUESTS.c.id == request_id))
    if not found:
        raise NotFoundError("there is no such request")
    return found[0]


def list_requests(connection: Connection, search: RequestSearch) -> list[RequestRow]:
    """Return a page of requests: open ones oldest first, all of them newest first."""
    statement = _select().limit(search.limit)
    if search.open:
        statement = statement.where(REQUESTS.c.done_at.is_(None)).order_by(REQUESTS.c.id)
        return fetch(connection, RequestRow, _after(statement, search.beyond, newest=False))
    return fetch(connection, RequestRow, _after(statement.order_by(REQUESTS.c.id.desc()), search.beyond, newest=True))


def _after(statement: Select[Any], beyond: str | None, *, newest: bool) -> Select[Any]:
    if beyond is None:
        return statement
    return statement.where(REQUESTS.c.id < beyond if newest else REQUESTS.c.id > beyond)


def clock(connection: Connection, at: datetime) -> Clock:
    """Count what is open at `at`."""
    anywhere = REQUESTS.c.shop.in_(select(SHOPS.c.id))  # all there are, for the index
    open_ = and_(anywhere, REQUESTS.c.done_at.is_(None))
    ways = ((open_,), (open_, REQUESTS.c.due_at >= at, REQUESTS.c.due_at < at + SOON), (open_, REQUESTS.c.due_at < at))
    return Clock(*(connection.execute(select(func.count()).where(*one)).scalar_one() for one in ways))


def done(connection: Connection, request_id: str, by: str, at: datetime) -> RequestRow:
    """Close a request by hand; the same twice counts once.

    Raises `NotFoundError` for an unknown id and `ConflictError` while the erasure that it asks for is still running.
    """
    request = load_request(connection, request_id)
    if request.done_at is None:
        if _running(connection, request):
            raise ConflictError("what it asks for is still being erased: `relaunch certificate` shows how far it is")
        _end(connection, request_id, by, at)
    return load_request(connection, request_id)


def _running(connection: Connection, request: RequestRow) -> bool:
    """Say whether the erasure that a request asks for has not come to an end, good or bad."""
    if request.kind == RequestKind.ACCESS:
        return False
    if request.kind == RequestKind.SHOP_ERASURE and anybody_left(connection, request):
        return True
    mine = ERASURES.c.id == request.reference if request.kind == RequestKind.ERASURE else _of_shop(request)
    running = select(ERASURES.c.id).where(mine, ERASURES.c.state.not_in(DONE)).limit(1)
    return connection.execute(running).first() is not None


def anybody_left(connection: Connection, request: RequestRow) -> bool:
    """Say whether somebody is left of those who were there when a shop's erasure was asked for."""
    return connection.execute(left(request).limit(1)).first() is not None


def left(request: RequestRow) -> Select[Any]:
    """Select who was there when a shop's erasure was asked for; ids count with time, so later ones are somebody new."""
    mine = (CUSTOMERS.c.shop == request.shop, CUSTOMERS.c.id < request.id)
    return select(CUSTOMERS.c.id).where(*mine).order_by(CUSTOMERS.c.id)


def _of_shop(request: RequestRow) -> ColumnElement[bool]:
    return (ERASURES.c.shop == request.shop) & (ERASURES.c.actor == SHOP) & (ERASURES.c.id > request.id)


def finish_erasure(connection: Connection, shop: str, job_id: str, at: datetime) -> None:
    """Close the request that an erasure has carried out."""
    mine = (REQUESTS.c.shop == shop, REQUESTS.c.done_at.is_(None), REQUESTS.c.reference == job_id)
    connection.execute(update(REQUESTS).where(*mine).values(done_at=at, done_by=OURSELVES))


def forget_requests(connection: Connection, customer_id: str, at: datetime) -> None:
    """End what somebody who was erased has asked to see, and forget the storefront's number of it."""
    mine = (REQUESTS.c.customer_id == customer_id, REQUESTS.c.kind == RequestKind.ACCESS)
    connection.execute(update(REQUESTS).where(*mine).values(reference=None))
    ended = update(REQUESTS).where(*mine, REQUESTS.c.done_at.is_(None))
    connection.execute(ended.values(done_at=at, done_by=OURSELVES))


def _end(connection: Connection, request_id: str, by: str, at: datetime) -> None:
    mine = (REQUESTS.c.id == request_id, REQUESTS.c.done_at.is_(None))
    connection.execute(update(REQUESTS).where(*mine).values(done_at=at, done_by=by))


def _select() -> Select[Any]:
    return select(*select_state(REQUESTS, RequestRow))
