"""Which delivery a provider speaks of: the id that we gave it, the id that it gave the message, or our Message-ID."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, Connection, Select, bindparam, select

from models.notices import key_of
from models.provider_events import ProviderEvent
from store.lists import among
from store.schema import CUSTOMERS, DELIVERIES, JOURNEYS, NOTICES

_PROVIDER: BindParameter[str] = bindparam("provider")
_NAMES: Final = ("id", "key", "provider_id", "customer_id", "channel", "address", "state", "problem")
_FOUND = (
    select(*[DELIVERIES.c[name] for name in _NAMES], JOURNEYS.c.shop, CUSTOMERS.c.clock_s)
    .join(JOURNEYS, JOURNEYS.c.id == DELIVERIES.c.journey_id)
    .outerjoin(CUSTOMERS, CUSTOMERS.c.id == DELIVERIES.c.customer_id)
)
_BY_ID = _FOUND.where(among(DELIVERIES.c.id, "ids"))
_BY_PROVIDER_ID = _FOUND.where(DELIVERIES.c.provider == _PROVIDER, among(DELIVERIES.c.provider_id, "ids"))
_BY_KEY = _FOUND.where(among(DELIVERIES.c.key, "ids"))
_STORED = select(NOTICES.c.key).where(NOTICES.c.provider == _PROVIDER, among(NOTICES.c.key, "ids"))


class Found(NamedTuple):
    """A delivery as an event finds it; `clock_s` is how far its customer's clock runs ahead, None once erased."""

    id: str
    key: str
    provider_id: str | None
    customer_id: str
    channel: str
    address: str | None
    state: str
    problem: str | None
    shop: str
    clock_s: int | None


class Told(NamedTuple):
    """An event that is not stored yet, under its key, with its delivery; None for one that nobody knows (any more).

    `at` is when it happened, not later than it came; `clock` is the same on the customer's own clock.
    """

    key: str
    event: ProviderEvent
    at: datetime
    delivery: Found | None

    @property
    def clock(self) -> datetime:
        """Return when it happened on the clock of the delivery's customer."""
        ahead = self.delivery.clock_s if self.delivery else None
        return self.at + timedelta(seconds=ahead) if ahead else self.at


def stored(connection: Connection, provider: str, keys: Sequence[str]) -> set[str]:
    """Return which of these events of a provider are known."""
    return set(connection.execute(_STORED, {"provider": provider, "ids": keys}).scalars())


def matched(connection: Connection, events: Sequence[ProviderEvent]) -> list[Found | None]:
    """Return the delivery of each event of one provider, in their order; each way finds what those before did not."""
    found: list[Found | None] = [None] * len(events)
    for statement, column, names in _WAYS:
        wanted = {place: names(one) for place, one in enumerate(events) if found[place] is None}
        ids = {name for several in wanted.values() for name in several if name.isprintable()}
        if not ids:
            continue
        values = {"ids": sorted(ids), "provider": events[0].provider}
        known = {getattr(one, column): one for one in map(Found._make, connection.execute(statement, values).all())}
        for place, several in wanted.items():
            found[place] = next((known[name] for name in several if name in known), None)
    return [one if one and one.channel == event.channel else None for one, event in zip(found, events, strict=True)]


def _ours(event: ProviderEvent) -> Sequence[str]:
    return (event.delivery,) if event.delivery else ()


def _theirs(event: ProviderEvent) -> Sequence[str]:
    """Return the provider's id as it may have been given to us: a Message-ID comes with and without its brackets."""
    told = event.provider_message_id
    if not told or "@" not in told:
        return (told,) if told else ()
    bare = told.strip("<>")
    return (bare, f"<{bare}>")


def _echoed(event: ProviderEvent) -> Sequence[str]:
    key = key_of(event.provider_message_id) if event.provider_message_id else None
    return (key,) if key else ()


_WAYS: Final[Sequence[tuple[Select[Any], str, Callable[[ProviderEvent], Sequence[str]]]]] = (
    (_BY_ID, "id", _ours),
    (_BY_PROVIDER_ID, "provider_id", _theirs),
    (_BY_KEY, "key", _echoed),
)
