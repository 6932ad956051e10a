"""What Magento's quotes and orders mean, read from the pages that its API answers."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.events import Event, EventType, OrderFacts, OrderStatus, Unreadable
from storefronts.base import BadSignature
from storefronts.magento import STOREFRONT
from storefronts.magento_goods import cart_of
from storefronts.magento_shapes import Quote, Totals
from storefronts.registry import APIS, storefront
from tests.api_app import serving
from tests.shopify import ARRIVAL

MOMENT = datetime(2026, 11, 2, 17, 31, 7, tzinfo=UTC)
ORDER: dict[str, Any] = {
    "entity_id": 31,
    "increment_id": "000000031",
    "quote_id": 117,
    "state": "processing",
    "status": "processing",
    "created_at": "2026-11-02 17:02:09",
    "updated_at": "2026-11-02 17:31:07",
    "customer_id": 7,
    "customer_email": "Lea.Moreau@example.fr",
    "customer_firstname": "Léa",
    "order_currency_code": "EUR",
    "base_currency_code": "USD",
    "grand_total": 84.8,
    "total_paid": 84.8,
    "total_due": 0,
    "coupon_code": "ETE10",
    "payment": {"method": "payplug_payments_standard", "additional_information": []},
    "billing_address": {"country_id": "FR", "telephone": "06 12 34 56 78", "firstname": "Léa"},
    "items": [
        {"item_id": 1, "sku": "SAN-38", "name": "Sandales", "qty_ordered": 1, "price": 66.58, "price_incl_tax": 79.9},
        {"item_id": 2, "sku": "SAN-38", "name": "Sandales 38", "qty_ordered": 1, "parent_item_id": 1, "price": 0},
    ],
}
QUOTE: dict[str, Any] = {
    "id": 117,
    "created_at": "2026-11-02 17:02:09",
    "updated_at": "2026-11-02 17:31:07",
    "is_active": True,
    "items": [
        {"item_id": 1, "sku": "SAN-38", "qty": 2, "name": "Sandales", "price": 66.5833, "product_type": "configurable"},
        {"item_id": 3, "sku": "FIL", "qty": 0.5, "name": "Fil", "price": 10, "product_type": "simple"},
    ],
    "customer": {"id": 7, "email": "Lea.Moreau@example.fr", "firstname": "Léa"},
    "billing_address": {"country_id": "FR", "email": "Lea.Moreau@example.fr"},
    "currency": {"base_currency_code": "EUR", "quote_currency_code": "EUR", "base_to_quote_rate": 1},
}


def page(*items: object) -> bytes:
    return json.dumps({"items": items, "search_criteria": {}, "total_count": len(items)}).encode()


def read(*items: object) -> list[Event]:
    return STOREFRONT.translate(page(*items), {}, shop_country="FR", at=ARRIVAL)


def order(**changes: Any) -> OrderFacts:
    (event,) = read(ORDER | changes)
    assert event.order is not None
    return event.order


def test_an_order_says_who_what_and_when() -> None:
    (event,) = read(ORDER)
    assert (event.type, event.name, event.at) == (EventType.ORDER_COMPLETED, "orders", MOMENT)
    found = event.order
    assert found is not None
    assert (found.order_id, found.status, found.cart_tokens) == ("31", OrderStatus.PAID, ("117",))
    assert found.placed_at == datetime(2026, 11, 2, 17, 2, 9, tzinfo=UTC)
    assert (found.currency, found.value, found.refunded, found.coupon) == ("EUR", 8480, 0, "ETE10")
    assert [(line.product_id, line.name, line.price, line.quantity) for line in found.lines] == [
        ("SAN-38", "Sandales", 7990, 1)
    ]
    person = event.person
    assert (person.external_id, person.email, person.first_name) == ("7", "Lea.Moreau@example.fr", "Léa")
    assert (person.phone, person.country, person.consents) == ("+33612345678", "FR", ())


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"state": "new", "payment": {"method": "banktransfer"}, "total_paid": None}, OrderStatus.AUTHORIZED),
        ({"state": "new", "payment": {"method": "checkmo"}, "total_paid": None}, OrderStatus.AUTHORIZED),
        ({"state": "new", "payment": {"method": "a_module"}, "total_paid": None}, OrderStatus.AUTHORIZED),
        ({"state": "new", "payment": {"method": "a_module"}}, OrderStatus.PAID),
        ({"state": "pending_payment", "total_paid": None, "total_due": 84.8}, OrderStatus.PENDING),
        ({"state": "pending_payment", "total_paid": None, "payment": None}, OrderStatus.PENDING),
        (
            {"state": "pending_payment", "total_paid": None, "payment": {"method": "cashondelivery"}},
            OrderStatus.AUTHORIZED,
        ),
        ({"state": "pending_payment", "total_paid": 40, "total_due": 44.8}, OrderStatus.PENDING),
        ({"state": "processing", "total_paid": None, "total_due": 84.8}, OrderStatus.AUTHORIZED),
        ({"state": "processing"}, OrderStatus.PAID),
        ({"state": "payment_review", "total_paid": None}, OrderStatus.AUTHORIZED),
        ({"state": "complete", "total_paid": None}, OrderStatus.PAID),
        ({"state": "closed"}, OrderStatus.REFUNDED),
        ({"state": "canceled"}, OrderStatus.CANCELLED),
        ({"state": "canceled", "total_paid": 84.8}, OrderStatus.CANCELLED),
        ({"state": "holded", "hold_before_state": "pending_payment", "total_paid": None}, OrderStatus.PENDING),
        ({"state": "holded", "hold_before_state": "processing"}, OrderStatus.PAID),
        ({"state": "holded", "total_paid": None}, OrderStatus.AUTHORIZED),
        ({"state": "picked_by_robots", "total_paid": None}, OrderStatus.AUTHORIZED),
        ({"state": "picked_by_robots"}, OrderStatus.PAID),
        ({"state": None, "status": "canceled"}, OrderStatus.CANCELLED),
        ({"state": None, "status": None, "total_paid": None}, OrderStatus.AUTHORIZED),
    ],
)
def test_the_state_and_the_payment_tell_what_became_of_an_order(changes: dict[str, Any], status: OrderStatus) -> None:
    assert order(**changes).status is status


def test_a_refund_in_part_leaves_an_order_paid_and_a_closed_one_is_refunded_whole() -> None:
    part = order(state="complete", total_refunded=20.5)
    assert (part.status, part.refunded) == (OrderStatus.PAID, 2050)
    assert order(state="closed", total_refunded=None).refunded == 8480
    assert read(ORDER | {"state": "closed"})[0].type is EventType.ORDER_REFUNDED
    assert read(ORDER | {"state": "canceled"})[0].type is EventType.ORDER_CANCELLED


@pytest.mark.parametrize(("currency", "value"), [("EUR", 8480), ("JPY", 85), ("TND", 84800)])
def test_money_is_in_the_orders_own_currency(currency: str, value: int) -> None:
    assert (found := order(order_currency_code=currency)).currency == currency
    assert found.value == value


def test_a_quote_says_who_what_and_when() -> None:
    (event,) = read(QUOTE)
    assert (event.type, event.name, event.at) == (EventType.CART_UPDATED, "carts", MOMENT)
    assert event.cart is not None
    assert (event.cart.token, event.cart.alias, event.cart.replaces) == ("117", None, True)
    assert (event.cart.currency, event.cart.value, event.cart.checkout_url) == ("EUR", 13816, None)
    assert [(line.name, line.price, line.quantity) for line in event.cart.lines] == [
        ("Sandales", 6658, 2),
        ("Fil", 500, 1),
    ]
    assert event.notes == ("items: priced without tax, as the list of carts has them",)
    assert (event.person.external_id, event.person.email, event.person.consents) == (
        "7",
        "Lea.Moreau@example.fr",
        (),
    )


def test_with_its_totals_a_quote_is_priced_as_the_customer_sees_it() -> None:
    body = {"quote_currency_code": "CHF", "subtotal_incl_tax": 171.8, "coupon_code": "ETE10", "grand_total": 1}
    items = [{"item_id": 1, "price_incl_tax": 79.9}, {"item_id": 3, "price_incl_tax": 24}]
    cart = cart_of(Quote.model_validate(QUOTE), Totals.model_validate(body | {"items": items}))
    assert (cart.currency, cart.value, cart.coupon) == ("CHF", 17180, "ETE10")
    assert [line.price for line in cart.lines] == [7990, 1200]


def test_prices_of_a_list_are_of_the_base_currency() -> None:
    rate = {"base_currency_code": "EUR", "quote_currency_code": "CHF", "base_to_quote_rate": 0.95}
    (event,) = read(QUOTE | {"currency": rate})
    assert event.cart is not None
    assert (event.cart.currency, event.cart.lines[0].price) == ("CHF", 6325)


def test_an_inactive_quote_is_no_cart_and_an_emptied_one_is() -> None:
    assert read(QUOTE | {"is_active": False}) == []
    (event,) = read(QUOTE | {"items": []})
    assert event.cart is not None
    assert (event.cart.replaces, event.cart.lines, event.cart.value) == (True, (), 0)


def test_a_quote_of_which_no_line_can_be_read_is_not_emptied() -> None:
    for items in (None, [{"qty": "many"}], [{"qty": 1}], "two"):
        (event,) = read(QUOTE | {"items": items})
        assert event.cart is not None
        assert (event.cart.replaces, event.cart.value) == (False, None)


GUEST = {"customer": {"email": None, "firstname": None}}
DELIVERED = {"shipping_assignments": [{"shipping": {"address": {"email": "eve@example.org", "country_id": "BE"}}}]}


@pytest.mark.parametrize(
    ("changes", "email"),
    [
        ({"billing_address": {"email": "eve@example.org"}}, "eve@example.org"),
        ({"billing_address": {"email": "eve@"}, "extension_attributes": DELIVERED}, "eve@example.org"),
        ({"billing_address": None, "extension_attributes": []}, None),
        ({"billing_address": {"email": None, "country_id": None}}, None),
    ],
)
def test_a_guest_is_known_by_the_address_they_typed(changes: dict[str, Any], email: str | None) -> None:
    (event,) = read(QUOTE | GUEST | changes)
    assert (event.person.external_id, event.person.email) == (None, email)
    assert event.person.anonymous is (email is None)


def test_a_page_may_hold_both_or_nothing() -> None:
    assert read() == []
    assert [event.name for event in read(QUOTE, ORDER)] == ["carts", "orders"]


def test_a_repetition_has_the_same_key_whenever_it_comes_and_a_change_another() -> None:
    for body, change in ((ORDER, {"state": "canceled"}), (QUOTE, {"items": []})):
        (event,) = read(body)
        (again,) = STOREFRONT.translate(page(body), {}, shop_country="FR", at=ARRIVAL + timedelta(days=1))
        assert event.key == again.key
        assert event.key != read(body | change)[0].key
        assert event.key != read(body | {"updated_at": "2026-11-02 17:31:08"})[0].key


@pytest.mark.parametrize("time", [None, "0000-00-00 00:00:00", "soon", "0001-01-01 00:00:00"])
def test_without_a_time_of_its_last_change_the_time_of_its_beginning_counts(time: str | None) -> None:
    (event,) = read(ORDER | {"updated_at": time})
    assert event.at == datetime(2026, 11, 2, 17, 2, 9, tzinfo=UTC)
    assert read(ORDER | {"updated_at": time, "created_at": time})[0].at == ARRIVAL


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the body is not JSON"),
        (b"[" * 5000, "the body is not JSON"),
        (b"[]", "the body is not an object"),
        (b"{}", "items is missing"),
        (b'{"message": "Lea"}', "items is missing"),
        (page({"state": "new"}), "entity_id is missing"),
        (page({"is_active": True}), "id is missing"),
        (page("Lea"), "not an object"),
    ],
)
def test_what_names_nothing_is_unreadable_and_the_field_is_told(body: bytes, problem: str) -> None:
    with pytest.raises(Unreadable, match=problem) as caught:
        STOREFRONT.translate(body, {}, shop_country="FR", at=ARRIVAL)
    assert "Lea" not in str(caught.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200)
@given(
    st.sampled_from([ORDER, QUOTE]), st.dictionaries(st.sampled_from(sorted({*ORDER, *QUOTE})), anything, max_size=4)
)
def test_any_fields_are_read_or_unreadable(body: dict[str, Any], changes: dict[str, Any]) -> None:
    try:
        events = read(body | changes)
    except Unreadable:
        return
    for event in events:
        assert event.at.utcoffset() == timedelta(0)
        assert (event.cart or event.order) is not None


def test_it_is_registered_and_greets_nobody_and_comes_from_nowhere() -> None:
    assert storefront("magento") is STOREFRONT
    assert "magento" in APIS
    assert not STOREFRONT.greets(b"", {})
    assert STOREFRONT.origin({"X-Forwarded-Host": "shop.example"}) is None
    assert STOREFRONT.guess(page(ORDER)) == {}


@pytest.mark.parametrize("secrets", [[], [""], ["a-secret"]])
def test_nothing_that_calls_itself_magento_is_believed(secrets: list[str]) -> None:
    with pytest.raises(BadSignature, match="magento signs nothing"):
        STOREFRONT.verify(page(ORDER), {"x-adobe-commerce-webhook-signature": "abc"}, secrets)


async def test_its_door_is_shut(tmp_path: Path, database_url: str) -> None:
    async with serving(tmp_path, database_url) as api:
        await api.call("POST", "/v1/webhooks/magento", json.loads(page(ORDER)), 401)
        await api.call("POST", "/v1/webhooks/prestashop", {"orders": []}, 401)
