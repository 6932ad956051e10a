"""The doors of providers, called as they call them, on both engines and with Temporal away."""

import base64
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.ingest import MAX_EVENTS_BODY
from channels.base import BadSignature, Knock, TemporarilyUnavailable
from channels.twilio_events import TwilioEvents
from models.events import Unreadable
from models.provider_events import ProviderEvent
from runtime import clock
from runtime.installation import Door, Installation
from store.outbox import all_rows
from tests.api_app import EMAIL, Api, Json, checkout, nobody, serving
from tests.measured import sent

SECRET = "pa55-secret-of-the-door"
POSTMARK = "/v1/providers/postmark/events"
NOW = datetime.now(UTC)


@pytest.fixture
async def api(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    monkeypatch.setenv("RELAUNCH_POSTMARK_WEBHOOK_SECRET", f"{SECRET},the-one-before")
    async with serving(tmp_path, database_url) as one:
        yield one


def basic(password: str = SECRET) -> str:
    return "Basic " + base64.b64encode(f"postmark:{password}".encode()).decode()


async def knock(api: Api, body: Any, status: int = 200, secret: str = SECRET) -> Json:
    return await api.post(POSTMARK, body, status, authorization=basic(secret))


def complaint(**changes: Any) -> Json:
    told = {"RecordType": "SpamComplaint", "ID": 42, "MessageID": "m-1", "Email": EMAIL, "Metadata": {}}
    return told | {"BouncedAt": (NOW - timedelta(minutes=1)).isoformat()} | changes


async def test_a_complaint_is_committed_and_temporal_will_hear_of_it(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    assert await knock(api, complaint()) == {"accepted": 1, "duplicates": 0, "ignored": 0}
    assert (await api.journey())["outcome"] == "opted_out"
    assert [row.call for row in await api.read(all_rows)] == ["start", "stopped"]
    assert await knock(api, complaint(), secret="the-one-before") == {"accepted": 0, "duplicates": 1, "ignored": 0}
    (known,) = (await api.post("/v1/customers/search", {"email": EMAIL}))["items"]
    assert [one["reason"] for one in known["suppressions"]] == ["complaint"]


async def test_a_forged_event_changes_nothing_and_teaches_nothing(api: Api) -> None:
    await api.post("/v1/events", checkout(), 202)
    answers = [await knock(api, complaint(), 401, secret) for secret in ("guess", "", SECRET + "x")]
    answers.append(await api.post(POSTMARK, complaint(), 401, authorization=""))
    assert len({json.dumps(one) for one in answers}) == 1
    assert SECRET not in str(answers)
    assert (await api.journey())["status"] == "waiting"


async def test_our_own_keys_open_no_providers_door(api: Api) -> None:
    await api.post(POSTMARK, complaint(), 401)  # with the admin key


@pytest.mark.parametrize("name", ["nobody", "postmark%00", "brevo", "__class__", "%F0%9F%90%9A"])
async def test_a_provider_that_is_not_set_up_has_no_door(api: Api, name: str) -> None:
    await api.post(f"/v1/providers/{name}/events", complaint(), 404, authorization=basic())


async def test_a_body_that_is_not_the_providers_is_refused_without_its_values(api: Api) -> None:
    problem = await knock(api, {"RecordType": 7, "Email": EMAIL}, 400)
    assert "RecordType" in problem["detail"]
    assert EMAIL not in str(problem)
    await knock(api, "nonsense", 400)


async def test_a_batch_and_an_empty_one_and_a_large_one_are_taken(api: Api) -> None:
    assert await knock(api, []) == {"accepted": 0, "duplicates": 0, "ignored": 0}
    ping = {"RecordType": "Inbound"}
    assert await knock(api, ping) == {"accepted": 0, "duplicates": 0, "ignored": 1}
    many = [complaint(ID=number, Email=f"p{number}@example.org") for number in range(701)]
    assert (await knock(api, many))["accepted"] == 701
    assert (await knock(api, many[::-1])) == {"accepted": 0, "duplicates": 701, "ignored": 0}


async def test_a_body_over_a_megabyte_is_refused(api: Api) -> None:
    await knock(api, complaint(Details="x" * MAX_EVENTS_BODY), 413)


def of(delivery: str, record: str, **told: Any) -> Json:
    return {
        "RecordType": record,
        "MessageID": "m-1",
        "Recipient": EMAIL,
        "Metadata": {"relaunch-delivery": delivery},
    } | told


async def test_what_was_told_of_a_message_is_shown_with_it_and_in_its_journeys_timeline(api: Api) -> None:
    delivery = (await sent(api)).message.delivery
    tried, came = (clock.now() - timedelta(seconds=ago) for ago in (30, 20))
    bounce = of(delivery, "Bounce", Type="SoftBounce", BouncedAt=tried.isoformat(), ID=7)
    batch = [of(delivery, "Delivery", DeliveredAt=came.isoformat()), bounce]
    assert (await knock(api, batch))["accepted"] == 2
    found = await api.get(f"/v1/deliveries/{delivery}")
    assert (found["state"], found["provider_id"]) == ("sent", "m-1")
    assert [(one["type"], one["permanent"]) for one in found["notices"]] == [("bounced", False), ("delivered", None)]
    assert all(one["at"] and one["received_at"] for one in found["notices"])
    assert EMAIL.lower() not in str(found["notices"]).lower()
    told = [one["text"] for one in (await api.journey())["timeline"] if one["type"] == "notice"]
    assert told == [
        "« reminder » : non distribué, la boîte ne prend rien pour l’instant (SoftBounce)",
        "« reminder » : arrivé chez le client",
    ]
    path = f"/v1/journeys/{(await api.journey())['id']}"
    english = (await api.call("GET", path, accept_language="en"))["timeline"]
    assert "“reminder”: has reached the customer" in [one["text"] for one in english]


async def test_the_figures_know_complaints_once_a_provider_tells_of_them(api: Api) -> None:
    delivery = (await sent(api)).message.delivery
    before = (await api.get("/v1/kpis"))["totals"]["complaint_rate"]
    assert (before["value"], "note" in before) == (None, True)
    await knock(api, of(delivery, "Delivery", DeliveredAt=clock.now().isoformat()))
    told = (await api.get("/v1/kpis"))["totals"]["complaint_rate"]
    assert (told["numerator"], told["denominator"], told["value"]) == (0, 1, 0)
    await knock(api, of(delivery, "SpamComplaint", BouncedAt=clock.now().isoformat(), ID=8))
    assert (await api.get("/v1/kpis"))["totals"]["complaint_rate"]["value"] == 1


class Picky:
    """A provider of these tests: signs nothing, and says what it likes."""

    name = "picky"

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        match knock.headers.get("mood"):
            case "away":
                raise TemporarilyUnavailable("the certificate cannot be fetched")
            case "fine" if "s" in secrets:
                return
            case _:
                raise BadSignature("the secret of the door is s")

    def read(self, knock: Knock) -> list[ProviderEvent]:
        if knock.body:
            raise Unreadable("field x is missing")
        return []


DOORS = {"picky": Door(Picky(), ("s",)), "shut": Door(Picky(), ()), "twilio": Door(TwilioEvents(), ("token",))}


class Open(Installation):
    """An installation whose doors are those of these tests."""

    __slots__ = ()

    def door(self, source: str) -> Door | None:
        return DOORS.get(source)


@pytest.fixture
async def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("RELAUNCH_PUBLIC_URL", "https://hooks.example.org/relaunch/")
    async with serving(tmp_path) as api:
        installation = Open(*[getattr(api.installation, one.name) for one in fields(Installation)])
        app = create_app(installation, api.relay, nobody)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.7:8080") as http:
            yield http


async def test_a_ping_without_events_is_answered_as_they_are(doors: httpx.AsyncClient) -> None:
    answer = await doors.post("/v1/providers/picky/events", headers={"Mood": "fine"})
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "duplicates": 0, "ignored": 0})


