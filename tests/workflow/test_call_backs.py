"""Call-backs on a real Temporal: the step asks staff, and what the customer does next decides whether anybody calls."""

import asyncio
from typing import Any

from channels.base import Receipt
from channels.desk import Desk
from models.events import ConsentEntry
from models.message import Message
from models.vocabulary import Channel, ConsentState, Outcome, TaskState
from runtime import clock
from store.schema import DECISIONS, DELIVERIES
from store.tasks import CallBack, TaskSearch, list_tasks
from tests.trial import DAY, HOUR, Journey, Trial
from tests.workflow.conftest import Install

CALL, EMAIL = Channel.CALL, Channel.EMAIL
STEPS = """
name: cart
trigger: {kind: cart}
steps:
  - {name: reminder, at: J0, channel: email}
  - {name: call-back, at: J+1, channel: %s, when: {cart.value: {gte: 9000}}%s}
"""


async def staffed(install: Install, channels: str = "call", more: str = "", desk: Desk | None = None) -> Trial:
    trial = await install(STEPS % (channels, more))
    trial.others = {CALL: desk or Desk()}
    return trial


async def abandons(trial: Trial, *channels: Channel, **person: Any) -> Journey:
    """Have somebody leave a cart of 90.00 two hours ago, where it is noon now; people there may be called every day."""
    now = clock.now()
    agreed = tuple(ConsentEntry(one, "marketing", ConsentState.GRANTED, "form", now - DAY) for one in channels)
    where = {"country": "US", "timezone": f"Etc/GMT{now.hour - 12:+d}", "locale": "en-US"}
    given = {"phone": "+33612345678", "consents": agreed} | where | person
    return await trial.abandon(at=now - 2 * HOUR, **given)


async def listed(trial: Trial, journey: Journey, state: TaskState = TaskState.OPEN) -> list[CallBack]:
    return await trial.database.read(list_tasks, TaskSearch(state), await journey.now())


async def test_a_valued_cart_is_called_about_and_its_journey_leaves_the_call_to_staff(install: Install) -> None:
    trial = await staffed(install)
    async with trial.working():
        journey = await abandons(trial, EMAIL, CALL)
        await journey.passes(DAY + HOUR)
        await journey.ends()
    assert await journey.outcome() is Outcome.EXHAUSTED
    (delivery,) = [row for row in await trial.rows(DELIVERIES, journey.id) if row["channel"] == "call"]
    assert (delivery["state"], delivery["provider"], delivery["basis"]) == ("sent", "desk", "consent")
    (task,) = await listed(trial, journey)
    assert (task.first_name, task.phone, task.speaks) == ("Camille", "+33612345678", "en-US")
    assert task.briefing is not None
    assert task.briefing.splitlines()[:2] == [
        "Camille a laissé un panier chez Boutique\u00a0: 90,00\u00a0€.",  # staff reads the shop's language
        "- 2 × Vase bleu à 45,00\u00a0€",
    ]
    assert "reminder (e-mail)" in task.briefing


async def test_nobody_is_called_who_bought_after_the_last_step(install: Install) -> None:
    trial = await staffed(install)
    async with trial.working():
        journey = await abandons(trial, EMAIL, CALL)
        await journey.passes(DAY + HOUR)
        await journey.ends()
        assert len(await listed(trial, journey)) == 1
        await journey.buys()
    assert await listed(trial, journey) == []
    (moot,) = await listed(trial, journey, TaskState.MOOT)
    assert moot.standing.reason == "purchased"


async def test_a_small_cart_is_not_called_about(install: Install) -> None:
    trial = await install((STEPS % ("call", "")).replace("9000", "9001"))
    trial.others = {CALL: Desk()}
    async with trial.working():
        journey = await abandons(trial, EMAIL, CALL)
        await journey.passes(DAY + HOUR)
        await journey.ends()
    assert (await journey.decided())[-1] == ("call-back", "skipped", "when")
    assert await listed(trial, journey) == []


async def test_whoever_did_not_agree_to_calls_gets_the_mail_instead(install: Install) -> None:
    trial = await staffed(install, "[call, email]", ", template: cart/last-call")
    async with trial.working():
        journey = await abandons(trial, EMAIL)
        await journey.passes(DAY + HOUR)
        await journey.ends()
    rows = await trial.rows(DECISIONS, journey.id)
    assert [(row["channel"], row["verdict"], row["reason"]) for row in rows[1:]] == [
        ("call", "skipped", "no_lawful_basis"),
        ("email", "sent", "sent"),
    ]
    assert await listed(trial, journey) == []


class Stuck(Desk):
    """Does not answer the first time, as when a worker is killed in the middle."""

    def __init__(self) -> None:
        self.called = asyncio.Event()

    async def send(self, message: Message) -> Receipt:
        if not self.called.is_set():
            self.called.set()
            await asyncio.Event().wait()
        return await super().send(message)


async def test_a_call_whose_worker_died_meanwhile_is_on_the_list_once(install: Install) -> None:
    desk = Stuck()
    trial = await staffed(install, desk=desk)
    async with trial.working():
        journey = await abandons(trial, EMAIL, CALL)
        moving = asyncio.create_task(journey.passes(DAY + HOUR))
        await asyncio.wait_for(desk.called.wait(), 10)
    assert await journey.delivered() == [("reminder", "sent"), ("call-back", "handed")]
    async with trial.working():
        await moving
        await journey.ends()
    assert await journey.delivered() == [("reminder", "sent"), ("call-back", "sent")]
    assert len(await listed(trial, journey)) == 1
