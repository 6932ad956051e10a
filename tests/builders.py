"""Small events, told by name: who, what, when. The story begins on Monday 2 March 2026 at noon."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from models.events import (
    CartFacts,
    ConsentEntry,
    Event,
    EventType,
    Line,
    OrderFacts,
    OrderStatus,
    Person,
    content_key,
)
from models.vocabulary import Channel, ConsentState, Purpose

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

NOBODY = Person()


def person(name: str = "jeanne", *consents: ConsentEntry, phone: str | None = None, known: bool = True) -> Person:
    """Somebody with an e-mail address; `known` to the shop by an id of its own, or only by what they typed."""
    return Person(
        external_id=name if known else None,
        email=f"{name}@example.com",
        phone=phone,
        first_name=name.capitalize(),
        consents=consents,
    )


def granted(at: datetime, channel: Channel = Channel.EMAIL) -> ConsentEntry:
    return ConsentEntry(channel, Purpose.MARKETING, ConsentState.GRANTED, "form", at, "News by e-mail?")


def withdrawn(at: datetime, channel: Channel = Channel.EMAIL) -> ConsentEntry:
    return ConsentEntry(channel, Purpose.MARKETING, ConsentState.WITHDRAWN, "form", at)


def line(product: str = "lamp", price: int = 4500, quantity: int = 1) -> Line:
    return Line(product, product.capitalize(), price, quantity)


LAMP = line()


def checkout(
    who: Person, cart: str = "T1", lines: Iterable[Line] = (LAMP,), at: datetime = NOON, alias: str | None = None
) -> Event:
    """A checkout with all its lines; `alias` is the cart that it grew from."""
    url = f"https://shop.example/checkouts/{cart}"
    facts = CartFacts(cart, alias, tuple(lines), replaces=True, currency="EUR", checkout_url=url)
    return event(EventType.CHECKOUT_STARTED, who, at, cart=facts)


def basket(who: Person, cart: str = "C1", lines: Iterable[Line] = (LAMP,), at: datetime = NOON) -> Event:
    """A cart with all its lines."""
    facts = CartFacts(cart, None, tuple(lines), replaces=True, currency="EUR")
    return event(EventType.CART_UPDATED, who, at, cart=facts)


def added(who: Person, cart: str = "T1", product: Line = LAMP, at: datetime = NOON) -> Event:
    return event(EventType.PRODUCT_ADDED, who, at, cart=CartFacts(cart, lines=(product,), currency="EUR"))


def removed(who: Person, cart: str = "T1", product: Line = LAMP, at: datetime = NOON) -> Event:
    return event(EventType.PRODUCT_REMOVED, who, at, cart=CartFacts(cart, lines=(product,)))


def order(
    who: Person,
    order_id: str = "O1",
    tokens: Iterable[str] = (),
    at: datetime = NOON,
    placed_at: datetime | None = None,
    status: OrderStatus = OrderStatus.PAID,
    value: int = 4500,
) -> Event:
    facts = OrderFacts(order_id, status, placed_at, tuple(tokens), "EUR", value, lines=(LAMP,))
    return event(EventType.ORDER_COMPLETED, who, at, order=facts)


def refund(who: Person, order_id: str = "O1", at: datetime = NOON, refunded: int = 0) -> Event:
    facts = OrderFacts(order_id, OrderStatus.REFUNDED, refunded=refunded)
    return event(EventType.ORDER_REFUNDED, who, at, order=facts)


def identify(who: Person, at: datetime = NOON) -> Event:
    return event(EventType.IDENTIFY, who, at)


def viewed(who: Person, at: datetime = NOON, product: str = "lamp") -> Event:
    return event(EventType.PRODUCT_VIEWED, who, at, product=Line(product, "", 0))


def clicked(who: Person, at: datetime = NOON) -> Event:
    return event(EventType.EMAIL_CLICKED, who, at)


def opened(who: Person, at: datetime = NOON) -> Event:
    return event(EventType.EMAIL_OPENED, who, at)


def redact(who: Person, at: datetime = NOON) -> Event:
    """The shop asks to forget somebody."""
    return event(EventType.ERASE, who, at)


def event(
    type_: EventType,
    who: Person,
    at: datetime,
    *,
    cart: CartFacts | None = None,
    order: OrderFacts | None = None,
    product: Line | None = None,
) -> Event:
    """Any event; its key is made of its content, as the doors make it."""
    key = content_key(type_, who, at, cart, order, product)
    return Event(key, type_, str(type_), at, who, cart, order, product)
