"""Opens and clicks that providers tell: of those who agreed to it, of people only, and of nobody else at all."""

import pytest

from models.events import Person
from models.vocabulary import Channel, ConsentState, DeliveryState, Purpose
from store.schema import CUSTOMERS, DELIVERIES, EVENTS, JOURNEYS, NOTICES
from store.situations import load_situation
from tests.builders import DAY, HOUR, MINUTE, NOON, granted, identify, person, redact, withdrawn
from tests.known_shop import KnownShop
from tests.told import J0, Sent, hears, sent, told, tracks

OPENS, CLICKS = tracks(Purpose.OPEN_TRACKING), tracks(Purpose.CLICK_TRACKING)
BY = {"opened": Purpose.OPEN_TRACKING, "clicked": Purpose.CLICK_TRACKING}
NAMES = {"opened": "Email Opened", "clicked": "Email Clicked"}


async def unknown(one: Sent) -> bool:
    """Say whether nothing at all is known of what the reader did."""
    names = [row["type"] for row in await one.shop.rows(EVENTS)]
    return await one.shop.rows(NOTICES) == [] and names == ["Checkout Started"]


@pytest.mark.parametrize("kind", ["opened", "clicked"])
async def test_what_a_reader_did_is_known_with_their_own_consent(shop: KnownShop, kind: str) -> None:
    one = await sent(shop, tracks(BY[kind]))
    result = await one.hears(one.told(kind))
    assert result.accepted == 1
    event = await shop.row(EVENTS, type=NAMES[kind])
    assert (event["customer_id"], event["at"]) == ((await shop.row(CUSTOMERS))["id"], J0 + HOUR)
    situation = await shop.db.read(load_situation, one.journey, None, J0 + DAY)
    assert situation is not None
    assert (situation.opens, situation.clicks) == ((1, 0) if kind == "opened" else (0, 1))


@pytest.mark.parametrize(("kind", "other"), [("opened", "clicked"), ("clicked", "opened")])
async def test_without_it_nothing_is_stored_at_all(shop: KnownShop, kind: str, other: str) -> None:
    one = await sent(shop, tracks(BY[other]))
    result = await one.hears(one.told(kind), one.told(kind, human=False, at=J0 + 2 * HOUR))
    assert (result.accepted, result.ignored) == (0, 2)
    assert await unknown(one)


async def test_an_open_without_consent_does_not_even_prove_that_the_message_arrived(shop: KnownShop) -> None:
    one = await sent(shop, state=DeliveryState.UNKNOWN)
    await one.hears(one.told("opened"))
    assert (await one.row())["state"] == "unknown"


async def test_with_consent_it_does(shop: KnownShop) -> None:
    one = await sent(shop, OPENS, state=DeliveryState.UNKNOWN)
    await one.hears(one.told("opened", human=False))
    assert (await one.row())["state"] == "sent"


async def test_a_consent_counts_from_when_it_was_given_until_it_is_withdrawn(shop: KnownShop) -> None:
    one = await sent(shop)
    await shop.hears(identify(person("jeanne", tracks(Purpose.OPEN_TRACKING, J0 + 2 * HOUR)), J0 + 2 * HOUR))
    await one.hears(one.told("opened", J0 + HOUR), at=J0 + 3 * HOUR)
    assert await shop.rows(NOTICES) == []
    await one.hears(one.told("opened", J0 + 3 * HOUR))
    assert len(await shop.rows(NOTICES)) == 1
    no = tracks(Purpose.OPEN_TRACKING, J0 + DAY, ConsentState.WITHDRAWN)
    await shop.hears(identify(person("jeanne", no), J0 + DAY))
    await one.hears(one.told("opened", J0 + 4 * HOUR), at=J0 + DAY)  # from before, of a message from before
    assert len(await shop.rows(NOTICES)) == 1


