"""WooCommerce's documented bodies (REST API wc/v3), its headers, and short ways to read them."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.events import Event, OrderFacts
from storefronts.woocommerce import STOREFRONT

ARRIVAL = datetime(2026, 11, 4, tzinfo=UTC)
SECRET = "woocommerce-secret-of-the-tests"
LEA = "Lea.Moreau@example.fr"
KEY = "wc_order_58d2d042d1d3c"
CART = "6a5f3f0e-5b0a-4e3c-9d0c-2a1f6f1f7b11"
PAY = f"https://boutique.example/commander/order-pay/727/?pay_for_order=true&key={KEY}"


def line(**changes: Any) -> dict[str, Any]:
    """Return a line: two bags at 45.00 with tax, one coupon of 10 %."""
    return {
        "id": 315,
        "name": "Sac paille - Naturel",
        "product_id": 93,
        "variation_id": 97,
        "quantity": 2,
        "tax_class": "",
        "subtotal": "75.00",
        "subtotal_tax": "15.00",
        "total": "67.50",
        "total_tax": "13.50",
        "taxes": [{"id": 75, "total": "13.500000", "subtotal": "15.000000"}],
        "meta_data": [{"id": 2095, "key": "pa_couleur", "value": "naturel"}],
        "sku": "SAC-PAILLE-NAT",
        "price": 33.75,
        "image": {"id": "55", "src": "https://boutique.example/wp-content/uploads/sac.jpg"},
        "parent_name": "Sac paille",
    } | changes


def order(**changes: Any) -> dict[str, Any]:
    """Return a paid order with some fields changed."""
    address = {"first_name": "Léa", "last_name": "Moreau", "company": "", "address_1": "8 quai des Brumes"}
    place = {"address_2": "", "city": "Nantes", "state": "", "postcode": "44000", "country": "FR"}
    return {
        "id": 727,
        "parent_id": 0,
        "number": "727",
        "order_key": KEY,
        "created_via": "checkout",
        "version": "10.3.0",
        "status": "processing",
        "currency": "EUR",
        "date_created": "2026-11-02T18:31:07",
        "date_created_gmt": "2026-11-02T17:31:07",
        "date_modified": "2026-11-02T18:31:19",
        "date_modified_gmt": "2026-11-02T17:31:19",
        "discount_total": "7.50",
        "discount_tax": "1.50",
        "shipping_total": "4.08",
        "shipping_tax": "0.82",
        "cart_tax": "13.50",
        "total": "85.90",
        "total_tax": "14.32",
        "prices_include_tax": True,
        "customer_id": 26,
        "customer_ip_address": "192.0.2.7",
        "customer_user_agent": "Mozilla/5.0",
        "customer_note": "",
        "billing": {**address, **place, "email": LEA, "phone": "06 12 34 56 78"},
        "shipping": {**address, **place},
        "payment_method": "stripe",
        "payment_method_title": "Carte bancaire",
        "transaction_id": "pi_3N",
        "date_paid": "2026-11-02T18:31:18",
        "date_paid_gmt": "2026-11-02T17:31:18",
        "date_completed": None,
        "date_completed_gmt": None,
        "cart_hash": "47d5a3a7b3f6c1d8e9f0a1b2c3d4e5f6",
        "meta_data": [
            {"id": 13106, "key": "_stripe_fee", "value": {"amount": "1.20"}},
            {"id": 13107, "key": "_relaunch_cart", "value": CART},
        ],
        "line_items": [line()],
        "tax_lines": [],
        "shipping_lines": [],
        "fee_lines": [],
        "coupon_lines": [{"id": 12, "code": "ete10", "discount": "7.50", "discount_tax": "1.50"}],
        "refunds": [],
        "payment_url": PAY,
        "is_editable": False,
        "needs_payment": False,
        "needs_processing": True,
        "currency_symbol": "€",
        "_links": {"self": [{"href": "https://boutique.example/wp-json/wc/v3/orders/727"}]},
    } | changes


def unpaid(**changes: Any) -> dict[str, Any]:
    """Return an order that waits for its payment."""
    waiting = {"status": "pending", "date_paid": None, "date_paid_gmt": None, "needs_payment": True}
    return order(**{**waiting, **changes})


def customer(**changes: Any) -> dict[str, Any]:
    """Return an account."""
    return {
        "id": 26,
        "date_created": "2026-09-01T10:00:00",
        "date_created_gmt": "2026-09-01T08:00:00",
        "date_modified": "2026-11-01T10:05:00",
        "date_modified_gmt": "2026-11-01T09:05:00",
        "email": LEA,
        "first_name": "Léa",
        "last_name": "Moreau",
        "role": "customer",
        "username": "lea.moreau",
        "billing": {"first_name": "Léa", "email": "factures@example.fr", "phone": "0612345678", "country": "FR"},
        "is_paying_customer": True,
        "meta_data": [{"id": 1, "key": "newsletter", "value": "yes"}],
    } | changes


def headers(topic: str, *, delivery: str = "728a9b42c75e8ba7b6d1e6e7c2b7f6a1") -> dict[str, str]:
    """Return what surrounds a body, without its signature."""
    resource, _, event = topic.partition(".")
    return {
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": "https://boutique.example/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-ID": "5",
        "X-WC-Webhook-Delivery-ID": delivery,
    }


def signature(body: bytes, secret: str) -> str:
    """Return what stands in X-WC-Webhook-Signature; the secret is the one with which WooCommerce signs."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def signed(body: bytes, topic: str, *, secret: str = SECRET, delivery: str = "728a9b42c75e8ba7") -> dict[str, str]:
    """Return the headers of a webhook."""
    return headers(topic, delivery=delivery) | {"X-WC-Webhook-Signature": signature(body, secret)}


def read(topic: str, body: Mapping[str, Any], *, delivery: str = "728a9b42c75e8ba7") -> Event:
    """Return the one event that a webhook means."""
    told = headers(topic, delivery=delivery)
    (event,) = STOREFRONT.translate(json.dumps(body).encode(), told, shop_country="FR", at=ARRIVAL)
    return event


def facts(**changes: Any) -> OrderFacts:
    """Return what order.updated says of the order with some fields changed."""
    found = read("order.updated", order(**changes)).order
    assert found is not None
    return found


def documented(kind: str) -> str:
    """Return the one block of a kind of docs/storefronts/woocommerce.md."""
    text = (Path(__file__).parents[1] / "docs" / "storefronts" / "woocommerce.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)
    return str(found)
