"""The list of call-backs over HTTP, on both engines: who sees it, what it tells, how a call is closed."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from runtime import clock
from store import policies
from store.outbox import all_rows
from tests.api_app import INGEST, STAFF, Api, Json, serving
from tests.builders import HOUR, order
from tests.called_back import CALLS, PHONE, asked, willing
from tests.known_shop import INACTIVE, KnownShop

STAFFED = f"Bearer {STAFF}"
NOTHING = "01999999-0000-7000-8000-000000000000"


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url) as one:
        await one.installation.db.write(policies.activate, [CALLS, INACTIVE], clock.now())
        yield one


def noon(now: datetime) -> str:
    """Return a zone in which it is about noon, so that people there may be called."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}"


async def call_back(api: Api, name: str = "jeanne", phone: str = PHONE) -> Json:
    """Have staff asked to call somebody where it is noon, and return the newest task."""
    now = clock.now()
    who = willing(name, at=now - HOUR, phone=phone, country="US", timezone=noon(now), locale="en-US")
    await asked(KnownShop(api.installation.db, CALLS, INACTIVE), who, f"cart-{name}", at=now)
    found: Json = (await api.get("/v1/tasks?limit=1"))["items"][0]
    return found


async def test_staff_sees_whom_to_call_and_why(api: Api) -> None:
    found = await call_back(api)
    assert (found["status"], found["reason"], found["text"], found["not_before"]) == ("open", None, None, None)
    assert (found["first_name"], found["phone"], found["locale"]) == ("Jeanne", PHONE, "en-US")
    assert (found["policy"], found["step"], found["value"], found["currency"]) == ("cart", "call-back", 89000, "EUR")
    assert found["briefing"] == "Bonjour"
    length = datetime.fromisoformat(found["call_by"]) - datetime.fromisoformat(found["asked_at"])
    assert length == timedelta(days=3)
    assert (await api.get("/v1/tasks?status=open", authorization=STAFFED))["items"] == [found]
    assert (await api.get(f"/v1/deliveries/{found['delivery_id']}"))["message"]["text"] == "Bonjour"


async def test_whom_to_call_is_for_staff_alone(api: Api) -> None:
    task = await call_back(api)
    close = f"/v1/tasks/{task['id']}/close"
    await api.get("/v1/tasks", 401, authorization="")
    await api.get("/v1/tasks", 403, authorization=f"Bearer {INGEST}")
    await api.post(close, {"result": "reached"}, 403, authorization=f"Bearer {INGEST}")
    assert (await api.get("/v1/tasks?status=open"))["items"] == [task]


async def test_a_call_is_closed_once_with_its_result_and_the_name_of_a_key(api: Api) -> None:
    task = await call_back(api)
    close = f"/v1/tasks/{task['id']}/close"
    done = await api.post(close, {"result": "no_answer", "note": "rappeler lundi"}, authorization=STAFFED)
    assert (done["status"], done["result"], done["closed_by"]) == ("closed", "no_answer", "lea")
    assert done["note"] == "rappeler lundi"
    assert done["closed_at"] is not None
    again = await api.post(close, {"result": "no_answer", "note": "rappeler lundi"}, authorization=STAFFED)
    assert again == done
    await api.post(close, {"result": "reached"}, 409)
    assert (await api.get("/v1/tasks?status=open"))["items"] == []
    assert (await api.get("/v1/tasks?status=closed"))["items"] == [done]


async def test_the_timeline_tells_who_was_asked_and_how_it_ended_in_both_languages(api: Api) -> None:
    task = await call_back(api)
    path = f"/v1/journeys/{task['journey_id']}"
    await api.post(f"/v1/tasks/{task['id']}/close", {"result": "reached", "note": "content"}, authorization=STAFFED)
    french, english = [(await api.get(path, accept_language=one))["timeline"] for one in ("fr", "en")]
    assert [one["type"] for one in french] == ["cart", "began", "decision", "task"]
    assert french[2]["text"].startswith("« call-back » : rappel téléphonique confié à l’équipe (avec son consentement")
    assert french[3]["text"] == "« call-back » : rappel clos par lea, client joint : content"
    assert english[2]["text"].startswith("“call-back”: staff was asked to call (with consent of")
    assert english[3]["text"] == "“call-back”: call-back closed by lea, customer reached: content"
    assert (english[3]["task_id"], english[3]["result"]) == (task["id"], "reached")