async def test_what_can_not_be_checked_now_is_to_be_sent_again(doors: httpx.AsyncClient) -> None:
    answer = await doors.post("/v1/providers/picky/events", headers={"Mood": "away"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_why_a_signature_is_bad_is_for_the_log_alone(doors: httpx.AsyncClient) -> None:
    answer = await doors.post("/v1/providers/picky/events", headers={"Mood": "grim"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "secret of the door" not in answer.text
    assert answer.headers["www-authenticate"]


async def test_a_door_without_a_secret_is_none(doors: httpx.AsyncClient) -> None:
    assert (await doors.post("/v1/providers/shut/events", headers={"Mood": "fine"})).status_code == 404


@pytest.mark.parametrize("query", ["", "?delivery=0199-0001&x=%2B"])
async def test_a_signature_over_the_url_is_over_our_public_one(doors: httpx.AsyncClient, query: str) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+33612345678"}
    url = f"https://hooks.example.org/relaunch/v1/providers/twilio/events{query}"
    signed = url + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.new(b"token", signed.encode(), sha1).digest()).decode()
    place = f"/v1/providers/twilio/events{query}"
    good = await doors.post(place, data=form, headers={"X-Twilio-Signature": signature, "Host": "evil.example"})
    assert (good.status_code, good.json()["ignored"]) == (200, 1)
    bad = await doors.post(
        place + ("&" if query else "?") + "y=1", data=form, headers={"X-Twilio-Signature": signature}
    )
    assert bad.status_code == 401
