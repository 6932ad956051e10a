"""Files of history in a store: nothing begins with them, what ends a journey ends it, and a stop loses nothing."""

import csv
import json
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from imports.columns import ImportKind
from imports.errors import errors_of
from imports.reading import Unusable, examine
from imports.running import BATCH, Done, Progress, run
from models.events import Person
from models.identity import Tie
from runtime.shop_settings import ShopSettings
from store import imports
from store.db import ConflictError
from store.schema import ALIASES, CARTS, CONSENTS, CUSTOMERS, EVENTS, IMPORTS, JOURNEYS, ORDERS, OUTBOX, PRODUCTS
from tests.builders import DAY, HOUR, MINUTE, NOON, basket, checkout, granted, identify, person
from tests.known_shop import SHOP, KnownShop

JEANNE = person("jeanne", granted(NOON - 30 * DAY))
LINES = json.dumps([{"product_id": "lamp", "name": "Lamp", "price": 4500, "quantity": 1}])
Rows = Iterable[Mapping[str, Any]]


class Stopped(Exception):
    """The power goes."""


class Histories:
    """Files of one shop, and their import at noon."""

    def __init__(self, shop: KnownShop, folder: Path) -> None:
        self.shop, self.folder = shop, folder

    def write(self, rows: Rows, name: str = "rows.csv") -> Path:
        rows, path = list(rows), self.folder / name
        with path.open("w", newline="") as file:
            if name.endswith("csv"):
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
            else:
                file.writelines(json.dumps(row) + "\n" for row in rows)
        return path

    async def imports(
        self, kind: ImportKind, *rows: Mapping[str, Any], told: Callable[[Progress], None] = lambda _: None
    ) -> Done:
        return await self.file(self.write(rows), kind, told)

    async def file(self, path: Path, kind: ImportKind, told: Callable[[Progress], None] = lambda _: None) -> Done:
        settings = ShopSettings(id=SHOP)
        return await run(self.shop.db, settings, examine(path), kind, lambda: NOON, told)


@pytest.fixture
def histories(shop: KnownShop, tmp_path: Path) -> Histories:
    folder = tmp_path / "histories"
    folder.mkdir()
    return Histories(shop, folder)


def at(moment: timedelta) -> str:
    return (NOON + moment).isoformat()


def cart(ago: timedelta, **more: str) -> dict[str, str]:
    plain = {"cart_id": "T1", "email": "jeanne@example.com", "currency": "EUR"}
    return plain | {"timestamp": at(-ago), "products": LINES} | more


def bought(ago: timedelta, **more: str) -> dict[str, str]:
    plain = {"order_id": "O1", "email": "jeanne@example.com", "currency": "EUR", "value": "4500"}
    return plain | {"timestamp": at(-ago)} | more


@pytest.mark.parametrize("ago", [MINUTE, DAY, 900 * DAY])
async def test_an_imported_cart_begins_nothing_however_young_and_is_relaunched_after_real_activity(
    histories: Histories, ago: timedelta
) -> None:
    shop = histories.shop
    await shop.hears(identify(JEANNE, NOON - DAY))
    done = await histories.imports(ImportKind.CARTS, cart(ago))
    assert (done.standing.accepted, done.standing.rejected) == (1, 0)
    stored = await shop.row(CARTS)
    assert (stored["token"], stored["value"], stored["last_activity_at"]) == ("T1", 4500, NOON - ago)
    await shop.hears(identify(JEANNE, NOON + MINUTE))
    assert await shop.rows(JOURNEYS) == []
    await shop.hears(checkout(JEANNE, at=NOON + HOUR))
    assert (await shop.journey())["cart_token"] == "T1"


async def test_an_imported_cart_begins_nothing_when_its_owner_becomes_reachable(histories: Histories) -> None:
    shop = histories.shop
    await histories.imports(ImportKind.CARTS, cart(MINUTE, email="", customer_id="jeanne"))
    await shop.hears(identify(JEANNE, NOON + MINUTE))
    assert await shop.rows(JOURNEYS) == []
    await shop.hears(basket(JEANNE, "T1", at=NOON + HOUR))
    assert (await shop.journey())["cart_token"] == "T1"


async def test_a_cart_is_no_history_any_more_once_something_real_was_done_with_it(histories: Histories) -> None:
    shop = histories.shop
    await histories.imports(ImportKind.CARTS, cart(HOUR, email="", customer_id="jeanne"))
    await shop.hears(basket(Person(external_id="jeanne"), "T1", at=NOON + MINUTE))
    await histories.imports(ImportKind.CARTS, cart(2 * HOUR, email="", customer_id="jeanne"))
    assert await shop.rows(JOURNEYS) == []  # nobody could be written to
    await shop.hears(identify(JEANNE, NOON + HOUR))
    assert (await shop.journey())["cart_token"] == "T1"


