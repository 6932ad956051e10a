from dataclasses import replace

import pytest

from models.events import PROVISIONAL, OrderStatus
from store.schema import JOURNEYS, ORDER_LINES, ORDER_TOKENS, ORDERS
from tests.builders import DAY, HOUR, MINUTE, NOBODY, NOON, checkout, order, person, refund
from tests.known_shop import KnownShop

JEANNE = person("jeanne")
STRANGER = person("stranger")


async def test_a_purchase_by_checkout_token_ends_the_journey(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    told = await shop.hears(order(STRANGER, tokens=["T1"], at=NOON + HOUR))
    journey = await shop.journey()
    assert (journey["outcome"], journey["next_action_at"]) == ("purchased", None)
    assert [row.call for row in told.outbox] == ["stopped"]


async def test_a_purchase_by_cart_token_ends_the_journey_of_the_checkout(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE, alias="C1"))
    await shop.hears(order(NOBODY, tokens=["C1"], at=NOON + HOUR))
    assert (await shop.journey())["outcome"] == "purchased"


async def test_a_purchase_by_the_customer_ends_the_journey(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(order(JEANNE, at=NOON + HOUR))
    journey, bought = await shop.journey(), await shop.row(ORDERS)
    assert journey["outcome"] == "purchased"
    assert bought["seq"] == journey["closed_seq"]


async def test_a_purchase_by_somebody_with_the_same_address_ends_the_journey(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(order(replace(JEANNE, external_id="second"), at=NOON + HOUR))
    assert (await shop.journey())["outcome"] == "purchased"


async def test_a_purchase_by_a_stranger_ends_nothing(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(order(STRANGER, at=NOON + HOUR))
    assert (await shop.journey())["status"] == "waiting"


async def test_an_older_order_ends_nothing(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(order(JEANNE, at=NOON - DAY, placed_at=NOON - DAY), at=NOON + HOUR)
    assert (await shop.journey())["status"] == "waiting"


async def test_an_order_before_its_checkout_wins(shop: KnownShop) -> None:
    await shop.hears(order(JEANNE, tokens=["T1"], at=NOON + MINUTE))
    await shop.hears(checkout(JEANNE), at=NOON + 2 * MINUTE)
    assert await shop.rows(JOURNEYS) == []


async def test_an_order_and_its_checkout_in_one_batch_begin_nothing(shop: KnownShop) -> None:
    await shop.hears(order(NOBODY, tokens=["T1"], at=NOON + MINUTE), checkout(JEANNE))
    assert await shop.rows(JOURNEYS) == []


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.CANCELLED])
async def test_an_order_that_nobody_paid_ends_nothing(shop: KnownShop, status: OrderStatus) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(order(JEANNE, tokens=["T1"], at=NOON + HOUR, status=status))
    assert (await shop.journey())["status"] == "waiting"


async def test_an_order_that_is_paid_later_ends_the_journey_then(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.hears(order(JEANNE, tokens=["T1"], at=NOON + MINUTE, status=OrderStatus.PENDING))
    await shop.hears(order(JEANNE, tokens=["T1"], at=NOON + DAY, status=OrderStatus.AUTHORIZED))
    assert (await shop.journey())["outcome"] == "purchased"
    assert (await shop.row(ORDERS))["placed_at"] == NOON + MINUTE


async def test_older_news_of_an_order_changes_nothing(shop: KnownShop) -> None:
    await shop.hears(order(JEANNE, at=NOON + HOUR, status=OrderStatus.CANCELLED))
    await shop.hears(order(JEANNE, at=NOON), at=NOON + 2 * HOUR)
    assert (await shop.row(ORDERS))["status"] == "cancelled"


async def test_a_real_order_takes_the_place_of_its_provisional_one(shop: KnownShop) -> None:
    await shop.hears(order(JEANNE, PROVISIONAL + "T1", ["T1"]))
    await shop.hears(order(JEANNE, "1001", ["T1"], NOON + MINUTE))
    assert [one["order_id"] for one in await shop.rows(ORDERS)] == ["1001"]
    assert len(await shop.rows(ORDER_TOKENS)) == len(await shop.rows(ORDER_LINES)) == 1


async def test_a_provisional_order_after_the_real_one_is_not_counted(shop: KnownShop) -> None:
    await shop.hears(order(JEANNE, "1001", ["T1"], NOON))
    await shop.hears(order(JEANNE, PROVISIONAL + "T1", ["T1"], NOON + MINUTE))
    assert [one["order_id"] for one in await shop.rows(ORDERS)] == ["1001"]


async def test_a_provisional_order_and_the_real_one_in_one_batch_are_one(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    both = order(JEANNE, PROVISIONAL + "T1", ["T1"], NOON + MINUTE), order(JEANNE, "1001", ["T1"], NOON + HOUR)
    await shop.hears(*both)
    assert [one["order_id"] for one in await shop.rows(ORDERS)] == ["1001"]
    assert (await shop.journey())["outcome"] == "purchased"


async def test_a_refund_without_an_amount_is_of_everything(shop: KnownShop) -> None:
    await shop.hears(order(JEANNE), refund(JEANNE, at=NOON + DAY))
    refunded = await shop.row(ORDERS)
    assert (refunded["status"], refunded["value"], refunded["refunded"]) == ("refunded", 4500, 4500)


async def test_large_sums_fit(shop: KnownShop) -> None:
    await shop.hears(order(JEANNE, value=10**12))
    assert (await shop.row(ORDERS))["value"] == 10**12
