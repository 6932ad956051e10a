"""The preference page on both engines: what it shows, what it takes down, and what follows at the commit."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import update

from models.situation import SuppressionReason
from models.vocabulary import Channel
from runtime import clock
from store.objections import suppress
from store.schema import ACTS, CONSENTS, CUSTOMERS, OUTBOX, SUPPRESSIONS
from tests.api_app import EMAIL, Api, checkout, serving
from tests.preference_page import arrive, change, rows, said, ticked, visit

PHONE = "+33612345678"


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url) as one:
        yield one


async def test_looking_at_the_page_changes_nothing(api: Api) -> None:
    path = await arrive(api, phone=PHONE)
    before = [await rows(api, table) for table in (CONSENTS, CUSTOMERS, SUPPRESSIONS, ACTS)]
    for method in ("GET", "HEAD", "GET"):
        page = await visit(api, method, path)
    assert [await rows(api, table) for table in (CONSENTS, CUSTOMERS, SUPPRESSIONS, ACTS)] == before
    assert ticked(page) == {"email", "cart_reminders", "win_back"}
    assert EMAIL.lower() not in page.text.lower()
    assert PHONE[-6:] not in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


async def test_the_unsubscribe_page_leads_there(api: Api) -> None:
    path = await arrive(api)
    token = path.split("/")[2]
    page = await visit(api, "GET", f"/u/{token}")
    assert f'href="{token}/preferences"' in page.text  # from /u/TOKEN that is /u/TOKEN/preferences


async def test_saving_what_is_shown_changes_nothing(api: Api) -> None:
    path = await arrive(api, phone=PHONE)
    page = await change(api, path)
    assert "Rien n’a changé" in page.text
    assert await said(api) == []
    assert (await api.journey())["status"] == "waiting"


@pytest.mark.parametrize("multipart", [False, True])
async def test_an_unticked_channel_is_an_objection_like_one_click(api: Api, multipart: bool) -> None:
    path = await arrive(api)
    page = await change(api, path, "email", multipart=multipart)
    assert "E-mail\u00a0: non" in page.text
    assert ticked(page) == {"cart_reminders", "win_back"}
    journey = await api.journey()
    assert (journey["status"], journey["outcome"]) == ("closed", "opted_out")
    assert "Le client s’est désinscrit sur sa page de préférences" in [one["text"] for one in journey["timeline"]]
    assert await said(api) == [("email", "marketing", "withdrawn")]
    (closed,) = await rows(api, SUPPRESSIONS)
    assert (closed["channel"], closed["address"], closed["reason"]) == ("email", EMAIL.lower(), "objection")
    assert closed["seq"] == (await rows(api, CUSTOMERS))[0]["seq"]
    told = [row["call"] for row in await rows(api, OUTBOX)]
    assert told == ["start", "stopped"]  # Temporal is away: what it has still to hear


async def test_a_buyer_who_never_said_a_word_is_shown_as_reached_and_may_object(api: Api) -> None:
    path = await arrive(api, consents=False, orders=True, phone=PHONE)
    assert {"email", "sms"} <= ticked(await visit(api, "GET", path))
    await change(api, path, "email")
    assert await said(api) == [("email", "marketing", "withdrawn")]
    assert ticked(await visit(api, "GET", path)) & {"email", "sms"} == {"sms"}


async def test_who_was_never_asked_is_shown_as_not_reached_and_may_agree(api: Api) -> None:
    path = await arrive(api, consents=False)
    assert "email" not in ticked(await visit(api, "GET", path))
    await change(api, path, tick={"email": "1"})
    assert await said(api) == [("email", "marketing", "granted")]
    assert (await api.journey())["status"] == "waiting"


async def test_a_ticked_channel_is_a_consent_with_its_wording_and_lifts_the_own_objection(api: Api) -> None:
    path = await arrive(api)
    await change(api, path, "email")
    page = await change(api, path, tick={"email": "1"})
    assert "email" in ticked(page)
    word = (await rows(api, CONSENTS))[-1]
    assert (word["state"], word["source"], word["actor"]) == ("granted", "preferences", "preferences")
    assert word["wording"] == "E-mail: Je veux bien recevoir par e-mail les rappels et les offres de Maison Ébène."
    assert word["wording_hash"] == sha256(word["wording"].encode()).hexdigest()
    (closed,) = await rows(api, SUPPRESSIONS)
    assert closed["lifted_at"] is not None


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (SuppressionReason.COMPLAINT, "signalé nos messages comme indésirables"),
        (SuppressionReason.BOUNCE, "nous reviennent"),
        (SuppressionReason.SOFT_BOUNCES, "quelques jours"),
    ],
)
async def test_a_tick_never_lifts_a_complaint_or_a_bounce_and_the_page_says_so(
    api: Api, reason: SuppressionReason, told: str
) -> None:
    path = await arrive(api)
    await change(api, path, "email")
    await api.installation.db.write(suppress, "main", Channel.EMAIL, EMAIL.lower(), reason, clock.now(), 0)
    assert told in (await visit(api, "GET", path)).text
    page = await change(api, path, tick={"email": "1"})
    assert page.text.count(told) == 2  # where it says what was saved, and beside the box
    standing = [row["reason"] for row in await rows(api, SUPPRESSIONS) if row["lifted_at"] is None]
    assert standing == [reason]


async def test_a_declined_topic_ends_its_journeys_and_no_other_channel_or_topic(api: Api) -> None:
    path = await arrive(api, phone=PHONE)
    await change(api, path, "win_back")
    assert (await api.journey())["status"] == "waiting"
    page = await change(api, path, "cart_reminders")
    assert (await api.journey())["outcome"] == "opted_out"
    assert ticked(page) == {"email"}
    assert {(purpose, state) for _, purpose, state in await said(api)} == {
        ("win_back", "withdrawn"),
        ("cart_reminders", "withdrawn"),
    }
    assert await rows(api, SUPPRESSIONS) == []


async def test_measuring_is_off_until_it_is_ticked_and_off_again_when_it_is_not(api: Api) -> None:
    path = await arrive(api)
    page = await change(api, path, tick={"open_tracking": "1", "click_tracking": "1"})
    assert {"open_tracking", "click_tracking"} <= ticked(page)
    await change(api, path, "open_tracking")
    assert await said(api) == [
        ("email", "open_tracking", "granted"),
        ("email", "click_tracking", "granted"),
        ("email", "open_tracking", "withdrawn"),
    ]
    assert "image invisible" in (await rows(api, CONSENTS))[-1]["wording"]


async def test_a_pause_lasts_thirty_days_and_can_be_ended(api: Api) -> None:
    path = await arrive(api)
    began = clock.now()
    page = await change(api, path, tick={"pause": "1"})
    assert "En pause jusqu’au" in page.text
    (customer,) = await rows(api, CUSTOMERS)
    assert timedelta(days=30) <= customer["snoozed_until"] - began < timedelta(days=30, minutes=1)
    assert (await api.journey())["status"] == "waiting"
    seq = customer["seq"]
    await change(api, path, tick={"pause": "1"})
    assert (await rows(api, CUSTOMERS))[0]["seq"] == seq
    page = await change(api, path, "pause")
    assert "La pause est terminée" in page.text
    (customer,) = await rows(api, CUSTOMERS)
    assert (customer["snoozed_until"], customer["seq"]) == (None, seq + 1)
    assert await said(api) == []


async def test_a_pause_is_the_addresss_and_ending_it_leaves_the_pauses_of_others(api: Api) -> None:
    path = await arrive(api, id="one")
    await api.post("/v1/events", checkout("c2", messageId="m2") | {"customer": {"id": "two", "email": EMAIL}}, 202)
    await change(api, path, tick={"pause": "1"})
    one, two = await rows(api, CUSTOMERS)
    assert one["snoozed_until"] == two["snoozed_until"] is not None
    own = two["snoozed_until"] + timedelta(days=1)
    theirs = update(CUSTOMERS).where(CUSTOMERS.c.id == two["id"]).values(snoozed_until=own)
    await api.installation.db.write(lambda connection: connection.execute(theirs) and None)
    await change(api, path, "pause")
    assert [row["snoozed_until"] for row in await rows(api, CUSTOMERS)] == [None, own]


async def test_the_language_is_the_customers_from_then_on(api: Api) -> None:
    path = await arrive(api)
    page = await change(api, path, tick={"language": "en"})
    assert '<html lang="en">' in page.text
    assert "Language: English" in page.text
    assert (await rows(api, CUSTOMERS))[0]["locale"] == "en"
    assert "Your preferences" in (await visit(api, "GET", path)).text
    assert "Stop receiving our e-mails?" in (await visit(api, "GET", path.removesuffix("/preferences"))).text
    assert await said(api) == []


async def test_one_button_ends_everything(api: Api) -> None:
    path = await arrive(api, phone=PHONE)
    await change(api, path, tick={"sms": "1", "click_tracking": "1"})
    page = await change(api, path, tick={"leave": "1"})
    assert "Vous ne recevrez plus ni rappel ni offre." in page.text
    assert ticked(page) == {"cart_reminders", "win_back"}
    assert (await api.journey())["outcome"] == "opted_out"
    withdrawn = {(channel, purpose) for channel, purpose, state in await said(api) if state == "withdrawn"}
    assert withdrawn == {(channel, "marketing") for channel in Channel} | {("email", "click_tracking")}
    count = len(await said(api))
    await change(api, path, tick={"leave": "1"})
    assert len(await said(api)) == count
