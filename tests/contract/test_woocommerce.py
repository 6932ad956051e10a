"""WooCommerce against the storefronts' contract, its greeting and its secrets, and odd bodies."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from models.events import EventType, Unreadable
from storefronts.base import BadSignature
from storefronts.registry import storefront
from storefronts.woocommerce import STOREFRONT, WooCommerce, decoded
from tests.api_app import Api, Json, serving
from tests.contract.storefront_contract import EMAIL, NAME, NOON, SECRET, StorefrontContract
from tests.woocommerce import ARRIVAL, LEA, customer, documented, headers, line, order, read, signature, signed
from tests.woocommerce import SECRET as OURS


class TestWooCommerce(StorefrontContract):
    """The contract; a checkout is a draft among the orders."""

    storefront = WooCommerce()

    def checkout(self, *, at: datetime = NOON, name: str = NAME, product: str = "Sandales") -> bytes:
        return json.dumps(
            {
                "id": 12,
                "status": "checkout-draft",
                "order_key": "wc_order_1",
                "currency": "EUR",
                "date_modified_gmt": at.replace(tzinfo=None).isoformat(),
                "billing": {"email": EMAIL, "first_name": name},
                "line_items": [line(name=product)],
            },
        ).encode()

    def headers(self, body: bytes, *, secret: str = SECRET, topic: str | None = None) -> dict[str, str]:
        return signed(body, topic or "order.updated", secret=secret)

    def unsigned(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in headers.items() if name != "X-WC-Webhook-Signature"}


@pytest.mark.parametrize(
    ("kept", "signs"),
    [
        ("plain", "plain"),
        ("a&amp;b", "a&b"),
        ("&lt;&gt;&quot;", '<>"'),
        ("&#039;&#39;&#x27;&#X027;", "''''"),
        ("&#034;&#x22;&#060;&#62;&#38;&#x26;", '""<>&&'),
        ("&amp;lt;", "&lt;"),
        ("a&b", "a&b"),
        ("&nbsp;&eacute;&apos;&AMP;&#x3c;&#65;", "&nbsp;&eacute;&apos;&AMP;&#x3c;&#65;"),
    ],
)
def test_a_secret_is_decoded_as_wordpress_does_it(kept: str, signs: str) -> None:
    assert decoded(kept) == signs
    body = b'{"id": 1}'
    STOREFRONT.verify(body, {"X-WC-Webhook-Signature": signature(body, signs)}, [kept])


def test_the_undecoded_secret_signs_nothing() -> None:
    with pytest.raises(BadSignature):
        STOREFRONT.verify(b"{}", {"X-WC-Webhook-Signature": signature(b"{}", "a&amp;b")}, ["a&amp;b"])


def test_the_ping_of_a_new_webhook_is_a_greeting_and_nothing_else_is() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "WooCommerce/10.3.0 Hookshot"}
    assert STOREFRONT.greets(b"webhook_id=5", form)
    assert STOREFRONT.greets(b"webhook_id=5", {})
    for body in (b"", b"webhook_id=", b"webhook_id=5&id=1", b"webhook_id=5\n", b"webhook_id=-5", b'{"webhook_id": 5}'):
        assert not STOREFRONT.greets(body, form)
    for name in headers("order.created"):
        if name.startswith("X-WC"):
            assert not STOREFRONT.greets(b"webhook_id=5", {name.lower(): "x"})


def test_the_shop_is_named_by_its_front_page() -> None:
    assert STOREFRONT.origin(headers("order.created")) == "boutique.example"
    assert STOREFRONT.origin({}) is None
    assert STOREFRONT.origin({"x-wc-webhook-source": "boutique"}) is None
    assert STOREFRONT.origin({"x-wc-webhook-source": "https://[x"}) is None


@pytest.mark.parametrize(
    ("body", "topic"),
    [
        (order(), "order.updated"),
        (customer(), "customer.updated"),
        ({"action": "woocommerce_add_to_cart", "arg": "a1"}, "action.woocommerce_add_to_cart"),
        ({"id": 7}, None),
        ([], None),
    ],
)
def test_a_body_is_known_by_its_shape(body: object, topic: str | None) -> None:
    found = STOREFRONT.guess(json.dumps(body).encode())
    assert found == ({"X-WC-Webhook-Topic": topic} if topic else {})
    assert STOREFRONT.guess(b"\xff") == {}


def test_it_is_registered() -> None:
    assert storefront("woocommerce") is STOREFRONT


def test_one_order_is_one_fact_whichever_topic_and_delivery_tell_it() -> None:
    told = [read(topic, order(), delivery=topic).key for topic in ("order.created", "order.updated", "order.restored")]
    linkless = order()
    del linkless["_links"]
    assert len({*told, read("order.updated", linkless).key}) == 1


def test_two_changes_in_one_second_with_one_delivery_are_two_facts() -> None:
    one, other = read("order.updated", order()), read("order.updated", order(status="completed"))
    assert one.at == other.at
    assert one.key != other.key


def test_a_deletion_told_twice_is_one_fact_and_a_second_deletion_another() -> None:
    for topic in ("order.deleted", "customer.deleted"):
        keys = [read(topic, {"id": 727}, delivery=delivery).key for delivery in ("d1", "d1", "d2")]
        assert len(set(keys)) == 2


def test_coupons_and_products_mean_nothing() -> None:
    for topic in ("coupon.created", "coupon.deleted", "product.updated", "product.deleted", "product.restored"):
        assert STOREFRONT.translate(b'{"id": 1}', headers(topic), shop_country="FR", at=ARRIVAL) == []


def test_a_hook_of_wordpress_is_noted_without_its_argument() -> None:
    event = read("action.woocommerce_add_to_cart", {"action": "woocommerce_add_to_cart", "arg": {"email": LEA}})
    assert (event.type, event.name, event.at) == (EventType.OTHER, "action.woocommerce_add_to_cart", ARRIVAL)
    assert event.person.anonymous
    assert (event.cart, event.order, event.properties) == (None, None, {})


@pytest.mark.parametrize(
    ("topic", "body", "problem"),
    [
        ("order.updated", {"status": "pending"}, "order.updated: id is missing or not what it should be"),
        ("order.updated", {"id": 0}, "order.updated: id is missing or not what it should be"),
        ("order.deleted", {"id": None}, "order.deleted: id is missing or not what it should be"),
        ("customer.updated", {"email": LEA}, "customer.updated: id is missing or not what it should be"),
        ("order.updated", order(status="checkout-draft", order_key="", meta_data=[]), "order_key is missing"),
    ],
)
def test_what_names_nothing_is_unreadable_and_the_field_is_told(topic: str, body: dict[str, Any], problem: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(topic, body)
    assert str(caught.value).endswith(problem)
    assert LEA not in str(caught.value)


def test_an_error_that_woocommerce_signs_says_what_to_do() -> None:
    error = {"code": "woocommerce_rest_cannot_view", "message": "Sorry", "data": {"status": 401}}
    with pytest.raises(Unreadable, match="choose a user for the webhook"):
        read("order.updated", error)


def test_a_webhook_without_topic_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="X-WC-Webhook-Topic"):
        STOREFRONT.translate(b"{}", {}, shop_country="FR", at=ARRIVAL)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(sorted({*order(), *customer()}))
topics = ("order.created", "order.updated", "order.deleted", "customer.created", "customer.deleted", "action.x")


@settings(max_examples=300)
@given(
    st.sampled_from(topics),
    st.sampled_from((order(), order(status="checkout-draft"), customer(), order(line_items=[line()]))),
    st.dictionaries(fields, anything, max_size=4),
    st.dictionaries(st.sampled_from(sorted(line())), anything, max_size=3),
)
def test_any_topic_with_any_fields_is_read_or_unreadable(
    topic: str, body: dict[str, Any], changes: dict[str, Any], of_line: dict[str, Any]
) -> None:
    try:
        event = read(topic, body | {"line_items": [line(**of_line)]} | changes)
    except Unreadable:
        return
    assert event.at.utcoffset() == timedelta(0)
    assert event.cart is None or event.cart.token
    assert event.order is None or event.order.order_id


@pytest.fixture
async def api(tmp_path: Path, database_url: str) -> AsyncIterator[Api]:
    async with serving(tmp_path, database_url, woocommerce_secret=(SecretStr(OURS),)) as one:
        yield one


async def send(api: Api, body: bytes, headers: Mapping[str, str], status: int = 200) -> Json:
    answer = await api.http.post("/v1/webhooks/woocommerce", content=body, headers=dict(headers))
    assert answer.status_code == status, answer.text
    found: Json = answer.json()
    return found


async def test_the_ping_is_answered_with_200_and_a_forged_delivery_with_401(api: Api) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert await send(api, b"webhook_id=5", form) == {"accepted": 0, "duplicates": 0}
    body = json.dumps(order()).encode()
    await send(api, body, headers("order.created"), 401)
    await send(api, body, signed(body, "order.created", secret="another"), 401)
    await send(api, body + b" ", signed(body, "order.created"), 401)
    await send(api, b"webhook_id=5", headers("order.created"), 401)
    assert (await send(api, body, signed(body, "order.created")))["accepted"] == 1


async def test_two_deliveries_of_one_second_both_count_and_a_redelivery_does_not(api: Api) -> None:
    first, second = (json.dumps(order(id=number)).encode() for number in (1, 2))
    for body in (first, second):
        assert await send(api, body, signed(body, "order.created")) == {"accepted": 1, "duplicates": 0}
    for body in (second, first):
        assert await send(api, body, signed(body, "order.created")) == {"accepted": 0, "duplicates": 1}


async def test_an_unpaid_order_begins_a_journey_and_its_payment_ends_it(api: Api) -> None:
    def told(status: str, minutes: int) -> bytes:
        moment = (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")
        dates = {"date_created_gmt": moment, "date_modified_gmt": moment, "date_paid_gmt": None}
        return json.dumps(order(status=status, needs_payment=status == "pending", **dates)).encode()

    for status, minutes, outcome in (("pending", 9, None), ("processing", 1, "purchased")):
        body = told(status, minutes)
        await send(api, body, signed(body, "order.updated"))
        (journey,) = (await api.get("/v1/journeys"))["items"]
        assert journey["outcome"] == outcome


async def test_the_snippets_cart_the_draft_and_the_order_are_one_abandonment_and_one_purchase(api: Api) -> None:
    def told(minutes: int, **changes: Any) -> bytes:
        moment = (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")
        return json.dumps(order(date_created_gmt=moment, date_modified_gmt=moment, **changes)).encode()

    begun = json.loads(documented("json"))
    await api.post("/v1/events", begun | {"timestamp": (datetime.now(UTC) - timedelta(minutes=20)).isoformat()}, 202)
    waiting = {"date_paid_gmt": None, "needs_payment": True}
    for body in (told(15, status="checkout-draft", **waiting), told(9, status="pending", **waiting)):
        await send(api, body, signed(body, "order.updated"))
        assert [one["outcome"] for one in (await api.get("/v1/journeys"))["items"]] == [None]
    body = told(1, billing={"email": "leas.mother@example.fr"}, customer_id=0)
    await send(api, body, signed(body, "order.updated"))
    assert [one["outcome"] for one in (await api.get("/v1/journeys"))["items"]] == ["purchased"]
