"""Shopify's compliance topics through the real door: each becomes a request with its day, and is carried out."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from models.announcing import listener_of
from rights.erasing import Erasing
from rights.leaving import Leaving
from runtime import clock
from store import announcements
from store.schema import REQUESTS
from tests.api_app import INGEST, STAFF, Api, nobody, serving, signed
from tests.receiver import SECRET
from tests.shopify import CUSTOMER, LEA, fixture

PATH = "/v1/webhooks/shopify"


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url) as one:
        yield one


async def knocks(api: Api, topic: str, status: int = 200, secret: str | None = None, **changes: Any) -> None:
    """Deliver one of Shopify's documented bodies."""
    body = json.dumps(fixture(topic.replace("/", "_"), **changes)).encode()
    headers = signed(body, topic) if secret is None else signed(body, topic, secret)
    answer = await api.http.post(PATH, content=body, headers=headers | {"authorization": ""})
    assert answer.status_code == status, answer.text


async def requests(api: Api, query: str = "") -> list[Any]:
    found: list[Any] = (await api.get(f"/v1/requests{query}"))["items"]
    return found


async def works(api: Api, rounds: int = 6) -> None:
    """Run what forgets, until nothing is due."""
    installation = api.installation
    now = clock.now()
    for number in range(rounds):

        def later(hours: int = number) -> datetime:
            return now + timedelta(hours=hours)

        await Leaving(installation.db, later).once()
        erasing = Erasing(installation.db, installation.settings, nobody, later)
        for _ in range(6):
            await erasing.once()


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
async def test_a_forged_compliance_webhook_is_401_and_asks_for_nothing(api: Api, topic: str) -> None:
    await knocks(api, "customers/update")
    await knocks(api, topic, 401, "another secret")
    await knocks(api, topic, 401, "")
    assert await requests(api) == []


async def test_a_data_request_is_open_until_staff_says_that_it_was_answered(api: Api) -> None:
    await knocks(api, "customers/update")
    for _ in range(2):
        await knocks(api, "customers/data_request")
    (found,) = await requests(api, "?open=true")
    assert (found["kind"], found["reference"], found["actor"]) == ("access", "9999", "storefront")
    term = datetime.fromisoformat(found["due_at"]) - datetime.fromisoformat(found["asked_at"])
    assert term == timedelta(days=30)
    export = await api.get(f"/v1/customers/{found['customer_id']}/export")
    assert export["customer"]["external_id"] == CUSTOMER
    assert [one["id"] for one in export["requests"]] == [found["id"]]
    assert len(await requests(api, "?open=true")) == 1  # that it was looked at is no answer
    done = await api.post(f"/v1/requests/{found['id']}/done", authorization=f"Bearer {STAFF}")
    assert (done["done_by"], done["done_at"] is not None) == ("lea", True)
    assert await api.post(f"/v1/requests/{found['id']}/done") == done
    assert await requests(api, "?open=true") == []
    assert await requests(api) == [done]


async def test_a_data_request_about_nobody_we_know_is_answered_at_once(api: Api) -> None:
    await knocks(api, "customers/data_request")
    (found,) = await requests(api)
    assert (found["done_by"], found["customer_id"], found["reference"]) == ("relaunch", None, None)
    assert (await api.post("/v1/customers/search", {"email": LEA}))["items"] == []


async def test_a_redaction_is_carried_out_and_closes_its_request(api: Api) -> None:
    await knocks(api, "customers/update")
    await knocks(api, "customers/redact")
    (found,) = await requests(api)
    assert (found["kind"], found["done_at"]) == ("erasure", None)
    await api.post(f"/v1/requests/{found['id']}/done", status=409)
    await works(api)
    (done,) = await requests(api)
    assert done["done_by"] == "relaunch"
    job = await api.get(f"/v1/erasures/{found['reference']}")
    assert (job["state"], job["certificate"]["result"]) == ("certified", "clean")


async def test_a_shop_that_has_gone_leaves_nobody_behind(api: Api) -> None:
    await knocks(api, "customers/update")
    await knocks(api, "checkouts/update")
    await knocks(api, "shop/redact")
    await works(api, 2)
    (found,) = [one for one in await requests(api) if one["kind"] == "shop_erasure"]
    assert (await api.post("/v1/customers/search", {"email": LEA}))["items"] == []
    assert found["done_by"] in (None, "relaunch")  # a journey's history cannot be searched while Temporal is away
    await works(api, 24 * 8)
    (found,) = [one for one in await requests(api) if one["kind"] == "shop_erasure"]
    assert (await api.post(f"/v1/requests/{found['id']}/done"))["done_at"] is not None


async def test_only_staff_sees_requests_and_only_those_there_are_can_be_done(api: Api) -> None:
    some = "/v1/requests/0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77/done"
    await api.get("/v1/requests", 403, authorization=f"Bearer {INGEST}")
    await api.get("/v1/requests", 401, authorization="")
    await api.post(some, status=403, authorization=f"Bearer {INGEST}")
    await api.post(some, status=404)
    await api.post("/v1/requests/nonsense/done", status=404)
    await api.get("/v1/requests?cursor=nonsense", 422)


async def test_requests_come_in_pages(api: Api) -> None:
    await knocks(api, "customers/update")
    for number in range(5):
        await knocks(api, "customers/data_request", data_request={"id": number})
    seen, cursor = [], ""
    while True:
        page = await api.get(f"/v1/requests?open=true&limit=2{cursor}")
        seen += [one["reference"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["0", "1", "2", "3", "4"]


async def test_what_is_open_and_overdue_is_counted(api: Api) -> None:
    await knocks(api, "customers/update")
    await knocks(api, "customers/data_request")
    late = update(REQUESTS).values(due_at=clock.now() - timedelta(days=1))
    await api.installation.db.write(lambda connection: connection.execute(late))
    text = (await api.http.get("/metrics")).text
    for line in ("relaunch_requests_open 1.0", "relaunch_requests_overdue 1.0", "relaunch_announcements_set_aside 0.0"):
        assert line in text


async def test_readyz_says_that_a_receiver_is_gone_and_is_ready_all_the_same(tmp_path: Path, database_url: str) -> None:
    url = "https://crm.example/hook"
    async with serving(tmp_path, database_url, webhook_url=url, webhook_secret=SecretStr(SECRET)) as api:
        ready = await api.http.get("/readyz")
        assert ready.json()["checks"]["receivers"] == {"main": "ok"}
        row = announcements.AnnouncementRow("1", "main", None, "journey.closed", {}, clock.now(), clock.now())
        await api.installation.db.write(announcements.gone, row, listener_of(url), "410", clock.now())
        gone = await api.http.get("/readyz")
        assert "410" in gone.json()["checks"]["receivers"]["main"]
        assert gone.status_code == ready.status_code
        assert url not in gone.text
