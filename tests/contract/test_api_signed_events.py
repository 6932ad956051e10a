"""`POST /v1/events` and `PUT /v1/products` with Standard Webhooks signatures in place of a key."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from store.schema import EVENTS
from tests.api_app import ADMIN, EMAIL, INGEST, Api, checkout, serving

OURS, NEXT, THEIRS = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2, 3))
PRODUCT = {"product_id": "p1", "name": "Vase", "price": 4500, "currency": "EUR"}


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url, events_secret=(SecretStr(OURS), SecretStr(NEXT))) as one:
        del one.http.headers["authorization"]
        yield one


def signed(body: bytes, secret: str = OURS, *, name: str = "msg_1", ago: float = 0) -> dict[str, str]:
    """Sign a call as a shop does with the library of its language."""
    at = datetime.now(UTC) - timedelta(seconds=ago)
    signature = Webhook(secret).sign(name, at, body.decode())
    return {"webhook-id": name, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


async def send(
    api: Api, body: object, headers: dict[str, str] | None = None, path: str = "/v1/events", **how: Any
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    method = "PUT" if "products" in path else "POST"
    headers = signed(content, **how) if headers is None else headers
    return await api.http.request(method, path, content=content, headers=headers)


def refused(answer: httpx.Response, words: str) -> None:
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "www-authenticate" in answer.headers
    assert words in answer.json()["detail"]


async def stored(api: Api) -> list[str]:
    """Return of which shop each stored event is."""
    found: list[str] = await api.read(lambda store: list(store.execute(select(EVENTS.c.shop)).scalars()))
    return found


async def test_a_good_signature_opens_the_door(api: Api) -> None:
    answer = await send(api, checkout())
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "duplicates": 0, "rejected": []})
    product = await send(api, PRODUCT, path="/v1/products")
    assert (product.status_code, product.json()["accepted"]) == (200, 1)


async def test_while_a_secret_is_rotated_either_of_two_is_good_and_any_of_several_signatures(api: Api) -> None:
    assert (await send(api, checkout("c1"), secret=NEXT)).status_code == 202
    body = json.dumps(checkout("c2")).encode()
    both = signed(body, THEIRS)
    both["webhook-signature"] += " v1a,AAAA " + signed(body)["webhook-signature"]
    assert (await send(api, body, both)).status_code == 202


@pytest.mark.parametrize(("ago", "words"), [(301, "too old"), (-330, "from the future")])
async def test_a_signature_more_than_five_minutes_off_is_refused(api: Api, ago: float, words: str) -> None:
    refused(await send(api, checkout(), ago=ago), words)
    assert (await send(api, checkout(), ago=ago * 0.9)).status_code == 202


async def test_a_forged_or_incomplete_signature_is_refused_and_nothing_is_stored(api: Api) -> None:
    body = json.dumps(checkout()).encode()
    good = signed(body)
    refused(await send(api, body, secret=THEIRS), "another secret")
    refused(await send(api, body + b" ", good), "another secret")
    refused(await send(api, body, good | {"webhook-id": "msg_2"}), "another secret")
    refused(await send(api, body, good | {"webhook-signature": "v1a,AAAA"}), "version v1")
    refused(await send(api, body, good | {"webhook-signature": "v1,AAAA"}), "another secret")
    refused(await send(api, body, good | {"webhook-timestamp": "now"}), "no time in seconds")
    for name in ("webhook-id", "webhook-timestamp"):
        refused(await send(api, body, {key: value for key, value in good.items() if key != name}), f"no header {name}")
    assert await stored(api) == []


async def test_a_call_with_neither_key_nor_signature_is_asked_for_a_key(api: Api) -> None:
    for path in ("/v1/events", "/v1/products"):
        refused(await send(api, checkout(), {}, path), "Authorization: Bearer KEY")
    refused(await send(api, checkout(), {"webhook-id": "msg_1"}), "Authorization: Bearer KEY")


async def test_where_a_key_is_sent_it_alone_counts(api: Api) -> None:
    body = json.dumps(checkout()).encode()
    refused(await send(api, body, signed(body) | {"authorization": "Bearer nobody"}), "unknown or revoked")
    forged = signed(body, THEIRS) | {"authorization": f"Bearer {INGEST}"}
    assert (await send(api, body, forged)).status_code == 202


async def test_a_signature_opens_no_other_door(api: Api) -> None:
    for path, body in (
        ("/v1/opt-outs", {"email": EMAIL, "channel": "all"}),
        ("/v1/customers/search", {"email": EMAIL}),
    ):
        refused(await send(api, body, path=path), "Authorization: Bearer KEY")


async def test_the_same_call_again_counts_once_also_for_events_without_id_or_time(api: Api) -> None:
    bare = checkout()
    del bare["messageId"], bare["timestamp"]
    other = {"event": "Page Viewed", "customer": {"email": EMAIL}, "properties": {"page": 2}}
    first = await send(api, [bare, other])
    again = await send(api, [bare, other], ago=30)
    assert (first.json()["accepted"], again.json()["accepted"], again.json()["duplicates"]) == (2, 0, 2)
    assert (await send(api, [bare, other], name="msg_2")).json()["accepted"] == 2
    changed = await send(api, [bare, other | {"properties": {"page": 3}}])
    assert (changed.json()["accepted"], changed.json()["duplicates"]) == (1, 1)


async def test_a_key_needs_no_call_id_and_has_none(api: Api) -> None:
    bare = {"event": "Page Viewed", "customer": {"email": EMAIL}}
    key = {"authorization": f"Bearer {ADMIN}", "webhook-id": "msg_1"}
    assert (await send(api, bare, key)).json()["accepted"] == 1
    assert (await send(api, bare, key)).json()["accepted"] == 1


async def two_shops(api: Api) -> None:
    (shop,) = api.installation.settings.shops
    second = shop.model_copy(update={"id": "second", "events_secret": (SecretStr(THEIRS),)})
    third = shop.model_copy(update={"id": "third", "events_secret": ()})
    object.__setattr__(api.installation.settings, "shops", (shop, second, third))


async def test_the_shop_is_the_one_whose_secret_made_the_signature(api: Api) -> None:
    await two_shops(api)
    left = checkout()
    assert (await send(api, left, secret=THEIRS)).status_code == 202
    assert (await send(api, left, secret=THEIRS, path="/v1/events?shop=second")).json()["duplicates"] == 1
    assert await stored(api) == ["second"]


async def test_a_shop_that_is_named_is_the_only_one_that_counts(api: Api) -> None:
    await two_shops(api)
    refused(await send(api, checkout(), path="/v1/events?shop=second"), "another secret")
    refused(await send(api, checkout(), path="/v1/events?shop=third"), "RELAUNCH_EVENTS_SECRET")
    refused(await send(api, checkout(), path="/v1/events?shop=nobody"), "RELAUNCH_EVENTS_SECRET")
    assert await stored(api) == []


async def test_the_size_of_a_signed_body_is_bounded_too(api: Api) -> None:
    body = b"[" + b" " * 1_100_000 + b"]"
    assert (await send(api, body)).status_code == 413


async def test_the_description_says_that_a_signature_does(api: Api) -> None:
    described = (await api.http.get("/openapi.json")).json()
    signature: dict[str, list[str]] = {"webhook-id": [], "webhook-timestamp": [], "webhook-signature": []}
    assert described["paths"]["/v1/events"]["post"]["security"] == [{"key": []}, signature]
    assert described["paths"]["/v1/products"]["put"]["security"] == [{"key": []}, signature]
    assert set(signature) < set(described["components"]["securitySchemes"])
    assert described["paths"]["/v1/opt-outs"]["post"]["security"] == [{"key": []}]
