"""Statements that are handed straight to the driver mean what they mean to SQLAlchemy, on both engines."""

from datetime import timedelta

import pytest
from sqlalchemy import bindparam, insert, select

from store.db import StoreError
from store.driven import Driven
from store.lists import among
from store.outbox import OutboxRow
from store.rows import insert_all, select_all, select_state, update_all
from store.schema import CARTS, EVENTS, OUTBOX
from tests.builders import NOON
from tests.known_shop import KnownShop

_ROW = OutboxRow("row-1", "journey-1", "start", None, NOON, NOON + timedelta(microseconds=1), problem='it\'s "so" é')
_BY_ID = Driven(select(*select_state(OUTBOX, OutboxRow)).where(among(OUTBOX.c.id, "ids")).order_by(OUTBOX.c.id))


async def test_what_is_written_is_read_back_moments_and_odd_texts_included(shop: KnownShop) -> None:
    await shop.db.write(insert_all, OUTBOX, [_ROW])
    assert await shop.db.read(select_all, OutboxRow, _BY_ID, {"ids": ["row-1", "nobody"]}) == [_ROW]


async def test_a_row_is_changed_by_its_id_alone(shop: KnownShop) -> None:
    other = OutboxRow("row-2", "journey-1", "start", None, NOON, NOON)
    await shop.db.write(insert_all, OUTBOX, [_ROW, other])
    changed = OutboxRow("row-1", "journey-1", "start", "cancelled", NOON, NOON, attempts=3, set_aside=True)
    await shop.db.write(update_all, OUTBOX, [changed])
    assert await shop.db.read(select_all, OutboxRow, _BY_ID, {"ids": ["row-2", "row-1"]}) == [changed, other]


async def test_of_no_names_there_is_nothing(shop: KnownShop) -> None:
    await shop.db.write(insert_all, OUTBOX, [_ROW])
    assert await shop.db.read(select_all, OutboxRow, _BY_ID, {"ids": []}) == []


async def test_documents_are_documents(shop: KnownShop) -> None:
    row = {"shop": "main", "key": "k", "type": "product_viewed", "name": "Viewed", "at": NOON, "received_at": NOON}
    stored = Driven(insert(EVENTS), [*row, "properties"])
    await shop.db.write(lambda connection: stored.run(connection, row | {"properties": {"score": [1, None, "é"]}}))
    asked = Driven(select(EVENTS.c.properties, EVENTS.c.at).where(EVENTS.c.key == bindparam("name")))
    found = await shop.db.read(lambda connection: asked.first(connection, {"name": "k"}))
    assert found == ({"score": [1, None, "é"]}, NOON)


async def test_a_refused_row_is_an_error_of_the_store_that_shows_no_value(shop: KnownShop) -> None:
    add = Driven(insert(CARTS), ["id", "token"])
    with pytest.raises(StoreError) as refused:
        await shop.db.write(lambda connection: add.run(connection, {"id": "cart-1", "token": "secret-token"}))
    assert "secret-token" not in str(refused.value)
    assert await shop.rows(CARTS) == []


async def test_a_missing_parameter_is_noticed_before_the_driver_hears_of_it(shop: KnownShop) -> None:
    with pytest.raises(KeyError, match="ids"):
        await shop.db.read(select_all, OutboxRow, _BY_ID, {})
