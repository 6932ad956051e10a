"""The catalogue: what a shop may say of its products."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bodies import MAX_PRODUCTS, TooMany, parse_products
from models.events import Unreadable
from models.products import Product, Review
from tests.door import NOON

REVIEW = {"text": "Très doux", "rating": 4.5, "at": "2026-10-01T12:00:00+02:00", "author": "Zoë", "verified": True}
BAG = {"product_id": "p1", "name": "Sac", "price": 4900, "currency": "EUR"}


def refused(body: Any) -> str:
    """Return why a product is refused."""
    found = parse_products(json.dumps([body]).encode(), at=NOON)
    assert found.products == []
    return found.rejected[0].problem


def test_a_product_keeps_all_that_the_shop_says() -> None:
    more = {"url": "https://s.example/p1", "image_url": "https://s.example/p1.jpg", "category": "Sacs"}
    told = BAG | more | {"stock": 3, "rating": 4, "review_count": 12, "reviews": [REVIEW]}
    products, rejected = parse_products(json.dumps([told]).encode(), at=NOON)
    review = Review("Très doux", 4.5, datetime(2026, 10, 1, 10, tzinfo=UTC), "Zoë", verified=True)
    assert rejected == []
    assert products == [
        Product("p1", "Sac", 4900, "EUR", **more, stock=3, rating=4, review_count=12, reviews=(review,))
    ]


def test_a_bare_product_is_enough_and_may_come_alone() -> None:
    assert parse_products(json.dumps(BAG).encode(), at=NOON).products == [Product("p1", "Sac", 4900, "EUR")]


def test_an_oversold_product_is_out_of_stock() -> None:
    assert parse_products(json.dumps(BAG | {"stock": -2}).encode(), at=NOON).products[0].stock == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"currency": "EURO"}, "currency: is no ISO 4217 code like EUR"),
        ({"currency": None}, "currency: must be a text"),
        ({"price": 19.99}, "price: must be a whole number"),
        ({"rating": 5.1}, "rating: is too high"),
        ({"review_count": -1}, "review_count: is too low"),
        ({"reviews": [REVIEW, REVIEW | {"verified": "yes"}]}, "reviews[1].verified: must be true or false"),
        ({"reviews": [REVIEW | {"at": "2027-01-01T00:00:00Z"}]}, "reviews[0].at: lies in the future"),
        ({"url": "//s.example"}, "url: must begin with http:// or https:// and hold no space"),
    ],
)
def test_a_mistake_is_told_by_its_field(changes: dict[str, Any], told: str) -> None:
    assert refused(BAG | changes) == told


def test_one_bad_product_harms_no_other() -> None:
    products, rejected = parse_products(json.dumps([BAG, {}, BAG]).encode(), at=NOON)
    assert len(products) == 2
    assert [one.index for one in rejected] == [1]


def test_too_many_products_and_no_json_are_refused() -> None:
    with pytest.raises(TooMany):
        parse_products(json.dumps([{}] * (MAX_PRODUCTS + 1)).encode(), at=NOON)
    with pytest.raises(Unreadable):
        parse_products(b"<xml/>", at=NOON)


@given(
    st.dictionaries(st.sampled_from(sorted(BAG | {"reviews": 1, "stock": 1})), st.none() | st.text() | st.integers())
)
def test_any_fields_are_taken_or_refused(changes: dict[str, Any]) -> None:
    products, rejected = parse_products(json.dumps([BAG | changes]).encode(), at=NOON)
    assert len(products) + len(rejected) == 1
