"""Whom a stop of somebody reaches: all rows of their person, and everybody who shares an address with one of them.

One statement, so that the gate locks everybody at once and in id order. Each way goes by an index of its own.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    ScalarSelect,
    Select,
    bindparam,
    func,
    select,
    union,
    union_all,
)

from store.driven import Driven
from store.lists import among
from store.schema import CUSTOMERS, JOURNEYS


class Member(NamedTuple):
    """One row of the group: its number, its addresses, and the id under which its person's rows stand."""

    id: str
    seq: int
    root: str
    email_key: str | None
    phone: str | None


def _root_of(customer: ColumnElement[str]) -> ScalarSelect[str]:
    whose = CUSTOMERS.alias("whose")
    return select(func.coalesce(whose.c.root_id, whose.c.id)).where(whose.c.id == customer).scalar_subquery()


def rows_of(customer: str) -> Select[str]:
    """Select the ids of all rows of a customer's person; none for somebody who was erased."""
    own = _own(bindparam(None, customer), "id").subquery("own")
    return select(own.c.id)


def _own(customer: ColumnElement[str], *names: str) -> CompoundSelect[Any]:
    root, alias = CUSTOMERS.alias("head"), CUSTOMERS.alias("other")
    return union_all(
        select(*[root.c[name] for name in names]).where(root.c.id == _root_of(customer)),
        select(*[alias.c[name] for name in names]).where(alias.c.root_id == _root_of(customer)),
    )


def _reached() -> CompoundSelect[Any]:
    """Select the roots of everybody who is the customer, or shares an address with one of the customer's rows."""
    customer: BindParameter[str] = bindparam("customer")
    own = _own(customer, "email_key", "phone").cte("own")
    ways: list[Select[Any]] = [select(_root_of(customer).label("root"))]
    for name in ("email_key", "phone"):
        near = CUSTOMERS.alias(f"near_by_{name}")
        # As a list, not as a join: else SQLite reads the shop's customers one by one for it.
        same = (near.c.shop == bindparam("shop"), near.c[name].in_(select(own.c[name])))
        ways.append(select(func.coalesce(near.c.root_id, near.c.id)).where(*same))
    return union(*ways)


def group_statement() -> Select[Any]:
    """Select everybody whom a stop of `customer` reaches, in id order; `shop` is theirs."""
    reached = _reached().cte("roots")
    alias = CUSTOMERS.alias("below")
    ids = union_all(
        select(reached.c.root.label("id")), select(alias.c.id).where(alias.c.root_id.in_(select(reached.c.root)))
    ).subquery("ids")
    root = func.coalesce(CUSTOMERS.c.root_id, CUSTOMERS.c.id)
    columns = (CUSTOMERS.c.id, CUSTOMERS.c.seq, root, CUSTOMERS.c.email_key, CUSTOMERS.c.phone)
    return select(*columns).where(CUSTOMERS.c.id.in_(select(ids.c.id))).order_by(CUSTOMERS.c.id)


_LOCKED = Driven(group_statement().with_for_update(of=CUSTOMERS))
_FREE = Driven(group_statement())


def people_of(connection: Connection, shop: str, customer_id: str, *, lock: bool = False) -> list[Member]:
    """Return everybody whom a stop of a customer reaches, in id order, locked if asked; nobody for an unknown id."""
    rows = (_LOCKED if lock else _FREE).rows(connection, {"shop": shop, "customer": customer_id})
    return [Member(*row) for row in rows]


def lock_people_of(connection: Connection, shop: str, customer_id: str) -> tuple[tuple[str, int], ...]:
    """Lock everybody whom a stop of a customer reaches, and return their ids and numbers, in id order."""
    return tuple((one.id, one.seq) for one in people_of(connection, shop, customer_id, lock=True))


def own_rows(group: Sequence[Member], customer_id: str) -> list[Member]:
    """Return the rows of a group that are the customer's person."""
    root = next((one.root for one in group if one.id == customer_id), customer_id)
    return [one for one in group if one.root == root]


def families_of(connection: Connection, customers: Sequence[str]) -> dict[str, set[str]]:
    """Return the ids of all rows of each of these customers' persons, by customer; of those erased their own alone."""
    columns = (CUSTOMERS.c.id, CUSTOMERS.c.root_id, CUSTOMERS.c.has_aliases)
    found = connection.execute(select(*columns).where(among(CUSTOMERS.c.id, "ids")), {"ids": customers}).all()
    roots = {row.id: row.root_id or row.id for row in found if row.root_id or row.has_aliases}
    families: dict[str, set[str]] = {root: {root} for root in roots.values()}
    if families:
        below = select(CUSTOMERS.c.root_id, CUSTOMERS.c.id).where(among(CUSTOMERS.c.root_id, "ids"))
        for root, alias in connection.execute(below, {"ids": sorted(families)}):
            families[root].add(alias)
    return {one: families[roots[one]] if one in roots else {one} for one in customers}


def lock_customer_of(connection: Connection, journey_id: str) -> None:
    """Lock everybody whom a stop of a journey's customer reaches; on SQLite whoever writes has locked everything."""
    if connection.dialect.name == "sqlite":
        return
    columns = (JOURNEYS.c.shop, JOURNEYS.c.customer_id)
    row = connection.execute(select(*columns).where(JOURNEYS.c.id == journey_id)).one_or_none()
    if row is not None:
        people_of(connection, row.shop, row.customer_id, lock=True)
