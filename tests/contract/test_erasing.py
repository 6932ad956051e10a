import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from models.erasing import SETTLES, ErasureState
from models.events import Person
from models.vocabulary import DeliveryState, Verdict
from store.audit import audit
from store.db import NotFoundError
from store.schema import CUSTOMERS, DELIVERIES, ERASURES, ORDERS
from tests.builders import DAY, HOUR, viewed
from tests.forgetful import (
    J0,
    NEEDLES,
    Clock,
    Forgetful,
    everything,
    journeys,
    lives,
)
from tests.known_shop import KnownShop

STEPS = ("asked", "erased", "removed", "compacted", "certified")


@pytest.fixture
async def forgetful(shop: KnownShop, tmp_path: Path) -> Forgetful:
    return Forgetful(shop.db, tmp_path, Clock(J0 + DAY))


def place(certificate: dict[str, Any] | None, name: str) -> dict[str, Any]:
    assert certificate is not None
    found: dict[str, Any] = next(one for one in certificate["searched"] if one["name"] == name)
    return found


async def again(shop: KnownShop, state: str, forgetful: Forgetful) -> None:
    """Let a job stand where it stood before a step, as if its runner had been killed at the step's end."""
    change = update(ERASURES).values(state=state, next_try_at=forgetful.clock())
    await shop.db.write(lambda connection: connection.execute(change))


async def test_one_commit_closes_everything_at_once(shop: KnownShop, forgetful: Forgetful) -> None:
    customer = await journeys(shop)
    job = await forgetful.asks(customer)
    assert (job.state, job.actor, job.customer_id) == (ErasureState.ASKED, "support", customer)
    assert await shop.rows(CUSTOMERS) == []
    journey = await shop.journey()
    assert (journey["outcome"], list(job.journeys)) == ("erased", [journey["id"]])
    ruling = await shop.hand_over(journey["id"], "social-proof", at=J0 + DAY)
    assert ruling is not None
    assert ruling.verdict is Verdict.STOPPED
    assert not [one for one in NEEDLES if one in str(await shop.rows(ERASURES))]
    assert await shop.db.read(audit) == []


async def test_a_certificate_says_what_was_searched_and_what_it_cannot_prove(
    shop: KnownShop, forgetful: Forgetful, engine: str
) -> None:
    await forgetful.asks(await lives(shop))
    job = await forgetful.done()
    made = job.certificate
    assert made is not None
    assert (job.state, made["result"], job.sought, job.problem) == (ErasureState.CERTIFIED, "clean", None, None)
    assert made["searched_for"] == {"address": 2, "phone": 1, "id": 1, "name": 1, "also_held_by_another_customer": 0}
    assert place(made, "orders")["rows"] == 1
    assert all(one["found"] == 0 for one in made["searched"])
    assert made["not_searched"] == []
    told = {one["place"] for one in made["not_proved"]}
    assert {"backups", "freed blocks of the disk"} <= told
    assert ("files of the PostgreSQL server" in told) == (engine == "postgres")
    assert place(made, "relaunch.db")["bytes"] > 0 if engine == "sqlite" else "samples of the planner" in str(made)
    assert not [one for one in NEEDLES if one in await everything(shop)]
    assert (await shop.row(ORDERS))["customer_id"] is None


@pytest.mark.parametrize("kills", range(len(STEPS)))
async def test_a_job_that_is_killed_between_any_two_steps_goes_on(
    shop: KnownShop, forgetful: Forgetful, kills: int
) -> None:
    await forgetful.asks(await lives(shop))
    for state in STEPS[:kills]:
        assert (await forgetful.job()).state == state
        assert await forgetful.runner.once() == 1
        forgetful.is_killed()
    assert (await forgetful.job()).state == STEPS[kills]
    assert (await forgetful.done()).state == ErasureState.CERTIFIED
    assert not [one for one in NEEDLES if one in await everything(shop)]


async def test_a_job_that_is_killed_within_a_step_does_it_again(shop: KnownShop, forgetful: Forgetful) -> None:
    await forgetful.asks(await lives(shop))
    for state in STEPS[:3]:
        await forgetful.runner.once()
        await again(shop, state, forgetful)
        forgetful.is_killed()
        await forgetful.runner.once()
    job = await forgetful.done()
    assert job.certificate is not None
    assert job.certificate["result"] == "clean"


