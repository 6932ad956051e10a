"""Pressure and priority in the store: over all journeys of a person, and over everybody with the same address."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from models.events import Person
from models.policy import CartTrigger, Policy, Pressure
from models.question import Ruling
from models.step import Step
from models.vocabulary import Channel, DeliveryState, Outcome
from store import acts, ledger
from store.acts import ActName, By
from store.audit import audit
from store.db import Database
from store.schema import DECISIONS, JOURNEYS
from tests.builders import DAY, HOUR, NOON, checkout, granted, person, viewed
from tests.known_shop import INACTIVE, STEPS, KnownShop, known_shop

J0 = NOON + HOUR
EMAIL, SMS = Channel.EMAIL, Channel.SMS
TEXT = Step("text", 20 * DAY, 3 * DAY, (SMS,), "cart/text")
CAP = Pressure(messages=3, per=7 * DAY, gap=20 * HOUR)
SLOW = replace(INACTIVE, hash="", priority=30)
ROUNDS = 200


def carts(**changes: Any) -> Policy:
    return Policy("cart", CartTrigger(), (*STEPS, TEXT), **({"pressure": CAP} | changes))


async def selling(db: Database, cart: Policy | None = None, inactive: Policy = SLOW) -> KnownShop:
    return await known_shop(db, cart or carts(), inactive)


def account(number: int, name: str = "jeanne", phone: str | None = None) -> Person:
    """Return one of several accounts with one address."""
    who = person(name, granted(NOON - DAY), granted(NOON - DAY, SMS), phone=phone)
    return replace(who, external_id=f"{name}-{number}")


async def begun(shop: KnownShop, who: Person, cart: str, at: datetime = J0) -> str:
    """Let somebody leave a cart an hour before `at`, and begin its journey then."""
    await shop.hears(checkout(who, cart, at=at - HOUR))
    journey = str((await shop.journey(cart_token=cart))["id"])
    await shop.assess(journey, at)
    return journey


async def sent(shop: KnownShop, journey: str, step: str = "reminder", at: datetime = J0) -> Ruling:
    """Send as the activity does: read, ask the gate, read again when the facts have moved."""
    for _ in range(ROUNDS):
        ruling = await shop.hand_over(journey, step, at=at)
        if ruling is not None:
            return ruling
    raise AssertionError("the facts move for ever")


def answer(ruling: Ruling) -> tuple[str, str]:
    return ruling.verdict, ruling.reason


async def test_two_accounts_with_one_address_are_one_person(db: Database) -> None:
    shop = await selling(db)
    first, second = [await begun(shop, account(number), f"T{number}") for number in (1, 2)]
    assert answer(await sent(shop, first)) == ("sent", "sent")
    held = await sent(shop, second)
    assert (answer(held), held.until) == (("later", "pressure"), J0 + 20 * HOUR)
    assert answer(await sent(shop, second, at=J0 + 20 * HOUR)) == ("sent", "sent")


async def test_two_accounts_with_one_telephone_share_its_text_messages(db: Database) -> None:
    shop = await selling(db)
    first = await begun(shop, account(1, "jeanne", "+33612345678"), "T1")
    second = await begun(shop, account(1, "paul", "+33612345678"), "T2")
    assert answer(await sent(shop, first, "text")) == ("sent", "sent")
    assert answer(await sent(shop, second, "text")) == ("later", "pressure")


async def test_a_message_of_yesterday_counts_whichever_journey_sent_it_and_however_it_ended(db: Database) -> None:
    shop = await selling(db)
    journeys = [await begun(shop, account(number), f"T{number}") for number in range(5)]
    for number, journey in enumerate(journeys[:3]):
        assert answer(await sent(shop, journey, at=J0 + number * DAY)) == ("sent", "sent")
        await shop.close(journey, Outcome.EXHAUSTED, J0 + number * DAY)
    full = await sent(shop, journeys[3], at=J0 + 3 * DAY)
    assert (answer(full), full.until) == (("later", "pressure"), J0 + 7 * DAY)
    assert full.inputs["messages"] == 3
    assert answer(await sent(shop, journeys[4], at=J0 + 7 * DAY)) == ("sent", "sent")


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        (DeliveryState.SENT, True),
        (DeliveryState.UNKNOWN, True),
        (DeliveryState.RELEASED, False),
        (DeliveryState.REFUSED, False),
    ],
)
async def test_what_may_have_arrived_counts_and_what_was_refused_does_not(
    db: Database, state: DeliveryState, *, counts: bool
) -> None:
    shop = await selling(db)
    first, second = [await begun(shop, account(number), f"T{number}") for number in (1, 2)]
    await sent(shop, first)
    await shop.settle(first, state, at=J0, problem="so it was")
    assert ((await sent(shop, second)).reason == "pressure") == counts


async def test_a_channel_has_a_cap_of_its_own_and_counts_its_own_messages(db: Database) -> None:
    rare = Pressure(messages=1, per=30 * DAY, gap=20 * HOUR)
    shop = await selling(db, carts(caps={SMS: rare}))
    one, two, three = [await begun(shop, account(n, phone="+33612345678"), f"T{n}") for n in (1, 2, 3)]
    assert answer(await sent(shop, one)) == ("sent", "sent")
    assert answer(await sent(shop, one, "text")) == ("sent", "sent")  # an e-mail is no text message
    full = await sent(shop, two, "text", at=J0 + DAY)
    assert (answer(full), full.until) == (("later", "pressure"), J0 + 30 * DAY)
    assert answer(await sent(shop, two, at=J0 + DAY)) == ("sent", "sent")
    assert answer(await sent(shop, three, "text", at=J0 + 30 * DAY)) == ("sent", "sent")


async def both(shop: KnownShop) -> tuple[str, str]:
    """Let one person be inactive with one account and leave a cart with another; return cart and inactive journey."""
    sleeping = account(1)
    await shop.hears(viewed(sleeping, NOON - 200 * DAY), at=NOON - 200 * DAY)
    cart = await begun(shop, account(2), "T1")
    assert await shop.sweep(J0) == 1
    inactive = str((await shop.journey(kind="inactive"))["id"])
    await shop.assess(inactive, J0)
    return cart, inactive


async def decision(shop: KnownShop, journey: str) -> Mapping[str, Any]:
    return (await shop.rows(DECISIONS, journey_id=journey))[-1]


async def test_the_better_message_goes_and_the_other_waits_and_names_it(db: Database) -> None:
    shop = await selling(db)
    cart, inactive = await both(shop)
    held = await sent(shop, inactive)
    assert (answer(held), held.until) == (("later", "outranked"), J0 + 20 * HOUR)
    row = await decision(shop, inactive)
    assert row["verdict"] == "later"
    assert {name: row["inputs"][name] for name in ("journey", "policy", "priority")} == {
        "journey": cart,
        "policy": "cart",
        "priority": 50,
    }
    assert (await shop.journey(id=inactive))["next_action_at"] == J0 + 20 * HOUR
    assert answer(await sent(shop, cart)) == ("sent", "sent")
    assert answer(await sent(shop, inactive, at=J0 + 20 * HOUR)) == ("sent", "sent")
    assert await shop.db.read(audit) == []


async def test_among_equals_the_first_comes_first(db: Database) -> None:
    shop = await selling(db, inactive=replace(SLOW, hash="", priority=50))
    cart, inactive = await both(shop)
    assert answer(await sent(shop, inactive)) == ("sent", "sent")
    assert answer(await sent(shop, cart)) == ("later", "pressure")


async def test_the_better_message_is_held_up_by_nothing_but_pressure(db: Database) -> None:
    shop = await selling(db)
    cart, inactive = await both(shop)
    await sent(shop, inactive)
    assert answer(await sent(shop, cart)) == ("sent", "sent")


async def no_rival(shop: KnownShop, inactive: str, at: datetime = J0) -> None:
    assert answer(await sent(shop, inactive, at=at)) == ("sent", "sent")


async def test_a_paused_journey_outranks_nobody(db: Database) -> None:
    shop = await selling(db)
    cart, inactive = await both(shop)
    await shop.act(cart, ActName.PAUSE, J0)
    await no_rival(shop, inactive)


async def test_a_closed_journey_outranks_nobody(db: Database) -> None:
    shop = await selling(db)
    cart, inactive = await both(shop)
    await shop.act(cart, ActName.CANCEL, J0)
    await no_rival(shop, inactive)


async def test_a_journey_that_is_held_out_outranks_nobody(db: Database) -> None:
    shop = await selling(db, carts(holdout=1.0))
    _, inactive = await both(shop)
    await no_rival(shop, inactive)


async def test_a_message_that_is_long_overdue_outranks_nobody(db: Database) -> None:
    shop = await selling(db)
    _, inactive = await both(shop)
    await no_rival(shop, inactive, at=J0 + 20 * HOUR)


async def test_a_message_of_next_week_outranks_nobody(db: Database) -> None:
    shop = await selling(db)
    cart, inactive = await both(shop)
    await sent(shop, cart)
    await db.write(
        lambda connection: connection.execute(
            JOURNEYS.update().where(JOURNEYS.c.id == cart).values(step="social-proof", next_action_at=J0 + 3 * DAY)
        )
    )
    await no_rival(shop, inactive, at=J0 + DAY)


async def test_a_text_message_outranks_no_mail(db: Database) -> None:
    only = replace(TEXT, after=STEPS[0].after)
    shop = await selling(db, Policy("cart", CartTrigger(), (only,), pressure=CAP))
    _, inactive = await both(shop)
    await no_rival(shop, inactive)


async def test_a_step_that_moves_on_to_its_next_channel_still_outranks(db: Database) -> None:
    roads = Step("reminder", 0 * DAY, 3 * DAY, (SMS, EMAIL), "cart/reminder")
    shop = await selling(db, Policy("cart", CartTrigger(), (roads, STEPS[1]), pressure=CAP))
    cart, inactive = await both(shop)
    following = ("social-proof", J0 + 3 * DAY)
    intent = replace(await shop.intent(cart, at=J0), following=following)
    moved = await db.write(ledger.hand_over, intent, J0)
    assert moved is not None
    assert answer(moved) == ("skipped", "no_address")
    row = await shop.journey(id=cart)
    assert (row["step"], row["next_action_at"]) == ("reminder", J0)
    assert answer(await sent(shop, inactive)) == ("later", "outranked")


async def test_the_hold_of_each_channel_is_recorded(db: Database) -> None:
    roads = Step("reminder", 0 * DAY, 3 * DAY, (SMS, EMAIL), "cart/reminder")
    shop = await selling(db, Policy("cart", CartTrigger(), (roads,), pressure=CAP))
    journey = await begun(shop, account(1, phone="+33612345678"), "T1")
    await db.write(acts.pause_all, "all", By("ops", None, J0))
    for channel in (SMS, EMAIL, EMAIL):
        await shop.hand_over(journey, at=J0, channel=channel)
    decided = [(row["channel"], row["reason"]) for row in await shop.rows(DECISIONS)]
    assert decided == [("sms", "kill_switch"), ("email", "kill_switch")]
