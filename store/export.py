"""Everything about one person, section by section and page by page, so that no export is larger than its pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Table, or_, select, tuple_

from store.belongings import mine
from store.schema import (
    ACTS,
    ALIASES,
    ANNOUNCEMENTS,
    CARTS,
    CONSENTS,
    CUSTOMERS,
    DECISIONS,
    DELIVERIES,
    ERASURES,
    EVENTS,
    JOURNEYS,
    NOTICES,
    ORDER_LINES,
    ORDER_TOKENS,
    ORDERS,
    OUTBOX,
    REQUESTS,
    SUPPRESSIONS,
    TASKS,
)
from store.sealing import hidden

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the export: a table's rows in this order, each with the rows of other tables that name it."""

    name: str
    table: Table
    order: tuple[str, ...] = ("id",)
    within: tuple[tuple[str, Table, str], ...] = ()
    page: int = 500


SECTIONS: Final = (
    Section("consents", CONSENTS),
    Section("suppressions", SUPPRESSIONS),
    Section("carts", CARTS),
    Section("orders", ORDERS, within=(("lines", ORDER_LINES, "order_id"), ("tokens", ORDER_TOKENS, "order_id"))),
    Section("events", EVENTS, ("at", "key")),
    Section("journeys", JOURNEYS, within=(("decisions", DECISIONS, "journey_id"),), page=100),
    Section("deliveries", DELIVERIES, page=20),
    Section("notices", NOTICES, ("at", "provider", "key")),
    Section("tasks", TASKS),
    Section("acts", ACTS),
    Section("aliases", ALIASES),
    Section("requests", REQUESTS),
    Section("announcements", ANNOUNCEMENTS),
)
LEFT_OUT: Final[Mapping[Table, str]] = {
    OUTBOX: "calls of a journey's id that Temporal has not heard yet; gone within seconds",
    ERASURES: "a person who is being erased is nobody any more",
}
"""The tables about customers that an export leaves out, and why."""


def person(connection: Connection, customer_id: str) -> Row | None:
    """Return a customer's own row, None for an unknown id."""
    row = connection.execute(select(CUSTOMERS).where(CUSTOMERS.c.id == customer_id)).mappings().one_or_none()
    return None if row is None else dict(row)


def page(
    connection: Connection, section: Section, customer: Row, after: tuple[Any, ...] | None
) -> tuple[Sequence[dict[str, Any]], tuple[Any, ...] | None]:
    """Return a page of a section, and where the next one begins; None after the last one."""
    order = [section.table.c[name] for name in section.order]
    statement = select(section.table).where(_about(connection, section.table, customer))
    if after is not None:
        statement = statement.where(tuple_(*order) > tuple_(*after, types=[one.type for one in order]))
    found = connection.execute(statement.order_by(*order).limit(section.page)).mappings()
    rows = [dict(row) for row in found]
    for name, table, column in section.within:
        _put_within(connection, rows, name, table.c[column])
    last = tuple(rows[-1][name] for name in section.order) if len(rows) == section.page else None
    return rows, last


def _about(connection: Connection, table: Table, customer: Row) -> ColumnElement[bool]:
    """Return which rows are about a person: theirs, and what is kept under an address of theirs alone."""
    own = mine(table, customer["id"])
    if table not in (SUPPRESSIONS, NOTICES):
        return own
    known = [one for one in (customer["email_key"], customer["phone"], f"customer:{customer['id']}") if one]
    addresses = [*known, *(hidden(connection, customer["shop"], one) for one in known)]
    if table is SUPPRESSIONS:
        return or_(own, (SUPPRESSIONS.c.shop == customer["shop"]) & SUPPRESSIONS.c.address.in_(addresses))
    return or_(own, NOTICES.c.address.in_(addresses))


def _put_within(connection: Connection, rows: Sequence[dict[str, Any]], name: str, column: Column[Any]) -> None:
    """Put the rows of another table into those that they name, in the order of their keys."""
    by_id: dict[str, list[Row]] = {row["id"]: [] for row in rows}
    statement = select(column.table).where(column.in_(by_id)).order_by(*column.table.primary_key)
    for found in connection.execute(statement).mappings():
        by_id[found[column.name]].append({key: value for key, value in found.items() if key != column.name})
    for row in rows:
        row[name] = by_id[row["id"]]
