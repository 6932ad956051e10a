"""Call-backs in the store: made with the hand-over, never open after a stop, closed once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from models.calendar import QuietHours
from models.callback import Standing
from models.vocabulary import CallResult, Channel, DeliveryState, Outcome, Reason, TaskState
from store import acts, tasks
from store.acts import ActName, By
from store.audit import audit
from store.db import ConflictError, Database, NotFoundError
from store.schema import CONSENTS, CUSTOMERS, DELIVERIES, SUPPRESSIONS, TASKS
from store.tasks import CallBack, TaskSearch
from tests.builders import DAY, HOUR, checkout, identify, order, redact, withdrawn
from tests.called_back import CALLS, FAUTEUIL, J0, PHONE, asked, quiet, willing
from tests.known_shop import KnownShop, known_shop

LATER = J0 + HOUR
CALL = Channel.CALL
Stop = Callable[[KnownShop, str], Awaitable[object]]


@pytest.fixture
async def shop(db: Database) -> KnownShop:
    return await known_shop(db, cart=CALLS)


async def listed(shop: KnownShop, state: TaskState | None = TaskState.OPEN, at: datetime = LATER) -> list[CallBack]:
    return await shop.db.read(tasks.list_tasks, TaskSearch(state), at)


async def only(shop: KnownShop, at: datetime = LATER) -> CallBack:
    (found,) = await listed(shop, None, at)
    return found


async def close(shop: KnownShop, result: CallResult, note: str | None = None, actor: str = "lea") -> int:
    """Close the one task, and return how many journeys that ended."""
    task = await shop.row(TASKS)
    return len(await shop.db.write(tasks.close_task, task["id"], result, note, By(actor, None, LATER)))


async def test_a_call_back_is_on_the_list_with_its_hand_over_and_says_whom_to_call(shop: KnownShop) -> None:
    journey = await asked(shop)
    (found,) = await listed(shop)
    delivery = await shop.row(DELIVERIES)
    assert (delivery["channel"], delivery["state"], delivery["basis"]) == ("call", "handed", "consent")
    assert (found.task.journey_id, found.task.delivery_id) == (journey, delivery["id"])
    assert (found.first_name, found.phone, found.value, found.currency) == ("Jeanne", PHONE, 89000, "EUR")
    assert (found.policy, found.task.step, found.briefing) == ("cart", "call-back", "Bonjour")
    assert (found.task.created_at, found.until) == (J0, J0 + 3 * DAY)
    assert (found.standing.state, found.standing.until) == (TaskState.OPEN, None)
    assert await shop.db.read(audit) == []


async def test_a_call_back_that_the_gate_refuses_is_on_no_list(shop: KnownShop) -> None:
    await shop.hears(checkout(replace(willing(), consents=()), "T1", [FAUTEUIL], at=J0 - HOUR))
    journey = (await shop.journey())["id"]
    await shop.assess(journey, J0)
    ruling = await shop.hand_over(journey, "call-back", at=J0)
    assert ruling is not None
    assert ruling.reason == "no_lawful_basis"
    assert await shop.rows(TASKS) == []


async def test_a_purchase_of_similar_products_allows_messages_but_no_call(shop: KnownShop) -> None:
    nobody = replace(willing(), consents=())
    await shop.hears(order(nobody, at=J0 - 9 * DAY))
    await shop.hears(checkout(nobody, "T1", [FAUTEUIL], at=J0 - HOUR))
    journey = (await shop.journey())["id"]
    await shop.assess(journey, J0)
    ruling = await shop.hand_over(journey, "call-back", at=J0)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == ("skipped", "no_lawful_basis")  # the reminder by e-mail is lawful


async def test_a_second_hand_over_of_the_same_step_asks_nobody_twice(shop: KnownShop) -> None:
    journey = await asked(shop)
    await shop.settle(journey, DeliveryState.RELEASED, at=J0, problem="never happens")
    again = await shop.hand_over(journey, "call-back", at=LATER)
    assert again is not None
    assert (again.verdict, len(await shop.rows(TASKS))) == ("sent", 1)


async def buys(shop: KnownShop, journey: str) -> None:
    await shop.hears(order(willing(), at=LATER))


async def another_account_buys(shop: KnownShop, journey: str) -> None:
    twin = replace(willing(), email="other@example.com", external_id="twin", consents=())
    await shop.hears(order(twin, at=LATER))


async def objects_to_calls(shop: KnownShop, journey: str) -> None:
    await shop.opt_out("jeanne@example.com", LATER, [CALL])


async def withdraws_the_consent(shop: KnownShop, journey: str) -> None:
    await shop.hears(identify(replace(willing(), consents=(withdrawn(LATER, CALL),)), LATER))


async def is_erased(shop: KnownShop, journey: str) -> None:
    await shop.hears(redact(willing(), LATER))


async def empties_the_cart(shop: KnownShop, journey: str) -> None:
    await shop.hears(checkout(willing(), "T1", [], at=LATER))


async def is_cancelled(shop: KnownShop, journey: str) -> None:
    await shop.act(journey, ActName.CANCEL, LATER)


async def objects_to_mail(shop: KnownShop, journey: str) -> None:
    await shop.opt_out("jeanne@example.com", LATER, [Channel.EMAIL])


STOPS: dict[str, tuple[Stop, str]] = {
    "a purchase": (buys, "purchased"),
    "a purchase under another account": (another_account_buys, "purchased"),
    "an objection to calls": (objects_to_calls, "opted_out"),
    "a withdrawn consent": (withdraws_the_consent, "opted_out"),
    "an erasure": (is_erased, "erased"),
    "an emptied cart": (empties_the_cart, "cart_emptied"),
}
ENDINGS = {"staff cancels": is_cancelled, "an objection to e-mail": objects_to_mail}


@pytest.mark.parametrize("stop", [*STOPS, *ENDINGS])
async def test_nobody_calls_after_a_stop_of_the_journey(shop: KnownShop, stop: str) -> None:
    journey = await asked(shop)
    happens = STOPS[stop][0] if stop in STOPS else ENDINGS[stop]
    await happens(shop, journey)
    assert await listed(shop) == []
    found = await only(shop)
    assert (found.standing.state, found.standing.reason) == (TaskState.MOOT, "journey_closed")
    assert (await shop.row(TASKS))["closed_at"] is None


@pytest.mark.parametrize("stop", STOPS)
async def test_nobody_calls_after_a_stop_although_the_journey_was_done_with_its_steps(
    shop: KnownShop, stop: str
) -> None:
    journey = await asked(shop)
    await shop.close(journey, Outcome.EXHAUSTED, J0)
    assert len(await listed(shop)) == 1
    happens, reason = STOPS[stop]
    await happens(shop, journey)
    assert await listed(shop) == []
    assert (await only(shop)).standing == Standing(TaskState.MOOT, Reason(reason))


async def test_an_objection_to_mail_after_the_last_step_leaves_the_call(shop: KnownShop) -> None:
    journey = await asked(shop)
    await shop.close(journey, Outcome.EXHAUSTED, J0)
    await objects_to_mail(shop, journey)
    assert len(await listed(shop)) == 1


async def test_an_erased_customer_leaves_a_task_without_a_name(shop: KnownShop) -> None:
    await asked(shop)
    await is_erased(shop, "")
    found = await only(shop)
    assert (found.first_name, found.phone, found.speaks, found.value) == (None, None, None, None)
    assert found.briefing is None


async def test_a_call_waits_while_staff_holds_the_journey_or_the_operator_the_channel(shop: KnownShop) -> None:
    journey = await asked(shop)
    await shop.act(journey, ActName.PAUSE, LATER)
    assert (await listed(shop))[0].standing.reason == "paused"
    await shop.act(journey, ActName.RESUME, LATER)
    await shop.db.write(acts.pause_all, "call", By("ops", None, LATER))
    assert (await listed(shop))[0].standing.reason == "kill_switch"
    await shop.db.write(acts.resume_all, "call", By("ops", None, LATER))
    assert (await listed(shop))[0].standing.reason is None


async def test_a_call_waits_for_the_end_of_quiet_hours(db: Database) -> None:
    shop = await known_shop(db, cart=quiet(QuietHours(time(14, 30), time(18))))
    await asked(shop)
    (found,) = await listed(shop)
    assert (found.standing.reason, found.standing.until) == ("quiet_hours", J0 + 4 * HOUR)
    assert (await listed(shop, at=J0 + 4 * HOUR))[0].standing.until is None


async def test_a_call_waits_for_the_break_that_the_customer_asked_for(shop: KnownShop) -> None:
    await asked(shop)
    await shop.db.write(lambda connection: connection.execute(CUSTOMERS.update().values(snoozed_until=J0 + 30 * DAY)))
    (found,) = await listed(shop)
    assert (found.standing.reason, found.standing.until) == ("snoozed", J0 + 30 * DAY)


@pytest.mark.parametrize("result", [CallResult.REACHED, CallResult.NO_ANSWER, CallResult.OTHER])
async def test_a_task_is_closed_with_its_result_and_changes_nothing_else(shop: KnownShop, result: CallResult) -> None:
    await asked(shop)
    assert await close(shop, result, "rappeler lundi") == 0
    assert await listed(shop) == []
    (found,) = await listed(shop, TaskState.CLOSED)
    task = found.task
    assert (task.result, task.closed_by, task.note, task.closed_at) == (result, "lea", "rappeler lundi", LATER)
    assert (await shop.journey())["outcome"] is None
    assert await shop.rows(SUPPRESSIONS) == []


async def test_whoever_declines_has_objected_to_calls_and_to_this_journey(shop: KnownShop) -> None:
    await asked(shop)
    assert await close(shop, CallResult.DECLINED) == 1
    assert (await shop.journey())["outcome"] == "opted_out"
    (closed,) = await shop.rows(SUPPRESSIONS)
    assert (closed["channel"], closed["address"], closed["reason"]) == ("call", PHONE, "objection")
    word = (await shop.rows(CONSENTS))[-1]
    assert (word["channel"], word["state"], word["source"]) == ("call", "withdrawn", "lea")
    assert (await only(shop)).standing.state is TaskState.CLOSED
    assert await shop.db.read(audit) == []


async def test_whoever_declined_is_asked_for_no_second_call(shop: KnownShop) -> None:
    await asked(shop)
    await close(shop, CallResult.DECLINED)
    await shop.hears(checkout(replace(willing(), consents=()), "T2", [FAUTEUIL], at=J0 + 9 * DAY))
    journey = (await shop.journey(cart_token="T2"))["id"]
    await shop.assess(journey, J0 + 9 * DAY + HOUR)
    ruling = await shop.hand_over(journey, "call-back", at=J0 + 9 * DAY + HOUR)
    assert ruling is not None
    assert (ruling.verdict, ruling.reason) == ("skipped", "opted_out")
    assert len(await shop.rows(TASKS)) == 1


async def test_the_same_act_twice_counts_once_and_another_one_is_a_conflict(shop: KnownShop) -> None:
    await asked(shop)
    await close(shop, CallResult.DECLINED, "non merci")
    assert await close(shop, CallResult.DECLINED, "non merci") == 0
    assert len(await shop.rows(SUPPRESSIONS)) == 1
    for result, note, actor in ((CallResult.REACHED, "non merci", "lea"), (CallResult.DECLINED, "non merci", "noé")):
        with pytest.raises(ConflictError):
            await close(shop, result, note, actor)


@pytest.mark.parametrize("erased", [False, True])
async def test_of_several_colleagues_who_close_it_at_once_one_does(shop: KnownShop, *, erased: bool) -> None:
    await asked(shop)
    if erased:  # then there is no customer left to lock
        await is_erased(shop, "")
    names = ("lea", "noé", "zoé", "léo", "ana", "tom")
    done = await asyncio.gather(
        *(close(shop, CallResult.NO_ANSWER, None, name) for name in names), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["ConflictError"] * 5 + ["int"]
    assert (await shop.row(TASKS))["closed_by"] == names[[type(one) for one in done].index(int)]


async def test_a_call_that_was_made_just_before_a_stop_can_still_be_closed(shop: KnownShop) -> None:
    await asked(shop)
    await buys(shop, "")
    await close(shop, CallResult.REACHED)
    assert [one.task.result for one in await listed(shop, TaskState.CLOSED)] == ["reached"]


async def test_a_note_about_an_erased_customer_is_not_kept(shop: KnownShop) -> None:
    await asked(shop)
    await is_erased(shop, "")
    await close(shop, CallResult.DECLINED, "habite à Brest")
    task = await shop.row(TASKS)
    assert (task["result"], task["note"]) == ("declined", None)


async def test_an_unknown_task_is_not_found(shop: KnownShop) -> None:
    with pytest.raises(NotFoundError):
        await shop.db.write(tasks.close_task, "nothing", CallResult.REACHED, None, By("lea", None, J0))
    with pytest.raises(NotFoundError):
        await shop.db.read(tasks.load_task, "nothing", J0)


async def test_pages_of_open_tasks_pass_over_what_is_moot(shop: KnownShop) -> None:
    for number in range(7):
        await asked(shop, willing(f"p{number}", phone=f"+3361234560{number}"), f"T{number}")
    for number in (0, 2, 3):
        await shop.close((await shop.journey(cart_token=f"T{number}"))["id"], Outcome.EXHAUSTED, J0)
        await shop.hears(order(willing(f"p{number}", phone=f"+3361234560{number}"), f"O{number}", at=LATER))
    first = await shop.db.read(tasks.list_tasks, TaskSearch(TaskState.OPEN, None, 2), LATER)
    rest = await shop.db.read(tasks.list_tasks, TaskSearch(TaskState.OPEN, first[-1].task.id, 5), LATER)
    assert [one.first_name for one in [*first, *rest]] == ["P1", "P4", "P5", "P6"]
    moot = await shop.db.read(tasks.list_tasks, TaskSearch(TaskState.MOOT, None, 2), LATER)
    assert [one.first_name for one in moot] == ["P3", "P2"]


async def test_a_task_lives_on_its_customers_clock(shop: KnownShop) -> None:
    journey = await asked(shop)
    ahead = timedelta(days=2)
    await shop.db.write(lambda connection: connection.execute(CUSTOMERS.update().values(clock_s=2 * 86400)))
    await shop.act(journey, ActName.PAUSE, LATER)
    (found,) = await listed(shop)
    assert found.standing.until is not None
    assert found.standing.until - LATER > ahead
    await close(shop, CallResult.REACHED)
    assert (await shop.row(TASKS))["closed_at"] == LATER + ahead
