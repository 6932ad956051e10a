"""Whatever is thrown at a door, over real HTTP, by the API's own description: an answer, and never a 5xx."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error

from api.app import create_app
from cli.services import free_port
from relay import Relay
from runtime import clock
from runtime.installation import opened
from runtime.shop_settings import ShopSettings
from settings import load_settings
from tests.api_app import ADMIN, SECRET, nobody
from tests.shopify import FIXTURES, TOPICS

WOOCOMMERCE_TOPICS = ("order.created", "order.updated", "order.deleted", "customer.updated", "action.cart", "x")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Doors:
    """The API on a port of this machine, in a thread of its own."""

    def __init__(self, home: Path) -> None:
        self.port, self._home = free_port(), home
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> "Doors":
        self._thread.start()
        while self._server is None or not self._server.started:
            assert self._thread.is_alive(), "the API did not start"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join()

    async def _serve(self) -> None:
        secret = [SECRET]
        shop = ShopSettings.model_validate({"shopify_secret": secret, "url": "https://maison.example"})
        other = ShopSettings.model_validate({"id": "other", "woocommerce_secret": secret})
        read = load_settings(home=self._home, api_key=ADMIN, shops=(shop, other))
        async with opened(read) as installation:
            app = create_app(installation, Relay(installation.db, nobody, clock.now), nobody)
            self._server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_config=None, access_log=False))
            await self._server.serve()


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    with Doors(tmp_path_factory.mktemp("doors")) as open_doors:
        yield open_doors


def description() -> dict[str, Any]:
    """Return what the API says of itself, for which it needs no store."""
    nowhere: Any = SimpleNamespace(db=None)
    return create_app(nowhere, nowhere, nobody).openapi()


# Temporal is away here, and /readyz says so.
schema = schemathesis.openapi.from_dict(description()).exclude(path="/readyz")


@schema.parametrize()
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_call_that_fits_the_description_or_does_not_breaks_anything(case: Any, doors: Doors) -> None:
    response = case.call(base_url=doors.url, headers={"Authorization": f"Bearer {ADMIN}"})
    case.validate_response(response, checks=[not_a_server_error])


def knock(doors: Doors, source: str, body: bytes, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{doors.url}/v1/webhooks/{source}", content=body, headers=headers)
    assert answer.status_code in (200, 400), answer.text


def signature(body: bytes) -> str:
    return base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()


@MANY
@given(topic=st.sampled_from(TOPICS), body=JSON)
def test_no_signed_webhook_of_shopify_breaks_anything(doors: Doors, topic: str, body: object) -> None:
    raw = json.dumps(body).encode()
    knock(doors, "shopify", raw, {"X-Shopify-Topic": topic, "X-Shopify-Hmac-SHA256": signature(raw)})


@MANY
@given(st.data())
def test_no_documented_body_with_a_field_gone_strange_breaks_anything(doors: Doors, data: st.DataObject) -> None:
    body = json.loads(data.draw(st.sampled_from(sorted(FIXTURES.glob("*.json")))).read_text("utf-8"))
    for name in data.draw(st.lists(st.sampled_from(sorted(body)), min_size=1, max_size=3)):
        body[name] = data.draw(JSON)
    raw = json.dumps(body).encode()
    topic = data.draw(st.sampled_from(TOPICS))
    knock(doors, "shopify", raw, {"X-Shopify-Topic": topic, "X-Shopify-Hmac-SHA256": signature(raw)})


@MANY
@given(topic=st.sampled_from(WOOCOMMERCE_TOPICS), body=JSON)
def test_no_signed_webhook_of_woocommerce_breaks_anything(doors: Doors, topic: str, body: object) -> None:
    raw = json.dumps(body).encode()
    knock(doors, "woocommerce", raw, {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": signature(raw)})
