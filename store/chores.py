"""What is done now and then, by whoever comes first: remembered, so that a restart does not do it again."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from store.schema import CHORES, DELIVERIES, JOURNEYS, SUPPRESSIONS
from store.sealing import hidden, is_plain

_PAGE: Final = 1000
_KEYED: Final = "key_hashes"


def claim(connection: Connection, name: str, at: datetime, every: timedelta) -> bool:
    """Say whether a chore is due, and if so let it be due again after `every`: of several who ask, one does it."""
    values = {"done_at": at, "due_at": at + every}
    due = update(CHORES).where(CHORES.c.name == name, CHORES.c.due_at <= at)
    if connection.execute(due.values(values)).rowcount:
        return True
    if connection.execute(select(CHORES.c.name).where(CHORES.c.name == name)).first() is not None:
        return False
    connection.execute(insert(CHORES), [{"name": name, **values}])
    return True


def hasten(connection: Connection, name: str, due_at: datetime) -> None:
    """Let a chore of which something is left be due sooner."""
    connection.execute(update(CHORES).where(CHORES.c.name == name, CHORES.c.due_at > due_at).values(due_at=due_at))


def key_hashes(connection: Connection, at: datetime) -> int:
    """Key the hashes that schema 0001 kept of addresses, once for ever; return how many there were.

    A suppression's hash is keyed for its own shop, a delivery's for its journey's; neither needs the address.
    """
    if not claim(connection, _KEYED, at, timedelta(days=365 * 100)):
        return 0
    of_delivery = select(DELIVERIES.c.id, JOURNEYS.c.shop, DELIVERIES.c.address).join(
        JOURNEYS, JOURNEYS.c.id == DELIVERIES.c.journey_id
    )
    of_suppression = select(SUPPRESSIONS.c.id, SUPPRESSIONS.c.shop, SUPPRESSIONS.c.address)
    changed = 0
    for table, statement in ((DELIVERIES, of_delivery), (SUPPRESSIONS, of_suppression)):
        change = update(table).where(table.c.id == bindparam("row")).values(address=bindparam("hash"))
        after = ""
        while rows := connection.execute(statement.where(table.c.id > after).order_by(table.c.id).limit(_PAGE)).all():
            keyed = [
                {"row": row, "hash": hidden(connection, shop, address)}
                for row, shop, address in rows
                if address is not None and is_plain(address)
            ]
            if keyed:
                connection.execute(change, keyed)
            changed += len(keyed)
            after = rows[-1].id
    return changed
