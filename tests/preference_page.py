"""The preference page as a browser without JavaScript uses it, and what the store holds afterwards."""

import re
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import Connection, Table, select

from models.vocabulary import Channel
from runtime import clock
from store.schema import CONSENTS
from tests.api_app import Api, checkout

BOXES = {"email", "sms", "cart_reminders", "win_back", "open_tracking", "click_tracking", "pause"}


async def arrive(api: Api, *, consents: bool = True, orders: bool = False, **customer: Any) -> str:
    """Have a customer with a journey, and return the path of their page."""
    event = checkout()
    event["customer"] |= customer
    if not consents:
        event["customer"]["consents"] = []
    if orders:
        bought = {"order_id": "O1", "currency": "EUR", "value": 100, "products": []}
        at = (clock.now() - timedelta(days=9)).isoformat()
        sold = {"messageId": "o1", "event": "Order Completed", "timestamp": at, "properties": bought}
        await api.post("/v1/events", sold | {"customer": event["customer"]}, 202)
    await api.post("/v1/events", event, 202)
    customer_id = (await api.journey())["customer_id"]
    return "/u/" + api.installation.links.preferences("main", customer_id, Channel.EMAIL).rpartition("/u/")[2]


async def visit(api: Api, method: str, path: str, status: int = 200, **content: Any) -> httpx.Response:
    answer = await api.http.request(method, path, headers={"authorization": ""}, **content)
    assert answer.status_code == status, answer.text
    assert not {"set-cookie", "location"} & answer.headers.keys()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    return answer


def fields(page: httpx.Response) -> dict[str, str]:
    """Return what a browser would send of a page's form: hidden fields, ticked boxes, the chosen language."""
    tags = re.findall(r"<input ([^>]*)>", page.text)
    found = [dict(re.findall(r'([a-z]+)="([^"]*)"', tag)) | {"checked": "checked" in tag} for tag in tags]
    return {one["name"]: one["value"] for one in found if one["type"] == "hidden" or one["checked"]}


def ticked(page: httpx.Response) -> set[str]:
    return BOXES & fields(page).keys()


async def change(
    api: Api, path: str, *untick: str, tick: dict[str, str] | None = None, multipart: bool = False
) -> httpx.Response:
    """Open the page, change some boxes, and save."""
    form = fields(await visit(api, "GET", path)) | (tick or {})
    form = {name: value for name, value in form.items() if name not in untick}
    if multipart:
        return await visit(api, "POST", path, files={name: (None, value) for name, value in form.items()})
    return await visit(api, "POST", path, data=form)


async def rows(api: Api, table: Table) -> list[Any]:
    def read(connection: Connection) -> list[Any]:
        return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]

    found: list[Any] = await api.read(read)
    return found


async def said(api: Api) -> list[tuple[str, str, str]]:
    """Return what the page has added to the ledger."""
    words = [row for row in await rows(api, CONSENTS) if row["source"] == "preferences"]
    assert all(row["actor"] == "preferences" for row in words)
    return [(row["channel"], row["purpose"], row["state"]) for row in words]
