import hashlib
from pathlib import Path

from sqlalchemy import Connection, update

from models.vocabulary import Channel, DeliveryState
from runtime.installation import opened
from settings import load_settings
from store import chores
from store.audit import audit
from store.db import Database, connect
from store.schema import CHORES, DELIVERIES, SUPPRESSIONS
from store.sealing import hidden, keys_of, sealed, unsealed
from store.situations import load_situation
from tests.builders import DAY, HOUR, NOON, checkout, granted, identify, person, withdrawn
from tests.known_shop import KnownShop

ADDRESS = "jeanne@example.com"
OLD = "sha256:" + hashlib.sha256(f"main\n{ADDRESS}".encode()).hexdigest()


async def hash_of(db: Database, address: str, shop: str = "main") -> str:
    return await db.read(hidden, shop, address)


def make_old(connection: Connection) -> None:
    """Leave hashes as schema 0001 left them."""
    connection.execute(update(SUPPRESSIONS).values(address=OLD, customer_id=None))
    connection.execute(update(DELIVERIES).values(address=OLD))


async def test_a_hash_depends_on_the_secret_the_shop_and_the_address(database_url: str) -> None:
    databases = [connect(database_url, secret) for secret in ("one secret", "another", "one secret")]
    one, another, same = [await hash_of(db, ADDRESS) for db in databases]
    assert one == same != another
    assert len({one, await hash_of(databases[0], ADDRESS, "other"), await hash_of(databases[0], "paul@x.example")}) == 3
    assert await hash_of(databases[0], one) == one
    for db in databases:
        await db.aclose()


async def test_the_hash_of_an_old_hash_is_that_of_its_address(db: Database) -> None:
    assert await hash_of(db, OLD) == await hash_of(db, ADDRESS)
    assert hashlib.sha256(ADDRESS.encode()).hexdigest() not in await hash_of(db, ADDRESS)


async def test_what_is_sealed_opens_with_the_same_secret_alone(database_url: str) -> None:
    db, other = connect(database_url, "one secret"), connect(database_url, "another")
    token = await db.read(sealed, ADDRESS)
    assert b"jeanne" not in token
    assert await db.read(unsealed, token) == ADDRESS
    assert await other.read(unsealed, token) is None
    for one in (db, other):
        await one.aclose()


def test_no_key_is_shown() -> None:
    keys = keys_of("a secret")
    assert keys.hashing != keys.sealing
    assert repr(keys) == "Keys()"


async def test_hashes_of_an_older_version_are_keyed_once_and_go_on_to_count(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne", granted(NOON - DAY))))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, NOON + HOUR)
    await shop.hand_over(journey, at=NOON + HOUR)
    await shop.settle(journey, DeliveryState.SENT, at=NOON + HOUR)
    await shop.hears(identify(person("jeanne", withdrawn(NOON + DAY)), NOON + DAY))
    keyed = (await shop.row(DELIVERIES))["address"]
    await shop.db.write(make_old)
    known = await shop.db.read(load_situation, journey, None, NOON + DAY)
    assert known is not None
    assert known.suppressed == {}
    assert await shop.db.write(chores.key_hashes, NOON) == 2
    assert (await shop.row(DELIVERIES))["address"] == (await shop.row(SUPPRESSIONS))["address"] == keyed
    known = await shop.db.read(load_situation, journey, None, NOON + DAY)
    assert known is not None
    assert known.suppressed == {Channel.EMAIL: "objection"}
    assert await shop.db.read(audit) == []
    assert await shop.db.write(chores.key_hashes, NOON + DAY) == 0


async def test_addresses_that_are_no_hash_stay_as_they_are(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", withdrawn(NOON))))
    await shop.db.write(chores.key_hashes, NOON)
    assert (await shop.row(SUPPRESSIONS))["address"] == ADDRESS


async def test_an_installation_keys_old_hashes_when_it_opens(tmp_path: Path, database_url: str) -> None:
    settings = load_settings(home=tmp_path, database_url=database_url)
    database = connect(database_url)
    row = {"id": "s", "shop": "main", "channel": "email", "address": OLD, "reason": "objection", "at": NOON, "seq": 1}
    await database.write(lambda connection: connection.execute(SUPPRESSIONS.insert().values(row)))
    await database.aclose()
    for _ in range(2):
        async with opened(settings) as installation:
            rows = await installation.db.read(lambda connection: connection.execute(SUPPRESSIONS.select()).all())
            assert [one.address for one in rows] == [await hash_of(installation.db, ADDRESS)]


async def test_a_chore_is_done_by_the_first_who_asks_and_again_when_it_is_due(db: Database) -> None:
    async def due(days: float) -> bool:
        return await db.write(chores.claim, "sweeping", NOON + days * DAY, DAY)

    asked = [await due(days) for days in (0, 0, 0.9, 1, 1.5)]
    assert asked == [True, False, False, True, False]
    await db.write(chores.hasten, "sweeping", NOON + 1.6 * DAY)
    assert [await due(1.59), await due(1.6)] == [False, True]
    rows = await db.read(lambda connection: connection.execute(CHORES.select()).all())
    assert [one.name for one in rows] == ["sweeping"]
