import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Table, select

from api.context import Context
from api.rights import written
from models.events import Event, EventType, Person
from store.belongings import NOBODYS, OWNED, mine
from store.export import LEFT_OUT, SECTIONS
from store.intake import ingest
from store.schema import (
    ACTS,
    CARTS,
    CUSTOMERS,
    DECISIONS,
    DELIVERIES,
    EVENTS,
    JOURNEYS,
    METADATA,
    NOTICES,
    ORDER_LINES,
    ORDER_TOKENS,
    ORDERS,
    TASKS,
)
from tests.api_app import EMAIL, INGEST, STAFF, Api, checkout, nobody, serving
from tests.builders import NOON
from tests.rows import dummy, texts_of

NAMES = {"customer_id", "journey_id", "delivery_id", "order_id", "cart_id"}
IDS = {"customer_id": "who", "journey_id": "journey", "delivery_id": "delivery", "cart_id": "cart"}
OWN = {CUSTOMERS: "who", JOURNEYS: "journey", DELIVERIES: "delivery", CARTS: "cart", ORDERS: "order"}


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url) as one:
        yield one


def marked(table: Table, column: Column[Any]) -> object:
    """Return a value that says where it stands, or the id by which rows belong together."""
    if column.name == "id" and table in OWN:
        return OWN[table]
    if column.name == "order_id" and table in (ORDER_LINES, ORDER_TOKENS):
        return "order"
    return IDS.get(column.name) or dummy(column, f"<{table.name}.{column.name}>")


def plant(connection: Connection) -> None:
    """Put one row about one person into every table about people, each column with its own mark."""
    for table in METADATA.sorted_tables:
        if table in OWNED:
            row = {column.name: marked(table, column) for column in table.c}
            connection.execute(table.insert().values(row))


async def exported(api: Api, customer: str) -> dict[str, Any]:
    answer = await api.http.get(f"/v1/customers/{customer}/export")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_every_table_is_known_to_be_about_people_or_about_nobody() -> None:
    assert set(METADATA.tables.values()) == set(OWNED) | set(NOBODYS)
    assert not set(OWNED) & set(NOBODYS)
    about_somebody = {table for table in METADATA.tables.values() if NAMES & {column.name for column in table.c}}
    assert about_somebody <= set(OWNED)


def test_every_table_about_people_is_in_the_export_or_is_left_out_for_a_reason() -> None:
    within = {table for section in SECTIONS for _, table, _ in section.within}
    shown = {section.table for section in SECTIONS} | within | {CUSTOMERS}
    assert shown == set(OWNED) - set(LEFT_OUT)
    assert all(LEFT_OUT.values())


async def test_every_column_of_every_row_about_a_person_is_in_the_export(api: Api) -> None:
    await api.installation.db.write(plant)
    customer = "0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77"
    renamed = {"who": customer}
    await api.installation.db.write(rename, renamed)
    text = json.dumps(await exported(api, customer))
    for table in set(OWNED) - set(LEFT_OUT):
        for column in texts_of(table):
            is_id = marked(table, column) in [*OWN.values(), *IDS.values()]
            assert is_id or f"<{table.name}.{column.name}>" in text, column


def rename(connection: Connection, renamed: Mapping[str, str]) -> None:
    """Give the planted person an id that the API takes for one."""
    for table in OWNED:
        for name in {"customer_id", "id"} & {column.name for column in table.c}:
            for old, new in renamed.items():
                connection.execute(table.update().where(table.c[name] == old).values({name: new}))


async def test_an_export_shows_a_person_as_they_are_known(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    journey = await api.journey()
    found = await exported(api, journey["customer_id"])
    assert (found["format"], found["version"], found["complete"]) == ("relaunch-customer-export", 1, True)
    assert found["customer"]["email"] == EMAIL
    assert found["customer"]["snoozed_until"] is None
    assert [one["wording_hash"] for one in found["consents"]] == [None]
    assert [one["token"] for one in found["carts"]] == ["c1"]
    assert [(one["id"], one["decisions"]) for one in found["journeys"]] == [(journey["id"], [])]
    assert [one["type"] for one in found["events"]] == ["Checkout Started"]
    assert list(found)[4:-1] == [section.name for section in SECTIONS]


async def test_an_export_of_ten_thousand_events_comes_in_small_pieces_and_in_their_order(api: Api) -> None:
    who = Person("jeanne", EMAIL)
    minute = timedelta(minutes=1)
    for batch in range(20):
        events = [
            Event(f"{batch}-{one}", EventType.PRODUCT_VIEWED, "", NOON + (batch * 500 + one) * minute, who)
            for one in range(500)
        ]
        await api.installation.db.write(ingest, "main", events, None, NOON + 20_000 * minute)
    customer = await api.read(lambda connection: dict(connection.execute(select(CUSTOMERS)).mappings().one()))
    pieces = [piece async for piece in written(Context(api.installation, api.relay, nobody), customer)]
    moments = [one["at"] for one in json.loads("".join(pieces))["events"]]
    assert (len(moments), moments) == (10_000, sorted(moments))
    assert max(map(len, pieces)) < 1_000 < len("".join(pieces))
    assert len((await exported(api, customer["id"]))["events"]) == 10_000


async def test_the_rows_of_others_are_not_in_an_export(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    await api.post("/v1/events", checkout("c2", "paul@example.org"), 202)
    found = await exported(api, (await api.journey())["customer_id"])
    assert "paul" not in json.dumps(found)


async def test_only_staff_exports_and_forgets_and_only_whom_there_is(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    customer = (await api.journey())["customer_id"]
    for method, path in (("GET", "/export"), ("DELETE", "")):
        place = f"/v1/customers/{customer}{path}"
        await api.call(method, place, None, 403, authorization=f"Bearer {INGEST}")
        await api.call(method, place, None, 401, authorization="")
        await api.call(method, f"/v1/customers/nonsense{path}", None, 404)
        await api.call(method, f"/v1/customers/0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77{path}", None, 404)
        await api.call(method, place, None, 202 if method == "DELETE" else 200, authorization=f"Bearer {STAFF}")


async def test_forgetting_somebody_is_accepted_at_once_and_can_be_followed(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    journey = await api.journey()
    path = f"/v1/customers/{journey['customer_id']}"
    answer = await api.http.delete(path)
    assert answer.status_code == 202
    job = answer.json()
    assert (job["state"], job["journeys"], job["certificate"]) == ("asked", [journey["id"]], None)
    assert answer.headers["location"] == f"/v1/erasures/{job['id']}"
    assert await api.get(answer.headers["location"]) == job
    assert (await api.journey())["outcome"] == "erased"
    assert (await api.call("DELETE", path, None, 202))["id"] == job["id"]
    await api.get(f"{path}/export", 404)
    await api.get("/v1/erasures/0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77", 404)
    assert EMAIL.lower() not in json.dumps(job).lower()


async def test_what_an_erasure_deletes_is_what_an_export_shows(api: Api) -> None:
    await api.installation.db.write(plant)
    for table in (ACTS, DECISIONS, EVENTS, NOTICES, TASKS):
        rows = await api.read(
            lambda connection, one=table: connection.execute(select(one).where(mine(one, "who"))).all()
        )
        assert len(rows) == 1, table
