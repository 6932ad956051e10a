"""Shopify's Admin API as its documentation has it: GraphQL over POST, its search syntax, its cursors and its errors."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from storefronts.shopify_queries import PATH
from storefronts.shopify_token import PATH as TOKENS
from tests.provider_double import Asked, Reply
from tests.shop_double import ShopCart, ShopDouble, ShopOrder

Json = dict[str, Any]
_WORDS = re.compile(r'\s*(\(|\)|AND\b|OR\b|[a-z_]+:(?:>=)?|"(?:[^"\\]|\\.)*"|[^\s()"]+)')
_FINANCIAL = {"paid": "PAID", "unpaid": "PENDING", "cancelled": "PAID", "refunded": "REFUNDED"}
_Test = Callable[[Json], bool]


def money(minor: int) -> Json:
    return {"presentmentMoney": {"amount": f"{minor / 100:.2f}", "currencyCode": "EUR"}}


def customer(number: int | None, email: str | None) -> Json | None:
    """Return the customer; Shopify makes one of everybody who types an address, and of a guest none here."""
    if number is None:
        return None
    return {
        "legacyResourceId": str(number),
        "firstName": "Camille",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z",
        "verifiedEmail": True,
        "defaultAddress": None,
        "defaultEmailAddress": {"emailAddress": email, "marketingState": "NOT_SUBSCRIBED", "marketingUpdatedAt": None},
        "defaultPhoneNumber": None,
    }


def order_node(one: ShopOrder) -> Json:
    """Return an order as GraphQL answers it."""
    line: Json = {"name": "Sandales", "quantity": 1, "sku": "S", "product": {"legacyResourceId": "1"}}
    node: Json = {
        "legacyResourceId": str(one.number),
        "createdAt": moment(one.placed_at),
        "updatedAt": moment(one.updated_at),
        "processedAt": moment(one.placed_at),
        "cancelledAt": moment(one.updated_at) if one.status == "cancelled" else None,
        "displayFinancialStatus": _FINANCIAL[one.status],
        "cartToken": one.token,
        "email": one.email,
        "phone": None,
        "customerLocale": "fr-FR",
        "discountCodes": [],
        "totalPriceSet": money(one.price),
        "totalRefundedSet": money(one.price if one.status == "refunded" else 0),
        "shippingAddress": {"firstName": "Camille", "countryCodeV2": "FR"},
        "billingAddress": None,
        "customer": customer(one.customer_id, one.email),
        "lineItems": {"nodes": [line | {"originalUnitPriceSet": money(one.price)}]},
    }
    return {name: value for name, value in node.items() if not (one.spoilt and name == "legacyResourceId")}


def checkout_node(one: ShopCart) -> Json:
    """Return an abandoned checkout as GraphQL answers it."""
    line: Json = {"title": one.product, "variantTitle": None, "quantity": 1, "sku": "S", "image": None}
    line |= {"product": {"legacyResourceId": "1"}, "originalUnitPriceSet": money(one.price)}
    node: Json = {
        "id": f"gid://shopify/AbandonedCheckout/{one.number}",
        "createdAt": moment(one.updated_at),
        "updatedAt": moment(one.updated_at),
        "completedAt": None,
        "abandonedCheckoutUrl": f"https://shop.example/548380009/checkouts/{one.token}/recover?key=abc",
        "discountCodes": [],
        "subtotalPriceSet": money(one.price),
        "shippingAddress": None,
        "billingAddress": None,
        "customer": customer(one.customer_id, one.email),
        "lineItems": {"nodes": [line], "pageInfo": {"hasNextPage": False}},
    }
    return {name: value for name, value in node.items() if not (one.spoilt and name == "id")}


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def failure(code: str, **extensions: object) -> Reply:
    """Return an error as GraphQL tells it: with status 200, and in prose what it was about."""
    error = {"message": "camille.durand@example.org", "extensions": {"code": code}}
    return Reply(200, json.dumps({"data": None, "errors": [error], "extensions": extensions}).encode())


class ShopifyDouble(ShopDouble):
    """Answers the questions that are asked, and gives a token for the right credentials.

    `secret` is the app's; `token` the one that opens now, and `lasts` for how many seconds it says that it does.
    """

    client, secret = "client-of-the-app", "pa55-secret-of-the-app"

    def __init__(self) -> None:
        super().__init__()
        self.token = "pa55-key-of-the-shop"
        self.lasts = 86_399

    def knows(self, asked: Asked) -> bool:
        return asked.path == TOKENS or asked.headers.get("x-shopify-access-token") == self.token

    def fine(self, asked: Asked) -> Reply:
        if (asked.method, asked.path) == ("POST", TOKENS):
            return self._exchanged(json.loads(asked.body))
        if (asked.method, asked.path) != ("POST", PATH):
            return Reply(404)
        question = json.loads(asked.body)
        document, given = question["query"], question["variables"]
        if "abandonedCheckouts(" in document:
            nodes = [checkout_node(one) for one in sorted(self.carts.values(), key=lambda one: one.number)]
        else:
            nodes = [order_node(one) for one in self.sorted_orders()]
        nodes = nodes[::-1] if "reverse: true" in document else nodes
        fits = Search(given["query"]).test
        found = [(number, node) for number, node in enumerate(nodes, 1) if fits(node)]
        after = int(given.get("after") or 0)
        rest = [(number, node) for number, node in found if number > after]
        shown = rest[: given["first"]]
        info = {"hasNextPage": len(rest) > len(shown), "endCursor": str(shown[-1][0]) if shown else None}
        page = {"nodes": [node for _, node in shown], "pageInfo": info}
        return Reply(200, json.dumps({"data": {"page": page}}).encode())

    def _exchanged(self, given: Json) -> Reply:
        own = {"grant_type": "client_credentials", "client_id": self.client, "client_secret": self.secret}
        if given != own:
            return Reply(400, b'{"error": "application_cannot_be_found"}')
        told = {"access_token": self.token, "scope": "read_orders", "expires_in": self.lasts}
        return Reply(200, json.dumps(told).encode())


class Search:
    """Shopify's search syntax, as far as it is used: comparisons, quoted values, AND, OR, parentheses."""

    def __init__(self, query: str) -> None:
        assert re.fullmatch(f"(?:{_WORDS.pattern})*\\s*", query), f"nobody can read {query!r}"
        self._words: Iterator[str] = iter(_WORDS.findall(query))
        self._word = next(self._words, None)
        self.test = self._either()
        assert self._word is None, f"nobody can read the rest of {query!r}"

    def _take(self) -> str:
        taken, self._word = self._word, next(self._words, None)
        assert taken is not None
        return taken

    def _either(self) -> _Test:
        tests = [self._both()]
        while self._word == "OR":
            self._take()
            tests.append(self._both())
        return lambda node: any(test(node) for test in tests)

    def _both(self) -> _Test:
        tests = [self._term()]
        while self._word not in (None, "OR", ")"):
            if self._word == "AND":
                self._take()
            tests.append(self._term())
        return lambda node: all(test(node) for test in tests)

    def _term(self) -> _Test:
        word = self._take()
        if word == "(":
            inner = self._either()
            assert self._take() == ")"
            return inner
        name, colon, compared = word.partition(":")
        value = self._take() if colon else word
        value = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        if name == "updated_at" and compared == ">=":
            return lambda node: node["updatedAt"] >= value
        return lambda node: _holds((_values(node).get(name) or "").casefold(), value.casefold())


def _holds(text: str, value: str) -> bool:
    """A search finds the whole text, and each of its words."""
    return value == text or value in text.split()


def _values(node: Json) -> dict[str, str | None]:
    known = node["customer"] or {}
    tokens = {"cart_token": node.get("cartToken"), "checkout_token": node.get("checkoutToken")}
    return {"email": node.get("email"), "customer_id": known.get("legacyResourceId"), "id": "0"} | tokens
