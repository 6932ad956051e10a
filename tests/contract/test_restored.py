"""After a restore from a backup: what was due in the lost time is unknown, and never sent."""

from datetime import datetime

from models.events import Event
from models.vocabulary import DeliveryState, Reason, Verdict
from store import shops
from store.audit import audit
from store.restoring import Doubtful, doubtful, restored
from store.schema import DELIVERIES, SHOPS
from tests.builders import DAY, HOUR, MINUTE, NOON, checkout, granted, person
from tests.known_shop import RECORD, KnownShop

DUE = NOON + HOUR
BACKUP, BACK = NOON + 30 * MINUTE, NOON + 5 * HOUR
"""The backup was made between the cart and its first message, the store came back four hours after it was due."""


def left(at: datetime = NOON, cart: str = "T1") -> Event:
    return checkout(person("jeanne", granted(NOON - DAY)), cart, at=at)


async def begun(shop: KnownShop, at: datetime) -> str:
    """Return the id of a journey that is due now and gets its J0."""
    journey = str((await shop.journey())["id"])
    assert (await shop.assess(journey, at)).j0 == at
    return journey


async def lose(shop: KnownShop, begins: datetime = BACKUP, ends: datetime = BACK) -> Doubtful:
    return await shop.db.write(restored, begins, ends)


async def test_what_was_due_in_the_lost_time_is_unknown_and_not_sent(shop: KnownShop) -> None:
    await shop.hears(left())
    assert await lose(shop) == Doubtful(journeys=1, due=1)
    journey = await begun(shop, BACK + MINUTE)
    ruling = await shop.hand_over(journey, at=BACK + MINUTE)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == (Verdict.UNKNOWN, Reason.RESTORED)
    assert await shop.rows(DELIVERIES) == []
    assert (await shop.assess(journey, BACK + HOUR)).settled == ("reminder",)


async def test_the_steps_that_are_due_afterwards_go_out(shop: KnownShop) -> None:
    await shop.hears(left())
    await lose(shop)
    journey = await begun(shop, BACK + MINUTE)
    later = await shop.hand_over(journey, "social-proof", at=BACK + 3 * DAY + MINUTE)
    assert later is not None
    assert later.verdict is Verdict.SENT


async def test_a_step_of_a_journey_that_had_begun_before_the_backup_is_unknown_too(shop: KnownShop) -> None:
    await shop.hears(left())
    journey = await begun(shop, DUE)
    await shop.hand_over(journey, at=DUE)
    await shop.settle(journey, DeliveryState.SENT, at=DUE)
    await lose(shop, DUE + 2 * DAY, DUE + 4 * DAY)
    ruling = await shop.hand_over(journey, "social-proof", at=DUE + 4 * DAY)
    assert ruling is not None
    assert ruling.reason is Reason.RESTORED
    last = await shop.hand_over(journey, "incentive", at=DUE + 7 * DAY)
    assert last is not None
    assert last.verdict is Verdict.SENT
    assert await shop.db.read(audit) == []


async def test_a_step_that_was_held_when_the_backup_was_made_may_have_gone_out(shop: KnownShop) -> None:
    await shop.hears(left())
    journey = await begun(shop, DUE)
    await lose(shop, DUE + 2 * HOUR, DUE + 4 * HOUR)
    ruling = await shop.hand_over(journey, at=DUE + 4 * HOUR)
    assert ruling is not None
    assert ruling.reason is Reason.RESTORED


async def test_a_cart_that_a_poll_brings_back_is_not_relaunched_twice(shop: KnownShop) -> None:
    await lose(shop)
    await shop.hears(left(BACKUP + MINUTE), at=BACK + MINUTE)
    journey = await begun(shop, BACK + 2 * MINUTE)
    ruling = await shop.hand_over(journey, at=BACK + 2 * MINUTE)
    assert ruling is not None
    assert ruling.reason is Reason.RESTORED


async def test_a_cart_that_is_left_after_the_restore_is_relaunched_as_ever(shop: KnownShop) -> None:
    await lose(shop)
    await shop.hears(left(BACK + MINUTE), at=BACK + MINUTE)
    journey = await begun(shop, BACK + 2 * HOUR)
    ruling = await shop.hand_over(journey, at=BACK + 2 * HOUR)
    assert ruling is not None
    assert ruling.verdict is Verdict.SENT


async def test_the_settings_do_not_forget_a_restore_and_a_second_one_widens_it(shop: KnownShop) -> None:
    await lose(shop)
    await shop.db.write(shops.save_shops, [RECORD])
    await lose(shop, BACKUP - DAY, BACK - HOUR)
    row = await shop.row(SHOPS, id="main")
    assert (row["restored_from"], row["restored_at"]) == (BACKUP - DAY, BACK)
    assert await shop.db.read(doubtful, BACK) == Doubtful(0, 0)
