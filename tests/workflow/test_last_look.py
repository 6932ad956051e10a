from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from activities import looking
from channels.memory import Memory
from models.events import Event, EventType, OrderFacts, OrderStatus
from models.vocabulary import Channel, Outcome
from runtime import clock
from store.acts import ActName, By, pause_all, resume_all
from store.schema import DECISIONS
from storefronts.base import Account, StorefrontAway
from storefronts.magento_api import MagentoApi
from tests.contract.shop_api_rig import KEY
from tests.looked_shop import LookedShop
from tests.magento_double import MagentoDouble
from tests.shop_double import Mood, ShopOrder
from tests.temporal_env import events_of
from tests.trial import DAY, HOUR, SHOP, Journey, Trial
from tests.workflow.conftest import Install
from tests.workflow.test_races import Interrupted

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HELD = ("reminder", "later", "storefront_away")
SENT = ("reminder", "sent", "sent")
STEPS = """\
name: cart
trigger: {kind: cart}
steps:
  - {name: reminder, at: J0, channel: email, window: 2h}
  - {name: social-proof, at: J+1, channel: email}
"""


@pytest.fixture
def api() -> LookedShop:
    return LookedShop()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours pass in a moment here: what counts for a minute of the wall clock would count for days."""
    monkeypatch.setattr(looking, "KEPT_S", 0.0)
    monkeypatch.setattr(looking, "REST_S", 0.0)


@pytest.fixture
async def looked_at_rest(install: Install, api: LookedShop) -> Trial:
    """An installation whose storefront can be asked."""
    trial = await install(STEPS)
    trial.apis = {SHOP.id: api}
    return trial


@pytest.fixture
async def looked(looked_at_rest: Trial) -> AsyncIterator[Trial]:
    """The same, with a worker."""
    async with looked_at_rest.working():
        yield looked_at_rest


def away() -> Exception:
    return StorefrontAway("magento answered 503")


def lost(journey: Journey) -> Event:
    """An order of which no webhook told."""
    facts = OrderFacts(f"o-{journey.id}", OrderStatus.PAID, cart_tokens=(journey.cart,), currency="EUR", value=9000)
    who = replace(journey.who, consents=())
    return Event(f"lost-{journey.id}", EventType.ORDER_COMPLETED, "", clock.now(), who, order=facts)


async def inputs(journey: Journey, reason: str) -> dict[str, object]:
    """Return what the first decision for a reason rests on."""
    rows = await journey.trial.rows(DECISIONS, journey.id)
    return dict(next(row["inputs"] for row in rows if row["reason"] == reason))


async def test_a_lost_order_is_found_just_before_the_mail_and_nothing_is_handed_over(
    looked: Trial, api: LookedShop
) -> None:
    journey = await looked.abandon()
    await journey.passes(HOUR / 2)
    api.orders = [lost(journey)]
    await journey.passes(HOUR)
    await journey.ends()
    assert await journey.outcome() is Outcome.PURCHASED
    assert await journey.delivered() == []
    assert looked.memory.attempts == []
    assert len(api.asked) == 1


async def test_a_lost_order_is_found_by_http_just_before_the_mail(install: Install) -> None:
    trial = await install(STEPS)
    async with MagentoDouble() as double:
        magento = MagentoApi(Account(double.url, KEY))
        trial.apis = {SHOP.id: magento}
        async with trial.working():
            double.mood = Mood.GATEWAY
            journey = await trial.abandon()
            await journey.passes(HOUR + 10 * MINUTE)
            assert await journey.decided() == [HELD]
            now = clock.now()
            double.put(ShopOrder(1, now, now, email=journey.who.email))
            double.mood = Mood.FINE
            await journey.passes(2 * MINUTE)
            await journey.ends()
        await magento.aclose()
    assert await journey.outcome() is Outcome.PURCHASED
    assert trial.memory.attempts == []
    assert (await inputs(journey, "storefront_away"))["problem"] == "magento answered 502"


async def test_a_storefront_that_says_there_is_no_order_lets_the_mail_go_and_the_decision_says_so(
    looked: Trial, api: LookedShop
) -> None:
    journey = await looked.abandon()
    await journey.passes(2 * HOUR)
    assert await journey.decided() == [SENT]
    kept = await inputs(journey, "sent")
    assert kept["storefront"] == "magento"
    assert clock.now() - timedelta(minutes=2) < datetime.fromisoformat(str(kept["looked_at"])) <= clock.now()
    assert "problem" not in kept


async def test_a_storefront_that_is_away_holds_the_mail_until_it_is_back(looked: Trial, api: LookedShop) -> None:
    api.problem = away
    journey = await looked.abandon()
    await journey.passes(2 * HOUR)
    assert await journey.decided() == [HELD]
    kept = await inputs(journey, "storefront_away")
    assert (kept["storefront"], kept["problem"]) == ("magento", "magento answered 503")
    asked = len(api.asked)
    assert 6 <= asked <= 12  # after a minute, two, four, eight, then every ten
    api.problem = None
    await journey.passes(11 * MINUTE)
    assert await journey.decided() == [HELD, SENT]
    assert len(looked.memory.messages) == 1


async def test_an_order_while_the_storefront_was_away_is_found_when_it_is_back(looked: Trial, api: LookedShop) -> None:
    api.problem = away
    journey = await looked.abandon()
    await journey.passes(HOUR + 10 * MINUTE)
    api.orders, api.problem = [lost(journey)], None
    await journey.passes(11 * MINUTE)
    await journey.ends()
    assert await journey.outcome() is Outcome.PURCHASED
    assert looked.memory.attempts == []


async def test_a_storefront_that_stays_away_costs_the_step_its_window_and_the_next_one_asks_again(
    looked: Trial, api: LookedShop
) -> None:
    api.problem = away
    journey = await looked.abandon()
    await journey.passes(4 * HOUR)
    assert await journey.decided() == [HELD, ("reminder", "skipped", "window_ended")]
    api.problem = None
    await journey.passes(DAY)
    assert (await journey.decided())[-1] == ("social-proof", "sent", "sent")
    assert [message.key.split("/")[1] for message in looked.memory.messages] == ["social-proof"]


async def test_a_policy_may_let_the_mail_go_without_the_storefronts_answer(install: Install, api: LookedShop) -> None:
    trial = await install(STEPS + "last_look: go\n")
    trial.apis, api.problem = {SHOP.id: api}, away
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(2 * HOUR)
    assert await journey.decided() == [SENT]
    assert (await inputs(journey, "sent"))["problem"] == "magento answered 503"


async def test_garbage_is_no_answer_and_breaks_nothing(looked: Trial, api: LookedShop) -> None:
    api.garbage = [{"order": "jeanne@example.org"}]
    journey = await looked.abandon()
    await journey.passes(HOUR + 10 * MINUTE)
    assert await journey.decided() == [HELD]
    history, _ = await events_of(journey.handle)
    assert "example.org" not in history.to_json()


async def test_two_channels_of_one_step_ask_once(
    install: Install, api: LookedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "KEPT_S", 60.0)
    trial = await install(STEPS.replace("channel: email, window", "channel: {all: [email, push]}, window"))
    trial.apis, trial.others = {SHOP.id: api}, {Channel.PUSH: Memory(Channel.PUSH)}
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(2 * HOUR)
    assert await journey.decided() == [SENT, ("reminder", "skipped", "no_address")]
    assert len(api.asked) == 1


async def test_nobody_is_asked_about_who_gets_no_mail_anyway(install: Install, api: LookedShop) -> None:
    trial = await install(STEPS + "holdout: 100%\n")
    trial.apis = {SHOP.id: api}
    async with trial.working():
        held_out = await trial.abandon()
        await held_out.passes(2 * HOUR)
        unwilling = await trial.abandon(consent=False)
        await unwilling.passes(2 * HOUR)
    assert (await held_out.decided())[0] == ("reminder", "skipped", "holdout")
    assert api.asked == []


async def test_a_pause_holds_the_mail_without_a_question(looked: Trial, api: LookedShop) -> None:
    journey = await looked.abandon()
    await journey.staff(ActName.PAUSE)
    await journey.passes(2 * HOUR)
    assert api.asked == []


async def test_a_switch_that_is_released_just_before_the_hand_over_sends_nothing_that_was_not_looked_at(
    looked_at_rest: Trial, api: LookedShop
) -> None:
    trial, by = looked_at_rest, By("ops", None, clock.now())

    async def releases() -> None:
        await trial.database.write(resume_all, None, by)

    await trial.database.write(pause_all, "all", by)
    trial.installation = replace(trial.installation, db=Interrupted(trial.database, "before", releases))
    async with trial.working():
        journey = await trial.abandon()
        await journey.passes(HOUR + 30 * SECOND)
        assert await journey.decided() == [HELD]
        assert (await inputs(journey, "storefront_away"))["looked_at"] is None
        assert api.asked == []
        await journey.passes(2 * MINUTE)
    assert await journey.decided() == [HELD, SENT]
    assert len(api.asked) == 1
