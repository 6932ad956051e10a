"""What is not what it should be reads as absent, wherever it stands, and headers are put into lower case once."""

import json

import pytest

from storefronts.base import Headers, lower
from storefronts.shapes import Count, Maybe, Payload, Token


class Row(Payload):
    """A thing in a list, with a field that it needs."""

    name: Maybe[Token] = None
    quantity: Count


class Body(Payload):
    """What holds things, one of them by itself."""

    first: Maybe[Row] = None
    rows: Maybe[list[Maybe[Row]]] = None


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"first": {"quantity": 1, "name": "\x00"}}, Body(first=Row(quantity=1))),
        ({"first": {"name": "vase"}}, Body()),
        ({"first": "vase", "rows": {}}, Body()),
        ({"rows": [{"quantity": 1}, None, 7, {"quantity": -1}]}, Body(rows=[Row(quantity=1), None, None, None])),
        ({"rows": []}, Body(rows=[])),
    ],
)
def test_a_value_that_is_not_what_it_should_be_reads_as_absent_and_spares_what_stands_beside_it(
    given: object, read: Body
) -> None:
    assert Body.model_validate(given) == read
    assert Body.model_validate_json(json.dumps(given)) == read


def test_headers_are_read_whatever_their_case_and_those_of_asgi_as_they_are() -> None:
    asgi = Headers({"x-shopify-topic": "orders/paid"})
    assert lower(asgi) is asgi
    assert lower({"X-Shopify-TOPIC": "orders/paid"}) == asgi