async def test_whoever_has_left_is_not_measured_any_more(shop: KnownShop) -> None:
    one = await sent(shop, CLICKS)
    await shop.hears(identify(person("jeanne", withdrawn(J0 + MINUTE)), J0 + MINUTE))
    assert (await one.hears(one.told("clicked"))).accepted == 0


async def test_the_consent_of_somebody_with_the_same_address_is_not_theirs(shop: KnownShop) -> None:
    one = await sent(shop)
    await shop.hears(identify(Person("twin", "jeanne@example.com", consents=(OPENS,))))
    await one.hears(one.told("opened"))
    assert await shop.rows(NOTICES) == []


async def test_a_program_is_stored_as_one_and_counts_for_nothing(shop: KnownShop) -> None:
    one = await sent(shop, OPENS, CLICKS)
    await one.hears(one.told("opened", human=False), one.told("clicked", human=False))
    assert [row["human"] for row in await shop.rows(NOTICES)] == [False, False]
    assert await shop.rows(EVENTS, type="Email Opened") == await shop.rows(EVENTS, type="Email Clicked") == []
    assert (await shop.row(CUSTOMERS))["last_open_on"] is None


async def test_a_click_in_the_second_of_the_hand_over_is_a_scanners(shop: KnownShop) -> None:
    one = await sent(shop, CLICKS)
    await one.hears(one.told("clicked", J0, human=None))
    assert (await shop.row(NOTICES))["human"] is False
    assert await shop.rows(EVENTS, type="Email Clicked") == []


async def test_of_the_last_open_the_day_is_kept_and_of_a_day_one_open(shop: KnownShop) -> None:
    one = await sent(shop, OPENS)
    later, earlier = one.told("opened", J0 + 2 * DAY), one.told("opened", J0 + HOUR)
    await one.hears(later, one.told("opened", J0 + 2 * DAY + MINUTE))
    await one.hears(earlier, at=J0 + 3 * DAY)
    assert (await shop.row(CUSTOMERS))["last_open_on"] == (J0 + 2 * DAY).date()
    assert len(await shop.rows(EVENTS, type="Email Opened")) == 2
    assert len(await shop.rows(NOTICES)) == 3


async def test_a_click_of_somebody_inactive_has_won_them_back(shop: KnownShop) -> None:
    year = 365 * DAY
    await shop.hears(identify(person("jeanne", granted(NOON - year), CLICKS)))
    idle = CUSTOMERS.update().values(last_activity_at=NOON - year)
    await shop.db.write(lambda connection: connection.execute(idle))
    await shop.sweep(NOON)
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, J0)
    await shop.hand_over(journey, at=J0)
    await shop.settle(journey, DeliveryState.SENT, at=J0)
    mark = (await shop.row(DELIVERIES))["key"].replace("/", ".") + "@shop.example"
    await hears(shop, told("clicked", J0 + HOUR, human=False, provider_message_id=mark))
    assert (await shop.journey())["status"] == "waiting"
    result = await hears(shop, told("clicked", J0 + HOUR, human=True, provider_message_id=mark))
    assert (await shop.journey())["outcome"] == "reengaged"
    assert [row.call for row in result.outbox] == ["stopped"]


async def test_an_open_wins_nobody_back(shop: KnownShop) -> None:
    one = await sent(shop, OPENS)
    kind = JOURNEYS.update().values(kind="inactive")
    await shop.db.write(lambda connection: connection.execute(kind))
    await one.hears(one.told("opened"))
    assert (await shop.journey())["status"] == "waiting"


async def test_of_somebody_erased_and_of_text_messages_nothing_is_known(shop: KnownShop) -> None:
    one = await sent(shop, OPENS, CLICKS)
    assert (await one.hears(one.told("clicked", channel=Channel.SMS))).ignored == 1
    await shop.hears(redact(person("jeanne"), J0 + MINUTE))
    assert (await one.hears(one.told("opened"), one.told("clicked"))).ignored == 2
