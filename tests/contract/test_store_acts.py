import pytest

from models.events import Person
from models.vocabulary import Channel, Outcome
from store import acts
from store.acts import ActName, By
from store.db import ConflictError, NotFoundError
from store.schema import ACTS, CONSENTS, CUSTOMERS, JOURNEYS, OUTBOX, SUPPRESSIONS, SWITCHES
from store.situations import load_situation, switched_off
from tests.builders import DAY, HOUR, MINUTE, NOON, checkout, identify, person
from tests.known_shop import SHOP, KnownShop

JEANNE = person("jeanne")
PHONE = "+33612345678"


async def begun(shop: KnownShop) -> str:
    """Begin a journey at its J0, one hour after noon, and return its id."""
    await shop.hears(checkout(JEANNE))
    journey = str((await shop.journey())["id"])
    await shop.assess(journey, NOON + HOUR)
    return journey


async def test_a_cancel_closes_the_journey_and_names_who_and_why(shop: KnownShop) -> None:
    journey = await begun(shop)
    told = await shop.act(journey, ActName.CANCEL, NOON + 2 * HOUR, "asked on the phone")
    row, act = await shop.journey(), await shop.row(ACTS)
    assert (row["outcome"], row["closed_at"]) == ("cancelled", NOON + 2 * HOUR)
    assert (act["actor"], act["act"], act["reason"], act["journey_id"]) == (
        "support",
        "cancel",
        "asked on the phone",
        journey,
    )
    assert act["seq"] == row["closed_seq"] == (await shop.row(CUSTOMERS))["seq"]
    assert [one.call for one in told] == ["cancel"]
    assert (await shop.rows(OUTBOX))[-1]["id"] == told[0].id


async def test_a_pause_shifts_what_is_left_by_its_length(shop: KnownShop) -> None:
    journey = await begun(shop)
    await shop.act(journey, ActName.PAUSE, NOON + 2 * HOUR)
    paused = await shop.journey()
    assert (paused["status"], paused["paused_at"]) == ("paused", NOON + 2 * HOUR)
    told = await shop.act(journey, ActName.RESUME, NOON + 5 * HOUR)
    resumed = await shop.journey()
    assert (resumed["status"], resumed["paused_at"], resumed["paused_s"]) == ("waiting", None, 3 * 3600)
    assert resumed["next_action_at"] - paused["next_action_at"] == 3 * HOUR
    assert [one.call for one in told] == ["resume"]


