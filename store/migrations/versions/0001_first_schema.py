"""The first schema: what shops report, and what Relaunch does about it."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None


def text(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=null, primary_key=key)


def number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=null)


def share(name: str, *, null: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Float(), nullable=null)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def money(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def moment(name: str, *, null: bool = False) -> sa.Column[datetime]:
    zoned = sa.DateTime(timezone=True)
    return sa.Column(name, zoned.with_variant(sa.DateTime(), "sqlite"), nullable=null)


def document(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.JSON().with_variant(JSONB(), "postgresql"), nullable=null)


def index(name: str, table: str, *columns: str, unique: bool = False, where: str | None = None) -> None:
    some = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=some, postgresql_where=some)


def upgrade() -> None:
    _what_shops_report()
    _what_relaunch_does()


def downgrade() -> None:
    raise NotImplementedError("there is nothing before the first schema: remove the database instead")


def _what_shops_report() -> None:
    op.create_table(
        "shops",
        text("id", key=True),
        text("name"),
        text("url"),
        text("locale"),
        text("timezone"),
        text("currency"),
        text("country"),
        text("sender"),
        text("reply_to", null=True),
        text("postal_address"),
        text("privacy_url", null=True),
        text("logo_url", null=True),
    )
    op.create_table(
        "keys",
        text("name", key=True),
        text("role"),
        text("hash"),
        moment("created_at"),
        moment("revoked_at", null=True),
    )
    index("ix_keys_hash", "keys", "hash")
    op.create_table(
        "customers",
        text("id", key=True),
        text("shop"),
        text("external_id", null=True),
        text("email", null=True),
        text("email_key", null=True),
        text("phone", null=True),
        text("first_name", null=True),
        text("locale", null=True),
        text("timezone", null=True),
        text("country", null=True),
        document("traits"),
        number("seq"),
        number("clock_s"),
        moment("first_seen_at"),
        moment("last_activity_at", null=True),
        moment("profile_at"),
        number("rfm_recency", null=True),
        number("rfm_frequency", null=True),
        number("rfm_monetary", null=True),
    )
    index("customers_email", "customers", "shop", "email_key")
    index("customers_external", "customers", "shop", "external_id", unique=True)
    index(
        "customers_only_email",
        "customers",
        "shop",
        "email_key",
        unique=True,
        where="external_id IS NULL AND email_key IS NOT NULL",
    )
    index(
        "customers_only_phone",
        "customers",
        "shop",
        "phone",
        unique=True,
        where="external_id IS NULL AND email_key IS NULL AND phone IS NOT NULL",
    )
    index("customers_phone", "customers", "shop", "phone")
    index("customers_quiet", "customers", "shop", "last_activity_at")
    op.create_table(
        "consents",
        text("id", key=True),
        text("customer_id"),
        text("channel"),
        text("purpose"),
        text("state"),
        text("source"),
        text("wording", null=True),
        moment("at"),
        moment("recorded_at"),
        number("seq"),
    )
    index("ix_consents_customer_id", "consents", "customer_id")
    op.create_table(
        "suppressions",
        text("id", key=True),
        text("shop"),
        text("channel"),
        text("address"),
        text("customer_id", null=True),
        text("reason"),
        moment("at"),
        number("seq"),
        moment("lifted_at", null=True),
        number("lifted_seq", null=True),
    )
    index("ix_suppressions_customer_id", "suppressions", "customer_id")
    index("suppressions_address", "suppressions", "shop", "channel", "address")
    op.create_table(
        "products",
        text("shop", key=True),
        text("product_id", key=True),
        text("name"),
        money("price"),
        text("currency"),
        text("url", null=True),
        text("image_url", null=True),
        text("category", null=True),
        number("stock", null=True),
        share("rating", null=True),
        number("review_count", null=True),
        moment("updated_at"),
    )
    op.create_table(
        "reviews",
        text("id", key=True),
        text("shop"),
        text("product_id"),
        text("text"),
        share("rating"),
        moment("at"),
        text("author", null=True),
        flag("verified"),
    )
    index("reviews_product", "reviews", "shop", "product_id")
    op.create_table(
        "carts",
        text("id", key=True),
        text("shop"),
        text("token"),
        text("alias", null=True),
        text("customer_id", null=True),
        text("journey_id", null=True),
        text("currency", null=True),
        money("value"),
        text("step", null=True),
        text("coupon", null=True),
        text("checkout_url", null=True),
        document("lines"),
        number("episodes"),
        moment("created_at"),
        moment("replaced_at", null=True),
        moment("last_activity_at"),
    )
    index("carts_alias", "carts", "shop", "alias")
    index("carts_customer", "carts", "customer_id", "last_activity_at")
    index("carts_token", "carts", "shop", "token", unique=True)
    index("ix_carts_journey_id", "carts", "journey_id")
    op.create_table(
        "orders",
        text("id", key=True),
        text("shop"),
        text("order_id"),
        text("customer_id", null=True),
        text("status"),
        text("currency"),
        money("value"),
        money("refunded"),
        text("coupon", null=True),
        moment("placed_at"),
        moment("updated_at"),
        number("seq"),
    )
    index("orders_customer", "orders", "customer_id", "placed_at")
    index("orders_order", "orders", "shop", "order_id", unique=True)
    op.create_table(
        "order_tokens",
        text("shop", key=True),
        text("token", key=True),
        text("order_id", key=True),
    )
    index("ix_order_tokens_order_id", "order_tokens", "order_id")
    op.create_table(
        "order_lines",
        text("order_id", key=True),
        text("product_id", key=True),
        text("shop"),
        text("customer_id", null=True),
        number("quantity"),
        moment("placed_at"),
    )
    index("ix_order_lines_customer_id", "order_lines", "customer_id")
    index("order_lines_product", "order_lines", "shop", "product_id", "placed_at")
    op.create_table(
        "events",
        text("shop", key=True),
        text("key", key=True),
        text("type"),
        text("name"),
        text("customer_id", null=True),
        text("cart_id", null=True),
        text("product_id", null=True),
        document("properties", null=True),
        moment("at"),
        moment("received_at"),
    )
    index("events_customer", "events", "customer_id", "type", "at")
    index("events_of_nobody", "events", "cart_id", where="customer_id IS NULL AND cart_id IS NOT NULL")


def _what_relaunch_does() -> None:
    op.create_table(
        "policy_versions",
        text("hash", key=True),
        text("name"),
        text("kind"),
        number("position", null=True),
        document("body"),
        moment("loaded_at"),
    )
    index("ix_policy_versions_name", "policy_versions", "name")
    op.create_table(
        "journeys",
        text("id", key=True),
        text("shop"),
        text("kind"),
        text("customer_id"),
        text("cart_id", null=True),
        text("cart_token", null=True),
        text("episode"),
        moment("since"),
        text("policy"),
        text("policy_hash"),
        text("segment", null=True),
        text("arm"),
        text("status"),
        text("step", null=True),
        moment("next_action_at", null=True),
        text("outcome", null=True),
        moment("started_at"),
        moment("j0", null=True),
        moment("paused_at", null=True),
        number("paused_s"),
        moment("closed_at", null=True),
        number("closed_seq", null=True),
    )
    index("ix_journeys_cart_id", "journeys", "cart_id")
    index("ix_journeys_cart_token", "journeys", "cart_token")
    index("ix_journeys_customer_id", "journeys", "customer_id")
    index("journeys_episode", "journeys", "shop", "kind", "episode", unique=True)
    index("journeys_one_open", "journeys", "customer_id", "kind", unique=True, where="status <> 'closed'")
    index("journeys_policy", "journeys", "policy", "started_at")
    index("journeys_status", "journeys", "shop", "status", "id")
    op.create_table(
        "decisions",
        text("id", key=True),
        text("journey_id"),
        moment("at"),
        text("step"),
        text("channel"),
        text("verdict"),
        text("reason"),
        document("inputs"),
        text("basis", null=True),
        text("policy_hash"),
        text("delivery_id", null=True),
        number("seq"),
        moment("recorded_at"),
    )
    index("ix_decisions_journey_id", "decisions", "journey_id")
    op.create_table(
        "deliveries",
        text("id", key=True),
        text("key"),
        text("journey_id"),
        text("customer_id"),
        text("step"),
        text("channel"),
        text("address", null=True),
        text("segment", null=True),
        text("policy"),
        text("policy_hash"),
        text("state"),
        number("attempts"),
        document("releases"),
        text("provider"),
        text("provider_id", null=True),
        text("problem", null=True),
        text("basis"),
        text("coupon", null=True),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        moment("handed_at"),
        moment("settled_at", null=True),
        number("seq"),
        sa.UniqueConstraint("key"),
    )
    index("deliveries_address", "deliveries", "address")
    index("deliveries_customer", "deliveries", "customer_id", "channel", "handed_at")
    index("ix_deliveries_handed_at", "deliveries", "handed_at")
    index("ix_deliveries_journey_id", "deliveries", "journey_id")
    op.create_table(
        "outbox",
        text("id", key=True),
        text("journey_id"),
        text("call"),
        text("argument", null=True),
        moment("created_at"),
        moment("next_try_at"),
        number("attempts"),
        text("problem", null=True),
        flag("set_aside"),
    )
    index("ix_outbox_journey_id", "outbox", "journey_id")
    index("outbox_due", "outbox", "set_aside", "next_try_at")
    op.create_table(
        "acts",
        text("id", key=True),
        moment("at"),
        moment("recorded_at"),
        text("actor"),
        text("act"),
        text("journey_id", null=True),
        text("customer_id", null=True),
        text("reason", null=True),
        number("seq", null=True),
    )
    index("ix_acts_customer_id", "acts", "customer_id")
    index("ix_acts_journey_id", "acts", "journey_id")
    op.create_table(
        "switches",
        text("channel", key=True),
        moment("paused_at"),
        text("actor"),
    )
