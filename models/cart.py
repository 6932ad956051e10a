"""A cart as events change it: newer facts win whatever the order in which they arrive."""

from dataclasses import dataclass, field
from datetime import datetime

from models.events import CartFacts, EventType, Line
from models.stored import Json


@dataclass(slots=True)
class CartState:
    """The row of a cart while a batch of events is applied; the names are the table's columns."""

    id: str
    shop: str
    token: str
    created_at: datetime
    last_activity_at: datetime
    alias: str | None = None
    customer_id: str | None = None
    journey_id: str | None = None
    currency: str | None = None
    value: int = 0
    step: str | None = None
    coupon: str | None = None
    checkout_url: str | None = None
    lines: list[dict[str, Json]] = field(default_factory=list)
    replaced_at: datetime | None = None
    episodes: int = 0
    imported: bool = False

    @property
    def tokens(self) -> frozenset[str]:
        """Return every name of the cart."""
        return frozenset({self.token, self.alias} - {None})  # type: ignore[arg-type] # None is taken out

    def apply(self, type_: EventType, facts: CartFacts, at: datetime) -> None:
        """Take in what an event that happened at `at` says of this cart."""
        newest = at >= self.last_activity_at
        self.alias = facts.alias or self.alias
        if facts.replaces and (self.replaced_at is None or at >= self.replaced_at):
            self.lines = [as_json(line) for line in facts.lines]
            self.replaced_at = at
            self.value = _total(self.lines) if facts.value is None else facts.value
        elif facts.lines and not facts.replaces and (self.replaced_at is None or at > self.replaced_at):
            for line in facts.lines:
                self.lines = _changed(self.lines, line, removed=type_ is EventType.PRODUCT_REMOVED)
            self.value = _total(self.lines) if facts.value is None else facts.value
        if newest:
            self.currency = facts.currency or self.currency
            self.step = facts.step or self.step
            self.coupon = facts.coupon or self.coupon
            self.checkout_url = facts.checkout_url or self.checkout_url
        self.created_at = min(self.created_at, at)
        self.last_activity_at = max(self.last_activity_at, at)


def as_json(line: Line) -> dict[str, Json]:
    """Return a line as the store keeps it, without what is unknown."""
    return {name: value for name in Line.__slots__ if (value := getattr(line, name)) is not None}


def from_json(record: dict[str, Json]) -> Line:
    """Read what `as_json` wrote."""
    return Line(**record)  # type: ignore[arg-type] # the store gives back what it was given


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _total(lines: list[dict[str, Json]]) -> int:
    return sum(_number(line["price"]) * _number(line["quantity"]) for line in lines)


def _changed(lines: list[dict[str, Json]], line: Line, *, removed: bool) -> list[dict[str, Json]]:
    """Return the lines after one was added to, or taken from; a removed quantity of 0 means the whole line."""
    old = next((one for one in lines if one["product_id"] == line.product_id), None)
    before = _number(old["quantity"]) if old else 0
    after = before + line.quantity if not removed else (before - line.quantity if line.quantity else 0)
    rest = [one for one in lines if one is not old]
    if after <= 0:
        return rest
    shown = (old or as_json(line)) if removed else {**(old or {}), **as_json(line)}
    return [*rest, {**shown, "quantity": after}]
