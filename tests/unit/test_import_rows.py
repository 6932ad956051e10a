"""Rows of a shop's history: which kind they are, and what each means."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.columns import COLUMNS, ImportKind, column, guess, missing
from imports.meaning import Meaning, Wrong
from imports.reading import Row
from models.events import Event, EventType, OrderStatus
from models.products import Product
from models.vocabulary import Channel, ConsentState

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
AT = "2024-05-01T10:00:00+02:00"
ORDER = {"order_id": "5", "email": "a@example.org", "timestamp": AT}
BAG = {"product_id": "p1", "name": "Sac", "price": 4900, "quantity": 2}
CONSENT = {"channel": "email", "purpose": "marketing", "state": "granted", "source": "old shop", "at": AT}


def read(
    kind: ImportKind, values: dict[str, Any], *, is_csv: bool = True
) -> tuple[Event | Product | None, list[tuple[str, str]]]:
    found, wrong = Meaning(kind, "FR", NOON, is_csv).read(Row(2, values))
    assert all(one.row == 2 for one in wrong)
    return found, [(one.column, one.problem) for one in wrong]


def event(kind: ImportKind, values: dict[str, Any], *, is_csv: bool = True) -> Event:
    found, wrong = read(kind, values, is_csv=is_csv)
    assert isinstance(found, Event), wrong
    return found


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["order_id", "email", "timestamp", "cart_id"], ImportKind.ORDERS),
        (["Cart_ID", "customer.id", "timestamp"], ImportKind.CARTS),
        (["email", "channel", "purpose", "state", "source", "at"], ImportKind.CONSENTS),
        (["product_id", "name", "price", "currency"], ImportKind.PRODUCTS),
        (["customer.email", "first_name"], ImportKind.CUSTOMERS),
        (["order_id", "product_id", "name"], None),
        (["first_name", "colour"], None),
        ([], None),
    ],
)
def test_the_columns_say_what_rows_are_when_they_can_be_one_thing_only(
    names: list[str], kind: ImportKind | None
) -> None:
    assert guess(names) is kind


def test_a_file_without_what_its_kind_needs_is_told_which_columns() -> None:
    assert missing(ImportKind.ORDERS, ["Order_id"]) == ["timestamp"]
    assert missing(ImportKind.CARTS, ["timestamp"]) == ["cart_id"]
    assert missing(ImportKind.CONSENTS, list(CONSENT)) == ["customer_id (or email, or phone)"]
    assert missing(ImportKind.CUSTOMERS, ["customer.phone"]) == []
    assert missing(ImportKind.PRODUCTS, ["product_id", "name", "price"]) == ["currency"]


def test_a_customer_has_a_profile_traits_and_no_activity() -> None:
    row = {"customer.id": "7", "email": "a@example.org", "email_verified": "Yes", "phone": "0612345678"}
    found = event(ImportKind.CUSTOMERS, row | {"traits.age": "33", "traits.zip": "01230", "traits.vip": "TRUE"})
    assert (found.type, found.at) == (EventType.IDENTIFY, NOON)
    assert (found.person.external_id, found.person.phone, found.person.email_verified) == ("7", "+33612345678", True)
    assert dict(found.person.traits) == {"age": 33, "zip": "01230", "vip": True}


def test_a_consent_keeps_its_evidence_and_is_as_old_as_it_says() -> None:
    found = event(ImportKind.CONSENTS, {"email": "a@example.org", "wording": "News?", **CONSENT})
    (entry,) = found.person.consents
    assert (entry.channel, entry.state, entry.source, entry.wording) == (
        Channel.EMAIL,
        ConsentState.GRANTED,
        "old shop",
        "News?",
    )
    assert found.at == entry.at == datetime(2024, 5, 1, 8, tzinfo=UTC)


def test_an_order_is_paid_unless_its_status_says_otherwise() -> None:
    found = event(ImportKind.ORDERS, ORDER | {"value": "9800", "currency": "eur", "products": json.dumps([BAG])})
    assert found.order is not None
    assert (found.order.value, found.order.currency, found.order.status) == (9800, "EUR", OrderStatus.PAID)
    assert [line.quantity for line in found.order.lines] == [2]
    unpaid = event(ImportKind.ORDERS, ORDER | {"status": "pending"}).order
    assert unpaid is not None
    assert unpaid.status is OrderStatus.PENDING


def test_json_lines_may_be_flat_or_shaped_like_an_event() -> None:
    cart = {"cart_id": 9, "timestamp": AT, "products": [BAG], "customer.id": "7", "traits.age": 33}
    found = event(ImportKind.CARTS, cart, is_csv=False)
    assert found.type is EventType.CART_UPDATED
    assert found.cart is not None
    assert (found.cart.token, found.cart.value, found.person.external_id) == ("9", 9800, "7")


def test_a_product_is_read() -> None:
    row = {"product_id": "p1", "name": "Sac", "price": "4900", "currency": "EUR", "rating": "4.5", "stock": "-1"}
    found, wrong = read(ImportKind.PRODUCTS, row)
    assert (found, wrong) == (Product("p1", "Sac", 4900, "EUR", stock=0, rating=4.5), [])


@pytest.mark.parametrize(
    ("kind", "row", "wrong"),
    [
        (ImportKind.ORDERS, {"order_id": "5"}, [("timestamp", "is missing")]),
        (ImportKind.ORDERS, {"timestamp": AT}, [("order_id", "is missing")]),
        (ImportKind.ORDERS, ORDER | {"Value": "49,00"}, [("Value", "must be a whole number")]),
        (ImportKind.ORDERS, ORDER | {"value": "-1"}, [("value", "is too low")]),
        (ImportKind.ORDERS, ORDER | {"currency": "XXQ"}, [("currency", "is no ISO 4217 code like EUR")]),
        (ImportKind.ORDERS, ORDER | {"products": "[{"}, [("products", "must be JSON")]),
        (ImportKind.ORDERS, ORDER | {"products": '[{"name": 7}]'}, None),
        (ImportKind.ORDERS, ORDER | {"timestamp": "2024-05-01 10:00"}, None),
        (ImportKind.ORDERS, ORDER | {"timestamp": "2031-05-01T10:00:00Z"}, [("timestamp", "lies in the future")]),
        (ImportKind.CUSTOMERS, {"customer.email": "nope"}, [("customer.email", "is no e-mail address")]),
        (ImportKind.CUSTOMERS, {"first_name": "A"}, None),
        (ImportKind.CONSENTS, {"email": "a@example.org", **CONSENT, "at": "May"}, None),
        (ImportKind.CONSENTS, {"email": "a@example.org", **CONSENT, "state": "yes"}, None),
        (ImportKind.PRODUCTS, {"product_id": "p", "name": "P", "price": "x", "currency": "EUR"}, None),
    ],
)
def test_a_row_that_makes_no_sense_is_told_by_column_without_its_value(
    kind: ImportKind, row: dict[str, str], wrong: list[tuple[str, str]] | None
) -> None:
    found, told = read(kind, row)
    assert found is None
    assert told
    assert wrong in (None, told)
    assert "nope" not in str(told)
    assert len(told) == len(set(told))


def test_a_phone_that_is_none_is_left_out_and_the_row_is_taken() -> None:
    found, wrong = read(ImportKind.CUSTOMERS, {"email": "a@example.org", "phone": "12"})
    assert isinstance(found, Event)
    assert wrong == [("phone", "no valid number, left out")]


def test_a_row_without_time_has_the_same_key_whenever_it_comes() -> None:
    row = Row(2, {"email": "a@example.org", "first_name": "A"})
    first, _ = Meaning(ImportKind.CUSTOMERS, "FR", NOON, True).read(row)
    second, _ = Meaning(ImportKind.CUSTOMERS, "FR", NOON.replace(year=2027), True).read(row)
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert first.key == second.key


def test_what_could_not_be_read_is_wrong_as_a_whole() -> None:
    found = Meaning(ImportKind.CUSTOMERS, "FR", NOON, True).read(Row(9, {}, "is no JSON object"))
    assert found == (None, [Wrong(9, "", "is no JSON object")])


names = st.sampled_from([*{name for one in COLUMNS.values() for name in one}, "traits.x", "odd"])
values: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.lists(st.just({}))
)


@given(st.sampled_from(list(ImportKind)), st.dictionaries(names, values, max_size=8), st.booleans())
def test_any_row_is_taken_or_told(kind: ImportKind, row: dict[str, Any], is_csv: bool) -> None:
    found, wrong = Meaning(kind, "FR", NOON, is_csv).read(Row(2, {k: v for k, v in row.items() if v is not None}))
    assert found is not None or wrong


def test_the_document_names_every_column() -> None:
    told = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    for kind, columns in COLUMNS.items():
        assert all(f"`{name}`" in told for name in columns), kind
    assert column(ImportKind.PRODUCTS, "traits.x") is None
