import asyncio
from dataclasses import replace

import pytest

from models.content import Testimonial
from models.policy import CartTrigger
from models.products import Product, Review
from models.vocabulary import Kind, Role
from store import catalogue, keys, policies, runs, shops
from store.db import ConflictError, NotFoundError
from store.schema import JOURNEYS, POLICY_VERSIONS, PRODUCTS, REVIEWS
from tests.builders import DAY, HOUR, NOON, checkout, order, person, viewed
from tests.known_shop import CART, INACTIVE, RECORD, SHOP, KnownShop

LAMP = Product("lamp", "Lampe", 4500, "EUR", stock=3, rating=4.5, review_count=12)
LATER = replace(CART, trigger=CartTrigger(abandoned_after=2 * HOUR), hash="")


def review(text: str, rating: float = 5.0, days: int = 1) -> Review:
    return Review(text, rating, NOON - days * DAY, "Anne", verified=True)


async def test_the_active_policies_are_those_last_loaded_in_their_order(shop: KnownShop) -> None:
    assert await shop.db.read(policies.active) == [CART, INACTIVE]
    await shop.db.write(policies.activate, [INACTIVE, LATER], NOON)
    assert await shop.db.read(policies.active) == [INACTIVE, LATER]
    assert await shop.db.read(policies.active, Kind.CART) == [LATER]


async def test_a_version_is_kept_for_ever(shop: KnownShop) -> None:
    await shop.db.write(policies.activate, [LATER], NOON)
    await shop.db.write(policies.activate, [CART], NOON)
    assert await shop.db.read(policies.version, LATER.hash) == LATER
    assert len(await shop.rows(POLICY_VERSIONS)) == 3


