"""The preference page's door: old pages, other bodies, forged links, people who are gone, a store that is away."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.schema import DropTable

from models.events import Event, EventType, Person
from runtime import clock
from store.intake import ingest
from store.schema import CONSENTS, CUSTOMERS, SUPPRESSIONS
from tests.api_app import EMAIL, Api, serving
from tests.preference_page import arrive, fields, rows, said, ticked, visit


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url) as one:
        yield one


async def test_a_form_from_an_old_page_does_not_take_back_an_objection(api: Api) -> None:
    path = await arrive(api)
    old = fields(await visit(api, "GET", path))
    await visit(api, "POST", path.removesuffix("/preferences"))
    page = await visit(api, "POST", path, data=old | {"pause": "1"})
    assert "email" not in ticked(page)
    assert await said(api) == []
    assert all(row["lifted_at"] is None for row in await rows(api, SUPPRESSIONS))


@pytest.mark.parametrize("content", [{}, {"data": {"List-Unsubscribe": "One-Click"}}, {"data": {"email": ""}}])
async def test_a_body_that_is_not_the_pages_form_says_only_what_it_names(api: Api, content: dict[str, Any]) -> None:
    path = await arrive(api)
    page = await visit(api, "POST", path, **content)
    assert "email" in ticked(page)
    assert (await api.journey())["status"] == ("closed" if content.get("data") == {"email": ""} else "waiting")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff=1", "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(60)), "application/x-www-form-urlencoded"),
        (b"no part", "multipart/form-data"),
        (b"no part", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="email"; filename="a"\r\n\r\n1\r\n--x--',
            "multipart/form-data; boundary=x",
        ),
    ],
)
async def test_an_unreadable_form_changes_nothing(api: Api, body: bytes, kind: str) -> None:
    path = await arrive(api)
    answer = await api.http.post(path, content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert await said(api) == []
    assert (await api.http.post(path, content=b"x" * 70_000)).status_code == 413


async def test_a_forged_link_leads_nowhere(api: Api) -> None:
    path = await arrive(api)
    token = path.split("/")[2]
    for forged in (token[:-1], token + "x", "x", "%00", "x" * 9000):
        await visit(api, "GET", f"/u/{forged}/preferences", 404)
        await visit(api, "POST", f"/u/{forged}/preferences", 404, data={"shown": "email"})
    assert (await api.journey())["status"] == "waiting"


async def test_the_page_is_calm_after_an_erasure(api: Api) -> None:
    path = await arrive(api)
    at = clock.now() + timedelta(seconds=1)
    erasure = Event("erase", EventType.ERASE, "customers/redact", at, Person(email=EMAIL))
    await api.installation.db.write(ingest, "main", [erasure], None, at)
    for method in ("GET", "POST"):
        page = await visit(api, method, path, data={"shown": "", "email": "1"})
        assert "Rien à régler ici" in page.text
        assert "<form" not in page.text
    assert await rows(api, CUSTOMERS) == []


async def test_a_store_that_is_away_is_told_and_nothing_is_promised(api: Api) -> None:
    path = await arrive(api)
    await api.installation.db.write(lambda store: store.execute(DropTable(CONSENTS)))
    assert "Réessayez" in (await visit(api, "GET", path, 503)).text
    assert "Réessayez" in (await visit(api, "POST", path, 503, data={"shown": "email"})).text