async def test_a_real_cart_begins_nothing_when_an_import_makes_its_owner_reachable(histories: Histories) -> None:
    shop = histories.shop
    await shop.hears(checkout(Person(external_id="jeanne"), at=NOON - MINUTE))
    await histories.imports(ImportKind.CUSTOMERS, {"customer_id": "jeanne", "email": "jeanne@example.com"})
    assert (await shop.row(CUSTOMERS))["email"] == "jeanne@example.com"
    assert await shop.rows(JOURNEYS) == []


async def test_an_open_journey_is_not_moved_by_an_imported_cart(histories: Histories) -> None:
    shop = histories.shop
    await shop.hears(checkout(JEANNE, at=NOON - HOUR))
    before = await shop.journey()
    await histories.imports(ImportKind.CARTS, cart(MINUTE, cart_id="T2"), cart(2 * MINUTE))
    assert await shop.journey() == before
    assert len(await shop.rows(CARTS)) == 2


async def test_an_imported_order_ends_the_journey_that_it_is_the_end_of(histories: Histories) -> None:
    shop = histories.shop
    await shop.hears(checkout(JEANNE, at=NOON - HOUR))
    await histories.imports(ImportKind.ORDERS, bought(300 * DAY, order_id="O0"))
    assert (await shop.journey())["status"] == "waiting"
    await histories.imports(ImportKind.ORDERS, bought(MINUTE))
    assert (await shop.journey())["outcome"] == "purchased"
    assert [row["call"] for row in await shop.rows(OUTBOX)] == ["start", "stopped"]
    assert {row["order_id"] for row in await shop.rows(ORDERS)} == {"O0", "O1"}


async def test_an_imported_objection_ends_the_journey_and_is_kept_as_evidence(histories: Histories) -> None:
    shop = histories.shop
    await shop.hears(checkout(JEANNE, at=NOON - HOUR))
    row = {"email": "jeanne@example.com", "channel": "email", "purpose": "marketing", "state": "withdrawn"}
    await histories.imports(ImportKind.CONSENTS, row | {"source": "old shop", "at": at(-DAY), "wording": "No, thanks"})
    assert (await shop.journey())["outcome"] == "opted_out"
    kept = await shop.row(CONSENTS, state="withdrawn")
    evidence = (kept["source"], kept["at"], kept["wording"], kept["actor"], kept["recorded_at"])
    assert evidence == ("old shop", NOON - DAY, "No, thanks", "import", NOON)


async def test_an_older_objection_than_the_last_word_ends_nothing(histories: Histories) -> None:
    shop = histories.shop
    await shop.hears(checkout(JEANNE, at=NOON - HOUR))
    row = {"email": "jeanne@example.com", "channel": "email", "purpose": "marketing", "state": "withdrawn"}
    await histories.imports(ImportKind.CONSENTS, row | {"source": "old shop", "at": at(-90 * DAY)})
    assert (await shop.journey())["status"] == "waiting"


async def test_products_are_described(histories: Histories) -> None:
    row = {"product_id": "p1", "name": "Sac", "price": "4900", "currency": "EUR", "stock": "3"}
    await histories.imports(ImportKind.PRODUCTS, row)
    stored = await histories.shop.row(PRODUCTS)
    assert (stored["name"], stored["price"], stored["stock"]) == ("Sac", 4900, 3)


async def test_rows_of_one_customer_are_one_customer(histories: Histories) -> None:
    shop = histories.shop
    rows = [{"customer_id": "7", "email": "a@example.com", "phone": ""}, {"customer_id": "", "email": "A@example.com"}]
    await histories.imports(ImportKind.CUSTOMERS, *rows)
    assert len(await shop.rows(CUSTOMERS)) + len(await shop.rows(ALIASES, reason=Tie.EMAIL)) <= 2
    assert await shop.rows(JOURNEYS) == []


