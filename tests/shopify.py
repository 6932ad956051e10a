"""Shopify's documented webhook bodies, and short ways to read them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.events import Event, OrderFacts
from storefronts.shopify import Shopify

ARRIVAL = datetime(2026, 11, 4, tzinfo=UTC)
FIXTURES = Path(__file__).parent / "fixtures" / "shopify"
CHECKOUT = "c1f2e3d4a5b60718293a4b5c6d7e8f90"
CART = "hWN2SGp4X1lkV0FvT3Jhbmdl"
CUSTOMER = "706405506930370084"
LEA = "Lea.Moreau@example.fr"
TOPICS = (
    "carts/create",
    "carts/update",
    "checkouts/create",
    "checkouts/update",
    "checkouts/delete",
    "orders/create",
    "orders/updated",
    "orders/paid",
    "orders/cancelled",
    "orders/fulfilled",
    "orders/partially_fulfilled",
    "customers/create",
    "customers/update",
    "customers/enable",
    "customers/disable",
    "customers/delete",
    "customers_email_marketing_consent/update",
    "customers_marketing_consent/update",
    "customers/email_marketing_consent_update",
    "customers/marketing_consent_update",
    "customers/redact",
    "customers/data_request",
    "shop/redact",
)
DECIDED = datetime(2026, 11, 2, 18, 2, 9, tzinfo=UTC)


def fixture(name: str, **changes: Any) -> dict[str, Any]:
    """Return a documented body with some fields changed."""
    body: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text("utf-8"))
    return body | changes


def read(topic: str, body: Mapping[str, Any], **headers: str) -> Event:
    """Return the one event that a webhook means."""
    told = {"X-Shopify-Topic": topic} | {name.replace("_", "-"): value for name, value in headers.items()}
    (event,) = Shopify().translate(json.dumps(body).encode(), told, shop_country="FR", at=ARRIVAL)
    return event


def order(**changes: Any) -> OrderFacts:
    """Return what orders/updated says with some fields changed."""
    found = read("orders/updated", fixture("orders_create", **changes)).order
    assert found is not None
    return found
