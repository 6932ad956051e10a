import os
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, Table, update

from channels.files import remove
from models.erasing import CERTIFY_WITHIN, ErasureState, pause
from models.events import Person
from models.needles import Needle, Sort
from store import leftovers
from store.db import connect
from store.schema import ACTS, CUSTOMERS, DELIVERIES, METADATA, SHOPS
from tests.builders import DAY, HOUR, NOON, checkout, granted, identify, viewed
from tests.forgetful import Clock, Forgetful
from tests.known_shop import KnownShop
from tests.rows import dummy, texts_of

ADDRESS = "zephyrine.quatremaille@example.com"
PHONE = "+33698765432"
WHO = Person("customer-4711", ADDRESS, PHONE, first_name="Zéphyrine", consents=(granted(NOON - DAY),))
AT = NOON + 2 * DAY


@pytest.fixture
async def forgetful(shop: KnownShop, tmp_path: Path) -> Forgetful:
    return Forgetful(shop.db, tmp_path, Clock(AT))


async def asked(shop: KnownShop, forgetful: Forgetful, who: Person = WHO) -> None:
    """Let somebody without a journey be known, and asked to be forgotten."""
    await shop.hears(identify(who), viewed(who))
    (row,) = [one for one in await shop.rows(CUSTOMERS) if one["external_id"] == who.external_id]
    await forgetful.asks(row["id"])


async def changed(shop: KnownShop, statement: Executable) -> None:
    await shop.db.write(lambda connection: connection.execute(statement))


def finds(certificate: dict[str, Any] | None) -> dict[str, list[str]]:
    """Return where a certificate says that something was found."""
    assert certificate is not None
    return {one["name"]: one["where"] for one in certificate["searched"] if one["found"]}


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("temporal.log", ADDRESS.upper()),
        ("outbox/somewhere.eml", "customer-4711"),
        ("outbox/.left.part", "33698765432"),
        ("notes/of/staff.txt", "0698765432"),
    ],
)
async def test_what_is_left_in_a_file_is_found_and_said_but_never_quoted(
    shop: KnownShop, forgetful: Forgetful, engine: str, name: str, spelling: str
) -> None:
    leftover = forgetful.home / name
    leftover.parent.mkdir(parents=True, exist_ok=True)
    leftover.write_text(f"{'x' * 2_000_000} to <{spelling}> {'x' * 2_000_000}")
    await asked(shop, forgetful)
    await forgetful.works()
    job = await forgetful.job()
    assert (job.state, job.done_at) == (ErasureState.ASKED, None)
    assert job.certificate is not None
    assert job.certificate["result"] == "found"
    folder = "outbox" if name.startswith("outbox") else forgetful.home.name
    assert finds(job.certificate) == {folder: [name.removeprefix("outbox/")]}
    assert spelling not in f"{job.certificate} {job.problem}"
    leftover.unlink()
    forgetful.clock.passes(pause(1))
    assert (await forgetful.done()).state == ErasureState.CERTIFIED


async def test_what_stays_for_a_week_is_the_last_word_of_the_certificate(shop: KnownShop, forgetful: Forgetful) -> None:
    (forgetful.home / "notes.txt").write_text(ADDRESS)
    await asked(shop, forgetful)
    tries = 0
    for _ in range(int(CERTIFY_WITHIN / timedelta(minutes=30)) + 10):
        tries += bool(await forgetful.runner.once())
        forgetful.clock.passes(timedelta(minutes=30))
    job = await forgetful.job()
    assert (job.state, job.sought) == (ErasureState.INCOMPLETE, None)
    assert finds(job.certificate) == {forgetful.home.name: ["notes.txt"]}
    assert tries < 24 * 7 * 5


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=str)
async def test_every_column_of_every_table_that_can_hold_text_is_searched(shop: KnownShop, table: Table) -> None:
    await changed(shop, table.delete())
    row = {column.name: dummy(column, f"Zoé-{column.name}-is-here") for column in table.c}
    await changed(shop, table.insert().values(row))
    wanted = {
        one: column.name for column in table.c for one in Needle(Sort.ADDRESS, f"Zoé-{column.name}-is-here").spellings()
    }
    page = await shop.db.read(leftovers.search_page, table.name, list(wanted), None)
    found = {wanted[one.spelling] for one in page.finds}
    assert found == {one.name for one in texts_of(table)}
    assert all(one.column == f"{table.name}.{wanted[one.spelling]}" for one in page.finds)


