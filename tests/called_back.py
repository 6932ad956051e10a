"""A policy whose first step is a call-back, and customers who agreed to be called."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from models.calendar import QuietHours
from models.events import Person
from models.policy import CartTrigger, Policy
from models.vocabulary import Channel
from tests.builders import DAY, HOUR, NOON, checkout, granted, line, person
from tests.known_shop import KnownShop, step

J0 = NOON + HOUR  # two o'clock in Paris, when people may be called
PHONE = "+33612345678"
FAUTEUIL = line("fauteuil", 89000)
CALL_BACK = step("call-back", 0, Channel.CALL)
CALLS = Policy("cart", CartTrigger(), (CALL_BACK, step("reminder", 3)))


def quiet(hours: QuietHours) -> Policy:
    """Return the policy with quiet hours for calls."""
    return replace(CALLS, hash="", quiet_hours={Channel.CALL: hours})


def willing(name: str = "jeanne", *, at: datetime = NOON, phone: str = PHONE, **changes: Any) -> Person:
    """Return somebody who agreed to e-mails and to calls before."""
    words = (granted(at - DAY), granted(at - DAY, Channel.CALL))
    return replace(person(name, *words, phone=phone), **changes)


async def asked(shop: KnownShop, who: Person | None = None, cart: str = "T1", at: datetime = J0) -> str:
    """Let somebody leave a cart, have staff asked to call them an hour later, and return the journey."""
    await shop.hears(checkout(who or willing(), cart, [FAUTEUIL], at=at - HOUR))
    journey = str((await shop.journey(cart_token=cart))["id"])
    await shop.assess(journey, at)
    ruling = await shop.hand_over(journey, "call-back", at=at)
    assert ruling is not None
    assert ruling.verdict == "sent", ruling
    return journey
