"""A Magento shop as a server: it searches as Magento's REST API documents it, and writes what its interfaces name."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.contract.shop_api_rig import KEY
from tests.provider_double import Asked, Reply
from tests.shop_double import ShopCart, ShopDouble, ShopOrder, Status

ORDERS, CARTS = "/rest/V1/orders", "/rest/V1/carts/search"
TOTALS = re.compile(r"/rest/V1/carts/([0-9]+)/totals")
FILTER = re.compile(r"searchCriteria\[filter_groups\]\[(\d+)\]\[filters\]\[(\d+)\]\[(field|value|condition_type)\]")
STATES: Mapping[Status, Mapping[str, Any]] = {
    "paid": {"state": "processing", "status": "processing"},
    "unpaid": {"state": "pending_payment", "status": "pending_payment"},
    "cancelled": {"state": "canceled", "status": "canceled"},
    "refunded": {"state": "closed", "status": "closed"},
}
CONDITIONS: Mapping[str, Callable[[Any, str], bool]] = {
    "eq": lambda own, told: str(own).casefold() == told.casefold(),
    "gt": lambda own, told: own > type(own)(told),
    "gteq": lambda own, told: own >= type(own)(told),
    "in": lambda own, told: str(own) in told.split(","),
}


def written(moment: datetime) -> str:
    """Write a moment as Magento's tables have it: in UTC, without saying so."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def quote_number(token: str | None) -> int | None:
    """Return the id of the quote that a cart's token stands for: Magento's own are numbers."""
    return 1000 + int(token.rpartition("-")[2]) if token else None


def order_body(one: ShopOrder) -> dict[str, Any]:
    """Write an order as OrderInterface names it; what is null is left out, as newer versions do."""
    total, paid = one.price / 100, one.status in ("paid", "refunded")
    product = {"item_id": one.number, "sku": "SAN-38", "name": "Sandales", "qty_ordered": 1}
    body = {
        "entity_id": None if one.spoilt else one.number,
        "increment_id": f"{one.number:09}",
        "quote_id": quote_number(one.token),
        "created_at": written(one.placed_at),
        "updated_at": written(one.updated_at),
        **STATES[one.status],
        "customer_id": one.customer_id,
        "customer_email": one.email,
        "customer_is_guest": 0 if one.customer_id else 1,
        "base_currency_code": "EUR",
        "order_currency_code": "EUR",
        "grand_total": total,
        "total_due": 0 if paid else total,
        "total_paid": total if paid else None,
        "total_refunded": total if one.status == "refunded" else None,
        "payment": {"method": "payplug_payments_standard"},
        "billing_address": {"email": one.email, "country_id": "FR"},
        "items": [{**product, "price": round(total / 1.2, 4), "price_incl_tax": total}],
    }
    return {name: value for name, value in body.items() if value is not None}


def quote_body(one: ShopCart) -> dict[str, Any]:
    """Write a quote as CartInterface names it; its prices are without tax."""
    item = {"item_id": one.number, "sku": "SAN-38", "qty": 1, "name": one.product, "price": one.price / 120}
    body = {
        "id": one.number,
        "created_at": written(one.updated_at),
        "updated_at": written(one.updated_at),
        "is_active": True,
        "items": [{**item, "product_type": "simple", "quote_id": str(one.number)}],
        "customer": {"id": one.customer_id, "email": one.email, "firstname": None},
        "billing_address": {"id": 1, "country_id": None, "email": one.email},
        "currency": {"base_currency_code": "EUR", "quote_currency_code": "EUR", "base_to_quote_rate": 1},
        "store_id": 1,
    }
    return {name: value for name, value in body.items() if name != "id" or not one.spoilt}


def totals_body(one: ShopCart) -> dict[str, Any]:
    """Write the totals of a quote as TotalsInterface names them."""
    total = one.price / 100
    return {
        "grand_total": total,
        "subtotal": one.price / 120,
        "subtotal_incl_tax": total,
        "quote_currency_code": "EUR",
        "items": [{"item_id": one.number, "price_incl_tax": total, "qty": 1, "name": one.product}],
    }


class MagentoDouble(ShopDouble):
    """Magento; `gone` are quotes that end between the list and their totals, `totals` replaces the answer to these."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: set[int] = set()
        self.totals: Reply | None = None

    def knows(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {KEY}"

    def fine(self, asked: Asked) -> Reply:
        if found := TOTALS.fullmatch(asked.path):
            return self._totals(int(found[1]))
        if asked.path == ORDERS:
            rows = [(_order_row(one), order_body(one)) for one in self.orders.values()]
        elif asked.path == CARTS:
            rows = [(_quote_row(one), quote_body(one)) for one in self.carts.values()]
        else:
            return Reply(404, b'{"message": "Request does not match any route."}')
        return _json(_searched(rows, asked.query))

    def _totals(self, number: int) -> Reply:
        if self.totals is not None:
            return self.totals
        if number not in self.carts or number in self.gone:
            self.carts.pop(number, None)
            return Reply(404, b'{"message": "No such entity with %fieldName = %fieldValue"}')
        return _json(totals_body(self.carts[number]))


def _order_row(one: ShopOrder) -> dict[str, Any]:
    return {
        "entity_id": one.number,
        "updated_at": written(one.updated_at),
        "customer_id": one.customer_id,
        "customer_email": one.email,
        "quote_id": quote_number(one.token),
    }


def _quote_row(one: ShopCart) -> dict[str, Any]:
    return {"entity_id": one.number, "updated_at": written(one.updated_at), "is_active": 1}


def _searched(rows: list[tuple[dict[str, Any], dict[str, Any]]], query: Mapping[str, str]) -> dict[str, Any]:
    """Search as the collection processors do: groups hold together, the filters of one are alternatives."""
    groups: dict[str, dict[str, dict[str, str]]] = {}
    for name, value in query.items():
        if found := FILTER.fullmatch(name):
            groups.setdefault(found[1], {}).setdefault(found[2], {})[found[3]] = value
    kept = [both for both in rows if all(any(_holds(both[0], one) for one in g.values()) for g in groups.values())]
    for place in (1, 0):
        order = f"searchCriteria[sortOrders][{place}]"
        if field := query.get(f"{order}[field]"):
            kept.sort(key=lambda both: both[0][field], reverse=query[f"{order}[direction]"] != "ASC")
    size, page = int(query["searchCriteria[pageSize]"]), int(query["searchCriteria[currentPage]"])
    last = max((len(kept) - 1) // size + 1, 1)  # a page behind the last one is the last one again
    begin = (min(page, last) - 1) * size
    return {
        "items": [body for _, body in kept[begin : begin + size]],
        "search_criteria": {"page_size": size, "current_page": page},
        "total_count": len(kept),
    }


def _holds(row: dict[str, Any], given: Mapping[str, str]) -> bool:
    own = row[given["field"]]
    return own is not None and CONDITIONS[given["condition_type"]](own, given["value"])


def _json(value: object) -> Reply:
    return Reply(200, json.dumps(value).encode())
