"""What PrestaShop's carts and orders hold: lines, money in minor units, the state of an order, and whose it is.

States belong to each shop, so their flags tell, and the mail that PrestaShop's own ones send:

| the state of the order                                                      | it means                             |
|-----------------------------------------------------------------------------|--------------------------------------|
| sends `order_canceled`                                                      | CANCELLED                            |
| sends `refund`                                                              | REFUNDED                             |
| has the flag paid                                                           | PAID                                 |
| sends `payment_error`                                                       | PENDING                              |
| counts as a sale (logable), is delivered or shipped                         | AUTHORIZED                           |
| awaits a cheque, a transfer or cash on delivery, by its mail or its module  | AUTHORIZED                           |
| any other of a payment module: it waits for it                              | PENDING                              |
| any other: a later step that the shop made itself                           | AUTHORIZED                           |

Where nobody told the states, those of a new shop are taken; an unknown one is PAID when the order counts as a sale.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from models.contact import clean, is_email, text_or_none
from models.currencies import minor_units
from models.events import CartFacts, ConsentEntry, Line, OrderFacts, OrderStatus, Person
from models.vocabulary import Channel, ConsentState, Purpose
from storefronts.prestashop_shapes import Cart, CartRow, Customer, Listed, Order, OrderRow, Product, State, worded

_OFFLINE: Final = frozenset(
    {"ps_checkpayment", "ps_wirepayment", "ps_cashondelivery", "cheque", "bankwire", "cashondelivery"}
)
"""PrestaShop's modules for payments that the customer promises, and the mails of the states that await them."""
_BY_MAIL: Final = {
    "order_canceled": OrderStatus.CANCELLED,
    "refund": OrderStatus.REFUNDED,
    "payment_error": OrderStatus.PENDING,
}
_MAILS: Final = (
    (1, "cheque"),
    (6, "order_canceled"),
    (7, "refund"),
    (8, "payment_error"),
    (10, "bankwire"),
    (12, "outofstock"),
    (13, "cashondelivery"),
)
_STOCK: Final[Mapping[int, State]] = {
    **{number: State(id=number, template=mail) for number, mail in _MAILS},
    **{number: State(id=number, paid=True) for number in (2, 3, 4, 5, 9, 11)},
}
"""The states of a new shop, which keeps their ids; see `install-dev/data/xml/order_state.xml` of PrestaShop."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the shop says elsewhere than in the cart or order itself; `prices` by product, variant and currency."""

    zone: tzinfo = UTC
    currency: str | None = None
    customers: Mapping[int, Customer] = field(default_factory=dict)
    currencies: Mapping[int, str] = field(default_factory=dict)
    states: Mapping[int, State] = field(default_factory=dict)
    products: Mapping[int, Product] = field(default_factory=dict)
    prices: Mapping[tuple[int, int, int], Decimal] = field(default_factory=dict)

    def money(self, given: Listed) -> str | None:
        """Return the currency of a cart or order."""
        return self.currencies.get(given.id_currency or 0) or self.currency

    def moment(self, local: datetime | None, *, late: bool = False) -> datetime | None:
        """Return a moment of the shop's clocks in UTC; in the hour that comes twice a year the earlier or later one."""
        return None if local is None else local.replace(tzinfo=self.zone, fold=int(late)).astimezone(UTC)

    def changed(self, given: Listed, *, late: bool = False) -> datetime | None:
        """Return when a cart or order last changed."""
        return self.moment(given.date_upd or given.date_add, late=late)


def order_of(given: Order, known: Known) -> OrderFacts:
    """Return an order; it joins its cart by the cart's id, and is never older than it in the hour that comes twice."""
    currency, status = known.money(given), status_of(given, known)
    amount = given.total_paid if given.total_paid_tax_incl is None else given.total_paid_tax_incl
    value = _minor(amount, currency)
    rows = (given.associations.order_rows if given.associations else None) or ()
    return OrderFacts(
        order_id=str(given.id),
        status=status,
        placed_at=known.moment(given.date_add, late=True),
        cart_tokens=(str(given.id_cart),) if given.id_cart else (),
        currency=currency,
        value=value,
        lines=tuple(_ordered(row, currency) for row in rows if row and row.product_id and row.product_quantity),
        refunded=(value or 0) if status is OrderStatus.REFUNDED else 0,
    )


