"""An address whose mailbox takes nothing again and again rests for a while, and is tried again."""

from models.vocabulary import Channel
from store.schema import CUSTOMERS, SUPPRESSIONS
from tests.builders import DAY, HOUR, MINUTE
from tests.known_shop import KnownShop
from tests.told import J0, sent


async def test_three_soft_bounces_in_seven_days_rest_the_address_for_seven_more(shop: KnownShop) -> None:
    one = await sent(shop)
    for days in (0, 3, 7):
        assert await one.closed(J0 + 7 * DAY) == {}
        await one.hears(one.told("bounced", J0 + days * DAY, permanent=False, reason="4.2.2"))
    assert await one.closed(J0 + 7 * DAY) == {Channel.EMAIL: "soft_bounces"}
    ruling = await shop.hand_over(one.journey, "social-proof", at=J0 + 8 * DAY)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == ("skipped", "suppressed")
    assert await one.closed(J0 + 14 * DAY - MINUTE) == {Channel.EMAIL: "soft_bounces"}
    assert await one.closed(J0 + 14 * DAY) == {}
    await one.hears(one.told("bounced", J0 + 9 * DAY, permanent=False))
    assert (await shop.row(SUPPRESSIONS))["until"] == J0 + 16 * DAY


async def test_soft_bounces_that_are_few_far_apart_or_of_others_rest_nobody(shop: KnownShop) -> None:
    one, two = await sent(shop), await sent(shop, name="paul")
    for days in (0, 4, 8):
        await one.hears(one.told("bounced", J0 + days * DAY, permanent=False))
    await one.hears(two.told("bounced", J0 + DAY, permanent=False, recipient="paul@example.com"))
    await one.hears(one.told("bounced", J0 + 2 * DAY, permanent=None))
    assert await one.closed(J0 + 8 * DAY) == await two.closed(J0 + 8 * DAY) == {}
    assert await shop.rows(SUPPRESSIONS) == []


async def test_soft_bounces_count_in_whatever_order_they_come(shop: KnownShop) -> None:
    one = await sent(shop)
    for days in (6, 0, 3):
        await one.hears(one.told("bounced", J0 + days * DAY, permanent=False), at=J0 + 9 * DAY)
    row = await shop.row(SUPPRESSIONS)
    assert (row["at"], row["until"]) == (J0 + 6 * DAY, J0 + 13 * DAY)


async def test_a_send_that_is_under_way_notices_that_its_address_rests(shop: KnownShop) -> None:
    one = await sent(shop)
    seq = (await shop.row(CUSTOMERS))["seq"]
    await one.hears(*(one.told("bounced", J0 + n * HOUR, permanent=False) for n in range(3)))
    assert (await shop.row(CUSTOMERS))["seq"] > seq