async def test_whoever_declines_is_closed_to_calls_and_temporal_hears_of_it(api: Api) -> None:
    task = await call_back(api)
    await api.post(f"/v1/tasks/{task['id']}/close", {"result": "declined"}, authorization=STAFFED)
    assert (await api.get(f"/v1/journeys/{task['journey_id']}"))["outcome"] == "opted_out"
    (known,) = (await api.post("/v1/customers/search", {"id": task["customer_id"]}))["items"]
    assert [(one["channel"], one["reason"]) for one in known["suppressions"]] == [("call", "objection")]
    assert known["consents"][0]["source"] == "lea"
    assert [row.call for row in await api.read(all_rows)] == ["start", "stopped"]


async def test_a_call_that_nobody_may_make_is_moot_and_says_why(api: Api) -> None:
    task = await call_back(api)
    shop = KnownShop(api.installation.db, CALLS, INACTIVE)
    await shop.hears(order(willing(), at=clock.now()))
    assert (await api.get("/v1/tasks?status=open"))["items"] == []
    (moot,) = (await api.get("/v1/tasks?status=moot"))["items"]
    assert (moot["id"], moot["status"], moot["text"]) == (task["id"], "moot", "Fin : le client a commandé")
    (english,) = (await api.get("/v1/tasks", accept_language="en"))["items"]
    assert english["text"] == "End: the customer ordered"


async def test_a_call_that_has_to_wait_says_until_when(api: Api) -> None:
    task = await call_back(api)
    await api.post(f"/v1/journeys/{task['journey_id']}/pause", {"reason": "on holiday"})
    (held,) = (await api.get("/v1/tasks?status=open", accept_language="en"))["items"]
    assert (held["reason"], held["text"]) == ("paused", "the journey is paused")
    assert held["not_before"] is not None


async def test_an_objection_to_calls_reaches_the_list(api: Api) -> None:
    task = await call_back(api)
    answer = await api.post("/v1/opt-outs", {"customer_id": task["customer_id"], "channel": "call"})
    assert answer == {"channels": ["call"], "journeys_closed": 1}
    assert (await api.get("/v1/tasks?status=open"))["items"] == []


async def test_tasks_are_paged(api: Api) -> None:
    for number in range(3):
        await call_back(api, f"p{number}", f"+3361234560{number}")
    first = await api.get("/v1/tasks?status=open&limit=2")
    assert [one["first_name"] for one in first["items"]] == ["P0", "P1"]
    second = await api.get(f"/v1/tasks?status=open&limit=2&cursor={first['next_cursor']}")
    assert ([one["first_name"] for one in second["items"]], second["next_cursor"]) == (["P2"], None)
    newest = await api.get("/v1/tasks?limit=1")
    assert newest["items"][0]["first_name"] == "P2"
    assert newest["next_cursor"] == newest["items"][0]["id"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"{}", 422), (b'{"result": "sold"}', 422), (b'{"result": "other", "not": "x"}', 422)],
)
async def test_a_result_that_makes_no_sense_is_refused(api: Api, body: bytes, status: int) -> None:
    task = await call_back(api)
    answer = await api.http.post(f"/v1/tasks/{task['id']}/close", content=body)
    assert answer.status_code == status, answer.text
    assert (await api.get("/v1/tasks?status=open"))["items"] == [task]


async def test_an_unknown_task_of_any_shape_is_not_found(api: Api) -> None:
    for unknown in (NOTHING, "nonsense", "%00", "é"):
        await api.post(f"/v1/tasks/{unknown}/close", {"result": "reached"}, 404)
    await api.get("/v1/tasks?status=asleep", 422)
    await api.get("/v1/tasks?cursor=x", 422)
