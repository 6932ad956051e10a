"""The parts of PrestaShop's webservice that Relaunch reads, as it writes them with `output_format=JSON`.

Checked against the resources in PrestaShop's developer documentation and WebserviceOutputJSON: ids are numbers or
texts and 0 for none, flags "0" and "1", amounts texts with six decimals, times in the shop's own zone without its name
and "0000-00-00 00:00:00" for none; a text in several languages is a list of `{id, value}`; a list of nothing is `[]`
in the place of the object, and an association without rows is left out. Modules change these bodies, and a stop must
not be lost for an odd price: only the id is needed, any other field of an unexpected type reads as absent.
"""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, NaiveDatetime

from storefronts.shapes import Amount, Code, Count, Maybe, Payload, Text


def _within_the_calendar(moment: NaiveDatetime) -> NaiveDatetime:
    if not 1970 <= moment.year < 9999:
        raise ValueError("a moment that no shop has seen")
    return moment


def _or_none(value: object) -> object:
    return value or None  # an empty list is how PHP writes an object of nothing


Id = Annotated[int, Field(gt=0, le=2**63)]
Local = Annotated[NaiveDatetime, AfterValidator(_within_the_calendar)]
"""A moment on the clocks of the shop."""


class Worded(Payload):
    """A text in one language."""

    id: Maybe[Id] = None
    value: Maybe[Text] = None


Words = Text | list[Maybe[Worded]]
"""A text in the one language of a shop, or in each of its several."""


class Listed(Payload):
    """What carts and orders share."""

    id: Id
    id_customer: Maybe[Id] = None
    id_currency: Maybe[Id] = None
    id_lang: Maybe[Id] = None
    date_add: Maybe[Local] = None
    date_upd: Maybe[Local] = None


class CartRow(Payload):
    """One line of a cart: what it is and how many, never what it costs."""

    id_product: Maybe[Id] = None
    id_product_attribute: Maybe[Id] = None
    quantity: Count


class CartAssociations(Payload):
    """What hangs below a cart; an absent list has no rows."""

    cart_rows: list[Maybe[CartRow]] = Field(default_factory=list)


class Cart(Listed):
    """`/api/carts`; one without associations is empty, one with odd ones is not understood."""

    associations: Annotated[CartAssociations | None, BeforeValidator(_or_none)] = None


class OrderRow(Payload):
    """One line of an order."""

    product_id: Maybe[Id] = None
    product_name: Maybe[Text] = None
    product_quantity: Count
    unit_price_tax_incl: Maybe[Amount] = None


class OrderAssociations(Payload):
    """What hangs below an order."""

    order_rows: Maybe[list[Maybe[OrderRow]]] = None


class Order(Listed):
    """`/api/orders`; `module` is the payment module, `valid` says that its state counts as a sale."""

    id_cart: Maybe[Id] = None
    current_state: Maybe[Id] = None
    module: Maybe[Text] = None
    valid: Maybe[bool] = None
    total_paid: Maybe[Amount] = None
    total_paid_tax_incl: Maybe[Amount] = None
    associations: Maybe[OrderAssociations] = None


class State(Payload):
    """`/api/order_states`; `module_name` is the payment module that made it, `template` the mail it sends."""

    id: Id
    paid: Maybe[bool] = None
    logable: Maybe[bool] = None
    shipped: Maybe[bool] = None
    delivery: Maybe[bool] = None
    unremovable: Maybe[bool] = None
    module_name: Maybe[Text] = None
    template: Maybe[Words] = None


class Customer(Payload):
    """`/api/customers`: an account, or a guest who has gone as far as giving an address."""

    id: Id
    email: Maybe[Text] = None
    firstname: Maybe[Text] = None
    newsletter: Maybe[bool] = None
    newsletter_date_add: Maybe[Local] = None
    date_upd: Maybe[Local] = None


class Currency(Payload):
    """`/api/currencies`."""

    id: Id
    iso_code: Code


class Product(Payload):
    """`/api/products` and `/api/combinations`; `asked` is the price with tax that the question asked for by this name.

    `price` is the bare one, without tax.
    """

    id: Id
    name: Maybe[Words] = None
    price: Maybe[Amount] = None
    asked: Maybe[Amount] = None


def worded(words: str | list[Worded | None] | None, language: int | None = None) -> str:
    """Return a text in a language, else in the first that has one; empty when there is none."""
    if words is None or isinstance(words, str):
        return words or ""
    told = {one.id: one.value for one in words if one and one.value}
    return told.get(language) or next(iter(told.values()), "")
