"""Bad input of every kind: a clear error, nothing lost, others unharmed, nothing personal repeated."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import delete
from sqlalchemy.schema import DropTable

from api.app import create_app
from store.schema import EVENTS, SHOPS
from tests.api_app import EMAIL, Api, Json, checkout, nobody, serving, signed
from tests.shopify import CHECKOUT, fixture

WEIRD_IDS = (
    "x",
    "0" * 5000,
    "%00",
    "%F0%9F%90%9A",
    "..%2F..%2Fetc",
    "' OR 1=1 --",
    "01a2041f-6cdd-7091-bce8-025ea997dee6",
)

NONSENSE: list[Json] = [
    {"event": 7},
    {"timestamp": "yesterday"},
    {"timestamp": "9999-12-31T23:59:59Z"},
    {"timestamp": "2099-01-01T00:00:00Z"},
    {"timestamp": "2026-01-01T00:00:00"},
    {"customer": {"email": "not an address"}},
    {"customer": {"email": EMAIL, "timezone": "Mars/Olympus"}},
    {"properties": {"cart_id": "c1", "currency": "XXQ"}},
    {"properties": {"cart_id": "c1", "products": [{"product_id": "p", "name": "P", "price": -1, "quantity": 1}]}},
    {"properties": "c1"},
    {"customer": None, "properties": {}},
]


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url) as one:
        yield one


async def raw(api: Api, body: bytes, status: int, path: str = "/v1/events", **headers: str) -> Json:
    answer = await api.http.post(path, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    found: Json = answer.json()
    return found


async def test_a_body_that_is_no_json_object_or_list_is_unreadable(api: Api) -> None:
    for body in (b"", b"{", b"\xff\xfe", b'"text"', b"7", b"null"):
        await raw(api, body, 400)


async def test_an_event_that_makes_no_sense_is_refused_without_repeating_it(api: Api) -> None:
    for change in NONSENSE:
        found = await api.post("/v1/events", checkout(**change), 422)
        assert [one["index"] for one in found["rejected"]] == [0], change
        assert EMAIL not in json.dumps(found)
        assert "not an address" not in json.dumps(found)
    assert (await api.post("/v1/events", [checkout(**NONSENSE[0]), checkout()], 202))["accepted"] == 1


async def test_501_events_are_too_many_and_500_are_not(api: Api) -> None:
    events = [{"event": "Page Viewed", "messageId": str(n), "customer": {"id": "7"}} for n in range(501)]
    await api.post("/v1/events", events, 413)
    assert (await api.post("/v1/events", events[1:], 202))["accepted"] == 500


async def test_ten_megabytes_are_refused_declared_or_not(api: Api) -> None:
    body = b"[" + b" " * 10_000_000 + b"]"
    assert "1024 kB" in (await raw(api, body, 413))["detail"]

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    answer = await api.http.post("/v1/events", content=pieces())
    assert answer.status_code == 413
    await raw(api, body, 413, "/v1/webhooks/shopify")
    await raw(api, body, 413, "/v1/opt-outs")


async def test_names_of_every_script_and_hostile_ones_are_stored_and_shown(api: Api) -> None:
    names = ["Zoé 🐚", "محمد", "Eve\r\nBcc: all@example.org", "<script>alert(1)</script>", "x\x00y"]
    for number, name in enumerate(names):
        event = checkout(f"c{number}", customer={"id": str(number), "email": EMAIL, "first_name": name})
        event["properties"]["products"][0]["name"] = name
        await api.post("/v1/events", event, 202)
    for number, name in enumerate(names):
        (found,) = (await api.post("/v1/customers/search", {"id": str(number)}))["items"]
        shown = found["profile"]["first_name"]
        assert shown == name or ("\r" not in shown and "\0" not in shown)


async def test_an_unknown_id_of_any_shape_is_not_found(api: Api) -> None:
    for weird in WEIRD_IDS:
        for path in (f"/v1/journeys/{weird}", f"/v1/deliveries/{weird}"):
            found = await api.get(path, 404)
            assert weird[:20] not in found["detail"] or len(weird) < 3
        for act in ("cancel", "pause", "resume", "send-now"):
            await api.post(f"/v1/journeys/{weird}/{act}", {"reason": "why"}, 404)


async def test_a_staff_call_that_makes_no_sense_is_refused(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    path = f"/v1/journeys/{(await api.journey())['id']}"
    bodies: list[object] = [{"seconds": 0}, {"reason": 7}, {"reason": "a\nb"}, {"reason": ""}, []]
    for body in bodies:
        await api.post(f"{path}/cancel", body, 422)
    await raw(api, b"{", 400, f"{path}/cancel")
    assert (await api.journey())["status"] == "waiting"


async def test_an_objection_that_names_nobody_is_refused(api: Api) -> None:
    for body in ({}, {"email": "a b"}, {"email": EMAIL, "channel": "fax"}, {"customer_id": ""}):
        found = await api.post("/v1/opt-outs", body, 422)
        assert EMAIL not in json.dumps(found)


async def test_a_forged_or_missing_signature_is_refused(api: Api) -> None:
    body = json.dumps(fixture("checkouts_update")).encode()
    path = "/v1/webhooks/shopify"
    await raw(api, body, 401, path)
    await raw(api, body, 401, path, **signed(body, "checkouts/update", "other-secret"))
    await raw(api, body + b" ", 401, path, **signed(body, "checkouts/update"))
    assert (await api.get("/v1/journeys"))["items"] == []
    assert (await raw(api, b"{", 400, path, **signed(b"{", "checkouts/update")))["detail"]
    assert await raw(api, b"{}", 200, path, **signed(b"{}", "themes/publish")) == {"accepted": 0, "duplicates": 0}


async def test_the_same_webhook_five_times_at_once_counts_once(api: Api) -> None:
    body = json.dumps(fixture("checkouts_update", updated_at=None, created_at=None)).encode()
    headers = signed(body, "checkouts/update")
    answers = await asyncio.gather(*(raw(api, body, 200, "/v1/webhooks/shopify", **headers) for _ in range(5)))
    assert sum(one["accepted"] for one in answers) == 1
    assert sum(one["duplicates"] for one in answers) == 4
    (found,) = (await api.get("/v1/journeys"))["items"]
    assert found["cart_id"] == CHECKOUT


async def test_a_wrong_address_or_method_is_a_problem_too(api: Api) -> None:
    await api.get("/v1/nothing", 404)
    await api.get("/v1/journeys/", 404)
    await api.call("DELETE", "/v1/journeys", None, 405)


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as found:
        yield found


async def test_a_fault_of_ours_is_answered_and_logged_without_its_words(api: Api, lines: list[Any]) -> None:
    await api.post("/v1/events", checkout(), 202)
    found = await api.journey()
    await api.installation.db.write(lambda store: store.execute(delete(SHOPS)))
    problem = await api.get(f"/v1/journeys/{found['id']}", 500)
    assert problem["detail"] == "something broke on our side; the log says what"
    (fault,) = [line for line in lines if line["event"] == "http.failed"]
    assert fault["problem"] == "NoResultFound"
    assert EMAIL not in str(lines)


async def test_a_store_that_refuses_is_503_and_says_when_to_come_again(api: Api) -> None:
    await api.installation.db.write(lambda store: store.execute(DropTable(EVENTS)))
    answer = await api.http.post("/v1/events", json=checkout())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["detail"].startswith("the store refused")
    assert (await api.get("/v1/journeys"))["items"] == []


async def test_the_access_log_names_routes_and_no_person(api: Api, lines: list[Any]) -> None:
    token = "secret-token-in-the-path"
    await api.http.get(f"/u/{token}?email={EMAIL}")
    await api.http.get(f"/{EMAIL}")
    requests = [(line["route"], line["status"]) for line in lines if line["event"] == "http.request"]
    assert requests == [("/u/{token}", 404), ("unmatched", 404)]
    assert EMAIL not in str(lines)
    assert token not in str(lines)


async def test_a_shop_without_a_webhook_secret_says_so(api: Api) -> None:
    bare = api.installation.settings.shops[0].model_copy(update={"shopify_secret": ()})
    settings = api.installation.settings.model_copy(update={"shops": (bare,)})
    app = create_app(replace(api.installation, settings=settings), api.relay, nobody)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relaunch.test") as http:
        answer = await http.post("/v1/webhooks/shopify", content=b"{}", headers=signed(b"{}", "orders/create"))
    assert answer.status_code == 401
    assert "RELAUNCH_SHOPIFY_SECRET" in answer.json()["detail"]
