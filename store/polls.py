"""How far each storefront has been read: a cursor that moves with the commit of what it stands behind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Select, insert, select, update

from models.events import Event
from models.policy import Policy
from store.intake import Ingested, ingest
from store.rows import as_row, fetch, select_state
from store.schema import POLLS

_LATE = 3


@dataclass(frozen=True, slots=True)
class Poll:
    """How far one stream of a shop's storefront has been read, and whether it can be.

    `read_at` is when a round last came to its end; `failing_since`, with the number of failures in a row and the last
    problem, is there from the first failure on until the next page.
    """

    shop: str
    storefront: str
    stream: str
    cursor: str | None = None
    read_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    problem: str | None = None

    def age(self, now: datetime) -> timedelta:
        """Return the time since it was last read to the end, or since it first failed where it never was."""
        return max(now - (self.read_at or self.failing_since or now), timedelta())

    def trouble(self, now: datetime, every: timedelta) -> str | None:
        """Return what is wrong with it at `now`, in words for operators; None when it was read lately, or is just now.

        Read lately means within three poll intervals, `every`.
        """
        since = (self.failing_since or self.read_at or now).isoformat(timespec="seconds")
        if self.failing_since is not None:
            return f"{self.stream} failing since {since}, {self.failures} in a row: {self.problem}"
        late = self.age(now) > _LATE * every
        return f"{self.stream} not read since {since}: does a worker run?" if late else None


def load(connection: Connection, shop: str, storefront: str, stream: str) -> Poll:
    """Return how far a stream has been read: nowhere, when it never was."""
    return _found(connection, Poll(shop, storefront, stream)) or Poll(shop, storefront, stream)


def standing(connection: Connection) -> list[Poll]:
    """Return every stream that was ever asked for, in the order of shops and streams."""
    order = (POLLS.c.shop, POLLS.c.storefront, POLLS.c.stream)
    return fetch(connection, Poll, select(*select_state(POLLS, Poll)).order_by(*order))


def advance(
    connection: Connection,
    asked: Poll,
    events: Sequence[Event],
    cursor: str,
    policy: Policy | None,
    at: datetime,
    *,
    more: bool = False,
) -> Ingested:
    """Store and apply the events of a page, and move the cursor behind it, in one transaction: both, or neither.

    `asked` is the stream as it was when the page was asked for. Where somebody else has moved the cursor meanwhile, it
    is left where it is: the events are stored, and to read them once more harms nobody. A page without `more` ends a
    round. New journeys begin with `policy`, as for webhooks.
    """
    now = _found(connection, asked, lock=True)
    result = ingest(connection, asked.shop, events, policy, at, asked.storefront) if events else Ingested(0, 0, ())
    known = now or Poll(asked.shop, asked.storefront, asked.stream)
    if known.cursor == asked.cursor:
        done = known.read_at if more else at
        _save(connection, now, Poll(asked.shop, asked.storefront, asked.stream, cursor, done))
    return result


def failed(connection: Connection, asked: Poll, problem: str, at: datetime) -> Poll:
    """Remember that a page could not be had, and return the stream as it stands now; the cursor stays."""
    now = _found(connection, asked, lock=True)
    known = now or Poll(asked.shop, asked.storefront, asked.stream)
    since = known.failing_since or at
    failing = replace(known, failing_since=since, failures=known.failures + 1, problem=problem)
    _save(connection, now, failing)
    return failing


def rewind(connection: Connection, asked: Poll) -> None:
    """Forget how far a stream has been read: the next page is the first one of all again. Its standing stays."""
    known = _found(connection, asked, lock=True)
    if known is not None:
        _save(connection, known, replace(known, cursor=None))


def _select(one: Poll) -> Select[tuple[object, ...]]:
    own = (POLLS.c.shop == one.shop, POLLS.c.storefront == one.storefront, POLLS.c.stream == one.stream)
    return select(*select_state(POLLS, Poll)).where(*own)


def _found(connection: Connection, one: Poll, *, lock: bool = False) -> Poll | None:
    statement = _select(one)
    found = fetch(connection, Poll, statement.with_for_update() if lock else statement)
    return found[0] if found else None


def _save(connection: Connection, known: Poll | None, now: Poll) -> None:
    if known is None:
        connection.execute(insert(POLLS), [as_row(now)])
        return
    own = (POLLS.c.shop == now.shop, POLLS.c.storefront == now.storefront, POLLS.c.stream == now.stream)
    connection.execute(update(POLLS).where(*own).values(as_row(now)))
