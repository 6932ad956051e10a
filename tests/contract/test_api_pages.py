"""The unsubscribe page, and the one click of RFC 8058, on both engines."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.events import Event, EventType, Person
from models.situation import SuppressionReason
from models.vocabulary import Channel
from runtime import clock
from store.intake import ingest
from store.objections import suppress
from tests.api_app import EMAIL, Api, checkout, serving

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url, rehearsal=True) as one:
        yield one


async def link(api: Api, **customer: str) -> str:
    """Return the path of the link that a new customer got in a message."""
    event = checkout()
    event["customer"] |= customer
    await api.post("/v1/events", event, 202)
    customer_id = (await api.journey())["customer_id"]
    url = api.installation.links.unsubscribe("main", customer_id, Channel.EMAIL)
    return "/u/" + url.rpartition("/u/")[2]


async def visit(api: Api, method: str, path: str, status: int = 200, **content: Any) -> httpx.Response:
    answer = await api.http.request(method, path, headers={"authorization": ""}, **content)
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    return answer


async def test_looking_at_the_page_changes_nothing(api: Api) -> None:
    path = await link(api)
    for method in ("GET", "HEAD", "GET"):
        page = await visit(api, method, path)
    assert '<form method="post">' in page.text
    assert "Répétition" in page.text
    assert "1 rue des Lilas" in page.text
    assert EMAIL.lower() not in page.text.lower()
    assert (await api.journey())["status"] == "waiting"


@pytest.mark.parametrize("content", [{"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}, {}])
async def test_one_click_leaves_at_once_and_again_and_again(api: Api, content: dict[str, Any]) -> None:
    path = await link(api)
    for _ in range(3):
        page = await visit(api, "POST", path, **content)
        assert "<form" not in page.text
    found = await api.journey()
    assert (found["status"], found["outcome"]) == ("closed", "opted_out")
    texts = [entry["text"] for entry in found["timeline"]]
    assert texts.count("Le client s’est désinscrit par le lien d’un message") == 1
    assert "C’est fait" in (await visit(api, "GET", path)).text
    (known,) = (await api.post("/v1/customers/search", {"email": EMAIL}))["items"]
    assert [(one["channel"], one["reason"]) for one in known["suppressions"]] == [("email", "objection")]
    last, first = known["consents"]
    assert (last["state"], last["source"], last["actor"]) == ("withdrawn", "unsubscribe link", "unsubscribe link")
    assert (first["state"], first["source"], first["actor"]) == ("granted", "form", "events")


async def test_an_address_that_bounced_objects_all_the_same(api: Api) -> None:
    path = await link(api)
    await api.post(f"/v1/journeys/{(await api.journey())['id']}/cancel", {"reason": "nothing is open any more"})
    bounce = (Channel.EMAIL, EMAIL.lower(), SuppressionReason.BOUNCE, clock.now(), 0)
    await api.installation.db.write(suppress, "main", *bounce)
    await visit(api, "POST", path, data=ONE_CLICK)
    (known,) = (await api.post("/v1/customers/search", {"email": EMAIL}))["items"]
    assert {one["reason"] for one in known["suppressions"]} == {"objection", "bounce"}


async def test_somebody_elses_objection_does_not_stand_for_an_own_one(api: Api) -> None:
    path = await link(api, id="one")
    told = checkout("c2", messageId="m2") | {"customer": {"id": "somebody-else", "email": EMAIL}}
    await api.post("/v1/events", told, 202)
    other = (await api.journey("c2"))["customer_id"]
    await api.post("/v1/opt-outs", {"customer_id": other, "channel": "email"})
    await visit(api, "POST", path, data=ONE_CLICK)
    items = (await api.post("/v1/customers/search", {"email": EMAIL}))["items"]
    (own,) = [one for one in items if one["customer_id"] != other]
    assert [one["state"] for one in own["consents"] if one["source"] == "unsubscribe link"] == ["withdrawn"]


async def test_the_link_works_after_an_erasure(api: Api) -> None:
    path = await link(api)
    at = clock.now() + timedelta(seconds=1)
    erasure = Event("erase", EventType.ERASE, "customers/redact", at, Person(email=EMAIL))
    await api.installation.db.write(ingest, "main", [erasure], None, at)
    await visit(api, "GET", path)
    await visit(api, "POST", path, data=ONE_CLICK)


async def test_a_forged_link_leads_nowhere(api: Api) -> None:
    path = await link(api)
    for forged in (path[:-1], path + "x", "/u/x", "/u/%00", "/u/" + "x" * 9000, "/u/%F0%9F%90%9A"):
        await visit(api, "GET", forged, 404)
        await visit(api, "POST", forged, 404, data=ONE_CLICK)
    assert (await api.journey())["status"] == "waiting"


async def test_the_page_speaks_the_customers_language(api: Api) -> None:
    path = await link(api, locale="en-GB")
    assert "Stop receiving our e-mails?" in (await visit(api, "GET", path)).text
    assert "It’s done" in (await visit(api, "POST", path)).text


async def test_the_page_allows_its_own_style_and_nothing_else(api: Api) -> None:
    page = await visit(api, "GET", await link(api))
    (style,) = re.findall("<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "<script" not in page.text