async def test_a_running_journey_keeps_the_version_that_it_began_with(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne")))
    journey = (await shop.journey())["id"]
    await shop.assess(journey, NOON + HOUR)
    await shop.db.write(policies.activate, [LATER], NOON)
    assert (await shop.journey())["policy_hash"] == CART.hash
    assert len((await shop.assess(journey, NOON + DAY)).plan) == 3


async def test_several_may_load_the_policies_and_shops_at_once(shop: KnownShop) -> None:
    await asyncio.gather(
        *(shop.db.write(policies.activate, [LATER, INACTIVE], NOON) for _ in range(4)),
        *(shop.db.write(shops.save_shops, [RECORD]) for _ in range(4)),
    )
    assert await shop.db.read(policies.active) == [LATER, INACTIVE]


async def test_a_shop_is_what_the_settings_last_said(shop: KnownShop) -> None:
    await shop.db.write(shops.save_shops, [replace(RECORD, locale="en")])
    assert (await shop.db.read(shops.load_shop, SHOP)).locale == "en"
    assert await shop.db.read(shops.shop_ids) == ["main", "other"]


async def test_a_key_opens_until_it_is_revoked(shop: KnownShop) -> None:
    await shop.db.write(keys.add_key, "crm", Role.STAFF, "secret-text", NOON)
    assert await shop.db.read(keys.find_key, "secret-text") == ("crm", Role.STAFF)
    assert await shop.db.read(keys.find_key, "another") is None
    await shop.db.write(keys.revoke_key, "crm", NOON + DAY)
    assert await shop.db.read(keys.find_key, "secret-text") is None
    assert [(one.name, one.revoked_at) for one in await shop.db.read(keys.list_keys)] == [("crm", NOON + DAY)]


async def test_a_key_has_a_name_of_its_own(shop: KnownShop) -> None:
    await shop.db.write(keys.add_key, "crm", Role.STAFF, "secret-text", NOON)
    with pytest.raises(ConflictError, match="'crm'"):
        await shop.db.write(keys.add_key, "crm", Role.ADMIN, "another", NOON)
    with pytest.raises(NotFoundError, match="'nobody'"):
        await shop.db.write(keys.revoke_key, "nobody", NOON)


async def test_a_key_of_the_settings_takes_the_place_of_the_former_one(shop: KnownShop) -> None:
    for text in ("first", "second", "second"):
        await shop.db.write(keys.put_key, "admin", Role.ADMIN, text, NOON)
    assert await shop.db.read(keys.find_key, "first") is None
    assert await shop.db.read(keys.find_key, "second") == ("admin", Role.ADMIN)


async def test_the_last_word_on_a_product_counts_and_replaces_its_reviews(shop: KnownShop) -> None:
    await shop.db.write(catalogue.save_products, SHOP, [replace(LAMP, reviews=(review("old"), review("older")))], NOON)
    newer = replace(LAMP, price=4000, stock=0, reviews=(review("new"),))
    await shop.db.write(catalogue.save_products, SHOP, [LAMP, newer], NOON + DAY)
    assert await shop.db.read(catalogue.products_of, SHOP, ["lamp", "vase"]) == {"lamp": replace(newer, reviews=())}
    assert [one["text"] for one in await shop.rows(REVIEWS)] == ["new"]
    assert (await shop.row(PRODUCTS))["updated_at"] == NOON + DAY


async def test_only_good_reviews_are_quoted_newest_first(shop: KnownShop) -> None:
    told = review("old", days=9), review("bad", 1.0), review("new", 4.0, 2)
    await shop.db.write(catalogue.save_products, SHOP, [replace(LAMP, reviews=told)], NOON)
    quoted = await shop.db.read(catalogue.testimonials, SHOP, {"lamp": LAMP}, 2)
    assert [one.text for one in quoted] == ["new", "old"]
    assert quoted[0] == Testimonial("Lampe", "new", 4.0, (NOON - 2 * DAY).date(), "Anne", verified=True)


async def test_buyers_are_counted_once_each_and_for_thirty_days(shop: KnownShop) -> None:
    assert await shop.db.read(catalogue.buyers_of, SHOP, ["lamp"], NOON) is None
    bought = [order(person(name), f"O-{name}", at=NOON - DAY) for name in ("anne", "jeanne")]
    again = order(person("anne"), "O2", at=NOON)
    long_ago = order(person("paul"), "O3", at=NOON - 31 * DAY)
    await shop.hears(*bought, again, long_ago, at=NOON)
    assert await shop.db.read(catalogue.buyers_of, SHOP, ["lamp", "vase"], NOON) == 2


async def test_favourites_are_what_was_looked_at_or_bought_most_and_is_still_sold(shop: KnownShop) -> None:
    gone = replace(LAMP, product_id="gone", stock=0)
    await shop.db.write(catalogue.save_products, SHOP, [LAMP, replace(LAMP, product_id="vase"), gone], NOON)
    seen = ["vase", "vase", "vase", "gone", "gone", "gone", "gone", "unknown"]
    jeanne = person("jeanne")
    await shop.hears(order(jeanne), *(viewed(jeanne, NOON + n * HOUR, product) for n, product in enumerate(seen)))
    customer = (await shop.customer("jeanne"))["id"]
    favourites = await shop.db.read(catalogue.favourites_of, SHOP, customer, 3)
    assert [one.product_id for one in favourites] == ["vase", "lamp"]


async def test_a_run_is_started_from_its_journey(shop: KnownShop) -> None:
    await shop.hears(checkout(person("jeanne")), checkout(person("paul"), "T2"))
    first, second = [one["id"] for one in await shop.rows(JOURNEYS)]
    run = await shop.db.read(runs.load_run, first)
    assert run is not None
    assert (run.kind, run.policy, run.next_action_at, run.j0, run.clock_s) == ("cart", "cart", NOON + HOUR, None, 0)
    assert [one.id for one in await shop.db.read(runs.open_runs, "", 10)] == [first, second]
    assert [one.id for one in await shop.db.read(runs.open_runs, first, 10)] == [second]
    await shop.opt_out("jeanne@example.com", NOON)
    assert await shop.db.read(runs.load_run, first) is None
    assert await shop.db.read(runs.load_run, "nothing") is None
