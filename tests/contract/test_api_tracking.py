"""Opens and clicks on both engines: nothing measured by default, and with consent only while it lasts."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update
from sqlalchemy.schema import DropTable

from models.events import Event, EventType, Person
from models.vocabulary import Channel
from runtime import clock
from store.drafts import load_draft
from store.ids import new_id
from store.intake import ingest
from store.schema import CUSTOMERS, DELIVERIES, EVENTS, JOURNEYS, OUTBOX
from tests.api_app import EMAIL, Api, serving
from tests.measured import CART, CLICKS, FIREFOX, OPENS, VASE, hit, noted, sent, sent_to_sleeper, word
from tests.preference_page import rows

APPLE, GMAIL = (
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
)


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url) as one:
        yield one


async def withdraw(api: Api, purpose: str) -> None:
    told = {"messageId": f"no-{purpose}", "event": "Identify", "timestamp": clock.now().isoformat()}
    consents = [word(purpose, "withdrawn", clock.now())]
    await api.post("/v1/events", told | {"customer": {"email": EMAIL, "consents": consents}, "properties": {}}, 202)


async def test_by_default_a_message_has_no_pixel_and_no_rewritten_link(api: Api) -> None:
    message = (await sent(api)).message
    for part in (message.html, message.text):
        assert "/o/" not in part
        assert "/c/" not in part
        assert CART in part
        assert VASE in part
    assert "<img" not in message.html


@pytest.mark.parametrize(("purpose", "mark", "other"), [(OPENS, "/o/", "/c/"), (CLICKS, "/c/", "/o/")])
async def test_each_way_of_measuring_needs_its_own_consent(api: Api, purpose: str, mark: str, other: str) -> None:
    message = (await sent(api, purpose)).message
    assert mark in message.html
    assert other not in message.html
    assert (mark in message.text) == (purpose == CLICKS)


async def test_the_ways_out_are_never_measured(api: Api) -> None:
    message = (await sent(api, OPENS, CLICKS)).message
    links = {unescape(one) for one in re.findall(r'href="([^"]*)"', message.html)}
    customer = (await api.journey())["customer_id"]
    own = api.installation.links
    assert own.unsubscribe("main", customer, Channel.EMAIL) in links
    assert own.preferences("main", customer, Channel.EMAIL) in links
    assert not {CART, VASE} & links
    assert {urlsplit(one).path[:3] for one in links} == {"", "/u/", "/c/"}
    assert all(one in message.text for one in links)
    assert f"<{own.unsubscribe('main', customer, Channel.EMAIL)}>" in dict(message.headers)["List-Unsubscribe"]


async def test_an_open_is_recorded_once_a_day_and_only_its_day_stays_with_the_customer(api: Api) -> None:
    message = await sent(api, OPENS)
    for _ in range(3):
        answer = await hit(api, message.pixel)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.content.startswith(b"GIF89a")
    assert await noted(api) == [("Email Opened", True)]
    (customer,) = await rows(api, CUSTOMERS)
    assert customer["last_open_on"] == clock.now().date()
    assert (await api.journey())["status"] == "waiting"


async def test_a_click_is_recorded_once_for_each_address_and_leads_on(api: Api) -> None:
    message = await sent(api, CLICKS)
    led = set()
    for path in message.clicks * 2:
        answer = await hit(api, path)
        assert answer.status_code == 302
        led.add(answer.headers["location"])
    assert led == {CART, VASE}
    assert await noted(api) == [("Email Clicked", True)] * 2
    (customer,) = await rows(api, CUSTOMERS)
    assert clock.now() - customer["last_activity_at"] < timedelta(minutes=1)
    assert all(
        "maison" not in str(row["properties"]) for row in await rows(api, EVENTS) if row["type"] == "Email Clicked"
    )


@pytest.mark.parametrize("agent", [APPLE, GMAIL, "YahooMailProxy; https://help.yahoo.com/kb", ""])
async def test_a_proxy_is_no_reader_and_a_reader_may_follow_it(api: Api, agent: str) -> None:
    message = await sent(api, OPENS)
    await hit(api, message.pixel, agent)
    assert await noted(api) == [("Email Opened", False)]
    assert (await rows(api, CUSTOMERS))[0]["last_open_on"] is None
    await hit(api, message.pixel)
    assert await noted(api) == [("Email Opened", False), ("Email Opened", True)]


async def test_a_scanner_is_no_customer_whatever_it_follows(api: Api) -> None:
    message = await sent(api, CLICKS)
    before = (await rows(api, CUSTOMERS))[0]["last_activity_at"]
    answer = await hit(api, message.clicks[0], "Mozilla/5.0 (compatible; Barracuda Sentinel)")
    assert answer.status_code == 302
    assert await noted(api) == [("Email Clicked", False)]
    assert (await rows(api, CUSTOMERS))[0]["last_activity_at"] == before


async def test_an_inactive_subscriber_who_clicks_is_won_back_and_a_scanner_wins_nobody(api: Api) -> None:
    message = await sent_to_sleeper(api, OPENS, CLICKS)
    await hit(api, message.pixel)
    await hit(api, message.clicks[0], "Barracuda")
    (journey,) = await rows(api, JOURNEYS)
    assert journey["outcome"] is None
    await hit(api, message.clicks[0])
    (journey,) = await rows(api, JOURNEYS)
    assert journey["outcome"] == "reengaged"
    assert [row["call"] for row in await rows(api, OUTBOX)] == ["start", "stopped"]


async def test_nobody_clicks_in_the_moment_of_the_hand_over(api: Api) -> None:
    message = await sent(api, CLICKS)
    moment = update(DELIVERIES).values(handed_at=clock.now())
    await api.installation.db.write(lambda store: store.execute(moment) and None)
    await hit(api, message.clicks[0])
    assert await noted(api) == [("Email Clicked", False)]


async def test_whoever_only_looks_at_the_head_is_not_recorded(api: Api) -> None:
    message = await sent(api, OPENS, CLICKS)
    assert (await hit(api, message.pixel, method="HEAD")).status_code == 200
    assert (await hit(api, message.clicks[0], method="HEAD")).headers["location"] in (CART, VASE)
    assert await noted(api) == []


@pytest.mark.parametrize("purposes", [(OPENS, CLICKS), ("marketing",)])
async def test_a_consent_withdrawn_after_the_message_records_nothing(api: Api, purposes: tuple[str, ...]) -> None:
    message = await sent(api, OPENS, CLICKS)
    for purpose in purposes:
        await withdraw(api, purpose)
    before = await rows(api, CUSTOMERS)
    assert (await hit(api, message.pixel)).content.startswith(b"GIF89a")
    assert (await hit(api, message.clicks[0])).status_code == 302
    assert await noted(api) == []
    assert await rows(api, CUSTOMERS) == before


async def test_each_consent_is_asked_again_by_itself(api: Api) -> None:
    message = await sent(api, OPENS, CLICKS)
    await withdraw(api, OPENS)
    await hit(api, message.pixel)
    await hit(api, message.clicks[0])
    assert await noted(api) == [("Email Clicked", True)]


async def test_a_message_of_somebody_who_was_erased_still_shows_and_leads_on(api: Api) -> None:
    message = await sent(api, OPENS, CLICKS)
    at = clock.now() + timedelta(seconds=1)
    erasure = Event("erase", EventType.ERASE, "customers/redact", at, Person(email=EMAIL))
    await api.installation.db.write(ingest, "main", [erasure], None, at)
    assert (await hit(api, message.pixel)).status_code == 200
    assert (await hit(api, message.clicks[0])).status_code == 302
    assert await noted(api) == []
    assert await rows(api, CUSTOMERS) == []


async def test_an_unknown_delivery_and_a_store_that_is_away_still_lead_on(api: Api) -> None:
    links = api.installation.links
    unknown = urlsplit(links.clicking(new_id(), CART)).path
    assert (await hit(api, unknown)).headers["location"] == CART
    assert (await hit(api, urlsplit(links.opening(new_id())).path)).status_code == 200
    await api.installation.db.write(lambda store: store.execute(DropTable(DELIVERIES)))
    assert (await hit(api, unknown)).headers["location"] == CART
    assert (await hit(api, urlsplit(links.opening(new_id())).path)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/o/x", "/c/x", "/o/%00", "/c/" + "x" * 9000, "/c/https://evil.example", "/o/%F0%9F%90%9A"]
)
async def test_nobody_leads_on_to_an_address_that_we_did_not_sign(api: Api, path: str) -> None:
    answer = await api.http.get(path, headers={"user-agent": FIREFOX})
    assert answer.status_code == 404
    assert "location" not in answer.headers


async def test_the_figures_and_the_score_see_humans_only(api: Api) -> None:
    message = await sent(api, OPENS, CLICKS)
    settled = update(DELIVERIES).values(state="sent")
    await api.installation.db.write(lambda store: store.execute(settled) and None)
    await hit(api, message.pixel, APPLE)
    await hit(api, message.clicks[0], "Barracuda")
    totals = (await api.get("/v1/kpis"))["totals"]
    assert [(totals[name]["numerator"], totals[name]["denominator"]) for name in ("open_rate", "click_rate")] == [
        (0, 1)
    ] * 2
    assert await behaviour(api) == (0, 0)
    await hit(api, message.pixel)
    await hit(api, message.clicks[0])
    totals = (await api.get("/v1/kpis"))["totals"]
    assert [totals[name]["value"] for name in ("open_rate", "click_rate")] == [1, 1]
    assert await behaviour(api) == (1, 1)
    await withdraw(api, OPENS)
    assert await behaviour(api) == (0, 1)


async def behaviour(api: Api) -> tuple[int, int]:
    """Return the opens and clicks that the engagement score is made of."""
    draft: Any = await api.read(load_draft, (await api.journey())["id"], "reminder", clock.now())
    return draft.situation.opens, draft.situation.clicks