async def test_two_runners_at_once_make_one_certificate(shop: KnownShop, forgetful: Forgetful) -> None:
    await forgetful.asks(await lives(shop))
    other = Forgetful(shop.db, forgetful.home, forgetful.clock)
    for _ in range(20):
        await asyncio.gather(forgetful.runner.once(), other.runner.once())
    assert (await forgetful.job()).state == ErasureState.CERTIFIED


async def test_whoever_is_asked_to_be_forgotten_twice_is_one_job(shop: KnownShop, forgetful: Forgetful) -> None:
    customer = await lives(shop)
    jobs = await asyncio.gather(*(forgetful.asks(customer) for _ in range(3)))
    await forgetful.works()
    jobs.append(await forgetful.asks(customer))
    assert len({job.id for job in jobs}) == await forgetful.jobs() == 1
    assert jobs[-1].state == ErasureState.CERTIFIED


async def test_nobody_cannot_be_forgotten(forgetful: Forgetful) -> None:
    with pytest.raises(NotFoundError, match="there is no such customer"):
        await forgetful.asks("0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77")


async def test_a_message_that_is_being_handed_over_is_waited_for(shop: KnownShop, forgetful: Forgetful) -> None:
    await forgetful.asks(await journeys(shop, settled=None))
    await forgetful.works()
    job = await forgetful.job()
    assert (job.state, job.attempts, job.problem) == (
        ErasureState.ASKED,
        0,
        "messages that are being handed over: 1",
    )
    assert (await shop.row(DELIVERIES))["message"] is not None
    await shop.settle((await shop.journey())["id"], DeliveryState.SENT, at=J0)
    forgetful.clock.passes(timedelta(seconds=2))
    await forgetful.works()
    delivery = await shop.row(DELIVERIES)
    assert (delivery["state"], delivery["message"]) == (DeliveryState.SENT, None)


async def test_a_message_that_nobody_answers_for_is_unknown_and_never_sent_again(
    shop: KnownShop, forgetful: Forgetful
) -> None:
    await forgetful.asks(await journeys(shop, settled=None))
    forgetful.clock.passes(SETTLES - timedelta(seconds=1))
    await forgetful.works()
    assert (await forgetful.job()).state == ErasureState.ASKED
    forgetful.clock.passes(timedelta(seconds=2))
    await forgetful.works()
    assert (await forgetful.job()).state != ErasureState.ASKED
    delivery = await shop.row(DELIVERIES)
    assert (delivery["state"], delivery["attempts"]) == (DeliveryState.UNKNOWN, 1)
    ruling = await shop.hand_over(delivery["journey_id"], at=J0 + DAY)
    assert ruling is not None
    assert ruling.verdict is Verdict.STOPPED
    assert await shop.db.read(audit) == []


async def test_a_store_is_not_compacted_all_the_time(shop: KnownShop, forgetful: Forgetful) -> None:
    await forgetful.asks(await lives(shop))
    await forgetful.works()
    await shop.hears(viewed(Person("second", "second@example.com")))
    second = await forgetful.asks((await shop.row(CUSTOMERS))["id"])
    await forgetful.works()
    waiting = await forgetful.job(second.id)
    assert (waiting.state, waiting.problem) == (ErasureState.REMOVED, "the store was compacted a moment ago")
    forgetful.clock.passes(HOUR)
    await forgetful.works()
    assert (await forgetful.job(second.id)).state == ErasureState.CERTIFIED


async def test_a_step_that_fails_is_tried_again_later_and_later_and_says_nothing_personal(
    shop: KnownShop, forgetful: Forgetful, capsys: pytest.CaptureFixture[str]
) -> None:
    await forgetful.asks(await journeys(shop))
    stubborn = forgetful.settings.outbox_dir / f"{(await shop.row(DELIVERIES))['id']}.eml"
    stubborn.mkdir()  # which no unlink removes
    pauses = []
    for _ in range(4):
        await forgetful.works()
        job = await forgetful.job()
        pauses.append((job.next_try_at - forgetful.clock()).total_seconds())
        forgetful.clock.at = job.next_try_at
    assert pauses == [1, 2, 4, 8]
    assert job.state == ErasureState.ERASED
    assert job.problem in ("IsADirectoryError", "PermissionError")
    said = capsys.readouterr()
    assert not [one for one in NEEDLES if one in said.out + said.err + str(job.problem)]
    stubborn.rmdir()
    await forgetful.works()
    assert (await forgetful.job()).state == ErasureState.COMPACTED
