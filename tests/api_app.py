"""The real API on a real store, called in process; what Temporal would hear stays in the outbox unless it is given."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from temporalio.client import Client

from api.app import create_app
from models.vocabulary import Role
from relay import Relay
from runtime import clock
from runtime.installation import Installation, opened
from runtime.shop_settings import ShopSettings
from runtime.temporal import TemporalError
from settings import load_settings
from store import keys

ADMIN, INGEST, STAFF = "admin_key_of_the_tests", "ingest_key_of_the_tests", "staff_key_of_the_tests"
SECRET = "shopify-secret-of-the-tests"
EMAIL = "Camille@example.org"
Json = dict[str, Any]


async def nobody() -> Client:
    """Be a Temporal that is away."""
    raise TemporalError("Temporal at 127.0.0.1:1 does not answer")


@dataclass(frozen=True)
class Api:
    """One API with its store; calls go out with the admin key unless they say otherwise."""

    http: httpx.AsyncClient
    installation: Installation
    relay: Relay

    async def call(self, method: str, path: str, body: object = None, status: int = 200, **headers: str) -> Json:
        """Call, check the status, and return the JSON."""
        content = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.http.request(method, path, content=content, headers=named)
        assert answer.status_code == status, answer.text
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == status
        found: Json = answer.json()
        return found

    async def get(self, path: str, status: int = 200, **headers: str) -> Json:
        return await self.call("GET", path, None, status, **headers)

    async def post(self, path: str, body: object = None, status: int = 200, **headers: str) -> Json:
        return await self.call("POST", path, body, status, **headers)

    async def journey(self, cart: str = "c1") -> Json:
        """Return the one journey of a cart, with its timeline."""
        (item,) = (await self.get(f"/v1/journeys?cart_id={cart}"))["items"]
        return await self.get(f"/v1/journeys/{item['id']}")

    async def read(self, work: Callable[..., Any], *args: Any) -> Any:
        return await self.installation.db.read(work, *args)


@asynccontextmanager
async def serving(
    home: Path,
    database_url: str | None = None,
    *,
    rehearsal: bool = False,
    temporal: Callable[[], Awaitable[Client]] = nobody,
    **of_shop: Any,
) -> AsyncIterator[Api]:
    """Open an installation and its API; `of_shop` are further settings of its one shop."""
    shop = ShopSettings(
        name="Maison Ébène",
        url="https://maison.example",
        postal_address="1 rue des Lilas, 75011 Paris",
        shopify_secret=(SecretStr(SECRET),),
        **of_shop,
    )
    given = {"home": home, "api_key": ADMIN, "ingest_key": INGEST, "shops": (shop,)}
    settings = load_settings(**given, **({"database_url": database_url} if database_url else {}))
    async with opened(settings, rehearsal=rehearsal) as installation:
        await installation.db.write(keys.put_key, "lea", Role.STAFF, STAFF, clock.now())
        relay = Relay(installation.db, temporal, clock.now)
        app = create_app(installation, relay, temporal)
        transport = httpx.ASGITransport(app)
        own = {"authorization": f"Bearer {ADMIN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://relaunch.test", headers=own) as http:
            yield Api(http, installation, relay)


def checkout(cart: str = "c1", email: str = EMAIL, **changes: Any) -> Json:
    """Return an event of a consenting customer who starts to check out now."""
    now = datetime.now(UTC)
    consent = {
        "channel": "email",
        "purpose": "marketing",
        "state": "granted",
        "source": "form",
        "at": (now - timedelta(days=9)).isoformat(),
    }
    line = {"product_id": "p1", "name": "Vase", "price": 4500, "quantity": 2}
    return {
        "messageId": f"checkout-{cart}",
        "event": "Checkout Started",
        "timestamp": now.isoformat(),
        "customer": {"email": email, "first_name": "Camille", "consents": [consent]},
        "properties": {"cart_id": cart, "currency": "EUR", "value": 9000, "products": [line]},
    } | changes


def signed(body: bytes, topic: str, secret: str = SECRET) -> dict[str, str]:
    """Return the headers of a webhook of Shopify."""
    signature = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()
    return {"X-Shopify-Topic": topic, "X-Shopify-Hmac-SHA256": signature}
