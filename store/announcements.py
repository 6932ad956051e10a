"""What a shop, or its CRM, is told of its customers: written with the fact itself, and kept until it was heard.

Of one customer the oldest comes first, always: what is being repeated or was set aside holds back what follows it.
Ids are UUIDv7 and made under the customer's lock, so their order is that of the facts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, exists, func, select, update

from models.announcing import GIVEN_UP, KEPT, Said, ended, pause
from models.episode import JourneyState
from models.stored import Json
from store.ids import new_id
from store.rows import fetch, insert_all, select_state
from store.schema import ANNOUNCEMENTS, CUSTOMERS, SHOPS, SILENCES

LEASE = timedelta(seconds=60)
"""For so long a claimed row is its claimer's: longer than an attempt may take."""

_ANYWHERE = ANNOUNCEMENTS.c.shop.in_(select(SHOPS.c.id))  # all there are, for the index
_UNHEARD = and_(_ANYWHERE, ANNOUNCEMENTS.c.sent_at.is_(None))


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """One announcement; `id` is also the receiver's key by which it counts once, `at` the time of the fact."""

    id: str
    shop: str
    customer_id: str | None
    type: str
    data: Mapping[str, Json]
    at: datetime
    next_try_at: datetime
    attempts: int = 0
    problem: str | None = None
    set_aside: bool = False
    sent_at: datetime | None = None


def announce(connection: Connection, shop: str, said: Sequence[Said], now: datetime) -> None:
    """Write what a shop is to be told, where somebody listens; `now` is the wall clock."""
    if said and connection.execute(select(SHOPS.c.announces).where(SHOPS.c.id == shop)).scalar_one_or_none():
        rows = [AnnouncementRow(new_id(), shop, one.customer_id, one.type, one.data, one.at, now) for one in said]
        insert_all(connection, ANNOUNCEMENTS, rows)


def announce_ends(
    connection: Connection, shop: str, journeys: Iterable[JourneyState | Row[Any]], now: datetime
) -> None:
    """Write how journeys of a shop ended, as their rows say."""
    told = [ended(one.customer_id, one.id, one.kind, one.policy, one.outcome or "", one.closed_at) for one in journeys]
    announce(connection, shop, told, now)


def due(connection: Connection, listeners: Mapping[str, str], at: datetime) -> list[str]:
    """Return the shops that have something to be told now; `listeners` are all of them, each with its receiver.

    A shop whose receiver has said that nobody listens there any more is left out.
    """
    gone = {(row.shop, row.listener) for row in connection.execute(select(SILENCES))}
    there = [shop for shop, listener in listeners.items() if (shop, listener) not in gone]
    return [shop for shop in there if connection.execute(_due([shop], at).limit(1)).first() is not None]


def claim(connection: Connection, shops: Collection[str], at: datetime, limit: int) -> list[AnnouncementRow]:
    """Return what these shops are to be told now, oldest first, and keep it from everybody else for `LEASE`.

    Of one customer only the oldest. A row that another is claiming at this moment is passed over.
    """
    older = ANNOUNCEMENTS.alias("older")
    mine = older.c.customer_id == ANNOUNCEMENTS.c.customer_id
    behind = exists().where(mine, older.c.id < ANNOUNCEMENTS.c.id, older.c.sent_at.is_(None))
    statement = _due(shops, at).where(~behind).order_by(ANNOUNCEMENTS.c.id).limit(limit)
    rows = fetch(connection, AnnouncementRow, statement.with_for_update(skip_locked=True))
    give_back(connection, [row.id for row in rows], at + LEASE)
    return rows


def give_back(connection: Connection, ids: Collection[str], at: datetime) -> None:
    """Let rows be due at `at`: they were not tried, or nothing was wrong with them."""
    _change(connection, ANNOUNCEMENTS.c.id.in_(ids), next_try_at=at)


def heard(connection: Connection, row_id: str, at: datetime) -> None:
    """Remember that a row was heard."""
    _change(connection, ANNOUNCEMENTS.c.id == row_id, sent_at=at, problem=None, set_aside=False)


def missed(connection: Connection, row: AnnouncementRow, problem: str, at: datetime, rest: timedelta) -> bool:
    """Remember a failure, and repeat it later, not before `rest` is over; False when it is set aside instead."""
    wait = pause(row.attempts + 1)
    _change(
        connection,
        ANNOUNCEMENTS.c.id == row.id,
        attempts=row.attempts + 1,
        problem=problem,
        next_try_at=at + max(wait or rest, rest),
        set_aside=wait is None,
    )
    return wait is not None


def gone(connection: Connection, row: AnnouncementRow, listener: str, problem: str, at: datetime) -> None:
    """Remember that nobody listens there any more: nothing is sent until the URL changes, or an operator says so."""
    _change(connection, ANNOUNCEMENTS.c.id == row.id, problem=problem, next_try_at=at)
    known = select(SILENCES.c.shop).where(SILENCES.c.shop == row.shop, SILENCES.c.listener == listener)
    if connection.execute(known).first() is None:
        connection.execute(SILENCES.insert().values(shop=row.shop, listener=listener, since=at))


