from datetime import timedelta

from sqlalchemy import Update

from models.situation import TOKEN_LIFE
from models.vocabulary import Outcome
from store.looks import wanted
from store.schema import CUSTOMERS, JOURNEYS
from storefronts.base import Buyer
from tests.builders import DAY, HOUR, NOON, checkout, identify, person
from tests.known_shop import SHOP, KnownShop

JEANNE = person("jeanne", phone="+33612345678")
SINCE = NOON - TOKEN_LIFE


async def customer_of(shop: KnownShop) -> str:
    return str((await shop.journey())["customer_id"])


async def test_every_name_of_the_customer_goes_with_the_tokens_of_their_cart(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, alias="C1"))
    await shop.hears(checkout(person("paul"), "T2"))
    jeanne = (await shop.customer("jeanne"))["id"]
    about = await shop.db.read(wanted, SHOP, jeanne)
    assert about is not None
    assert about.buyers == (Buyer("jeanne", "jeanne@example.com", "+33612345678", frozenset({"T1", "C1"})),)
    assert about.since == SINCE


async def test_every_alias_of_a_person_is_asked_about_and_the_tokens_once(shop: KnownShop) -> None:
    await shop.hears(checkout(person("guest", known=False)))
    guest = await customer_of(shop)
    await shop.hears(identify(JEANNE))
    account = (await shop.customer("jeanne"))["id"]
    await shop.db.write(lambda connection: connection.execute(_under(account, guest)))
    about = await shop.db.read(wanted, SHOP, guest)
    assert about is not None
    assert about.buyers == (
        Buyer(None, "guest@example.com", None, frozenset({"T1"})),
        Buyer("jeanne", "jeanne@example.com", "+33612345678"),
    )
    assert await shop.db.read(wanted, SHOP, account) is not None


def _under(root: str, alias: str) -> Update:
    return CUSTOMERS.update().where(CUSTOMERS.c.id == alias).values(root_id=root)


async def test_somebody_inactive_is_asked_about_from_their_last_sign_on(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE, NOON - 200 * DAY))
    seen = CUSTOMERS.update().values(last_activity_at=NOON - 200 * DAY)
    await shop.db.write(lambda connection: connection.execute(seen))
    assert await shop.sweep(NOON) == 1
    about = await shop.db.read(wanted, SHOP, await customer_of(shop))
    assert about is not None
    assert about.since == NOON - 200 * DAY - TOKEN_LIFE
    assert about.buyers[0].tokens == frozenset()


async def test_nobody_is_asked_about_without_an_open_journey_or_after_an_erasure(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    customer, journey = await customer_of(shop), (await shop.journey())["id"]
    await shop.close(journey, Outcome.CANCELLED, NOON + HOUR)
    assert await shop.db.read(wanted, SHOP, customer) is None
    assert await shop.db.read(wanted, SHOP, "nobody") is None


async def test_a_clock_that_runs_ahead_is_taken_back_for_a_storefront_that_knows_nothing_of_it(
    shop: KnownShop,
) -> None:
    ahead = timedelta(days=3)
    await shop.hears(identify(JEANNE))
    await shop.db.write(lambda connection: connection.execute(_moved(ahead)))
    await shop.hears(checkout(JEANNE))
    about = await shop.db.read(wanted, SHOP, await customer_of(shop))
    assert about is not None
    assert (await shop.row(JOURNEYS))["since"] == NOON + ahead
    assert about.since == SINCE


def _moved(ahead: timedelta) -> Update:
    return CUSTOMERS.update().values(clock_s=int(ahead.total_seconds()))
