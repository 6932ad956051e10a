"""Shopify against the storefronts' contract, what its carts and checkouts mean, and odd bodies."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.events import EventType, OrderStatus, Unreadable
from storefronts.shopify import Shopify
from tests.contract.storefront_contract import EMAIL, NAME, NOON, SECRET, StorefrontContract
from tests.shopify import ARRIVAL, CART, CHECKOUT, CUSTOMER, DECIDED, FIXTURES, LEA, TOPICS, fixture, read


class TestShopify(StorefrontContract):
    """The contract."""

    storefront = Shopify()

    def checkout(self, *, at: datetime = NOON, name: str = NAME, product: str = "Sandales") -> bytes:
        line = {"product_id": 1, "quantity": 1, "title": product, "price": "79.90"}
        return json.dumps(
            {
                "token": "t1",
                "email": EMAIL,
                "customer": {"id": 7, "email": EMAIL, "first_name": name},
                "updated_at": at.isoformat(),
                "line_items": [line],
            },
        ).encode()

    def headers(self, body: bytes, *, secret: str = SECRET, topic: str | None = None) -> dict[str, str]:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        return {
            "X-Shopify-Topic": topic or "checkouts/update",
            "X-Shopify-Hmac-SHA256": base64.b64encode(digest).decode(),
            "X-Shopify-Shop-Domain": "ebene.myshopify.com",
        }

    def unsigned(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in headers.items() if name != "X-Shopify-Hmac-SHA256"}

    def test_headers_may_come_without_their_x(self) -> None:
        body = self.checkout()
        headers = {name.removeprefix("X-"): value for name, value in self.headers(body).items()}
        self.storefront.verify(body, headers, [SECRET])
        assert self.read(body, headers) == self.read(body)


def test_a_checkout_keeps_where_it_stopped_what_it_holds_and_how_to_come_back() -> None:
    event = read("checkouts/update", fixture("checkouts_update"))
    assert event.type is EventType.CART_UPDATED
    assert event.name == "checkouts/update"
    assert event.at == datetime(2026, 11, 2, 17, 31, 7, tzinfo=UTC)
    cart = event.cart
    assert cart is not None
    assert (cart.token, cart.alias) == (CHECKOUT, CART)
    assert [(line.product_id, line.name, line.price, line.quantity) for line in cart.lines] == [
        ("632910392", "Sandales Soleil - Rouge / 38", 7990, 1),
        ("632910393", "Sac paille", 4500, 2),
    ]
    assert (cart.currency, cart.value, cart.coupon, cart.step) == ("EUR", 15291, "ETE10", "shipping")
    assert cart.checkout_url == "https://shop.example/548380009/checkouts/c1f2e3d4/recover?key=abc"
    person = event.person
    assert (person.external_id, person.email, person.first_name) == (CUSTOMER, LEA, "Léa")
    assert (person.locale, person.country) == ("fr-FR", "FR")


def test_a_new_checkout_is_a_checkout_started() -> None:
    assert read("checkouts/create", fixture("checkouts_update")).type is EventType.CHECKOUT_STARTED


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"shipping_address": None}, "contact"),
        ({}, "shipping"),
        ({"shipping_lines": [{"code": "Standard"}]}, "payment"),
    ],
)
def test_a_checkout_tells_how_far_it_came(changes: dict[str, Any], step: str) -> None:
    cart = read("checkouts/update", fixture("checkouts_update", **changes)).cart
    assert cart is not None
    assert cart.step == step


def test_a_cart_is_anonymous_and_takes_its_currency_from_its_prices() -> None:
    event = read("carts/update", fixture("carts_update"))
    assert event.person.anonymous
    assert event.cart is not None
    assert (event.cart.token, event.cart.currency, event.cart.value) == (CART, "EUR", 15980)


def test_an_emptied_cart_says_so_and_a_body_without_lines_does_not() -> None:
    emptied = read("carts/update", fixture("carts_update", line_items=[])).cart
    silent = read("carts/update", fixture("carts_update", line_items=None)).cart
    odd = read("carts/update", fixture("carts_update", line_items=[{"quantity": "many"}]))
    assert emptied is not None
    assert (emptied.replaces, emptied.lines, emptied.value) == (True, (), 0)
    assert silent is not None
    assert not silent.replaces
    assert odd.cart is not None
    assert not odd.cart.replaces
    assert odd.notes == ("line_items: 1 could not be read, left out",)


def test_a_line_without_pieces_is_none() -> None:
    lines = [line | {"quantity": quantity} for line in fixture("carts_update")["line_items"] for quantity in (0, 1)]
    cart = read("carts/update", fixture("carts_update", line_items=lines)).cart
    assert cart is not None
    assert [line.quantity for line in cart.lines] == [1]


def test_a_number_is_dialled_from_the_country_of_the_address() -> None:
    address = {"country_code": "BE"}
    event = read("checkouts/update", fixture("checkouts_update", phone="0470 12 34 56", shipping_address=address))
    assert event.person.phone == "+32470123456"


def test_a_deleted_checkout_empties_the_cart_that_it_names() -> None:
    event = read("checkouts/delete", fixture("checkouts_delete"), X_Shopify_Triggered_At="2026-11-03T06:00:00.5Z")
    assert event.cart is not None
    assert (event.cart.token, event.cart.replaces, event.cart.lines) == (CART, True, ())
    assert event.at == datetime(2026, 11, 3, 6, 0, 0, 500_000, tzinfo=UTC)


def test_a_completed_checkout_is_an_order_until_the_real_one_comes() -> None:
    event = read("checkouts/update", fixture("checkouts_update", completed_at="2026-11-02T19:02:09+01:00"))
    assert event.type is EventType.ORDER_COMPLETED
    assert event.cart is None
    assert event.order is not None
    assert event.order.provisional
    assert event.order.order_id == f"checkout:{CHECKOUT}"
    assert event.order.status is OrderStatus.PAID
    assert event.order.cart_tokens == (CHECKOUT, CART)
    assert event.at == DECIDED


@pytest.mark.parametrize(
    ("topic", "name"), [("customers/redact", "customers_redact"), ("customers/delete", "customers_delete")]
)
def test_a_customer_who_is_to_be_forgotten_is_erased(topic: str, name: str) -> None:
    event = read(topic, fixture(name))
    assert event.type is EventType.ERASE
    assert event.person.external_id == CUSTOMER


def test_a_second_erasure_of_the_same_person_is_no_repetition_of_the_first() -> None:
    body = fixture("customers_redact")
    days = ("2026-11-02T10:00:00Z", "2027-11-02T10:00:00Z")
    assert len({read("customers/redact", body, X_Shopify_Triggered_At=day).key for day in days}) == 2


def test_a_request_for_data_names_its_person_and_bears_its_number() -> None:
    event = read("customers/data_request", fixture("customers_data_request"))
    assert (event.type, event.name) == (EventType.DATA_REQUESTED, "customers/data_request")
    assert (event.person.external_id, event.properties) == (CUSTOMER, {"data_request": "9999"})


def test_a_shop_that_left_is_nobodys_event() -> None:
    event = read("shop/redact", fixture("shop_redact"))
    assert (event.type, event.person.anonymous) == (EventType.SHOP_REDACTED, True)


def test_one_body_under_two_topics_is_two_events() -> None:
    keys = {read(topic, fixture("orders_create")).key for topic in ("orders/create", "orders/paid")}
    assert len(keys) == 2


def test_an_address_or_number_that_is_none_is_left_out_with_a_note() -> None:
    event = read("checkouts/update", fixture("checkouts_update", email="lea@", phone="call me"))
    assert event.person.email == LEA
    assert event.notes == ("email: no valid address, left out", "phone: no valid number, left out")


@pytest.mark.parametrize(
    ("topic", "body", "problem"),
    [
        ("checkouts/update", {"email": EMAIL}, "checkouts/update: token is missing"),
        ("orders/create", {"email": EMAIL}, "orders/create: id is missing or not what it should be"),
        ("customers/update", {"first_name": NAME}, "customers/update: the customer's id is missing"),
        ("customers/redact", {"shop_id": 1}, "customers/redact: the customer's id is missing"),
    ],
)
def test_what_names_nothing_is_unreadable_and_the_field_is_told(topic: str, body: dict[str, Any], problem: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(topic, body)
    assert str(caught.value) == problem


def test_a_webhook_without_topic_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="X-Shopify-Topic"):
        Shopify().translate(b"{}", {}, shop_country="FR", at=ARRIVAL)


documented = [json.loads(path.read_text("utf-8")) for path in sorted(FIXTURES.glob("*.json"))]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(sorted({name for body in documented for name in body}))


@settings(max_examples=300)
@given(st.sampled_from(TOPICS), st.sampled_from(documented), st.dictionaries(fields, anything, max_size=4))
def test_any_topic_with_any_fields_is_read_or_unreadable(
    topic: str, body: dict[str, Any], changes: dict[str, Any]
) -> None:
    try:
        event = read(topic, body | changes)
    except Unreadable:
        return
    assert event.at.utcoffset() == timedelta(0)
    assert event.cart is None or event.cart.token
    assert event.order is None or event.order.order_id
