"""What Magento's quotes and orders hold: lines, money in minor units, the state of an order, and whose it is.

| Magento's state                    | it means                                                                      |
|------------------------------------|-------------------------------------------------------------------------------|
| new                                | AUTHORIZED: placed; a transfer, a cheque, cash or a capture is awaited        |
| pending_payment                    | PENDING: sent to pay online; AUTHORIZED with an offline method of payment     |
| payment_review                     | AUTHORIZED: the payment is being looked at                                    |
| processing                         | PAID when nothing is due any more, otherwise AUTHORIZED                       |
| complete                           | PAID, with what was refunded of it so far                                     |
| closed                             | REFUNDED                                                                      |
| canceled                           | CANCELLED                                                                     |
| holded                             | what it was before; AUTHORIZED when that is not told                          |
| anything else                      | AUTHORIZED, or PAID when it was paid                                          |

Who is still to pay online waits in `pending_payment`; an order in any other state was placed for good, and its
customer must not be reminded of it. A paid order is PAID in whatever open state it is.
"""

from decimal import Decimal
from typing import Final

from models.contact import clean, is_email, phone_number, text_or_none
from models.currencies import minor_units
from models.events import CartFacts, Line, OrderFacts, OrderStatus, Person
from storefronts.magento_shapes import Address, Customer, Listed, Order, OrderItem, Quote, QuoteItem, Totals

_OFFLINE: Final = frozenset({"banktransfer", "checkmo", "cashondelivery", "purchaseorder", "free"})
"""The methods of Magento_OfflinePayments, and the one for orders of nothing: whoever chose one has ordered."""
_STATUS: Final = {
    "complete": OrderStatus.PAID,
    "closed": OrderStatus.REFUNDED,
    "canceled": OrderStatus.CANCELLED,
}


def order_of(given: Order) -> OrderFacts:
    """Return an order, in the currency that its customer paid in; it joins its cart by the id of the quote."""
    currency, status = given.order_currency_code, status_of(given)
    value, refunded = _minor(given.grand_total, currency), _minor(given.total_refunded, currency) or 0
    items = [item for item in given.items or () if item and item.sku and item.parent_item_id is None]
    return OrderFacts(
        order_id=str(given.entity_id),
        status=status,
        placed_at=given.created_at,
        cart_tokens=(str(given.quote_id),) if given.quote_id else (),
        currency=currency,
        value=value,
        coupon=text_or_none(given.coupon_code, 100),
        lines=tuple(_ordered(item, currency) for item in items if item.qty_ordered),
        refunded=refunded or ((value or 0) if status is OrderStatus.REFUNDED else 0),
    )


def status_of(given: Order) -> OrderStatus:
    """Return what became of an order; see the table at the head of this file."""
    state = _state(given)
    if (known := _STATUS.get(state)) is not None:
        return known
    if given.total_paid and not given.total_due:
        return OrderStatus.PAID
    offline = given.payment is not None and given.payment.method in _OFFLINE
    return OrderStatus.PENDING if state == "pending_payment" and not offline else OrderStatus.AUTHORIZED


def cart_of(given: Quote, totals: Totals | None) -> CartFacts:
    """Return a quote as a cart, priced with tax where its totals are known; its id is the cart's token."""
    currency = totals.quote_currency_code if totals else _currency(given)
    items = None if given.items is None else [item for item in given.items if item and item.sku]
    readable = items is not None and (bool(items) or not given.items)
    lines = tuple(_line(item, given, totals, currency) for item in items or () if item.qty)
    value = _minor(totals.subtotal_incl_tax, currency) if totals else None
    return CartFacts(
        token=str(given.id),
        lines=lines,
        replaces=readable,
        currency=currency,
        value=sum(line.price * line.quantity for line in lines) if value is None and readable else value,
        coupon=text_or_none(totals.coupon_code, 100) if totals else None,
    )


def shopper(given: Quote, country: str) -> Person:
    """Return whose cart it is, as far as it is known: a guest has an address once they have typed one."""
    known = given.customer or Customer()
    return _person(given, known.id, (known.email, given.customer_email), known.firstname, country)


def buyer(given: Order, country: str) -> Person:
    """Return who orders; Magento says nothing of consent here."""
    return _person(given, given.customer_id, (given.customer_email,), given.customer_firstname, country)


def _person(
    given: Listed, account: int | None, emails: tuple[str | None, ...], first_name: str | None, country: str
) -> Person:
    extensions = given.extension_attributes
    billing, shipping = given.billing_address or Address(), (extensions and extensions.address) or Address()
    dialled = shipping.country_id or billing.country_id
    addresses = ((one or "").strip() for one in (*emails, billing.email, shipping.email))
    numbers = (one and phone_number(one, dialled or country) for one in (billing.telephone, shipping.telephone))
    return Person(
        external_id=None if account is None else str(account),
        email=next((address for address in addresses if address and is_email(address)), None),
        phone=next((number for number in numbers if number), None),
        first_name=text_or_none(first_name) or text_or_none(billing.firstname) or text_or_none(shipping.firstname),
        country=dialled,
    )


def _state(given: Order) -> str:
    """Return the state, for a held order the one before; older versions leave out a state, not its status."""
    state = (given.state or given.status or "").strip().lower()
    return (given.hold_before_state or "").strip().lower() if state == "holded" else state


def _line(item: QuoteItem, given: Quote, totals: Totals | None, currency: str | None) -> Line:
    seen = {one.item_id: one.price_incl_tax for one in totals.items if one and one.item_id} if totals else {}
    price = seen.get(item.item_id or 0)
    return _made(item.sku, item.name, _converted(item.price, given) if price is None else price, item.qty, currency)


def _ordered(item: OrderItem, currency: str | None) -> Line:
    price = item.price if item.price_incl_tax is None else item.price_incl_tax
    return _made(item.sku, item.name, price, item.qty_ordered, currency)


def _made(sku: str | None, name: str | None, price: Decimal | None, quantity: Decimal, currency: str | None) -> Line:
    """Return a line; one of a fraction, like 0.5 kg, is one piece at the price of all of it."""
    pieces = int(quantity) if quantity == int(quantity) else 1
    each = (price or Decimal(0)) * quantity / pieces
    return Line(sku or "", clean(name or "") or sku or "", _minor(each, currency) or 0, pieces)


def _converted(price: Decimal | None, given: Quote) -> Decimal | None:
    """Return a price of the base currency in the currency of the quote."""
    money = given.currency
    if price is None or money is None or money.quote_currency_code in (None, money.base_currency_code):
        return price
    return price * money.base_to_quote_rate if money.base_to_quote_rate else price


def _currency(given: Quote) -> str | None:
    money = given.currency
    return None if money is None else money.quote_currency_code or money.base_currency_code


def _minor(amount: Decimal | None, currency: str | None) -> int | None:
    return None if amount is None else minor_units(amount, currency)
