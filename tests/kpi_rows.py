"""Rows of journeys and of what happened around them, for figures that are computed by hand."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Table, insert

from store.db import Database
from store.ids import new_id
from store.schema import CARTS, CONSENTS, DELIVERIES, EVENTS, JOURNEYS, ORDER_TOKENS, ORDERS

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
Row = dict[str, object]
Rows = list[tuple[Table, Row]]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def journey(id_: str, customer: str = "ann", **changes: object) -> Rows:
    row: Row = {"id": id_, "shop": "main", "kind": "cart", "customer_id": customer, "cart_token": f"token-{id_}"}
    row |= {"episode": id_, "policy": "cart", "policy_hash": "v1", "segment": "new", "arm": "treatment"}
    row |= {"since": NOON - HOUR, "started_at": NOON - HOUR, "j0": NOON, "paused_s": 0, "status": "closed"}
    return [(JOURNEYS, row | changes)]


def delivery(journey_id: str, step: str = "reminder", **changes: object) -> Rows:
    key = f"{journey_id}/{step}/email"
    row: Row = {"id": key, "key": key, "journey_id": journey_id, "customer_id": "ann", "step": step}
    row |= {"channel": "email", "segment": "new", "policy": "cart", "policy_hash": "v1", "state": "sent"}
    row |= {"attempts": 1, "releases": [], "provider": "files", "basis": "consent", "handed_at": NOON, "seq": 1}
    return [(DELIVERIES, row | changes)]


def order(
    *tokens: str, at: datetime, customer: str | None = "ann", status: str = "paid", refunded: int = 0, coupon: str = ""
) -> Rows:
    id_ = new_id()
    row: Row = {"id": id_, "shop": "main", "order_id": id_, "customer_id": customer, "status": status}
    row |= {"currency": "EUR", "value": 5000, "refunded": refunded, "placed_at": at, "updated_at": at, "seq": 1}
    names: Rows = [(ORDER_TOKENS, {"shop": "main", "token": token, "order_id": id_}) for token in tokens]
    return [(ORDERS, row | {"coupon": coupon or None}), *names]


def cart(token: str, alias: str, journey_id: str | None = None) -> Rows:
    row: Row = {"id": token, "shop": "main", "token": token, "alias": alias, "journey_id": journey_id, "value": 5000}
    row |= {"customer_id": "ann", "lines": [], "created_at": NOON - HOUR, "last_activity_at": NOON - HOUR}
    return [(CARTS, row)]


def consent(state: str, at: datetime, purpose: str = "marketing", channel: str = "email") -> Rows:
    row: Row = {"id": new_id(), "customer_id": "ann", "channel": channel, "purpose": purpose, "state": state}
    return [(CONSENTS, row | {"source": "form", "at": at, "recorded_at": at, "seq": 1})]


def event(name: str, at: datetime, **properties: object) -> Rows:
    row: Row = {"shop": "main", "key": new_id(), "type": name, "name": name, "customer_id": "ann", "at": at}
    return [(EVENTS, row | {"received_at": at, "properties": properties})]


async def have(db: Database, *facts: Rows) -> None:
    def put(connection: Connection) -> None:
        for table, row in (one for rows in facts for one in rows):
            connection.execute(insert(table), [row])

    await db.write(put)
