"""Every storefront's door: polls, aliases, requests, announcements and imports."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"


def text(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=null, primary_key=key)


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def moment(name: str, *, null: bool = False) -> sa.Column[datetime]:
    zoned = sa.DateTime(timezone=True)
    return sa.Column(name, zoned.with_variant(sa.DateTime(), "sqlite"), nullable=null)


def document(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False)


def index(name: str, table: str, *columns: str) -> None:
    op.create_index(name, table, list(columns))


def upgrade() -> None:
    op.add_column("customers", text("root_id", null=True))
    index("customers_root", "customers", "root_id")
    op.add_column("customers", sa.Column("has_aliases", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("carts", sa.Column("imported", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "polls",
        text("shop", key=True),
        text("storefront", key=True),
        text("stream", key=True),
        text("cursor", null=True),
        moment("read_at", null=True),
        moment("failing_since", null=True),
        number("failures"),
        text("problem", null=True),
    )
    op.create_table(
        "aliases",
        text("id", key=True),
        text("shop"),
        text("customer_id"),
        text("root_id"),
        text("reason"),
        text("actor"),
        moment("at"),
        number("seq"),
        moment("parted_at", null=True),
        text("parted_by", null=True),
        sa.Column("parted_seq", sa.Integer(), nullable=True),
    )
    index("ix_aliases_customer_id", "aliases", "customer_id")
    index("ix_aliases_root_id", "aliases", "root_id")
    _rights()
    _announcements()
    op.create_table(
        "imports",
        text("id", key=True),
        text("shop"),
        text("kind"),
        number("rows"),
        number("accepted"),
        number("rejected"),
        moment("started_at"),
        moment("done_at", null=True),
    )


def _rights() -> None:
    op.create_table(
        "requests",
        text("id", key=True),
        text("shop"),
        text("kind"),
        text("customer_id", null=True),
        text("reference", null=True),
        text("actor"),
        moment("asked_at"),
        moment("due_at"),
        moment("done_at", null=True),
        text("done_by", null=True),
    )
    index("requests_open", "requests", "shop", "done_at", "due_at")
    index("ix_requests_customer_id", "requests", "customer_id")


def _announcements() -> None:
    op.create_table(
        "announcements",
        text("id", key=True),
        text("shop"),
        text("customer_id", null=True),
        text("type"),
        document("data"),
        moment("at"),
        moment("next_try_at"),
        number("attempts"),
        text("problem", null=True),
        flag("set_aside"),
        moment("sent_at", null=True),
    )
    index("announcements_due", "announcements", "shop", "sent_at", "set_aside", "next_try_at")
    index("announcements_customer", "announcements", "customer_id", "id")
    op.create_table("silences", text("shop", key=True), text("listener", key=True), moment("since"))
    op.add_column("shops", moment("restored_from", null=True))
    op.add_column("shops", moment("restored_at", null=True))
    op.add_column("shops", sa.Column("announces", sa.Boolean(), nullable=False, server_default=sa.false()))
