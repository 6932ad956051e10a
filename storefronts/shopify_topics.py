"""Tells from the shape of a Shopify body which topic it is of, for a body that comes without its headers."""

import json
from collections.abc import Sequence
from typing import Final

_SHAPES: Final[Sequence[tuple[str, frozenset[str]]]] = (
    ("customers/redact", frozenset({"shop_domain", "customer", "orders_to_redact"})),
    ("customers/data_request", frozenset({"shop_domain", "customer", "orders_requested"})),
    ("customers_email_marketing_consent/update", frozenset({"customer_id", "email_marketing_consent"})),
    ("orders/updated", frozenset({"line_items", "financial_status"})),
    ("orders/updated", frozenset({"line_items", "checkout_token"})),
    ("checkouts/update", frozenset({"line_items", "abandoned_checkout_url"})),
    ("checkouts/update", frozenset({"line_items", "completed_at"})),
    ("carts/update", frozenset({"line_items", "token"})),
    ("customers/update", frozenset({"id", "email", "updated_at"})),
    ("customers_marketing_consent/update", frozenset({"id", "sms_marketing_consent"})),
    ("checkouts/delete", frozenset({"id", "reservation_token"})),
    ("customers/delete", frozenset({"id", "tax_exemptions"})),
    ("shop/redact", frozenset({"shop_domain", "shop_id"})),
)
"""Which names tell the bodies apart; the first whose names are all there."""


def guessed_topic(body: bytes) -> str | None:
    """Return the topic that a body looks like, None for one that looks like none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    names = set(found) if isinstance(found, dict) else set()
    return next((topic for topic, shape in _SHAPES if shape <= names), None)
