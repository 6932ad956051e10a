"""A PrestaShop shop as a server: it filters, sorts and limits as its webservice does, on the clocks of Paris."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.contract.shop_api_rig import KEY
from tests.provider_double import Asked, Reply
from tests.shop_double import ShopCart, ShopDouble, ShopOrder, Status

ZONE = "Europe/Paris"
STATES: Mapping[Status, int] = {"paid": 2, "unpaid": 20, "cancelled": 21, "refunded": 7}
ORDER_STATES = (
    {"id": 2, "paid": "1", "logable": "1", "module_name": "", "template": "payment"},
    {"id": 7, "paid": "0", "logable": "0", "module_name": "", "template": [{"id": "1", "value": "refund"}]},
    {"id": 20, "paid": "0", "logable": "0", "module_name": "payplug", "template": ""},
    {"id": 21, "paid": "0", "logable": "0", "module_name": "", "template": [{"id": "1", "value": "order_canceled"}]},
)
BETWEEN = re.compile(r"([\d.:\-\s]+),([\d.:\-\s]+)")
DATES = frozenset({"date_add", "date_upd"})


def written(moment: datetime) -> str:
    """Write a moment as the shop's tables have it: on its own clocks, without saying so."""
    return moment.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M:%S")


def cart_number(token: str | None) -> int:
    """Return the id of the cart that a token stands for: PrestaShop's own are numbers."""
    return 1000 + int(token.rpartition("-")[2]) if token else 0


def customer_number(one: ShopOrder | ShopCart) -> int:
    """Return the customer's id: a guest who gave an address is one of their own, a visitor is none."""
    return one.customer_id or (5000 + one.number if one.email else 0)


def order_body(one: ShopOrder) -> dict[str, Any]:
    """Write an order as the webservice does with display=full: ids and amounts as texts."""
    amount = f"{one.price / 100:.6f}"
    row = {"id": str(one.number), "product_id": "12", "product_attribute_id": "0", "product_quantity": "1"}
    body = {
        "id": one.number,
        "id_cart": str(cart_number(one.token)),
        "id_currency": "1",
        "id_customer": str(customer_number(one)),
        "current_state": str(STATES[one.status]),
        "module": "payplug",
        "valid": "1" if one.status == "paid" else "0",
        "date_add": written(one.placed_at),
        "date_upd": written(one.updated_at),
        "reference": "XKBKNABJK",
        "total_paid": amount,
        "total_paid_tax_incl": amount,
        "total_paid_real": amount if one.status == "paid" else "0.000000",
        "associations": {"order_rows": [{**row, "product_name": "Sandales", "unit_price_tax_incl": amount}]},
    }
    return {name: value for name, value in body.items() if name != "id" or not one.spoilt}


