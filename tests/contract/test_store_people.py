import asyncio
from dataclasses import replace

from models.events import Person
from store.schema import CARTS, CUSTOMERS, EVENTS, JOURNEYS
from tests.builders import DAY, HOUR, NOBODY, NOON, checkout, identify, order, person, viewed
from tests.known_shop import KnownShop

JEANNE = person("jeanne")
TYPED = person("jeanne", known=False)
PHONE = "+33612345678"


async def test_a_person_is_known_by_the_shops_own_id(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE), identify(replace(JEANNE, email="new@example.com"), NOON + HOUR))
    assert [one["email"] for one in await shop.rows(CUSTOMERS)] == ["new@example.com"]


async def test_a_person_is_known_by_an_email_address_in_any_spelling(shop: KnownShop) -> None:
    await shop.hears(identify(TYPED))
    await shop.hears(identify(replace(TYPED, email="Jeanne@Example.COM")))
    assert (await shop.row(CUSTOMERS))["email_key"] == "jeanne@example.com"


async def test_a_person_is_known_by_a_phone_number(shop: KnownShop) -> None:
    await shop.hears(identify(Person(phone=PHONE)))
    await shop.hears(identify(Person(phone=PHONE, email="jeanne@example.com")))
    customer = await shop.row(CUSTOMERS)
    assert (customer["phone"], customer["email"]) == (PHONE, "jeanne@example.com")


async def test_a_typed_address_is_adopted_by_a_later_account(shop: KnownShop) -> None:
    await shop.hears(checkout(TYPED))
    await shop.hears(identify(JEANNE, NOON + HOUR))
    customer = await shop.row(CUSTOMERS)
    assert customer["external_id"] == "jeanne"
    assert (await shop.journey())["customer_id"] == customer["id"]


async def test_an_account_never_takes_over_another_account(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE))
    await shop.hears(identify(replace(JEANNE, external_id="second")))
    assert [one["external_id"] for one in await shop.rows(CUSTOMERS)] == ["jeanne", "second"]


async def test_a_phone_that_a_household_shares_does_not_make_two_people_one(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", phone=PHONE, known=False)))
    await shop.hears(identify(person("paul", phone=PHONE, known=False)))
    assert [one["email"] for one in await shop.rows(CUSTOMERS)] == ["jeanne@example.com", "paul@example.com"]


async def test_the_same_person_in_two_shops_is_two_customers(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE))
    await shop.hears(identify(JEANNE), shop="other")
    assert [one["shop"] for one in await shop.rows(CUSTOMERS)] == ["main", "other"]


async def test_an_older_profile_only_fills_what_is_unknown(shop: KnownShop) -> None:
    await shop.hears(identify(Person("jeanne", first_name="Jeanne", traits=(("region", "Bretagne"),))))
    older = Person("jeanne", first_name="Jane", country="FR", traits=(("region", "Corse"), ("size", 38)))
    await shop.hears(identify(older, NOON - DAY), at=NOON)
    customer = await shop.row(CUSTOMERS)
    assert (customer["first_name"], customer["country"]) == ("Jeanne", "FR")
    assert customer["traits"] == {"region": "Bretagne", "size": 38}


async def test_two_first_events_of_a_new_person_at_once_make_one_customer(shop: KnownShop) -> None:
    await asyncio.gather(*(shop.hears(checkout(JEANNE, f"T{number}")) for number in range(6)))
    assert len(await shop.rows(CUSTOMERS)) == 1
    assert len(await shop.rows(JOURNEYS)) == 1
    assert len(await shop.rows(CARTS)) == 6
    assert len(await shop.rows(EVENTS)) == 6


async def test_two_first_events_of_a_person_without_an_account_at_once_make_one_customer(shop: KnownShop) -> None:
    by_mail = (shop.hears(viewed(TYPED, product=f"p{number}")) for number in range(3))
    by_phone = (shop.hears(viewed(Person(phone=PHONE), product=f"p{number}")) for number in range(3))
    await asyncio.gather(*by_mail, *by_phone)
    assert sorted(one["email"] or one["phone"] for one in await shop.rows(CUSTOMERS)) == [PHONE, "jeanne@example.com"]


async def test_many_new_people_in_two_batches_at_once_are_each_made_once(shop: KnownShop) -> None:
    names = [f"p{number}" for number in range(20)]
    one_way = [viewed(person(name)) for name in names]
    other_way = [viewed(person(name), product="vase") for name in reversed(names)]
    await asyncio.gather(shop.hears(*one_way), shop.hears(*other_way))
    assert sorted(one["external_id"] for one in await shop.rows(CUSTOMERS)) == sorted(names)
    assert len(await shop.rows(EVENTS)) == 40


async def test_people_with_one_address_count_together(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE))
    for hour in range(4):
        await shop.hears(viewed(JEANNE, NOON + hour * HOUR))
    await shop.hears(identify(replace(JEANNE, external_id="second"), NOON + DAY))
    numbers = {one["seq"] for one in await shop.rows(CUSTOMERS)}
    assert numbers == {6}


async def test_whoever_takes_on_an_address_counts_on_from_the_higher_number(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE))
    for hour in range(4):
        await shop.hears(viewed(JEANNE, NOON + hour * HOUR))
    await shop.hears(identify(person("paul"), NOON))
    await shop.hears(identify(Person("paul", email="jeanne@example.com"), NOON + DAY))
    assert {one["seq"] for one in await shop.rows(CUSTOMERS)} == {6}


async def test_whoever_takes_on_an_address_after_doing_something_else_counts_on_too(shop: KnownShop) -> None:
    for hour in range(5):
        await shop.hears(viewed(JEANNE, NOON + hour * HOUR))
    await shop.hears(viewed(person("paul")), identify(Person("paul", email="jeanne@example.com"), NOON + DAY))
    assert {one["seq"] for one in await shop.rows(CUSTOMERS)} == {6}


async def test_who_changes_address_within_a_batch_is_still_found_under_the_old_one(shop: KnownShop) -> None:
    await shop.hears(identify(JEANNE))
    moved = identify(replace(JEANNE, email="new@example.com"), NOON + HOUR)
    await shop.hears(moved, checkout(TYPED, at=NOON + 2 * HOUR))
    cart = await shop.row(CARTS)
    owner = await shop.row(CUSTOMERS, id=cart["customer_id"])
    assert owner["email"] == "jeanne@example.com"


async def test_what_nobody_in_particular_did_is_stored_without_a_customer(shop: KnownShop) -> None:
    await shop.hears(viewed(NOBODY))
    assert (await shop.row(EVENTS))["customer_id"] is None
    assert await shop.rows(CUSTOMERS) == []


async def test_an_order_of_nobody_known_belongs_to_whoever_left_the_cart(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(order(NOBODY, tokens=["T1"], at=NOON + HOUR))
    assert (await shop.journey())["outcome"] == "purchased"
