"""What Shopify's Admin API is asked, and what the things that it answers with mean."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.events import EventType, OrderStatus, Unreadable
from models.vocabulary import ConsentState
from storefronts.shopify_nodes import checkout_event, order_event
from storefronts.shopify_people import Sent
from storefronts.shopify_queries import CHECKOUTS, LATEST, ORDERS, PAGE, quoted
from tests.contract.shop_api_rig import CAMILLE, HOUR, NOON, cart, order
from tests.shopify_double import Search, checkout_node, customer, moment, money, order_node

SENT = Sent("admin/orders", "", "FR", None, NOON)


@pytest.mark.parametrize(
    ("link", "token"),
    [
        ("https://shop.example/548380009/checkouts/c1f2/recover?key=abc", "c1f2"),
        ("https://shop.example/checkouts/ac/hWN2/recover?key=abc&locale=fr", "hWN2"),
        ("https://shop.example/checkouts/cn/hWN2/recover?key=abc", "hWN2"),
        ("https://shop.example/elsewhere", "5"),
        (None, "5"),
    ],
)
def test_the_link_of_a_checkout_holds_its_token(link: str | None, token: str) -> None:
    event = checkout_event(checkout_node(cart(5)) | {"abandonedCheckoutUrl": link}, SENT)
    assert event.cart is not None
    assert event.cart.token == token


def test_a_completed_checkout_leaves_an_empty_cart() -> None:
    event = checkout_event(checkout_node(cart(5)) | {"completedAt": moment(NOON)}, SENT)
    assert (event.type, event.at, event.order) == (EventType.CART_UPDATED, NOON, None)
    assert event.cart is not None
    assert (event.cart.token, event.cart.replaces, event.cart.lines) == ("tok-5", True, ())


def test_a_checkout_of_more_lines_than_are_read_says_so() -> None:
    node = checkout_node(cart(5))
    node["lineItems"]["pageInfo"]["hasNextPage"] = True
    assert checkout_event(node, SENT).notes == ("line_items: only the first were read",)


@pytest.mark.parametrize(
    ("state", "told"),
    [("SUBSCRIBED", ConsentState.GRANTED), ("UNSUBSCRIBED", ConsentState.WITHDRAWN), ("PENDING", None), (None, None)],
)
def test_only_the_record_of_marketing_is_a_consent(state: str | None, told: ConsentState | None) -> None:
    known = customer(7, CAMILLE)
    assert known is not None
    known["defaultEmailAddress"] |= {"marketingState": state, "marketingUpdatedAt": moment(NOON - HOUR)}
    event = order_event(order_node(order(1)) | {"customer": known}, SENT)
    assert [(one.state, one.at) for one in event.person.consents] == ([(told, NOON - HOUR)] if told else [])


def test_a_part_paid_back_is_told_in_the_orders_currency() -> None:
    found = order_event(order_node(order(1)) | {"totalRefundedSet": money(1000)}, SENT).order
    assert found is not None
    assert (found.status, found.refunded) == (OrderStatus.PAID, 1000)


@pytest.mark.parametrize("value", ['a"b', "a\\", '\\"', '" OR id:>0 OR email:"', "(x)", "AND", "a:b"])
def test_a_quoted_value_is_one_value(value: str) -> None:
    search = Search(f"(email:{quoted(value)} OR cart_token:x)")
    assert search.test(order_node(order(1)) | {"email": value})
    assert search.test(order_node(order(1)) | {"cartToken": "x"})
    assert not search.test(order_node(order(1)))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ORDER, CHECKOUT = order_node(order(1)), checkout_node(cart(1))


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted(ORDER)), anything, max_size=4))
def test_an_order_with_any_fields_is_read_or_unreadable(changes: dict[str, Any]) -> None:
    try:
        event = order_event(ORDER | changes, SENT)
    except Unreadable:
        return
    assert event.order is not None
    assert event.at.utcoffset() == timedelta(0)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted(CHECKOUT)), anything, max_size=4))
def test_a_checkout_with_any_fields_is_read_or_unreadable(changes: dict[str, Any]) -> None:
    try:
        event = checkout_event(CHECKOUT | changes, SENT)
    except Unreadable:
        return
    assert event.cart is not None
    assert event.at.utcoffset() == timedelta(0)


DOCUMENTED = """
query Orders Checkouts Latest Int String first after page orders abandonedCheckouts sortKey UPDATED_AT CREATED_AT
reverse true pageInfo hasNextPage endCursor nodes legacyResourceId id createdAt updatedAt processedAt cancelledAt
completedAt displayFinancialStatus cartToken email phone customerLocale discountCodes totalPriceSet totalRefundedSet
subtotalPriceSet presentmentMoney amount currencyCode shippingAddress billingAddress firstName countryCodeV2
customer verifiedEmail defaultAddress defaultEmailAddress emailAddress marketingState marketingUpdatedAt
defaultPhoneNumber phoneNumber lineItems name title variantTitle quantity sku image url product
originalUnitPriceSet abandonedCheckoutUrl
"""


@pytest.mark.parametrize("document", [ORDERS, CHECKOUTS, LATEST])
def test_nothing_is_asked_that_the_reference_of_this_version_has_not(document: str) -> None:
    assert set(re.findall(r"[A-Za-z_]\w*", document)) <= set(DOCUMENTED.split())
    assert document.count("{") == document.count("}")


@pytest.mark.parametrize("document", [ORDERS, CHECKOUTS, LATEST])
def test_a_question_costs_less_than_shopify_allows(document: str) -> None:
    numbered = document.replace("$first", str(PAGE))
    words = re.findall(r"(\w+)?(?:\(first: (\d+)[^)]*\))? ?([{}])", numbered[numbered.index("{") + 1 :])
    depth, points = [(1, 1)], 0  # an object costs 1, a connection 2 and what its things cost
    for name, first, brace in words:
        each, many = depth[-1]
        each *= many if name == "nodes" else 1
        points += (2 if first else 1) * each if brace == "{" else 0
        depth = [*depth, (each, int(first or 1))] if brace == "{" else depth[:-1]
    assert 500 < points < 1000