async def test_a_table_is_searched_to_its_end_page_by_page(shop: KnownShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_PAGE", 3)
    await shop.hears(*(viewed(WHO, NOON, f"product-{number}") for number in range(10)))
    rows, after = 0, None
    finds_of: list[leftovers.Find] = []
    while True:
        page = await shop.db.read(leftovers.search_page, "events", [b"product-"], after)
        rows, after = rows + page.rows, page.last
        finds_of += page.finds
        if after is None:
            break
    assert (rows, len({one.row for one in finds_of})) == (10, 10)


async def test_what_is_left_in_a_column_is_found_and_erased_again_where_it_can_be(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await asked(shop, forgetful)
    for _ in range(3):
        await forgetful.runner.once()
    await shop.opt_out(ADDRESS, AT)  # a member of staff keeps the address out, in the last moment
    await changed(shop, update(SHOPS).values(postal_address=f"c/o {PHONE}"))
    await forgetful.works(2)
    certificate = (await forgetful.job()).certificate
    assert set(finds(certificate)) - {"relaunch.db", "relaunch.db-wal"} == {"suppressions", "shops"}
    await changed(shop, update(SHOPS).values(postal_address=""))
    forgetful.clock.passes(pause(1))
    assert (await forgetful.done()).state == ErasureState.CERTIFIED


async def test_a_first_name_is_looked_for_in_what_is_left_about_the_person_alone(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await shop.hears(checkout(WHO), identify(Person("other", "other@example.com", first_name="Zéphyrine")))
    journey = await shop.journey()
    await forgetful.asks(journey["customer_id"])
    for _ in range(3):
        await forgetful.runner.once()
    act = {"id": "by-hand", "at": AT, "recorded_at": AT, "actor": "lea", "act": "pause", "journey_id": journey["id"]}
    await changed(shop, ACTS.insert().values(act | {"reason": "Zéphyrine rang us"}))
    await forgetful.works(2)
    found = finds((await forgetful.job()).certificate)
    assert found["what is left about the person, for names too"] == ["acts.reason"]
    assert "customers" not in found


async def test_a_person_who_is_called_like_the_shop_is_not_found_everywhere(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await shop.hears(checkout(replace(WHO, first_name="Main", external_id="cart")))
    await forgetful.asks((await shop.journey())["customer_id"])
    await forgetful.works()
    certificate = (await forgetful.job()).certificate
    assert finds(certificate) == {}


async def test_two_records_with_one_address_are_told_apart(shop: KnownShop, forgetful: Forgetful, engine: str) -> None:
    await shop.hears(identify(replace(WHO, external_id="second-one", first_name="Max"), NOON - DAY))
    await asked(shop, forgetful)
    job = await forgetful.done()
    assert job.certificate is not None
    assert job.certificate["result"] == "clean"
    assert job.certificate["searched_for"]["also_held_by_another_customer"] == 2
    assert [one["external_id"] for one in await shop.rows(CUSTOMERS)] == ["second-one"]
    raw = [one for one in job.certificate["searched"] if one["place"] == "store_file"]
    assert [one.get("left_out") for one in raw[:1]] == (["what another customer has too"] if engine == "sqlite" else [])


async def test_an_address_that_ends_like_another_is_not_taken_for_it(shop: KnownShop, forgetful: Forgetful) -> None:
    await shop.hears(identify(Person("other", f"marie-{ADDRESS}")))
    await asked(shop, forgetful)
    job = await forgetful.done()
    assert job.certificate is not None
    assert job.certificate["result"] == "clean"


async def test_an_address_of_somebody_else_in_the_wrong_place_is_found_all_the_same(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await shop.hears(identify(Person("other", "other@example.com", traits=(("brother", ADDRESS),))))
    await asked(shop, forgetful)
    await forgetful.works()
    found = finds((await forgetful.job()).certificate)
    assert [one.partition(" ")[0] for one in found["customers"]] == ["customers.traits"]


async def test_a_secret_that_has_changed_leaves_the_certificate_incomplete_and_says_why(
    shop: KnownShop, forgetful: Forgetful, database_url: str
) -> None:
    await asked(shop, forgetful)
    other = connect(database_url, "another secret")
    stranger = Forgetful(other, forgetful.home, forgetful.clock)
    await stranger.works()
    assert (await forgetful.job()).problem == "; ".join(
        ["what to search for cannot be read: the secret key of this installation has changed"] * 6
    )[:200]
    forgetful.clock.passes(CERTIFY_WITHIN)
    await stranger.works()
    assert (await forgetful.job()).state == ErasureState.INCOMPLETE
    assert await shop.rows(CUSTOMERS) == []
    await other.aclose()


async def test_the_files_of_the_messages_go_and_drafts_of_a_killed_write_with_them(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await shop.hears(checkout(WHO))
    journey = await shop.journey()
    await shop.assess(journey["id"], NOON + HOUR)
    await shop.hand_over(journey["id"], at=NOON + HOUR)
    delivery = (await shop.row(DELIVERIES))["id"]
    outbox = forgetful.settings.outbox_dir
    for name in (f"{delivery}.eml", f"{delivery}.txt", ".old.part", ".new.part", "other.eml"):
        (outbox / name).write_text("a message")
    os.utime(outbox / ".old.part", (0, 0))
    os.utime(outbox / ".new.part", (AT.timestamp(), AT.timestamp()))
    await forgetful.asks(journey["customer_id"])
    forgetful.clock.passes(timedelta(minutes=5))
    await forgetful.works()
    assert sorted(one.name for one in outbox.iterdir()) == [".new.part", "other.eml"]


def test_removing_from_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert remove(tmp_path / "none", {"x"}, 0) == 0


@pytest.mark.parametrize("pages", [1, 3])
async def test_the_raw_bytes_of_the_store_hold_nothing_afterwards(
    shop: KnownShop, forgetful: Forgetful, engine: str, tmp_path: Path, pages: int
) -> None:
    for number in range(pages * 100):
        who = Person(f"filler-{number}", f"filler-{number}@example.com", traits=(("note", "x" * 500),))
        await shop.hears(identify(who))
    await asked(shop, forgetful)
    files = [path for path in shop.db.files if path.exists()]
    assert (engine == "sqlite") == any(ADDRESS.encode() in path.read_bytes() for path in files)
    await forgetful.done()
    for needle in (ADDRESS, PHONE, "customer-4711", "Zéphyrine"):
        assert not any(needle.encode() in path.read_bytes() for path in files)


async def test_what_was_deleted_before_without_being_overwritten_goes_with_the_next_erasure(
    shop: KnownShop, forgetful: Forgetful, engine: str
) -> None:
    if engine == "sqlite":
        with sqlite3.connect(shop.db.files[0]) as careless:
            careless.execute("PRAGMA secure_delete=OFF")
            careless.execute("CREATE TABLE notes (text TEXT)")
            careless.executemany("INSERT INTO notes VALUES (?)", [(f"{ADDRESS} {'x' * 3000}",)] * 20)
        with sqlite3.connect(shop.db.files[0]) as careless:
            careless.execute("PRAGMA secure_delete=OFF")
            careless.execute("DELETE FROM notes")
            careless.execute("DROP TABLE notes")
        careless.close()
    await asked(shop, forgetful)
    assert (await forgetful.done()).state == ErasureState.CERTIFIED


async def test_an_address_that_another_has_too_is_found_where_neither_should_have_it(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await shop.hears(identify(replace(WHO, external_id="second-one"), NOON - DAY))
    await shop.hears(identify(Person("third", "third@example.com", traits=(("brother", ADDRESS),))))
    await asked(shop, forgetful)
    await forgetful.works()
    certificate = (await forgetful.job()).certificate
    assert [one.partition(" ")[0] for one in finds(certificate)["customers"]] == ["customers.traits"]
