"""Behaviour as rules see it when a step is decided: what a session tool told, and who went unanswered."""

from dataclasses import replace
from datetime import timedelta

import pytest

from models.events import Event, EventType, Person, content_key
from models.operators import Op
from models.rules import Comparison, Rule
from models.stored import Json
from models.vocabulary import DeliveryState, Reason, Verdict
from store.db import Database
from store.situations import load_situation
from tests.builders import DAY, HOUR, LAMP, MINUTE, NOON, checkout, event, granted, line, person, viewed
from tests.known_shop import CART, KnownShop, known_shop

JEANNE = person("jeanne", granted(NOON - 30 * DAY))
J0 = NOON + HOUR


def seen(who: Person, at: timedelta, type_: EventType = EventType.CART_VIEWED, **properties: float) -> Event:
    """Something of which a session tool tells more, at so long before the cart was left."""
    plain = event(type_, who, NOON - at)
    return replace(plain, key=content_key(plain.key, properties), properties=properties)


def looked(product: str, at: timedelta, seconds: float) -> Event:
    plain = viewed(JEANNE, NOON - at, product)
    return replace(plain, key=content_key(plain.key, seconds), properties={"time_on_page_s": seconds})


async def asking(db: Database, rule: Rule) -> KnownShop:
    """Make a shop whose reminder goes to whom a rule fits."""
    first, *others = CART.steps
    return await known_shop(db, replace(CART, hash="", steps=(replace(first, when=rule), *others)))


def leaves(inputs: dict[str, Json]) -> list[dict[str, Json]]:
    """Return every comparison that a decision keeps."""
    lists = [value for value in inputs.values() if isinstance(value, list)]
    return [leaf for one in lists for leaf in one if isinstance(leaf, dict) and "field" in leaf]


HESITATES = Comparison("behaviour.hesitation", Op.GTE, 0.5)


@pytest.mark.parametrize(("score", "verdict"), [(0.7, Verdict.SENT), (0.3, Verdict.SKIPPED), (None, Verdict.SKIPPED)])
async def test_a_step_may_be_for_those_who_hesitate(db: Database, score: float | None, verdict: Verdict) -> None:
    shop = await asking(db, HESITATES)
    watched = seen(JEANNE, MINUTE) if score is None else seen(JEANNE, MINUTE, hesitation=score)
    await shop.hears(watched, checkout(JEANNE))
    journey = (await shop.journey())["id"]
    await shop.assess(journey, J0)
    ruling = await shop.hand_over(journey, at=J0)
    assert ruling is not None
    assert ruling.verdict is verdict
    if verdict is Verdict.SKIPPED:
        assert ruling.reason is Reason.WHEN
        (leaf,) = leaves(ruling.inputs)
        assert (leaf["field"], leaf["expected"], leaf["actual"]) == ("behaviour.hesitation", 0.5, score)


async def test_signals_are_of_the_seven_days_before_the_cart_was_left_and_of_what_is_not_in_it(db: Database) -> None:
    shop = await asking(db, HESITATES)
    paul = replace(JEANNE, external_id="paul", first_name="Paul")  # at the same address
    await shop.hears(
        seen(JEANNE, 8 * DAY, hesitation=1.0, erratic_clicks=100),
        seen(JEANNE, 6 * DAY, hesitation=0.6, erratic_clicks=4),
        seen(JEANNE, MINUTE, hesitation=0.4, erratic_clicks=5),
        seen(paul, MINUTE, hesitation=0.9, erratic_clicks=50),
        looked("lamp", HOUR, 300),
        looked("chair", HOUR, 40.5),
        checkout(JEANNE, lines=[LAMP]),
    )
    found = await db.read(load_situation, (await shop.journey())["id"], "reminder", J0)
    assert found is not None
    signals = found.signals
    assert (signals.time_on_page_s, signals.hesitation, signals.erratic_clicks) == (40.5, 0.6, 9)


async def test_nothing_is_looked_up_for_a_policy_that_does_not_ask(shop: KnownShop) -> None:
    await shop.hears(seen(JEANNE, MINUTE, hesitation=0.9), checkout(JEANNE))
    journey = (await shop.journey())["id"]
    unasked = await shop.db.read(load_situation, journey, "reminder", J0)
    before = await shop.db.read(load_situation, journey, None, J0)
    assert unasked is not None
    assert before is not None
    assert (unasked.signals.hesitation, before.signals.hesitation) == (None, 0.9)


async def test_a_policy_may_be_for_those_who_did_not_answer_and_for_the_last_pieces(db: Database) -> None:
    unanswered = await asking(db, Comparison("customer.unanswered", Op.LT, 1))
    await unanswered.hears(checkout(JEANNE, lines=[line("lamp"), replace(line("chair"), stock=2)]))
    journey = (await unanswered.journey())["id"]
    await unanswered.assess(journey, J0)
    assert (await unanswered.hand_over(journey, at=J0)).verdict is Verdict.SENT  # type: ignore[union-attr]
    await unanswered.settle(journey, DeliveryState.SENT, at=J0)
    later = await db.read(load_situation, journey, "social-proof", J0 + 3 * DAY)
    assert later is not None
    assert [one.at for one in later.handed] == [J0]
    assert later.stock == {"lamp": None, "chair": 2}
