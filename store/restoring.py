"""What a restore from a backup leaves behind: the time of which the store knows nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from models.vocabulary import Status
from store.schema import JOURNEYS, SHOPS


@dataclass(frozen=True, slots=True)
class Doubtful:
    """How many open journeys there are, and of how many the next step was due in the lost time."""

    journeys: int
    due: int


def restored(connection: Connection, begins: datetime, ends: datetime) -> Doubtful:
    """Remember that the store knows nothing of this time; what was due in it is never sent.

    A former restore is not forgotten: the span reaches from the earlier beginning to the later end.
    """
    for shop, former, back in connection.execute(select(SHOPS.c.id, SHOPS.c.restored_from, SHOPS.c.restored_at)).all():
        span = {"restored_from": min(begins, former or begins), "restored_at": max(ends, back or ends)}
        connection.execute(update(SHOPS).where(SHOPS.c.id == shop).values(span))
    return doubtful(connection, ends)


def doubtful(connection: Connection, ends: datetime) -> Doubtful:
    """Return what a restore would leave in doubt; it changes nothing."""
    is_open = JOURNEYS.c.status != Status.CLOSED
    counts = [
        connection.execute(select(func.count()).select_from(JOURNEYS).where(*where)).scalar_one()
        for where in ((is_open,), (is_open, JOURNEYS.c.next_action_at <= ends))
    ]
    return Doubtful(*counts)
