"""Bodies for the generic door, and short ways to read them."""

import json
from datetime import UTC, datetime
from typing import Any

from api.bodies import ParsedBatch, parse_events
from models.events import CartFacts, Event, OrderFacts

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
BAG = {"product_id": "p1", "name": "Sac", "price": 4900, "quantity": 2}
EMAIL = "camille.durand@example.org"


def event(name: str = "Cart Abandoned", **changes: Any) -> dict[str, Any]:
    """Return a good event with some of its parts changed."""
    return {
        "messageId": "m1",
        "event": name,
        "timestamp": "2026-11-02T12:30:00+01:00",
        "customer": {"id": "7", "email": EMAIL},
        "properties": {"cart_id": "c1", "currency": "EUR", "products": [BAG]},
    } | changes


def about(name: str, /, **properties: Any) -> dict[str, Any]:
    """Return an event with just these properties."""
    return event(name, properties=properties)


def of(**customer: Any) -> dict[str, Any]:
    """Return an event of just this customer."""
    return event(customer=customer)


def parse(*events: Any) -> ParsedBatch:
    """Parse a list of events that comes at noon."""
    return parse_events(json.dumps(events).encode(), shop_country="FR", at=NOON)


def read(body: dict[str, Any]) -> Event:
    """Return the event that a good body means."""
    batch = parse(body)
    assert batch.rejected == []
    return batch.events[0][1]


def cart(body: dict[str, Any]) -> CartFacts:
    """Return what a good body says of its cart."""
    found = read(body).cart
    assert found is not None
    return found


def order(body: dict[str, Any]) -> OrderFacts:
    """Return what a good body says of its order."""
    found = read(body).order
    assert found is not None
    return found


def problem(body: Any) -> str:
    """Return why a body is refused."""
    batch = parse(body)
    assert batch.events == []
    return batch.rejected[0].problem
