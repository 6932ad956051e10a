"""A customer as events change them: the newest word on each thing wins, and only behaviour counts as activity."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from models.events import Event, EventType, Person, Scalar

_QUIET = {
    EventType.IDENTIFY,
    EventType.ORDER_CANCELLED,
    EventType.ORDER_REFUNDED,
    EventType.EMAIL_OPENED,
    EventType.ERASE,
    EventType.DATA_REQUESTED,
    EventType.SHOP_REDACTED,
    EventType.OTHER,
}
_VISITS = {"logged in", "signed in", "user logged in", "user signed in", "page viewed", "session started", "page"}


@dataclass(slots=True, eq=False)
class CustomerState:
    """The row of a customer while a batch of events is applied; the names are the table's columns."""

    id: str
    shop: str
    first_seen_at: datetime
    profile_at: datetime
    external_id: str | None = None
    email: str | None = None
    email_key: str | None = None
    phone: str | None = None
    first_name: str | None = None
    locale: str | None = None
    timezone: str | None = None
    country: str | None = None
    traits: dict[str, Scalar] = field(default_factory=dict)
    seq: int = 0
    clock_s: int = 0
    last_activity_at: datetime | None = None
    root_id: str | None = None
    has_aliases: bool = False

    @property
    def root(self) -> str:
        """Return the id under which all rows of this person stand; a row that stands alone is its own root."""
        return self.root_id or self.id

    @property
    def reachable(self) -> bool:
        """Say whether any message could find this customer."""
        return self.email is not None or self.phone is not None

    def meet(self, person: Person, at: datetime) -> None:
        """Take in what an event says of the person; an older event only fills what was unknown."""
        newer = at >= self.profile_at
        for name in ("external_id", "email", "email_key", "phone", "first_name", "locale", "timezone", "country"):
            value = getattr(person, name)
            if value is not None and (newer or getattr(self, name) is None):
                setattr(self, name, value)
        if person.traits:
            told = dict(person.traits)
            self.traits = {**self.traits, **told} if newer else {**told, **self.traits}
        self.profile_at = max(self.profile_at, at)
        self.first_seen_at = min(self.first_seen_at, at)

    def acted(self, at: datetime) -> None:
        """Remember the latest thing that the customer did."""
        if self.last_activity_at is None or at > self.last_activity_at:
            self.last_activity_at = at

    def shares_address(self, other: "CustomerState") -> bool:
        """Say whether both rows can be reached at one address."""
        same_email = self.email_key is not None and self.email_key == other.email_key
        return same_email or (self.phone is not None and self.phone == other.phone)


def is_activity(event: Event) -> bool:
    """Say whether the customer did something: shopping, clicking, visiting, logging in; being mailed is not.

    Nor is a click that a machine made.
    """
    if event.type is EventType.OTHER:
        return event.name.lower() in _VISITS
    return event.type not in _QUIET and not by_machine(event.properties)


def by_machine(properties: Mapping[str, object]) -> bool:
    """Say whether an event is marked as a machine's: mail programs load pictures and follow links by themselves."""
    return properties.get("machine") is True or properties.get("human") is False
