"""Customers who leave carts: the events that figures feed to the store and to the API, each person a new one."""

from datetime import datetime, timedelta
from itertools import count

from bench.parts import cart_policy
from models.events import CartFacts, ConsentEntry, Event, EventType, Line, Person, content_key
from models.vocabulary import Channel, ConsentState
from runtime import clock
from runtime.installation import Installation
from store import intake
from store.outbox import OutboxRow

_AT_ONCE = 50
_numbers = count(1)
_LINES = (Line("vase", "Vase Aurore", 4500, 2), Line("lamp", "Lampe du soir", 9900, 1), Line("rug", "Tapis", 19900, 1))


def checkout(at: datetime) -> Event:
    """Return the checkout that a new customer, who accepts marketing, began at `at`."""
    name = f"person-{next(_numbers)}"
    consent = ConsentEntry(Channel.EMAIL, "marketing", ConsentState.GRANTED, "checkout", at - timedelta(days=1))
    person = Person(name, f"{name}@customer.example", first_name="Jeanne", consents=(consent,))
    cart = CartFacts(f"cart-{name}", lines=_LINES, replaces=True, currency="EUR", checkout_url="https://shop.example/c")
    return Event(content_key(name, "checkout"), EventType.CHECKOUT_STARTED, "Checkout Started", at, person, cart)


async def abandon(installation: Installation, number: int) -> list[OutboxRow]:
    """Have so many new customers leave a cart two hours ago; return what Temporal must be told: journeys to start."""
    policy, at = await cart_policy(installation), clock.now() - timedelta(hours=2)
    events = [checkout(at) for _ in range(number)]
    rows: list[OutboxRow] = []
    for start in range(0, number, _AT_ONCE):
        batch = events[start : start + _AT_ONCE]
        done = await installation.db.write(intake.ingest, "main", batch, policy, clock.now())
        rows += done.outbox
    return rows
