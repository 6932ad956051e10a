"""Reading rows into the values that the gate, the rules and the templates look at."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import RowMapping

from models.cart import from_json
from models.situation import CartRecord, CustomerRecord, JourneyRecord
from models.vocabulary import Arm, Kind, Outcome, Status
from store.rows import columns_of

Row = Mapping[str, Any] | RowMapping
"""A row by the names of its columns."""

JOURNEY: Final = columns_of(JourneyRecord)
"""The columns that `journey_record` reads."""

CUSTOMER: Final = (
    *("id", "seq", "email", "email_key", "phone", "first_name", "locale", "timezone", "country", "traits"),
    *("last_activity_at", "rfm_recency", "rfm_frequency", "rfm_monetary", "external_id", "snoozed_until"),
)
"""The columns that `customer_record` reads."""

CART: Final = (
    *("id", "token", "alias", "lines", "currency", "value", "step", "coupon", "checkout_url"),
    "last_activity_at",
)
"""The columns that `cart_record` reads."""


def journey_record(row: Row) -> JourneyRecord:
    """Read a journey's row."""
    return JourneyRecord(
        id=row["id"],
        shop=row["shop"],
        kind=Kind(row["kind"]),
        status=Status(row["status"]),
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        policy=row["policy"],
        policy_hash=row["policy_hash"],
        segment=row["segment"],
        arm=Arm(row["arm"]),
        since=row["since"],
        j0=row["j0"],
        paused_at=row["paused_at"],
        paused_s=row["paused_s"],
    )


def customer_record(row: Row) -> CustomerRecord:
    """Read a customer's row."""
    quintiles = (row["rfm_recency"], row["rfm_frequency"], row["rfm_monetary"])
    return CustomerRecord(
        id=row["id"],
        seq=row["seq"],
        email=row["email"],
        email_key=row["email_key"],
        phone=row["phone"],
        first_name=row["first_name"],
        locale=row["locale"],
        timezone=row["timezone"],
        country=row["country"],
        traits=row["traits"] or {},
        last_activity_at=row["last_activity_at"],
        rfm=None if None in quintiles else quintiles,
        has_account=row["external_id"] is not None,
        snoozed_until=row["snoozed_until"],
    )


def cart_record(row: Row) -> CartRecord:
    """Read a cart's row."""
    return CartRecord(
        id=row["id"],
        tokens=frozenset({row["token"], row["alias"]} - {None}),
        lines=tuple(from_json(line) for line in row["lines"]),
        currency=row["currency"],
        value=row["value"],
        step=row["step"],
        coupon=row["coupon"],
        checkout_url=row["checkout_url"],
        last_activity_at=row["last_activity_at"],
    )
