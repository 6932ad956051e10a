"""What Shopify's orders mean: states, tokens, currencies, refunds."""

from datetime import UTC, datetime

import pytest

from models.events import EventType, OrderFacts, OrderStatus
from tests.shopify import ARRIVAL, CART, CHECKOUT, DECIDED, fixture, order, read


def test_an_order_joins_by_both_tokens_in_the_currency_that_was_paid() -> None:
    event = read("orders/create", fixture("orders_create"))
    found = event.order
    assert event.type is EventType.ORDER_COMPLETED
    assert found is not None
    assert not found.provisional
    assert (found.order_id, found.status) == ("820982911946154508", OrderStatus.PAID)
    assert found.cart_tokens == (CHECKOUT, CART)
    assert (found.currency, found.value, found.refunded, found.coupon) == ("CHF", 18617, 0, "ETE10")
    assert found.placed_at == DECIDED
    assert event.at == datetime(2026, 11, 2, 18, 2, 15, tzinfo=UTC)
    assert [(line.product_id, line.price) for line in found.lines] == [("632910392", 8629), ("Emballage cadeau", 432)]


@pytest.mark.parametrize(
    ("said", "status", "kind"),
    [
        ("paid", OrderStatus.PAID, EventType.ORDER_COMPLETED),
        ("partially_paid", OrderStatus.PAID, EventType.ORDER_COMPLETED),
        ("partially_refunded", OrderStatus.PAID, EventType.ORDER_COMPLETED),
        ("authorized", OrderStatus.AUTHORIZED, EventType.ORDER_COMPLETED),
        ("pending", OrderStatus.PENDING, EventType.ORDER_COMPLETED),
        ("expired", OrderStatus.PENDING, EventType.ORDER_COMPLETED),
        (None, OrderStatus.PENDING, EventType.ORDER_COMPLETED),
        ("voided", OrderStatus.CANCELLED, EventType.ORDER_CANCELLED),
        ("refunded", OrderStatus.REFUNDED, EventType.ORDER_REFUNDED),
    ],
)
def test_the_financial_status_decides_what_an_order_is(said: str | None, status: OrderStatus, kind: EventType) -> None:
    event = read("orders/updated", fixture("orders_create", financial_status=said))
    assert event.order is not None
    assert (event.order.status, event.type) == (status, kind)


def test_a_cancelled_order_is_no_purchase_although_it_was_paid() -> None:
    assert order(cancelled_at="2026-11-03T10:00:00+01:00").status is OrderStatus.CANCELLED
    cancelled = read("orders/cancelled", fixture("orders_create")).order
    assert cancelled is not None
    assert cancelled.status is OrderStatus.CANCELLED


def test_refunds_are_summed_when_they_went_through_in_the_orders_currency() -> None:
    moves = [
        {"kind": "refund", "status": "success", "amount": "10.00", "currency": "CHF"},
        {"kind": "refund", "status": "failure", "amount": "20.00", "currency": "CHF"},
        {"kind": "sale", "status": "success", "amount": "40.00", "currency": "CHF"},
        {"kind": "refund", "status": "success", "amount": "80.00", "currency": "EUR"},
    ]
    assert order(refunds=[{"transactions": moves}]).refunded == 1000
    assert order(financial_status="refunded").refunded == 18617


@pytest.mark.parametrize(
    ("currency", "written", "minor"),
    [
        ("EUR", "19.99", 1999),
        ("JPY", "1500", 1500),
        ("JPY", "1500.00", 1500),
        ("KWD", "1.250", 1250),
        ("EUR", "0.005", 1),
    ],
)
def test_money_becomes_minor_units_of_its_currency(currency: str, written: str, minor: int) -> None:
    found = order(total_price_set=None, currency=currency, total_price=written)
    assert (found.currency, found.value) == (currency, minor)


def test_an_order_is_read_although_everything_around_it_is_odd() -> None:
    body = {"id": 5, "checkout_token": "t", "financial_status": "paid", "total_price": "free", "line_items": {"a": 1}}
    body |= {"customer": [], "email": 3, "updated_at": "yesterday", "refunds": "none", "currency": "??"}
    event = read("orders/create", body)
    assert event.at == ARRIVAL
    assert event.order == OrderFacts("5", OrderStatus.PAID, cart_tokens=("t",))
