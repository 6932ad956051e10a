"""The jobs of forgetting people: how far each has come, when it is tried again, and its certificate."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, select, update

from models.erasing import DONE, ErasureState, pause
from models.needles import Needle, read
from models.stored import Json
from store.db import NotFoundError
from store.requests import SHOP, finish_erasure
from store.rows import fetch, select_state
from store.schema import ERASURES
from store.sealing import unsealed

RETENTION: Final = "retention"
"""The actor of an erasure that nobody asked for: the time for which the shop keeps data has passed."""
STOREFRONT: Final = "storefront"
"""The actor of an erasure that came by a webhook."""
UNASKED: Final = (RETENTION, SHOP)
"""The actors of erasures that nobody asked for themselves: no address is closed by them."""


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """One job; `sought` is sealed, `certificate` the document of the last search."""

    id: str
    shop: str
    customer_id: str
    actor: str
    state: str
    asked_at: datetime
    next_try_at: datetime
    attempts: int = 0
    problem: str | None = None
    sought: bytes | None = None
    journeys: Sequence[str] = ()
    certificate: dict[str, Any] | None = None
    done_at: datetime | None = None


def load(connection: Connection, job_id: str) -> ErasureRow | None:
    """Return a job, None for an unknown id."""
    return next(iter(fetch(connection, ErasureRow, _select().where(ERASURES.c.id == job_id))), None)


def job_of(connection: Connection, customer_id: str) -> ErasureRow:
    """Return the job that forgot a customer; raise `NotFoundError` when there is none."""
    statement = _select().where(ERASURES.c.customer_id == customer_id)
    job = next(iter(fetch(connection, ErasureRow, statement)), None)
    if job is None:
        raise NotFoundError("there is no such customer")
    return job


def due(connection: Connection, at: datetime, limit: int) -> list[ErasureRow]:
    """Return the jobs that are due for their next step, oldest first."""
    open_ = ERASURES.c.state.in_([one for one in ErasureState if one not in DONE])
    statement = _select().where(open_, ERASURES.c.next_try_at <= at).order_by(ERASURES.c.id).limit(limit)
    return fetch(connection, ErasureRow, statement)


def sought(connection: Connection, job_id: str) -> list[Needle] | None:
    """Return what a job searches for; None when it cannot be read (any more): the secret key has changed."""
    token = connection.execute(select(ERASURES.c.sought).where(ERASURES.c.id == job_id)).scalar_one_or_none()
    text = unsealed(connection, token) if token else None
    return None if text is None else read(text)


def advance(connection: Connection, job: ErasureRow, state: ErasureState, at: datetime) -> bool:
    """Let a job be in its next state, due at once; False when another runner was there first.

    One that was searched in vain goes on counting: it is tried later and later.
    """
    mine = (ERASURES.c.id == job.id, ERASURES.c.state == job.state)
    attempts = 0 if job.certificate is None else job.attempts
    values = {"state": state, "attempts": attempts, "problem": None, "next_try_at": at}
    return connection.execute(update(ERASURES).where(*mine).values(values)).rowcount > 0


def wait(connection: Connection, job: ErasureRow, until: datetime, why: str) -> None:
    """Look at a job again then; nothing went wrong."""
    connection.execute(update(ERASURES).where(ERASURES.c.id == job.id).values(next_try_at=until, problem=why))


def failed(connection: Connection, jobs: Collection[str], problem: str, at: datetime) -> None:
    """Remember that a step could not be done, and try these jobs again later and later."""
    statement = select(ERASURES.c.id, ERASURES.c.attempts).where(ERASURES.c.id.in_(jobs))
    for job, attempts in connection.execute(statement).all():
        values = {"attempts": attempts + 1, "problem": problem[:200], "next_try_at": at + pause(attempts)}
        connection.execute(update(ERASURES).where(ERASURES.c.id == job).values(values))


def searched(
    connection: Connection, job: ErasureRow, state: ErasureState, certificate: Mapping[str, Json], at: datetime
) -> bool:
    """Keep what a search came to; with the last word on a job, what was searched for goes.

    False when another runner was there first: its word stands.
    """
    values: dict[str, object] = {"state": state, "certificate": dict(certificate)}
    if state in DONE:
        values |= {"sought": None, "done_at": at, "problem": None}
    mine = (ERASURES.c.id == job.id, ERASURES.c.state == job.state)
    first = connection.execute(update(ERASURES).where(*mine).values(values)).rowcount > 0
    if first and state is ErasureState.CERTIFIED:
        finish_erasure(connection, job.shop, job.id, at)
    return first


def _select() -> Select[Any]:
    return select(*select_state(ERASURES, ErasureRow))
