"""Which rows are about one customer, table by table: what an export shows, an erasure ends and a search looks at."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Table, and_, func, or_, select

from store.schema import (
    ACTS,
    ALIASES,
    ANNOUNCEMENTS,
    CARTS,
    CHORES,
    CONSENTS,
    CUSTOMERS,
    DECISIONS,
    DELIVERIES,
    ERASURES,
    EVENTS,
    IMPORTS,
    JOURNEYS,
    KEYS,
    NOTICES,
    ORDER_LINES,
    ORDER_TOKENS,
    ORDERS,
    OUTBOX,
    POLICY_VERSIONS,
    POLLS,
    PRODUCTS,
    REQUESTS,
    REVIEWS,
    SHOPS,
    SILENCES,
    SUPPRESSIONS,
    SWITCHES,
    TASKS,
)

NOBODYS: Mapping[Table, str] = {
    SHOPS: "the shops themselves",
    KEYS: "keys of staff and programs, by name",
    PRODUCTS: "the catalogue",
    REVIEWS: "what the shop publishes with its catalogue",
    POLICY_VERSIONS: "the sequences",
    SWITCHES: "the kill switch",
    CHORES: "when a chore was done last",
    POLLS: "how far storefronts have been read",
    IMPORTS: "how far files have been read",
    SILENCES: "where nobody listens any more",
}
"""The tables that are about no customer, and what they hold."""

OWNED = (
    CUSTOMERS,
    CONSENTS,
    SUPPRESSIONS,
    CARTS,
    ORDERS,
    ORDER_LINES,
    ORDER_TOKENS,
    EVENTS,
    JOURNEYS,
    DECISIONS,
    DELIVERIES,
    NOTICES,
    TASKS,
    ACTS,
    OUTBOX,
    ERASURES,
    ALIASES,
    REQUESTS,
    ANNOUNCEMENTS,
)
"""The tables whose rows are about customers."""

_THROUGH: Mapping[Table, tuple[str, Table]] = {
    DECISIONS: ("journey_id", JOURNEYS),
    ACTS: ("journey_id", JOURNEYS),
    OUTBOX: ("journey_id", JOURNEYS),
    NOTICES: ("delivery_id", DELIVERIES),
    ORDER_LINES: ("order_id", ORDERS),
    ORDER_TOKENS: ("order_id", ORDERS),
}


def mine(table: Table, customer: str) -> ColumnElement[bool]:
    """Return which rows of a table are about a customer, by id."""
    if table is CUSTOMERS:
        return CUSTOMERS.c.id == customer
    ways: list[ColumnElement[bool]] = []
    if "customer_id" in table.c:
        ways.append(table.c.customer_id == customer)
    if table in _THROUGH:
        name, parent = _THROUGH[table]
        ways.append(table.c[name].in_(select(parent.c.id).where(parent.c.customer_id == customer)))
    if table is EVENTS:
        ways.append(and_(EVENTS.c.customer_id.is_(None), EVENTS.c.cart_id.in_(carts_of(customer))))
    elif table is ALIASES:
        ways.append(ALIASES.c.root_id == customer)
    elif table is CARTS:
        ways.append(CARTS.c.id.in_(carts_of(customer)))
    return or_(*ways)


def carts_of(customer: str) -> CompoundSelect[Any]:
    """Select the ids of a customer's carts, and of the nobody's carts from which their checkouts have grown."""
    grown = CARTS.alias("grown")
    nobodys = (
        select(CARTS.c.id)
        .join(grown, and_(CARTS.c.shop == grown.c.shop, CARTS.c.token == grown.c.alias))
        .where(grown.c.customer_id == customer, CARTS.c.customer_id.is_(None))
    )
    return select(CARTS.c.id).where(CARTS.c.customer_id == customer).union_all(nobodys)


def owner(table: Table) -> ColumnElement[str | None]:
    """Return whose a row of a table is, None for nobody's."""
    if table is CUSTOMERS:
        return CUSTOMERS.c.id
    ways: list[ColumnElement[Any]] = [table.c.customer_id] if "customer_id" in table.c else []
    if table in _THROUGH:
        name, parent = _THROUGH[table]
        ways.append(select(parent.c.customer_id).where(parent.c.id == table.c[name]).scalar_subquery())
    return func.coalesce(*ways) if len(ways) > 1 else ways[0]
