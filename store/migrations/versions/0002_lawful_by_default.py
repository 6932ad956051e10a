"""Lawful by default: proof of consent, pauses, what providers tell, call-backs and erasures."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def text(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=null, primary_key=key)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=True)


def moment(name: str, *, null: bool = False) -> sa.Column[datetime]:
    zoned = sa.DateTime(timezone=True)
    return sa.Column(name, zoned.with_variant(sa.DateTime(), "sqlite"), nullable=null)


def document(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.JSON().with_variant(JSONB(), "postgresql"), nullable=null)


def index(name: str, table: str, *columns: str) -> None:
    op.create_index(name, table, list(columns))


def upgrade() -> None:
    _grow()
    op.create_table(
        "notices",
        text("provider", key=True),
        text("key", key=True),
        text("type"),
        text("channel"),
        text("delivery_id", null=True),
        text("address", null=True),
        flag("permanent"),
        flag("human"),
        text("reason", null=True),
        moment("at"),
        moment("received_at"),
    )
    index("notices_delivery", "notices", "delivery_id")
    index("notices_address", "notices", "address", "type", "at")
    op.create_table(
        "tasks",
        text("id", key=True),
        text("shop"),
        text("journey_id"),
        text("customer_id"),
        text("delivery_id"),
        moment("created_at"),
        moment("closed_at", null=True),
        text("closed_by", null=True),
        text("result", null=True),
        text("note", null=True),
    )
    index("tasks_open", "tasks", "shop", "closed_at")
    index("ix_tasks_journey_id", "tasks", "journey_id")
    index("ix_tasks_customer_id", "tasks", "customer_id")
    op.create_table(
        "erasures",
        text("id", key=True),
        text("shop"),
        text("customer_id"),
        text("actor"),
        text("state"),
        moment("asked_at"),
        moment("next_try_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        text("problem", null=True),
        sa.Column("sought", sa.LargeBinary(), nullable=True),
        document("journeys"),
        document("certificate", null=True),
        moment("done_at", null=True),
    )
    index("erasures_due", "erasures", "state", "next_try_at")
    index("ix_erasures_customer_id", "erasures", "customer_id")
    op.create_table("chores", text("name", key=True), moment("done_at"), moment("due_at"))


def _grow() -> None:
    """Give the tables of 0001 their new columns."""
    for table, column in (
        ("shops", sa.Column("soft_opt_in", sa.String(), nullable=False, server_default="buyers_only")),
        ("shops", sa.Column("sms_sender", sa.String(), nullable=False, server_default="")),
        ("customers", moment("snoozed_until", null=True)),
        ("customers", sa.Column("last_open_on", sa.Date(), nullable=True)),
        ("consents", text("wording_hash", null=True)),
        ("consents", text("actor", null=True)),
        ("suppressions", moment("until", null=True)),
        ("deliveries", moment("repeat_until", null=True)),
        ("deliveries", moment("emptied_at", null=True)),
    ):
        op.add_column(table, column)
    index("deliveries_provider", "deliveries", "provider", "provider_id")
