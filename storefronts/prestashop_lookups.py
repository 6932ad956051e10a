"""What PrestaShop's carts and orders only name: customers, currencies, states, products and their prices."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from storefronts.base import StorefrontGarbled, StorefrontRefused
from storefronts.http import ShopHttp
from storefronts.prestashop import NAME, listed
from storefronts.prestashop_goods import Known
from storefronts.prestashop_shapes import Cart, Currency, Customer, Order, Product, State

_CUSTOMER: Final = "[id,email,firstname,newsletter,newsletter_date_add,date_upd]"
"""What is asked of a customer, and no more: all of them would be sent with the digest of a password."""
_JSON: Final = {"output_format": "JSON"}
_Thing = TypeVar("_Thing", bound=BaseModel)


class Lookups:
    """Asks a shop's webservice; everything may raise a `StorefrontError`."""

    def __init__(self, http: ShopHttp, alone: Known, problem: str | None) -> None:
        """`alone` is what is known without asking: the zone and the currency; a `problem` forbids to ask."""
        self._http, self._alone, self._problem = http, alone, problem

    async def things(self, resource: str, query: Mapping[str, str]) -> list[object]:
        """Return a list as it is."""
        if self._problem:
            raise StorefrontRefused(self._problem)
        answer = await self._http.get(f"/api/{resource}", {**_JSON, **query})
        found = listed(answer.value, resource)
        if found is None:
            raise StorefrontGarbled(f"{NAME} answered no list of {resource}: check its URL")
        return found

    async def of_orders(self, orders: Sequence[Order]) -> Known:
        """Return what these orders name."""
        if not orders:
            return self._alone
        states = read_all(await self.things("order_states", {"display": "full"}), State)
        return replace(
            self._alone,
            customers=await self._customers(one.id_customer for one in orders),
            currencies=await self._currencies(),
            states={one.id: one for one in states},
        )

    async def of_carts(self, carts: Sequence[Cart]) -> Known:
        """Return what these carts name."""
        if not carts:
            return self._alone
        known = replace(
            self._alone,
            customers=await self._customers(one.id_customer for one in carts),
            currencies=await self._currencies(),
        )
        products, prices = dict[int, Product](), dict[tuple[int, int, int], Decimal]()
        for currency in sorted({one.id_currency or 0 for one in carts}):
            rows = {pair for one in carts if (one.id_currency or 0) == currency for pair in _rows(one)}
            await self._price(currency, rows, products, prices)
        return replace(known, products=products, prices=prices)

    async def ordered(self, carts: Sequence[Cart]) -> frozenset[int]:
        """Return the ids of these carts that have become orders."""
        numbers = {one.id for one in carts}
        if not numbers:
            return frozenset()
        query = {"filter[id_cart]": any_of(numbers), "display": "[id,id_cart]"}
        found = read_all(await self.things("orders", query), Order)
        return frozenset(one.id_cart for one in found if one.id_cart in numbers)

    async def customers_at(self, email: str) -> list[int]:
        """Return the ids of all customers with an address, guests too."""
        query = {"filter[email]": f"[{email}]", "display": "[id,email]"}
        return [one.id for one in read_all(await self.things("customers", query), Customer)]

    async def _customers(self, numbers: Iterable[int | None]) -> dict[int, Customer]:
        wanted = {number for number in numbers if number}
        if not wanted:
            return {}
        query = {"filter[id]": any_of(wanted), "display": _CUSTOMER}
        return {one.id: one for one in read_all(await self.things("customers", query), Customer)}

    async def _currencies(self) -> dict[int, str]:
        found = read_all(await self.things("currencies", {"display": "full"}), Currency)
        return {one.id: one.iso_code for one in found}

    async def _price(
        self,
        currency: int,
        rows: Collection[tuple[int, int]],
        products: dict[int, Product],
        prices: dict[tuple[int, int, int], Decimal],
    ) -> None:
        """Ask for names, and for prices with tax in a currency: a variant has a price of its own."""
        asked = {"display": "full", "price[asked][use_tax]": "1"}
        asked |= {"price[asked][currency]": str(currency)} if currency else {}
        if wanted := {product for product, _ in rows}:
            query = {"filter[id]": any_of(wanted), **asked}
            for one in read_all(await self.things("products", query), Product):
                products[one.id] = one
                if one.asked is not None:
                    prices[one.id, 0, currency] = one.asked
        if variants := {variant: product for product, variant in rows if variant}:
            query = {"filter[id]": any_of(variants), **asked}
            for one in read_all(await self.things("combinations", query), Product):
                if one.asked is not None and one.id in variants:
                    prices[variants[one.id], one.id, currency] = one.asked


def any_of(numbers: Iterable[int]) -> str:
    """Return a filter for any of these ids."""
    return f"[{'|'.join(str(number) for number in sorted(numbers))}]"


def read_all(things: Iterable[object], shape: type[_Thing]) -> list[_Thing]:
    """Return the things that can be read."""
    return [read for thing in things if (read := read_one(thing, shape)) is not None]


def read_one(thing: object, shape: type[_Thing]) -> _Thing | None:
    """Return a thing, None for one that nobody understands."""
    try:
        return shape.model_validate(thing)
    except ValidationError:
        return None


def _rows(cart: Cart) -> list[tuple[int, int]]:
    rows = cart.associations.cart_rows if cart.associations else []
    return [(row.id_product, row.id_product_attribute or 0) for row in rows if row and row.id_product]
