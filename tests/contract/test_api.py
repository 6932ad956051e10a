"""The calls of the contract on both engines, with Temporal away: nothing here needs it."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from models.events import Event, EventType, Person
from runtime import clock
from store.intake import ingest
from store.outbox import all_rows
from tests.api_app import EMAIL, INGEST, STAFF, Api, checkout, serving


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url) as one:
        yield one


async def test_an_event_becomes_a_journey_that_temporal_will_hear_of(api: Api) -> None:
    event = checkout()
    assert await api.post("/v1/events", event, 202) == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert await api.post("/v1/events", [event, event], 202) == {"accepted": 0, "duplicates": 2, "rejected": []}
    found = await api.journey()
    assert (found["kind"], found["status"], found["cart_id"], found["policy"]) == ("cart", "waiting", "c1", "cart")
    assert (found["segment"], found["outcome"], found["decisions"]) == (None, None, [])
    assert [row.call for row in await api.read(all_rows)] == ["start"]


async def test_one_bad_event_does_not_harm_its_neighbours(api: Api) -> None:
    found = await api.post("/v1/events", [{"event": "Cart Viewed"}, checkout()], 202)
    assert found["accepted"] == 1
    assert [one["index"] for one in found["rejected"]] == [0]


async def test_lists_are_paged_newest_first_and_filtered(api: Api) -> None:
    for number in range(3):
        await api.post("/v1/events", checkout(f"c{number}", f"person{number}@example.org"), 202)
    first = await api.get("/v1/journeys?limit=2")
    assert [one["cart_id"] for one in first["items"]] == ["c2", "c1"]
    second = await api.get(f"/v1/journeys?limit=2&cursor={first['next_cursor']}")
    assert ([one["cart_id"] for one in second["items"]], second["next_cursor"]) == (["c0"], None)
    customer = first["items"][0]["customer_id"]
    assert len((await api.get(f"/v1/journeys?customer_id={customer}"))["items"]) == 1
    assert len((await api.get("/v1/journeys?status=waiting"))["items"]) == 3
    assert (await api.get("/v1/journeys?status=closed"))["items"] == []
    assert (await api.get("/v1/journeys?cart_id=%00&customer_id=unknown"))["items"] == []
    await api.get("/v1/journeys?status=lost", 422)
    await api.get("/v1/journeys?cursor=x", 422)


async def test_a_newer_cart_joins_and_both_names_find_the_journey(api: Api) -> None:
    await api.post("/v1/events", checkout("c1"), 202)
    await api.post("/v1/events", checkout("c2"), 202)
    found = await api.journey("c1")
    assert found["cart_id"] == "c2"
    assert (await api.journey("c2"))["id"] == found["id"]


async def test_staff_cancels_with_a_reason_and_its_name(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    path = f"/v1/journeys/{(await api.journey())['id']}"
    await api.post(f"{path}/cancel", {}, 422)
    found = await api.post(f"{path}/cancel", {"reason": "called us"}, authorization=f"Bearer {STAFF}")
    assert (found["status"], found["outcome"]) == ("closed", "cancelled")
    act = next(one for one in found["timeline"] if one["type"] == "act")
    assert (act["actor"], act["reason"], act["text"]) == ("lea", "called us", "Annulée par lea : called us")
    assert found["timeline"][-1]["text"] == "Fin : annulée par l’équipe"
    english = await api.call("GET", path, accept_language="en-GB,fr;q=0.5")
    assert english["timeline"][-1]["text"] == "End: cancelled by staff"
    await api.post(f"{path}/cancel", {"reason": "again"}, 409)


async def test_a_pause_is_shown_and_undone(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    path = f"/v1/journeys/{(await api.journey())['id']}"
    found = await api.post(f"{path}/pause")
    assert (found["status"], found["timeline"][-1]["type"]) == ("paused", "paused")
    await api.post(f"{path}/pause", {"reason": "twice"}, 409)
    assert (await api.post(f"{path}/resume", {}))["status"] == "waiting"
    await api.post(f"{path}/resume", {}, 409)


async def test_what_needs_temporal_says_so_and_changes_nothing(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    path = f"/v1/journeys/{(await api.journey())['id']}"
    problem = await api.post(f"{path}/send-now", None, 503)
    assert "Temporal" in problem["detail"]
    assert [one["type"] for one in (await api.get(path))["timeline"]] == ["cart", "next"]
    await api.post(f"{path}/advance", {"seconds": 60}, 404)  # no rehearsal


async def test_an_objection_closes_the_journey_and_is_found_by_search(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    found = await api.post("/v1/opt-outs", {"email": EMAIL.upper(), "channel": "email", "reason": "by phone"})
    assert found == {"channels": ["email"], "journeys_closed": 1}
    assert (await api.journey())["outcome"] == "opted_out"
    (known,) = (await api.post("/v1/customers/search", {"email": EMAIL}))["items"]
    assert known["shop"] == "main"
    assert [one["state"] for one in known["consents"]] == ["withdrawn", "granted"]
    assert [(one["channel"], one["reason"]) for one in known["suppressions"]] == [("email", "objection")]
    assert [one["outcome"] for one in known["journeys"]] == ["opted_out"]
    again = await api.post("/v1/opt-outs", {"customer_id": known["customer_id"], "channel": "all"})
    assert again["channels"] == ["email", "sms", "push", "call"]


async def test_an_address_that_nobody_has_may_object_too(api: Api) -> None:
    await api.post("/v1/opt-outs", {"email": "nobody@example.org"})
    await api.post("/v1/opt-outs", {"customer_id": "nobody"}, 404)
    assert (await api.post("/v1/customers/search", {"email": "nobody@example.org"}))["items"] == []


async def test_a_customer_is_found_by_phone_and_by_the_shops_own_id(api: Api) -> None:
    who = {"id": "7", "phone": "06 12 34 56 78", "first_name": "Noé 🐚"}
    await api.post("/v1/events", {"event": "Identify", "customer": who}, 202)
    for wish in ({"phone": "+33612345678"}, {"phone": "0612345678"}, {"id": "7"}):
        (known,) = (await api.post("/v1/customers/search", wish))["items"]
        assert (known["profile"]["first_name"], known["journeys"]) == ("Noé 🐚", [])
    await api.post("/v1/customers/search", {}, 422)


async def test_products_are_taken_one_or_many(api: Api) -> None:
    vase = {"product_id": "p1", "name": "Vase", "price": 4500, "currency": "EUR", "stock": 3}
    assert await api.call("PUT", "/v1/products", vase) == {"accepted": 1, "rejected": []}
    found = await api.call("PUT", "/v1/products", [vase, vase | {"currency": "XXQ"}])
    assert (found["accepted"], [one["index"] for one in found["rejected"]]) == (1, [1])


async def test_figures_of_an_empty_shop_are_zero_and_days_are_the_shops_own(api: Api) -> None:
    found = await api.get("/v1/kpis?from=2026-01-01&to=2026-02-01T00:00:00%2B01:00&policy=cart")
    assert found["totals"]["journeys_started"]["value"] == 0
    await api.get("/v1/kpis?from=yesterday", 422)


async def test_keys_open_what_their_role_says(api: Api) -> None:
    for path in ("/v1/journeys", "/v1/kpis", "/v1/deliveries/x"):
        assert (await api.http.get(path, headers={"authorization": ""})).headers["www-authenticate"]
        await api.get(path, 401, authorization="Bearer nonsense")
        await api.get(path, 401, authorization="Basic eA==")
        await api.get(path, 403, authorization=f"Bearer {INGEST}")
    await api.post("/v1/events", checkout(), 202, authorization=f"Bearer {INGEST}")
    await api.post("/v1/opt-outs", {"email": EMAIL}, 403, authorization=f"Bearer {INGEST}")
    await api.get("/v1/journeys", authorization=f"Bearer {STAFF}")


async def test_an_erased_customers_journey_is_still_told(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    found = await api.journey()
    at = clock.now() + timedelta(seconds=1)
    erasure = Event("erase", EventType.ERASE, "customers/redact", at, Person(email=EMAIL))
    await api.installation.db.write(ingest, "main", [erasure], None, at)
    told = await api.get(f"/v1/journeys/{found['id']}")
    assert (told["outcome"], told["customer_id"]) == ("erased", found["customer_id"])


async def test_the_description_of_the_api_is_complete(api: Api) -> None:
    found = await api.get("/openapi.json", authorization="")
    text = json.dumps(found)
    named = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert named <= set(found["components"]["schemas"])
    assert "ValidationError" not in text
    calls = {(method, path): call for path, methods in found["paths"].items() for method, call in methods.items()}
    assert len(calls) == 33
    assert all(call["summary"] and call["responses"] for call in calls.values())
    open_ = {path for (_, path), call in calls.items() if call["security"] == []}
    signed_links = {"/u/{token}", "/u/{token}/preferences", "/o/{token}", "/c/{token}"}
    signed_bodies = {"/v1/webhooks/{source}", "/v1/providers/{provider}/events"}
    assert open_ == signed_links | signed_bodies | {"/healthz", "/readyz", "/metrics"}


async def test_health_says_what_is_wrong(api: Api) -> None:
    assert await api.get("/healthz", authorization="") == {"status": "ok"}
    answer = await api.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["store"] == "ok"
    assert "Temporal" in answer.json()["checks"]["temporal"]
    figures = (await api.http.get("/metrics")).text
    assert 'relaunch_http_seconds_count{method="GET",route="/readyz",status="503"}' in figures
