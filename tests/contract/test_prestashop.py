"""What PrestaShop's carts and orders mean, read from the lists that its webservice answers."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.events import Event, EventType, OrderFacts, OrderStatus, Person, Unreadable
from storefronts.base import BadSignature
from storefronts.prestashop import STOREFRONT, cart_event, order_event
from storefronts.prestashop_goods import Known, person_of, status_of
from storefronts.prestashop_shapes import Cart, Customer, Order, Product, State
from storefronts.registry import APIS, storefront
from tests.shopify import ARRIVAL

MOMENT = datetime(2026, 11, 2, 17, 31, 7, tzinfo=UTC)
ORDER: dict[str, Any] = {
    "id": 31,
    "id_cart": "117",
    "id_currency": "1",
    "id_customer": "7",
    "current_state": "2",
    "module": "payplug",
    "valid": "1",
    "date_add": "2026-11-02 17:02:09",
    "date_upd": "2026-11-02 17:31:07",
    "total_paid": "84.800000",
    "total_paid_tax_incl": "84.800000",
    "associations": {
        "order_rows": [
            {
                "id": "55",
                "product_id": "12",
                "product_name": "Sandales - Taille : 38",
                "product_quantity": "1",
                "unit_price_tax_incl": "79.900000",
                "unit_price_tax_excl": "66.583333",
            }
        ]
    },
}
CART: dict[str, Any] = {
    "id": 117,
    "id_currency": "1",
    "id_customer": "7",
    "id_lang": "2",
    "date_add": "2026-11-02 17:02:09",
    "date_upd": "2026-11-02 17:31:07",
    "associations": {"cart_rows": [{"id_product": "12", "id_product_attribute": "34", "quantity": "2"}]},
}
NAMES = [{"id": "1", "value": "Sandals"}, {"id": "2", "value": "Sandales"}]
LEA = Customer(id=7, email="Lea.Moreau@example.fr", firstname="Léa")
PARIS = Known(
    ZoneInfo("Europe/Paris"),
    "EUR",
    customers={7: LEA},
    currencies={1: "EUR", 2: "JPY"},
    products={12: Product.model_validate({"id": 12, "name": NAMES, "price": "60", "asked": "72.000000"})},
    prices={(12, 34, 1): Product.model_validate({"id": 34, "asked": "79.900000"}).asked or Decimal()},
)


def read(resource: str, *items: object) -> list[Event]:
    body = json.dumps({resource: items}).encode()
    return STOREFRONT.translate(body, {}, shop_country="FR", at=ARRIVAL)


def order(known: Known = PARIS, **changes: Any) -> OrderFacts:
    found = order_event(Order.model_validate(ORDER | changes), known, ARRIVAL).order
    assert found is not None
    return found


def test_an_order_says_who_what_and_when_on_the_clocks_of_the_shop() -> None:
    event = order_event(Order.model_validate(ORDER), PARIS, ARRIVAL)
    assert (event.type, event.name, event.at) == (EventType.ORDER_COMPLETED, "orders", MOMENT - timedelta(hours=1))
    found = event.order
    assert found is not None
    assert (found.order_id, found.status, found.cart_tokens) == ("31", OrderStatus.PAID, ("117",))
    assert found.placed_at == datetime(2026, 11, 2, 16, 2, 9, tzinfo=UTC)
    assert (found.currency, found.value, found.refunded) == ("EUR", 8480, 0)
    assert [(line.product_id, line.name, line.price, line.quantity) for line in found.lines] == [
        ("12", "Sandales - Taille : 38", 7990, 1)
    ]
    assert event.person == Person("7", "Lea.Moreau@example.fr", first_name="Léa")


def test_a_cart_says_who_what_and_when_in_its_own_language() -> None:
    event = cart_event(Cart.model_validate(CART), PARIS, ARRIVAL)
    assert (event.type, event.name, event.at) == (EventType.CART_UPDATED, "carts", MOMENT - timedelta(hours=1))
    assert event.cart is not None
    assert (event.cart.token, event.cart.replaces, event.cart.currency, event.cart.value) == ("117", True, "EUR", 15980)
    assert [(line.product_id, line.name, line.price) for line in event.cart.lines] == [("12", "Sandales", 7990)]


@pytest.mark.parametrize(
    ("attribute", "currency", "price"), [("34", "1", 7990), ("35", "1", 7200), ("0", "1", 7200), ("34", "2", 72)]
)
def test_an_unknown_variant_costs_what_its_product_costs(attribute: str, currency: str, price: int) -> None:
    row = {"id_product": 12, "id_product_attribute": attribute, "quantity": 1}
    body = CART | {"id_currency": currency, "associations": {"cart_rows": [row]}}
    cart = cart_event(Cart.model_validate(body), PARIS, ARRIVAL).cart
    assert cart is not None
    assert cart.lines[0].price == price


@pytest.mark.parametrize("associations", [{}, None, [], "", {"cart_rows": []}])
def test_a_cart_without_rows_is_empty(associations: object) -> None:
    cart = cart_event(Cart.model_validate(CART | {"associations": associations}), PARIS, ARRIVAL).cart
    assert cart is not None
    assert (cart.replaces, cart.lines, cart.value) == (True, (), 0)


def test_a_cart_of_which_no_row_can_be_read_is_not_emptied() -> None:
    rows = [{"id_product": "12"}, {"id_product": "0", "quantity": "1"}]
    event = cart_event(Cart.model_validate(CART | {"associations": {"cart_rows": rows}}), PARIS, ARRIVAL)
    assert event.cart is not None
    assert (event.cart.replaces, event.cart.value) == (False, None)
    assert event.notes == ("cart_rows: 1 could not be read, left out",)
    with pytest.raises(Unreadable, match="associations"):
        read("carts", CART | {"associations": {"cart_rows": "two"}})


def state(mail: object = "", **flags: object) -> State:
    return State.model_validate({"id": 20, "template": mail} | flags)


MAIL = [{"id": "1", "value": ""}, {"id": "2", "value": "refund"}]


@pytest.mark.parametrize(
    ("told", "module", "status"),
    [
        (state("payment", paid="1", logable="1"), "payplug", OrderStatus.PAID),
        (state("", paid=True), "ps_wirepayment", OrderStatus.PAID),
        (state("order_canceled"), "payplug", OrderStatus.CANCELLED),
        (state("order_canceled", paid="1"), "payplug", OrderStatus.CANCELLED),
        (state(MAIL), "payplug", OrderStatus.REFUNDED),
        (state("payment_error"), "ps_wirepayment", OrderStatus.PENDING),
        (state("cheque", module_name="ps_checkpayment"), "ps_checkpayment", OrderStatus.AUTHORIZED),
        (state("bankwire"), "another_wire", OrderStatus.AUTHORIZED),
        (state("outofstock"), "ps_wirepayment", OrderStatus.AUTHORIZED),
        (state("", module_name="ps_cashondelivery"), "ps_cashondelivery", OrderStatus.AUTHORIZED),
        (state("", module_name="payplug"), "payplug", OrderStatus.PENDING),
        (state("", module_name="payplug", logable="1"), "payplug", OrderStatus.AUTHORIZED),
        (state("shipped", shipped="1"), "payplug", OrderStatus.AUTHORIZED),
        (state("", module_name=""), "payplug", OrderStatus.AUTHORIZED),
        (State(id=6, unremovable=True), "payplug", OrderStatus.CANCELLED),
        (State(id=6, unremovable=False), "payplug", OrderStatus.AUTHORIZED),
        (State(id=7, unremovable=True, template=""), "payplug", OrderStatus.REFUNDED),
    ],
)
def test_the_flags_and_the_mail_of_its_state_tell_what_became_of_an_order(
    told: State, module: str, status: OrderStatus
) -> None:
    given = Order.model_validate(ORDER | {"current_state": str(told.id), "module": module})
    assert status_of(given, Known(states={told.id: told})) is status


@pytest.mark.parametrize(
    ("number", "valid", "status"),
    [
        *((number, "1", OrderStatus.PAID) for number in (2, 3, 4, 5, 9, 11)),
        *((number, "0", OrderStatus.AUTHORIZED) for number in (1, 10, 12, 13)),
        (6, "0", OrderStatus.CANCELLED),
        (7, "0", OrderStatus.REFUNDED),
        (8, "0", OrderStatus.PENDING),
        (99, "1", OrderStatus.PAID),
        (99, "0", OrderStatus.AUTHORIZED),
        (0, None, OrderStatus.AUTHORIZED),
    ],
)
def test_without_its_states_a_shop_has_those_of_a_new_one(number: int, valid: str | None, status: OrderStatus) -> None:
    assert order(current_state=str(number), valid=valid).status is status


def test_a_refunded_order_is_refunded_whole() -> None:
    assert (order(current_state="7").refunded, order(current_state="6").refunded) == (8480, 0)


@pytest.mark.parametrize(
    ("currency", "told", "value"), [("1", "EUR", 8480), ("2", "JPY", 85), ("9", "EUR", 8480), (0, "EUR", 8480)]
)
def test_a_currency_is_known_by_its_id_else_it_is_the_shops(currency: object, told: str, value: int) -> None:
    found = order(id_currency=currency)
    assert (found.currency, found.value) == (told, value)
    assert order(id_currency=currency, total_paid_tax_incl=None).value == value


@pytest.mark.parametrize("customer", ["0", 0, "", None])
def test_a_visitor_is_nobody_and_a_deleted_customer_only_a_number(customer: object) -> None:
    assert person_of(Cart.model_validate(CART | {"id_customer": customer}), PARIS).anonymous
    assert person_of(Cart.model_validate(CART | {"id_customer": "8"}), PARIS) == Person(external_id="8")


@pytest.mark.parametrize("time", [None, "0000-00-00 00:00:00", "soon", "0001-01-01 00:00:00", "9999-12-31 23:59:59"])
def test_without_a_time_of_its_last_change_the_time_of_its_beginning_counts(time: str | None) -> None:
    assert read("orders", ORDER | {"date_upd": time})[0].at == datetime(2026, 11, 2, 17, 2, 9, tzinfo=UTC)
    assert read("orders", ORDER | {"date_upd": time, "date_add": time})[0].at == ARRIVAL


def test_a_list_of_a_file_is_read_by_itself_and_says_what_is_missing() -> None:
    (bought,), (left,) = read("orders", ORDER), read("carts", CART)
    assert (bought.at, left.at) == (MOMENT, MOMENT)
    assert (bought.person.external_id, bought.person.email) == ("7", None)
    assert bought.order is not None
    assert bought.order.status is OrderStatus.PAID
    assert len(bought.notes) == 2
    for nothing in (b"[]", b'{"orders": []}', b'{"carts": []}'):
        assert STOREFRONT.translate(nothing, {}, shop_country="FR", at=ARRIVAL) == []


def test_a_repetition_has_the_same_key_whenever_it_comes_and_a_change_another() -> None:
    first = order_event(Order.model_validate(ORDER), PARIS, ARRIVAL).key
    assert order_event(Order.model_validate(ORDER), PARIS, ARRIVAL + timedelta(days=1)).key == first
    for change in ({"current_state": "6"}, {"date_upd": "2026-11-02 17:31:08"}, {"total_paid_tax_incl": "1"}):
        assert order_event(Order.model_validate(ORDER | change), PARIS, ARRIVAL).key != first


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the body is not JSON"),
        (b"<prestashop/>", "the body is not JSON"),
        (b"[" * 5000, "the body is not JSON"),
        (b'{"customers": [{"email": "Lea"}]}', "no list of carts or orders"),
        (b'{"orders": {"id": 1}}', "no list of carts or orders"),
        (b'{"orders": [{"reference": "Lea"}]}', "id is missing"),
        (b'{"carts": [{"id": "Lea"}]}', "id is missing"),
        (b'{"carts": ["Lea"]}', "not an object"),
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
fields = st.sampled_from(sorted({*ORDER, *CART}))


@settings(max_examples=200)
@given(st.sampled_from([("orders", ORDER), ("carts", CART)]), st.dictionaries(fields, anything, max_size=4))
def test_any_fields_are_read_or_unreadable(kind: tuple[str, dict[str, Any]], changes: dict[str, Any]) -> None:
    try:
        (event,) = read(kind[0], kind[1] | changes)
    except Unreadable:
        return
    assert event.at.utcoffset() == timedelta(0)
    assert (event.cart or event.order) is not None


def test_it_is_registered_and_greets_nobody_and_comes_from_nowhere() -> None:
    assert storefront("prestashop") is STOREFRONT
    assert "prestashop" in APIS
    assert not STOREFRONT.greets(b"", {})
    assert STOREFRONT.origin({"X-Forwarded-Host": "shop.example"}) is None
    assert STOREFRONT.guess(b'{"orders": []}') == {}


@pytest.mark.parametrize("secrets", [[], [""], ["a-secret"]])
def test_nothing_that_calls_itself_prestashop_is_believed(secrets: list[str]) -> None:
    with pytest.raises(BadSignature, match="prestashop signs nothing"):
        STOREFRONT.verify(b"{}", {"x-signature": "abc"}, secrets)
