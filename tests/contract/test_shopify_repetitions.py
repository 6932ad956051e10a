"""What of Shopify counts once, and what counts again although it looks alike."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storefronts.shopify import Shopify
from tests.shopify import ARRIVAL, FIXTURES, fixture

HOOK, EVENT = "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "98880550-7158-44d4-b7cd-2c97c8a091b5"
NAMES = sorted(path.stem for path in FIXTURES.glob("*.json"))


def topic_of(name: str) -> str:
    """Return the topic that a file of a documented body is called after."""
    return "/".join(name.rsplit("_", 1)).replace("_data/request", "/data_request")


def key(name: str, body: Any, *, indent: int | None = None, sort: bool = False, **headers: str) -> str:
    """Return the key of the event that a body makes, written in this way."""
    told = {"X-Shopify-Topic": topic_of(name)} | {f"X-Shopify-{part}": value for part, value in headers.items()}
    text = json.dumps(body, indent=indent, sort_keys=sort, ensure_ascii=sort).encode()
    named = {header.replace("_", "-"): value for header, value in told.items()}
    (event,) = Shopify().translate(text, named, shop_country="FR", at=ARRIVAL)
    return event.key


@pytest.mark.parametrize("name", NAMES)
def test_a_body_that_is_written_anew_counts_once(name: str) -> None:
    body, day = fixture(name), "2026-11-02T10:00:00Z"
    first = key(name, body, Webhook_Id=HOOK, Event_Id=EVENT, Triggered_At=day)
    assert key(name, body, indent=2, sort=True, Webhook_Id=HOOK, Event_Id=EVENT, Triggered_At=day) == first


@pytest.mark.parametrize("name", NAMES)
def test_one_event_that_comes_through_two_subscriptions_counts_once(name: str) -> None:
    keys = {key(name, fixture(name), Webhook_Id=hook, Event_Id=EVENT) for hook in (HOOK, "another")}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("orders_create", {"financial_status": "refunded"}),
        ("orders_create", {"cancelled_at": "2026-11-03T10:00:00Z"}),
        ("orders_create", {"updated_at": "2026-11-02T19:02:16+01:00"}),
        ("orders_create", {"checkout_token": "another"}),
        ("checkouts_update", {"completed_at": "2026-11-02T18:31:07+01:00"}),
        ("checkouts_update", {"line_items": []}),
        ("checkouts_update", {"email": "other@example.fr"}),
        ("carts_update", {"line_items": []}),
        ("customers_update", {"email": "other@example.fr"}),
        ("customers_update", {"verified_email": False}),
        ("customers_update", {"email_marketing_consent": {"state": "subscribed"}}),
        ("customers_data_request", {"data_request": {"id": 10000}}),
    ],
)
def test_another_content_under_the_same_id_is_not_lost(name: str, changes: dict[str, Any]) -> None:
    keys = {key(name, fixture(name) | one, Webhook_Id=HOOK, Event_Id=EVENT) for one in ({}, changes)}
    assert len(keys) == 2


def test_what_nobody_reads_makes_no_new_event() -> None:
    odd = fixture("orders_create", total_tax="0.01", tags="vip", note="hello")
    assert key("orders_create", odd) == key("orders_create", fixture("orders_create"))


@pytest.mark.parametrize("name", ["customers_redact", "customers_delete", "customers_data_request", "shop_redact"])
def test_a_wish_that_bears_no_time_is_told_from_an_older_one_by_its_headers(name: str) -> None:
    body = fixture(name)
    days = {key(name, body, Webhook_Id=HOOK, Triggered_At=f"{year}-11-02T10:00:00Z") for year in (2026, 2027)}
    ids = {key(name, body, Webhook_Id=hook) for hook in (HOOK, HOOK, "another")}
    assert (len(days), len(ids)) == (2, 2)


@settings(max_examples=100)
@given(st.sampled_from(NAMES), st.booleans(), st.sampled_from([None, 0, 4]))
def test_no_way_of_writing_json_makes_a_new_event(name: str, sort: bool, indent: int | None) -> None:
    assert key(name, fixture(name), indent=indent, sort=sort) == key(name, fixture(name))
