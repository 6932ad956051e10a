"""Which rows were one person at a number of theirs: what the audit holds hand-overs against beside a row's own facts.

From the number of the join to that of the parting both count on one line; what came before or after is not compared.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Select,
    Subquery,
    and_,
    case,
    or_,
    select,
    union_all,
)

from store.schema import ALIASES


def kin() -> Subquery:
    """Every two rows that are or were one person, both ways round: `one`, `other`, `since` and `until`."""
    up, down = ALIASES.c.customer_id.label("one"), ALIASES.c.root_id.label("one")
    window = (ALIASES.c.seq.label("since"), ALIASES.c.parted_seq.label("until"))
    ways: CompoundSelect[Any] = union_all(
        select(up, ALIASES.c.root_id.label("other"), *window),
        select(down, ALIASES.c.customer_id.label("other"), *window),
        _siblings(),
    )
    return ways.subquery("kin")


def _siblings() -> Select[Any]:
    """Two aliases of one root, for as long as both were."""
    one, other = ALIASES.alias("one"), ALIASES.alias("other")
    since = case((one.c.seq > other.c.seq, one.c.seq), else_=other.c.seq)
    ended, too = one.c.parted_seq, other.c.parted_seq
    until = case((ended.is_(None), too), (or_(too.is_(None), ended < too), ended), else_=too)
    both = and_(one.c.root_id == other.c.root_id, one.c.customer_id != other.c.customer_id)
    return select(one.c.customer_id, other.c.customer_id, since, until).join(other, both)


def while_one(pairs: FromClause, seq: ColumnElement[int] | int) -> ColumnElement[bool]:
    """Return the condition that both rows of a pair were one person at a number."""
    return and_(pairs.c.since < seq, or_(pairs.c.until.is_(None), pairs.c.until > seq))


def rows_at(connection: Connection, customer_id: str, seq: int) -> list[str]:
    """Return all rows of a customer's person at a number, their own first."""
    pairs = kin()
    others = select(pairs.c.other).where(pairs.c.one == customer_id, while_one(pairs, seq)).distinct()
    return [customer_id, *connection.execute(others).scalars()]
