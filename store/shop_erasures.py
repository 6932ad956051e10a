"""Forgetting everybody of a shop that has gone, page by page: each person by a job of their own, like anybody else."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from models.erasing import DONE, ErasureState
from models.events import EventType
from models.requests import RequestKind
from store.acts import By
from store.forgetting import ask
from store.requests import OURSELVES, SHOP, RequestRow, anybody_left, done, left
from store.rows import fetch, select_state
from store.schema import CARTS, ERASURES, EVENTS, REQUESTS

_AT_ONCE = 200
"""So many people are being forgotten at the same time; their jobs are searched and proved in groups."""
_KEPT = (EventType.SHOP_REDACTED, EventType.DATA_REQUESTED, EventType.ERASE)
"""What was asked, so that the same delivery asks only once."""


def leaving(connection: Connection) -> Sequence[RequestRow]:
    """Return the open requests to forget everybody of a shop."""
    columns = select_state(REQUESTS, RequestRow)
    mine = (REQUESTS.c.kind == RequestKind.SHOP_ERASURE, REQUESTS.c.done_at.is_(None))
    return fetch(connection, RequestRow, select(*columns).where(*mine).order_by(REQUESTS.c.id))


def erase_page(connection: Connection, request: RequestRow, limit: int, at: datetime) -> int:
    """Begin to forget a page of people, unless many are under way, and return how many."""
    running = (ERASURES.c.shop == request.shop, ERASURES.c.actor == SHOP, ERASURES.c.state.not_in(DONE))
    under_way = connection.execute(select(func.count()).where(*running)).scalar_one()
    people = connection.execute(left(request).limit(max(min(limit, _AT_ONCE - under_way), 0))).scalars().all()
    for one in people:
        ask(connection, one, By(SHOP, None, at))
    return len(people)


def empty_page(connection: Connection, request: RequestRow, limit: int) -> int:
    """Delete a page of the shop's carts and events that were nobody's, and return how much there was."""
    carts = select(CARTS.c.id).where(
        CARTS.c.shop == request.shop, CARTS.c.customer_id.is_(None), CARTS.c.id < request.id
    )
    ids = connection.execute(carts.limit(limit)).scalars().all()
    connection.execute(delete(CARTS).where(CARTS.c.id.in_(ids)))
    events = select(EVENTS.c.key).where(
        EVENTS.c.shop == request.shop,
        EVENTS.c.customer_id.is_(None),
        EVENTS.c.type.not_in(_KEPT),
        EVENTS.c.received_at <= request.asked_at,
    )
    keys = connection.execute(events.limit(limit)).scalars().all()
    connection.execute(delete(EVENTS).where(EVENTS.c.shop == request.shop, EVENTS.c.key.in_(keys)))
    return len(ids) + len(keys)


def finish(connection: Connection, request: RequestRow, at: datetime) -> bool:
    """Close a request once nobody is left and every person's erasure is proved; False until then."""
    mine = (ERASURES.c.shop == request.shop, ERASURES.c.actor == SHOP, ERASURES.c.id > request.id)
    open_ = select(ERASURES.c.id).where(*mine, ERASURES.c.state != ErasureState.CERTIFIED).limit(1)
    if anybody_left(connection, request) or connection.execute(open_).first() is not None:
        return False
    done(connection, request.id, OURSELVES, at)
    return True
