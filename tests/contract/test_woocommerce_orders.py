"""What WooCommerce's orders, drafts and accounts mean: states, tokens, money, links, people."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from api.bodies import parse_events
from models.events import EventType, OrderStatus
from storefronts.woocommerce_shapes import CART_META
from tests.woocommerce import CART, KEY, LEA, PAY, customer, documented, facts, line, order, read, unpaid

PAID, AUTHORIZED, PENDING = OrderStatus.PAID, OrderStatus.AUTHORIZED, OrderStatus.PENDING
CANCELLED, REFUNDED = OrderStatus.CANCELLED, OrderStatus.REFUNDED


def test_an_order_says_who_what_and_when_in_utc() -> None:
    event = read("order.created", order())
    found = event.order
    assert event.type is EventType.ORDER_COMPLETED
    assert event.name == "order.created"
    assert event.at == datetime(2026, 11, 2, 17, 31, 19, tzinfo=UTC)
    assert event.notes == ()
    assert event.cart is None
    assert found is not None
    assert not found.provisional
    assert (found.order_id, found.status, found.cart_tokens) == ("727", PAID, (KEY, CART))
    assert found.placed_at == datetime(2026, 11, 2, 17, 31, 7, tzinfo=UTC)
    assert (found.currency, found.value, found.refunded, found.coupon) == ("EUR", 8590, 0, "ete10")
    assert [(one.product_id, one.name, one.price, one.quantity) for one in found.lines] == [
        ("93", "Sac paille - Naturel", 4500, 2)
    ]
    person = event.person
    assert (person.external_id, person.email, person.first_name) == ("26", LEA, "Léa")
    assert (person.phone, person.country, person.consents, person.email_verified) == ("+33612345678", "FR", (), False)


@pytest.mark.parametrize(
    ("status", "means", "kind"),
    [
        ("pending", PENDING, EventType.ORDER_COMPLETED),
        ("failed", PENDING, EventType.ORDER_COMPLETED),
        ("on-hold", AUTHORIZED, EventType.ORDER_COMPLETED),
        ("processing", PAID, EventType.ORDER_COMPLETED),
        ("completed", PAID, EventType.ORDER_COMPLETED),
        ("wc-completed", PAID, EventType.ORDER_COMPLETED),
        ("cancelled", CANCELLED, EventType.ORDER_CANCELLED),
        ("trash", CANCELLED, EventType.ORDER_CANCELLED),
        ("refunded", REFUNDED, EventType.ORDER_REFUNDED),
    ],
)
def test_each_state_of_woocommerce_has_one_meaning(status: str, means: OrderStatus, kind: EventType) -> None:
    event = read("order.updated", order(status=status, date_paid_gmt=None))
    assert event.order is not None
    assert (event.order.status, event.type, event.notes) == (means, kind, ())


@pytest.mark.parametrize(
    ("changes", "means"),
    [
        ({"date_paid_gmt": "2026-11-02T17:31:18"}, PAID),
        ({"date_paid_gmt": None, "needs_payment": True}, PENDING),
        ({"date_paid_gmt": None, "needs_payment": False}, AUTHORIZED),
        ({"date_paid_gmt": None, "needs_payment": None}, AUTHORIZED),
    ],
)
def test_a_state_of_a_plugin_is_read_by_its_payment_and_noted(changes: dict[str, Any], means: OrderStatus) -> None:
    event = read("order.updated", order(status="expediee", **changes))
    assert event.order is not None
    assert event.order.status is means
    assert [note for note in event.notes if note.startswith("status:")]


def test_what_is_paid_back_in_part_leaves_the_order_paid() -> None:
    found = facts(refunds=[{"id": 1, "total": "-10.00"}, {"id": 2, "total": "-5.90"}, {"id": 3, "total": "odd"}])
    assert (found.status, found.refunded) == (PAID, 1590)


def test_a_refunded_order_is_refunded_whole_unless_it_says_how_much() -> None:
    assert facts(status="refunded", refunds=[]).refunded == 8590
    assert facts(status="refunded", refunds=[{"id": 1, "total": "-85.90"}]).refunded == 8590


@pytest.mark.parametrize(
    ("currency", "total", "value"), [("JPY", "500", 500), ("TND", "1.2345", 1235), ("EUR", "", None)]
)
def test_money_is_in_minor_units_of_its_currency(currency: str, total: str, value: int | None) -> None:
    assert facts(currency=currency, total=total).value == value


def test_a_line_shows_the_price_of_one_piece_as_the_shop_does() -> None:
    (one,) = facts(line_items=[line(quantity=3, subtotal="10.00", subtotal_tax="0.00")]).lines
    assert one.price == 333
    (unsaid,) = facts(line_items=[line(subtotal=None, quantity=1)]).lines
    assert unsaid.price == 8100


def test_a_product_added_by_hand_is_known_by_what_it_has() -> None:
    bare = line(product_id=0, variation_id=0)
    assert [one.product_id for one in facts(line_items=[bare]).lines] == ["SAC-PAILLE-NAT"]
    assert [one.product_id for one in facts(line_items=[bare | {"sku": ""}]).lines] == ["Sac paille - Naturel"]


def test_lines_that_nobody_can_read_are_left_out_with_a_note() -> None:
    event = read("order.updated", order(line_items=[line(), {"quantity": "many"}, None, line(quantity=0)]))
    assert event.order is not None
    assert len(event.order.lines) == 1
    assert event.notes == ("line_items: 2 could not be read, left out",)


def test_a_draft_is_a_cart_under_the_key_of_the_order_that_it_becomes() -> None:
    event = read("order.created", unpaid(status="checkout-draft"))
    assert event.type is EventType.CART_UPDATED
    assert event.order is None
    cart = event.cart
    assert cart is not None
    assert (cart.token, cart.alias, cart.replaces, cart.step) == (KEY, CART, True, "shipping")
    assert (cart.currency, cart.value, cart.coupon) == ("EUR", 8100, "ete10")
    assert cart.checkout_url is None
    assert [one.quantity for one in cart.lines] == [2]
    assert event.person.email == LEA


def test_a_draft_without_an_address_is_only_begun_and_without_lines_emptied() -> None:
    nobody = {"customer_id": 0, "billing": {"email": "", "first_name": ""}}
    event = read("order.updated", order(status="checkout-draft", line_items=[], meta_data=[], **nobody))
    assert event.person.anonymous
    assert event.cart is not None
    assert (event.cart.step, event.cart.alias) == ("contact", None)
    assert (event.cart.replaces, event.cart.lines, event.cart.value) == (True, (), 0)


def test_an_order_that_waits_for_its_payment_can_be_paid_by_its_link() -> None:
    for status in ("pending", "failed"):
        event = read("order.updated", unpaid(status=status))
        assert event.order is not None
        assert event.order.status is PENDING
        assert event.cart is not None
        assert (event.cart.token, event.cart.alias, event.cart.step) == (KEY, CART, "payment")
        assert event.cart.checkout_url == PAY
        assert event.cart.token in event.order.cart_tokens


@pytest.mark.parametrize(
    "changes",
    [
        {"created_via": "admin"},
        {"created_via": "subscription"},
        {"created_via": "rest-api"},
        {"needs_payment": False},
        {"payment_url": None},
        {"order_key": ""},
        {"date_created_gmt": None},
        {"date_created_gmt": "2026-10-31T17:31:07"},
    ],
)
def test_an_unpaid_order_that_no_customer_left_just_now_is_no_cart(changes: dict[str, Any]) -> None:
    event = read("order.updated", unpaid(**changes))
    assert event.cart is None
    assert event.order is not None
    assert event.order.status is PENDING


def test_equal_carts_of_two_people_do_not_join() -> None:
    mine, theirs = facts(meta_data=[]), facts(meta_data=[], id=728, order_key="wc_order_2")
    assert not set(mine.cart_tokens) & set(theirs.cart_tokens)


def test_a_deleted_order_is_cancelled_by_its_number_alone() -> None:
    event = read("order.deleted", {"id": "727"})
    assert event.type is EventType.ORDER_CANCELLED
    assert event.order is not None
    assert (event.order.order_id, event.order.status, event.order.value) == ("727", CANCELLED, None)
    assert event.person.anonymous


def test_a_guest_is_known_by_their_address_alone() -> None:
    for nobody in (0, "0", None):
        assert read("order.created", order(customer_id=nobody)).person.external_id is None


def test_an_account_goes_by_its_own_address_and_proves_no_consent() -> None:
    event = read("customer.updated", customer())
    assert (event.type, event.at) == (EventType.IDENTIFY, datetime(2026, 11, 1, 9, 5, tzinfo=UTC))
    person = event.person
    assert (person.external_id, person.email, person.first_name) == ("26", LEA, "Léa")
    assert (person.phone, person.consents) == ("+33612345678", ())
    assert read("customer.created", customer(date_modified_gmt=None)).at == datetime(2026, 9, 1, 8, tzinfo=UTC)


def test_a_deleted_account_is_erased() -> None:
    event = read("customer.deleted", {"id": 26})
    assert (event.type, event.person.external_id) == (EventType.ERASE, "26")


def test_the_words_that_wordpress_leaves_of_an_erased_person_are_nobody() -> None:
    gone = {"email": "deleted@site.invalid", "first_name": "[supprimé]", "phone": "", "country": "FR"}
    event = read("order.updated", order(customer_id=0, billing=gone))
    assert event.person.anonymous
    assert event.person.first_name is None


def test_an_address_or_number_that_is_none_is_left_out_with_a_note() -> None:
    event = read("order.updated", order(billing={"email": "lea@", "phone": "call me", "country": "FR"}))
    assert event.person.email is None
    assert event.notes == (
        "billing.email: no valid address, left out",
        "billing.phone: no valid number, left out",
    )


def test_a_time_without_a_zone_is_utc_and_one_with_a_zone_keeps_it() -> None:
    zoned = read("order.updated", order(date_modified_gmt="2026-11-02T18:31:19+01:00"))
    assert zoned.at == read("order.updated", order()).at
    undated = read("order.updated", order(date_modified_gmt=7, date_created_gmt="0001-01-01T00:00:00"))
    assert undated.at == datetime(2026, 11, 4, tzinfo=UTC)


def test_the_documented_cart_event_is_a_cart_that_the_order_ends() -> None:
    batch = parse_events(documented("json").encode(), shop_country="FR", at=datetime(2026, 11, 3, tzinfo=UTC))
    assert batch.rejected == []
    ((_, event),) = batch.events
    assert event.cart is not None
    assert (event.cart.token, event.cart.replaces, event.cart.value) == (CART, True, 9000)
    assert (event.person.external_id, event.person.consents) == ("26", ())
    ordered = facts()
    assert event.cart.token in ordered.cart_tokens
    assert [one.product_id for one in event.cart.lines] == [one.product_id for one in ordered.lines]


def test_the_documented_snippet_names_orders_as_they_are_read_and_fits_on_a_page() -> None:
    snippet = documented("php")
    assert CART_META in snippet
    assert len(snippet.splitlines()) <= 80
    assert all(name in snippet for name in json.loads(documented("json"))["properties"])