class PrestaShopDouble(ShopDouble):
    """PrestaShop; `variants` are the variants that lie in carts, by the cart's number, `newsletter` what a box says."""

    def __init__(self) -> None:
        super().__init__()
        self.variants: dict[int, int] = {}
        self.newsletter: Mapping[str, str] = {"newsletter": "0", "newsletter_date_add": "0000-00-00 00:00:00"}

    def knows(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()

    def fine(self, asked: Asked) -> Reply:
        resource = asked.path.removeprefix("/api/")
        tables = {
            "orders": [order_body(one) for one in self.orders.values()],
            "carts": [self._cart(one) for one in self.carts.values()],
            "customers": self._customers(),
            "order_states": list(ORDER_STATES),
            "currencies": [{"id": 1, "iso_code": "EUR"}, {"id": 2, "iso_code": "CHF"}],
            "products": self._products(asked.query, variants=False),
            "combinations": self._products(asked.query, variants=True),
        }
        if asked.query.get("output_format") != "JSON" or resource not in tables:
            return Reply(400, b"<prestashop></prestashop>")
        return _answer(resource, tables[resource], asked.query)

    def _cart(self, one: ShopCart) -> dict[str, Any]:
        variant = self.variants.get(one.number, 0)
        row = {"id_product": str(300 + one.number), "id_product_attribute": str(variant), "quantity": "1"}
        body = {
            "id": one.number,
            "id_currency": "1",
            "id_customer": str(customer_number(one)),
            "id_lang": "2",
            "date_add": written(one.updated_at),
            "date_upd": written(one.updated_at),
            "associations": {"cart_rows": [row]},
        }
        return {name: value for name, value in body.items() if name != "id" or not one.spoilt}

    def _customers(self) -> list[dict[str, Any]]:
        things: list[ShopOrder | ShopCart] = [*self.orders.values(), *self.carts.values()]
        found = {customer_number(one): one.email for one in things if customer_number(one)}
        more = {"firstname": "Camille", "date_upd": "2026-10-01 12:00:00", "passwd": "$2y$10$digest", **self.newsletter}
        return [{"id": number, "email": email, **more} for number, email in found.items()]

    def _products(self, query: Mapping[str, str], *, variants: bool) -> list[dict[str, Any]]:
        """Write products, or the variants; those of which a variant lies in a cart cost something else themselves."""
        asked = query.get("price[asked][use_tax]") == "1" and query.get("price[asked][currency]") == "1"
        found = []
        for one in self.carts.values():
            variant = self.variants.get(one.number, 0)
            price = one.price / 100 if variants or not variant else 1.0
            words = [{"id": "1", "value": "Sandals"}, {"id": "2", "value": one.product}]
            body = {"id": variant if variants else 300 + one.number, "price": f"{price / 1.2:.6f}", "name": words}
            if not variants or variant:
                found.append(body | ({"asked": f"{price:.6f}"} if asked else {}))
        return found


def _answer(resource: str, rows: Sequence[dict[str, Any]], query: Mapping[str, str]) -> Reply:
    named = [name[7:-1] for name in query if name.startswith("filter[")]
    order = [one.rpartition("_")[::2] for one in query.get("sort", "[]")[1:-1].split(",") if one]
    if query.get("date") != "1" and DATES & {*named, *(field for field, _ in order)}:
        return Reply(400, b'{"errors":[{"code":32,"message":"This filter does not exist for this linked table"}]}')
    kept = [row for row in rows if all(_holds(_own(row, name), query[f"filter[{name}]"]) for name in named)]
    for field, direction in reversed(order):
        kept.sort(key=lambda row: _key(_own(row, field)), reverse=direction == "DESC")
    offset, _, limit = query.get("limit", "0,100000").rpartition(",")
    shown = [_shown(row, query.get("display", "")) for row in kept[int(offset or 0) :][: int(limit)]]
    return Reply(200, json.dumps({resource: shown} if shown else []).encode())


def _own(row: Mapping[str, Any], name: str) -> str:
    return str(row.get(name, "999999"))  # the row of a spoilt thing has an id, only its text does not


def _key(own: str) -> tuple[int, str]:
    return (int(own), "") if own.isdecimal() else (0, own)


def _holds(own: str, told: str) -> bool:
    """Tell whether a row fits a filter, as SQLUtils::getSQLRetrieveFilter reads it; texts compare without case."""
    found = re.fullmatch(r"(.*?)\[(.*)\](.*)", told, re.DOTALL)
    if found is None:
        return own.casefold() == told.casefold()
    before, value, after = found.groups()
    if "%" in (before, after):
        pattern = ".*".join(re.escape(part) for part in f"{before}{value}{after}".split("%"))
        return re.fullmatch(pattern, own, re.IGNORECASE) is not None
    if before == ">":
        return _key(own) > _key(value)
    if before or after:
        raise AssertionError(told)
    if "|" in value[1:]:
        return own.casefold() in [one.casefold() for one in value.split("|")]
    if between := BETWEEN.fullmatch(value):
        return between[1] <= own <= between[2]
    return own.casefold() == value.casefold()


def _shown(row: dict[str, Any], display: str) -> dict[str, Any]:
    if display == "full":
        return {name: value for name, value in row.items() if name != "asked" or value}
    return {name: value for name, value in row.items() if name in display[1:-1].split(",")}