def silent(connection: Connection) -> Sequence[tuple[str, str]]:
    """Return which receivers listen no more: the shop, and the name of its receiver."""
    return [(row.shop, row.listener) for row in connection.execute(select(SILENCES).order_by(SILENCES.c.shop))]


def name_of(connection: Connection, customer_id: str | None) -> Mapping[str, Json]:
    """Return by what the shop knows a customer: its own id of them, else their address; nothing once erased."""
    names = (CUSTOMERS.c.external_id, CUSTOMERS.c.email, CUSTOMERS.c.phone)
    row = connection.execute(select(*names).where(CUSTOMERS.c.id == customer_id)).one_or_none()
    ways = () if row is None else zip(("shop_customer_id", "email", "phone"), row, strict=True)
    return dict([(name, value) for name, value in ways if value is not None][:1])


def unheard(connection: Connection, limit: int = 1000) -> list[AnnouncementRow]:
    """Return what nobody has heard yet, what is set aside first."""
    statement = _select().where(_UNHEARD)
    return fetch(
        connection,
        AnnouncementRow,
        statement.order_by(ANNOUNCEMENTS.c.set_aside.desc(), ANNOUNCEMENTS.c.id).limit(limit),
    )


def retry(connection: Connection, row_id: str | None, at: datetime) -> int:
    """Try a row again at once, or with None all that is set aside, and their receivers; return how many there were."""
    which = ANNOUNCEMENTS.c.set_aside.is_(True) if row_id is None else ANNOUNCEMENTS.c.id == row_id
    shops = select(ANNOUNCEMENTS.c.shop).where(ANNOUNCEMENTS.c.id == row_id)
    everywhere = SILENCES.c.shop.is_not(None)
    connection.execute(delete(SILENCES).where(everywhere if row_id is None else SILENCES.c.shop.in_(shops)))
    return _change(connection, which, attempts=0, next_try_at=at, set_aside=False)


def drop(connection: Connection, row_id: str) -> bool:
    """Give a row up: what follows it is told; False when there is no such row."""
    mine = (ANNOUNCEMENTS.c.id == row_id, ANNOUNCEMENTS.c.sent_at.is_(None))
    return connection.execute(delete(ANNOUNCEMENTS).where(*mine)).rowcount > 0


def lag(connection: Connection, at: datetime) -> tuple[float, int]:
    """Return the age in seconds of the oldest row that is still being tried, and how many are set aside."""
    aside = ANNOUNCEMENTS.alias("aside")
    held = exists().where(
        aside.c.customer_id == ANNOUNCEMENTS.c.customer_id, aside.c.id < ANNOUNCEMENTS.c.id, aside.c.set_aside.is_(True)
    )
    open_ = (_UNHEARD, ANNOUNCEMENTS.c.set_aside.is_(False), ~held)
    oldest = connection.execute(select(func.min(ANNOUNCEMENTS.c.at)).where(*open_)).scalar_one_or_none()
    count = connection.execute(select(func.count()).where(_UNHEARD, ANNOUNCEMENTS.c.set_aside.is_(True))).scalar_one()
    return (0.0 if oldest is None else max((at - oldest).total_seconds(), 0.0)), count


def prune(connection: Connection, at: datetime, limit: int) -> int:
    """Delete what was heard long ago, and what nobody would hear; return how much there was."""
    heard_long_ago = (_ANYWHERE, ANNOUNCEMENTS.c.sent_at < at - KEPT)
    unheard_for_long = (_UNHEARD, ANNOUNCEMENTS.c.at < at - GIVEN_UP)
    pages = [select(ANNOUNCEMENTS.c.id).where(*old).limit(limit) for old in (heard_long_ago, unheard_for_long)]
    ids = [one for page in pages for one in connection.execute(page).scalars()]
    connection.execute(delete(ANNOUNCEMENTS).where(ANNOUNCEMENTS.c.id.in_(ids)))
    return len(ids)


def _select() -> Select[Any]:
    return select(*select_state(ANNOUNCEMENTS, AnnouncementRow))


def _due(shops: Collection[str], at: datetime) -> Select[Any]:
    return _select().where(
        ANNOUNCEMENTS.c.shop.in_(shops),
        ANNOUNCEMENTS.c.sent_at.is_(None),
        ANNOUNCEMENTS.c.set_aside.is_(False),
        ANNOUNCEMENTS.c.next_try_at <= at,
    )


def _change(connection: Connection, which: ColumnElement[bool], **values: object) -> int:
    """Change rows that nobody has heard yet: what was heard stays heard, whoever comes late."""
    change = update(ANNOUNCEMENTS).where(which, ANNOUNCEMENTS.c.sent_at.is_(None)).values(values)
    return connection.execute(change).rowcount
