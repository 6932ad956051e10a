"""Joining and parting customers over HTTP, on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime import clock
from tests.api_app import INGEST, STAFF, Api, Json, serving

STAFFED = f"Bearer {STAFF}"
NOTHING = "01999999-0000-7000-8000-000000000000"
GUEST, ACCOUNT = {"email": "jeanne@example.com"}, {"id": "u1"}


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url) as one:
        yield one


async def hears(api: Api, customer: Json) -> None:
    at = clock.now().isoformat()
    await api.post("/v1/events", {"event": "Identify", "timestamp": at, "customer": customer}, 202)


async def found(api: Api, id_: str) -> list[Json]:
    items: list[Json] = (await api.post("/v1/customers/search", {"id": id_}))["items"]
    return items


async def two(api: Api) -> tuple[str, str]:
    """Let there be an account and a guest; return their ids."""
    await hears(api, GUEST)
    await hears(api, ACCOUNT)
    guest = (await api.post("/v1/customers/search", {"email": GUEST["email"]}))["items"][0]
    return (await found(api, "u1"))[0]["customer_id"], guest["customer_id"]


async def test_a_verified_address_of_the_generic_door_joins_the_guest(api: Api) -> None:
    account, guest = await two(api)
    await hears(api, ACCOUNT | GUEST | {"email_verified": True})
    for name in (account, guest, "u1"):
        rows = {one["customer_id"]: one for one in await found(api, name)}
        assert {one: row["root_id"] for one, row in rows.items()} == {account: None, guest: account}
        (alias,) = rows[account]["aliases"]
        assert (alias["customer_id"], alias["reason"], alias["actor"]) == (guest, "email", "events")


async def test_an_address_that_is_not_verified_joins_nobody(api: Api) -> None:
    account, _ = await two(api)
    await hears(api, ACCOUNT | GUEST | {"email_verified": False})
    assert [one["aliases"] for one in await found(api, account)] == [[]]


async def test_staff_joins_and_parts_with_a_name_and_a_reason(api: Api) -> None:
    account, guest = await two(api)
    joined = await api.post(
        f"/v1/customers/{account}/join", {"other": guest, "reason": "said so"}, authorization=STAFFED
    )
    assert {one["customer_id"]: one["root_id"] for one in joined["items"]} == {account: None, guest: account}
    await api.post(f"/v1/customers/{guest}/join", {"other": account, "reason": "again"}, 409)
    parted = await api.post(f"/v1/customers/{guest}/part", {"reason": "two sisters"}, authorization=STAFFED)
    (one,) = parted["items"]
    assert (one["customer_id"], one["root_id"], one["aliases"][0]["parted_by"]) == (guest, None, "lea")
    exported = await api.get(f"/v1/customers/{guest}/export")
    assert [(act["act"], act["reason"]) for act in exported["acts"]] == [("join", "said so"), ("part", "two sisters")]
    assert [alias["root_id"] for alias in exported["aliases"]] == [account]


async def test_the_export_of_a_root_names_its_aliases(api: Api) -> None:
    account, guest = await two(api)
    await api.post(f"/v1/customers/{account}/join", {"other": guest, "reason": "said so"})
    exported = await api.get(f"/v1/customers/{account}/export")
    assert [alias["customer_id"] for alias in exported["aliases"]] == [guest]


async def test_only_staff_joins_and_only_whom_there_is_and_never_without_a_reason(api: Api) -> None:
    account, guest = await two(api)
    join, part = f"/v1/customers/{account}/join", f"/v1/customers/{account}/part"
    body = {"other": guest, "reason": "said so"}
    await api.post(join, body, 403, authorization=f"Bearer {INGEST}")
    await api.post(part, {"reason": "no"}, 403, authorization=f"Bearer {INGEST}")
    await api.post(join, {"other": guest}, 422)
    await api.post(part, {}, 422)
    await api.post(join, body | {"other": NOTHING}, 404)
    await api.post(join, body | {"other": "somebody"}, 404)
    await api.post(f"/v1/customers/{NOTHING}/part", {"reason": "no"}, 404)
    await api.post(part, {"reason": "no"}, 409)


async def test_whoever_is_one_person_is_forgotten_together(api: Api) -> None:
    account, guest = await two(api)
    await api.post(f"/v1/customers/{account}/join", {"other": guest, "reason": "said so"})
    job = await api.call("DELETE", f"/v1/customers/{guest}", status=202)
    other = await api.call("DELETE", f"/v1/customers/{account}", status=202)
    assert (job["customer_id"], other["customer_id"]) == (guest, account)
    assert await found(api, "u1") == []
