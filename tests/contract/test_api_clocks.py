"""`advance` and `send-now` on a real Temporal server and worker: what a rehearsal stands on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from channels.memory import Memory
from devserver.process import Server
from models.vocabulary import Channel
from runtime import temporal
from tests.api_app import EMAIL, Api, Json, checkout, serving
from worker import working

HOUR, DAY = 3600, 86_400


@pytest.fixture(scope="module")
async def server(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    home = tmp_path_factory.mktemp("temporal")
    async with Server(binary, home, search_attributes=temporal.SEARCH_ATTRIBUTES) as one:
        yield one


@pytest.fixture
async def mailbox() -> Memory:
    return Memory()


@pytest.fixture
async def api(server: Server, mailbox: Memory, tmp_path: Path) -> AsyncIterator[Api]:
    client = await Client.connect(server.address)

    async def connect() -> Client:
        return client

    async with (
        serving(tmp_path, rehearsal=True, temporal=connect) as one,
        working(client, one.installation, {Channel.EMAIL: mailbox}, {}),
    ):
        yield one


async def advance(api: Api, seconds: int, cart: str = "c1") -> Json:
    found = await api.journey(cart)
    return await api.post(f"/v1/journeys/{found['id']}/advance", {"seconds": seconds})


def steps(found: Json) -> list[tuple[str, str]]:
    return [(one["step"], one["verdict"]) for one in found["decisions"]]


async def test_a_rehearsal_goes_through_the_whole_journey(api: Api, mailbox: Memory) -> None:
    await api.post("/v1/events", [checkout()], 202)
    found = await advance(api, HOUR)
    assert steps(found) == [("reminder", "sent")]
    assert (found["status"], found["step"]) == ("waiting", "social-proof")
    ahead = datetime.fromisoformat(found["clock"]) - datetime.now(UTC)
    assert abs(ahead - timedelta(hours=1)) < timedelta(seconds=2)
    assert found["timeline"][-1]["type"] == "planned"
    assert steps(await advance(api, DAY)) == [("reminder", "sent")]
    assert len(steps(await advance(api, 2 * DAY))) == 2
    found = await advance(api, 5 * DAY)
    assert steps(found) == [("reminder", "sent"), ("social-proof", "sent"), ("incentive", "sent")]
    assert (found["status"], found["outcome"]) == ("closed", "exhausted")
    assert len(mailbox.messages) == 3
    await api.post(f"/v1/journeys/{found['id']}/advance", {"seconds": 1}, 409)


async def test_a_purchase_is_followed_by_silence(api: Api, mailbox: Memory) -> None:
    await api.post("/v1/events", [checkout()], 202)
    await advance(api, HOUR)
    order = {"event": "Order Completed", "customer": {"email": EMAIL}, "properties": {"order_id": "o1", "value": 9000}}
    await api.post("/v1/events", order, 202)
    found = await api.journey()
    assert (found["status"], found["outcome"]) == ("closed", "purchased")
    assert len(mailbox.messages) == 1


async def test_a_journey_that_began_later_moves_from_its_customers_clock(api: Api, mailbox: Memory) -> None:
    await api.post("/v1/events", [checkout()], 202)
    await advance(api, HOUR)
    found = await api.journey()
    await api.post(f"/v1/journeys/{found['id']}/cancel", {"reason": "asked by phone"})
    await api.post("/v1/events", [checkout("c2")], 202)
    found = await advance(api, HOUR, "c2")
    assert found["decisions"][0]["verdict"] == "later"  # 20 hours between two messages to one person
    assert steps(await advance(api, DAY, "c2"))[-1] == ("reminder", "sent")
    assert len(mailbox.messages) == 2


async def test_send_now_sends_the_next_step_through_the_gate(api: Api, mailbox: Memory) -> None:
    await api.post("/v1/events", [checkout()], 202)
    found = await api.journey()
    await api.post(f"/v1/journeys/{found['id']}/send-now", None, 409)
    await advance(api, HOUR + 30 * HOUR)
    found = await api.post(f"/v1/journeys/{found['id']}/send-now", {"reason": "asked for it"})
    assert steps(found) == [("reminder", "sent"), ("social-proof", "sent")]
    assert len(mailbox.messages) == 2
    await api.post(f"/v1/journeys/{found['id']}/pause", None)
    await api.post(f"/v1/journeys/{found['id']}/send-now", None, 409)


async def test_a_pause_shifts_what_is_left(api: Api, mailbox: Memory) -> None:
    await api.post("/v1/events", [checkout()], 202)
    found = await advance(api, HOUR)
    due = datetime.fromisoformat(found["next_action_at"])
    await api.post(f"/v1/journeys/{found['id']}/pause", {"reason": "on holiday"})
    await advance(api, 5 * DAY)
    assert len(mailbox.messages) == 1
    found = await api.post(f"/v1/journeys/{found['id']}/resume")
    shifted = datetime.fromisoformat(found["next_action_at"]) - due
    assert abs(shifted - timedelta(days=5)) < timedelta(seconds=5)
    assert len(steps(await advance(api, 3 * DAY))) == 2


async def test_a_run_that_is_not_there_is_started_on_the_customers_clock(api: Api, server: Server) -> None:
    await api.post("/v1/events", [checkout()], 202)
    found = await advance(api, 60)
    client = await Client.connect(server.address)
    await client.get_workflow_handle(found["id"]).terminate("lost")
    assert steps(await advance(api, HOUR)) == [("reminder", "sent")]