async def test_a_pause_before_j0_shifts_nothing_because_nothing_has_begun(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    journey = (await shop.journey())["id"]
    await shop.act(journey, ActName.PAUSE, NOON + MINUTE)
    assert (await shop.assess(journey, NOON + HOUR)).paused_at == NOON + MINUTE
    await shop.act(journey, ActName.RESUME, NOON + DAY)
    assert (await shop.journey())["paused_s"] == 0


async def test_what_is_paused_can_be_cancelled(shop: KnownShop) -> None:
    journey = await begun(shop)
    await shop.act(journey, ActName.PAUSE, NOON + 2 * HOUR)
    await shop.act(journey, ActName.CANCEL, NOON + 3 * HOUR)
    assert (await shop.journey())["outcome"] == "cancelled"


async def test_an_unknown_journey_cannot_be_acted_on(shop: KnownShop) -> None:
    with pytest.raises(NotFoundError, match="there is no journey 'nothing'"):
        await shop.act("nothing", ActName.CANCEL, NOON)


@pytest.mark.parametrize("name", list(ActName)[:4])
async def test_a_closed_journey_cannot_be_acted_on(shop: KnownShop, name: ActName) -> None:
    journey = await begun(shop)
    await shop.close(journey, Outcome.EXHAUSTED, NOON + DAY)
    with pytest.raises(ConflictError, match="closed"):
        await shop.act(journey, name, NOON + DAY)
    assert await shop.rows(ACTS) == []


async def test_a_journey_is_paused_once_and_resumed_once(shop: KnownShop) -> None:
    journey = await begun(shop)
    with pytest.raises(ConflictError, match="not paused"):
        await shop.act(journey, ActName.RESUME, NOON + DAY)
    await shop.act(journey, ActName.PAUSE, NOON + DAY)
    with pytest.raises(ConflictError, match="paused already"):
        await shop.act(journey, ActName.PAUSE, NOON + DAY)
    with pytest.raises(ConflictError, match="resume it first"):
        await shop.act(journey, ActName.SEND_NOW, NOON + DAY)


async def test_a_step_is_hurried_only_when_the_journey_has_begun(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    journey = (await shop.journey())["id"]
    with pytest.raises(ConflictError, match="not begun"):
        await shop.act(journey, ActName.SEND_NOW, NOON + MINUTE)
    await shop.assess(journey, NOON + HOUR)
    assert list(await shop.act(journey, ActName.SEND_NOW, NOON + HOUR)) == []
    assert (await shop.row(ACTS))["act"] == "send_now"


async def test_an_objection_by_address_stops_everybody_who_has_it(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE), checkout(Person("second", email="Jeanne@example.com"), "T2"))
    told = await shop.opt_out("JEANNE@example.com", NOON + HOUR)
    assert {one["outcome"] for one in await shop.rows(JOURNEYS)} == {"opted_out"}
    assert {one["address"] for one in await shop.rows(SUPPRESSIONS)} == {"jeanne@example.com"}
    assert len(await shop.rows(CONSENTS)) == len(told) == 2
    assert [one["act"] for one in await shop.rows(ACTS)] == ["opt_out", "opt_out"]


async def test_an_objection_is_recorded_for_nobody_who_merely_shares_a_phone(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", phone=PHONE)), identify(person("paul", phone=PHONE)))
    await shop.opt_out("jeanne@example.com", NOON + HOUR)
    assert [one["address"] for one in await shop.rows(SUPPRESSIONS)] == ["jeanne@example.com"]


async def test_an_objection_to_all_channels_closes_each_address(shop: KnownShop) -> None:
    await shop.hears(identify(person("jeanne", phone=PHONE)))
    jeanne = (await shop.row(CUSTOMERS))["id"]
    await shop.opt_out("jeanne@example.com", NOON + HOUR, list(Channel))
    closed = {one["channel"]: one["address"] for one in await shop.rows(SUPPRESSIONS)}
    assert closed == {"email": "jeanne@example.com", "sms": PHONE, "push": f"customer:{jeanne}", "call": PHONE}


async def test_an_objection_by_customer_id_needs_a_known_customer(shop: KnownShop) -> None:
    with pytest.raises(NotFoundError, match="no such customer"):
        await shop.db.write(acts.object_, SHOP, "nobody", None, [Channel.EMAIL], By("support", None, NOON))


async def test_an_address_that_nobody_has_is_suppressed_and_stays_so_when_somebody_comes(shop: KnownShop) -> None:
    assert list(await shop.opt_out("Jeanne@example.com", NOON)) == []
    await shop.hears(checkout(JEANNE, at=NOON + HOUR))
    found = await shop.db.read(load_situation, (await shop.journey())["id"], None, NOON + DAY)
    assert found is not None
    assert found.suppressed == {Channel.EMAIL: "objection"}


async def test_a_repeated_objection_changes_nothing_more(shop: KnownShop) -> None:
    await shop.hears(checkout(JEANNE))
    await shop.opt_out("jeanne@example.com", NOON + HOUR)
    assert list(await shop.opt_out("jeanne@example.com", NOON + DAY)) == []
    assert (await shop.journey())["closed_at"] == NOON + HOUR


async def test_the_kill_switch_is_pulled_and_released_by_channel(shop: KnownShop) -> None:
    support = By("support", "wrong prices", NOON)
    for channel in ("email", "all", "all"):
        await shop.db.write(acts.pause_all, channel, support)
    assert await shop.db.read(switched_off) == {"email", "all"}
    await shop.db.write(acts.resume_all, "all", support)
    assert await shop.db.read(switched_off) == {"email"}
    await shop.db.write(acts.resume_all, None, support)
    assert await shop.rows(SWITCHES) == []
    reasons = [(one["act"], one["reason"]) for one in await shop.rows(ACTS)]
    assert reasons[0] == ("pause_all", "email: wrong prices")
    assert reasons[-1] == ("resume_all", "all: wrong prices")