async def test_the_same_file_again_does_nothing_and_the_same_rows_in_another_one_count_once(
    histories: Histories,
) -> None:
    rows = [{"email": f"a{n}@example.com", "first_name": "A"} for n in range(3)]
    first = await histories.imports(ImportKind.CUSTOMERS, *rows)
    again = await histories.imports(ImportKind.CUSTOMERS, *rows)
    assert (first.again, again.again, again.standing) == (False, True, first.standing)
    await histories.imports(ImportKind.CUSTOMERS, *rows, {"email": "b@example.com", "first_name": "B"})
    assert len(await histories.shop.rows(EVENTS)) == 4
    assert len(await histories.shop.rows(IMPORTS)) == 2


def stops_after(batches: int) -> Callable[[Progress], None]:
    left = [batches]

    def told(_: Progress) -> None:
        left[0] -= 1
        if not left[0]:
            raise Stopped

    return told


async def test_an_import_that_was_stopped_goes_on_behind_what_is_stored(histories: Histories) -> None:
    wrong = {3, BATCH, BATCH + 1, 2 * BATCH + 5}
    rows = [{"email": "nobody" if n in wrong else f"a{n}@example.com"} for n in range(2 * BATCH + 7)]
    path = histories.write(rows)
    with pytest.raises(Stopped):
        await histories.file(path, ImportKind.CUSTOMERS, stops_after(2))
    stored = await histories.shop.row(IMPORTS)
    assert (stored["rows"], stored["rejected"], stored["done_at"]) == (2 * BATCH, 3, None)
    seen: list[Progress] = []
    done = await histories.file(path, ImportKind.CUSTOMERS, seen.append)
    assert [one.standing.rows for one in seen] == [2 * BATCH + 7]
    assert (done.before, done.standing.accepted, done.standing.rejected) == (2 * BATCH, 2 * BATCH + 3, 4)
    assert len(await histories.shop.rows(CUSTOMERS)) == 2 * BATCH + 3
    with errors_of(path).open(newline="") as file:
        said = list(csv.reader(file))[1:]
    assert said == [[str(n + 2), "email", "is no e-mail address"] for n in sorted(wrong)]


async def test_what_was_said_of_a_batch_that_was_not_stored_is_said_once(histories: Histories) -> None:
    path = histories.write([{"email": "nobody"}, {"email": "a@example.com"}])
    errors_of(path).write_text("row,column,problem\n2,email,is no e-mail address\n")
    await histories.file(path, ImportKind.CUSTOMERS)
    assert errors_of(path).read_text().splitlines() == ["row,column,problem", "2,email,is no e-mail address"]


async def test_two_imports_of_one_file_at_once_do_not_both_go_on(histories: Histories) -> None:
    rows = [{"email": f"a{n}@example.com"} for n in range(3 * BATCH)]
    path = histories.write(rows)
    with pytest.raises(Stopped):
        await histories.file(path, ImportKind.CUSTOMERS, stops_after(1))
    asked = await histories.shop.db.write(imports.begin, (await histories.shop.row(IMPORTS))["id"], SHOP, "x", NOON)
    await histories.shop.db.write(imports.advance, asked, imports.Batch(BATCH, 0), NOON)
    with pytest.raises(ConflictError, match="somebody else"):
        await histories.shop.db.write(imports.advance, asked, imports.Batch(BATCH, 0), NOON)


async def test_a_file_that_lacks_a_column_is_refused_as_a_whole(histories: Histories) -> None:
    with pytest.raises(Unusable, match="no column timestamp"):
        await histories.imports(ImportKind.ORDERS, {"order_id": "O1"})


async def test_columns_that_say_nothing_are_named_once(histories: Histories) -> None:
    done = await histories.imports(ImportKind.CUSTOMERS, {"email": "a@example.com", "colour": "red", "shoe": "7"})
    assert done.unknown == ["colour", "shoe"]


async def test_json_lines_are_imported_too(histories: Histories) -> None:
    row = {"timestamp": at(-DAY), "customer": {"email": "a@example.com"}, "properties": {"order_id": 7, "value": 5}}
    path = histories.write([row, {"order_id": 8, "timestamp": at(-DAY), "email": "a@example.com"}], "orders.jsonl")
    await histories.file(path, ImportKind.ORDERS)
    assert {one["order_id"] for one in await histories.shop.rows(ORDERS)} == {"7", "8"}


async def test_memory_does_not_grow_with_the_file(histories: Histories) -> None:
    small, large = (
        histories.write(({"email": "nobody", "first_name": "x" * 40} for _ in range(size)), f"{size}.csv")
        for size in (2_000, 40_000)
    )

    async def peak(path: Path) -> int:
        tracemalloc.start()
        await histories.file(path, ImportKind.CUSTOMERS)
        _, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found

    assert await peak(large) < 1.5 * await peak(small) + 500_000