def status_of(given: Order, known: Known) -> OrderStatus:
    """Return what became of an order; see the table at the head of this file."""
    number = given.current_state or 0
    state = known.states.get(number) or _STOCK.get(number)
    if state is None:
        return OrderStatus.PAID if given.valid else OrderStatus.AUTHORIZED
    mail = worded(state.template) or (worded(_STOCK[number].template) if _kept(state) else "")
    told = _BY_MAIL.get(mail)
    if state.paid and told is not OrderStatus.CANCELLED and told is not OrderStatus.REFUNDED:
        return OrderStatus.PAID
    if told is not None:
        return told
    if state.logable or state.shipped or state.delivery or not _OFFLINE.isdisjoint((mail, given.module or "")):
        return OrderStatus.AUTHORIZED
    return OrderStatus.PENDING if state.module_name else OrderStatus.AUTHORIZED


def cart_of(given: Cart, known: Known) -> CartFacts:
    """Return a cart; its rows name products, whose names and prices are `known`."""
    currency = known.money(given)
    rows = given.associations.cart_rows if given.associations else []
    readable = [row for row in rows if row and row.id_product]
    lines = tuple(_line(row, given, known, currency) for row in readable if row.quantity)
    whole = bool(readable) or not rows
    return CartFacts(
        token=str(given.id),
        lines=lines,
        replaces=whole,
        currency=currency,
        value=sum(line.price * line.quantity for line in lines) if whole else None,
    )


def person_of(given: Listed, known: Known) -> Person:
    """Return whose cart or order it is; nobody for a visitor who has given no address."""
    if given.id_customer is None:
        return Person()
    found = known.customers.get(given.id_customer)
    if found is None:
        return Person(external_id=str(given.id_customer))
    address = (found.email or "").strip()
    return Person(
        external_id=str(found.id),
        email=address if address and is_email(address) else None,
        first_name=text_or_none(found.firstname),
        consents=_consents(found, known),
    )


def _consents(given: Customer, known: Known) -> tuple[ConsentEntry, ...]:
    """Return what the newsletter box proves, which its customer ticks in PrestaShop's own forms.

    A tick without a date proves nothing. No tick and a date is one that was taken back, at the latest when the
    customer last changed; no tick and no date says nothing.
    """
    ticked = known.moment(given.newsletter_date_add)
    if ticked is None or given.newsletter is None:
        return ()
    state, at = ConsentState.GRANTED, ticked
    if not given.newsletter:
        changed = known.moment(given.date_upd, late=True) or ticked
        state, at = ConsentState.WITHDRAWN, max(changed, ticked + timedelta(seconds=1))
    return (ConsentEntry(Channel.EMAIL, Purpose.MARKETING, state, "prestashop", at),)


def _kept(state: State) -> bool:
    """Tell whether this is a state of a new shop, which may no longer send its mail."""
    return bool(state.unremovable) and state.id in _STOCK


def _line(row: CartRow, given: Cart, known: Known, currency: str | None) -> Line:
    product = row.id_product or 0
    found = known.products.get(product)
    price = known.prices.get((product, row.id_product_attribute or 0, given.id_currency or 0))
    if price is None and found is not None:
        price = found.asked if found.asked is not None else found.price
    name = clean(worded(found.name, given.id_lang)) if found else ""
    return Line(str(product), name or str(product), _minor(price, currency) or 0, row.quantity)


def _ordered(row: OrderRow, currency: str | None) -> Line:
    product = str(row.product_id)
    price = _minor(row.unit_price_tax_incl, currency) or 0
    return Line(product, clean(row.product_name or "") or product, price, row.product_quantity)


def _minor(amount: Decimal | None, currency: str | None) -> int | None:
    return None if amount is None else minor_units(amount, currency)
