"""Tables of what shops report: customers, consents, products, carts, orders, behaviour.

Ids are UUIDv7 as text, so that table, URL, ledger and Temporal show the same one. Times are UTC, money is in minor
units. `seq` is the customer's sequence number at the commit that wrote the row: `audit` compares these, never clocks.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.tables.columns import document, instant, money


def _only(name: str, column: str, where: str) -> Index:
    """Make an index by which two first events at once cannot make one person twice."""
    return Index(name, "shop", column, unique=True, sqlite_where=text(where), postgresql_where=text(where))


class Customer(SQLModel, table=True):
    """A person known to a shop; every fact about them is written under the lock of this row and bumps `seq`.

    `root_id` is null, or the row of the same person under which this one is an alias; `has_aliases` says that others
    stand, or have stood, under this one.
    """

    __tablename__ = "customers"
    __table_args__ = (
        Index("customers_external", "shop", "external_id", unique=True),
        Index("customers_email", "shop", "email_key"),
        Index("customers_phone", "shop", "phone"),
        _only("customers_only_email", "email_key", "external_id IS NULL AND email_key IS NOT NULL"),
        _only("customers_only_phone", "phone", "external_id IS NULL AND email_key IS NULL AND phone IS NOT NULL"),
        Index("customers_quiet", "shop", "last_activity_at"),
        Index("customers_root", "root_id"),
    )
    id: str = Field(primary_key=True)
    shop: str
    root_id: str | None
    has_aliases: bool = False
    external_id: str | None
    email: str | None
    email_key: str | None
    phone: str | None
    first_name: str | None
    locale: str | None
    timezone: str | None
    country: str | None
    traits: dict[str, Any] = document()
    seq: int = 0
    clock_s: int = 0
    first_seen_at: datetime = instant()
    last_activity_at: datetime | None = instant(null=True)
    profile_at: datetime = instant()
    snoozed_until: datetime | None = instant(null=True)
    last_open_on: date | None
    rfm_recency: int | None
    rfm_frequency: int | None
    rfm_monetary: int | None


class Consent(SQLModel, table=True):
    """One entry of the append-only consent ledger; the state of a consent is a fold over its entries.

    `wording_hash` is the SHA-256 of what the person was shown, `actor` who passed their word on: a door, a link, staff.
    """

    __tablename__ = "consents"
    id: str = Field(primary_key=True)
    customer_id: str = Field(index=True)
    channel: str
    purpose: str
    state: str
    source: str
    wording: str | None
    wording_hash: str | None
    actor: str | None
    at: datetime = instant()
    recorded_at: datetime = instant()
    seq: int


class Suppression(SQLModel, table=True):
    """An address that a channel must not use; an objection is lifted by a later consent of the same person.

    `until` ends a suppression by itself: an address whose mailbox is full rests, and is tried again.
    """

    __tablename__ = "suppressions"
    __table_args__ = (Index("suppressions_address", "shop", "channel", "address"),)
    id: str = Field(primary_key=True)
    shop: str
    channel: str
    address: str
    customer_id: str | None = Field(index=True)
    reason: str
    at: datetime = instant()
    seq: int
    lifted_at: datetime | None = instant(null=True)
    lifted_seq: int | None
    until: datetime | None = instant(null=True)


class Product(SQLModel, table=True):
    """A product as the shop last described it."""

    __tablename__ = "products"
    shop: str = Field(primary_key=True)
    product_id: str = Field(primary_key=True)
    name: str
    price: int = money()
    currency: str
    url: str | None
    image_url: str | None
    category: str | None
    stock: int | None
    rating: float | None
    review_count: int | None
    updated_at: datetime = instant()


class Review(SQLModel, table=True):
    """A review that the shop supplied for a product."""

    __tablename__ = "reviews"
    __table_args__ = (Index("reviews_product", "shop", "product_id"),)
    id: str = Field(primary_key=True)
    shop: str
    product_id: str
    text: str
    rating: float
    at: datetime = instant()
    author: str | None
    verified: bool


class Cart(SQLModel, table=True):
    """A cart or checkout; `token` names it, `alias` is the cart token a checkout grew from.

    `episodes` counts the journeys that began with it, so that each has a number of its own. `imported`: all that is
    known of it came from files of history.
    """

    __tablename__ = "carts"
    __table_args__ = (
        Index("carts_token", "shop", "token", unique=True),
        Index("carts_alias", "shop", "alias"),
        Index("carts_customer", "customer_id", "last_activity_at"),
    )
    id: str = Field(primary_key=True)
    shop: str
    token: str
    alias: str | None
    customer_id: str | None
    journey_id: str | None = Field(index=True)
    currency: str | None
    value: int = money()
    step: str | None
    coupon: str | None
    checkout_url: str | None
    lines: list[dict[str, Any]] = document()
    episodes: int = 0
    imported: bool = False
    created_at: datetime = instant()
    replaced_at: datetime | None = instant(null=True)
    last_activity_at: datetime = instant()


class Order(SQLModel, table=True):
    """An order; only a paid or authorised one is a purchase."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("orders_order", "shop", "order_id", unique=True),
        Index("orders_customer", "customer_id", "placed_at"),
    )
    id: str = Field(primary_key=True)
    shop: str
    order_id: str
    customer_id: str | None
    status: str
    currency: str
    value: int = money()
    refunded: int = money()
    coupon: str | None
    placed_at: datetime = instant()
    updated_at: datetime = instant()
    seq: int


class OrderToken(SQLModel, table=True):
    """A cart or checkout token by which an order joins its cart."""

    __tablename__ = "order_tokens"
    shop: str = Field(primary_key=True)
    token: str = Field(primary_key=True)
    order_id: str = Field(primary_key=True, index=True)


class OrderLine(SQLModel, table=True):
    """A product of an order, so that buyers of a product can be counted."""

    __tablename__ = "order_lines"
    __table_args__ = (Index("order_lines_product", "shop", "product_id", "placed_at"),)
    order_id: str = Field(primary_key=True)
    product_id: str = Field(primary_key=True)
    shop: str
    customer_id: str | None = Field(index=True)
    quantity: int
    placed_at: datetime = instant()


class Event(SQLModel, table=True):
    """A behaviour event, once: its key is made of its content."""

    __tablename__ = "events"
    __table_args__ = (
        Index("events_customer", "customer_id", "type", "at"),
        # An erasure looks for what a cart did before anybody knew whose it was.
        Index(
            "events_of_nobody",
            "cart_id",
            sqlite_where=text("customer_id IS NULL AND cart_id IS NOT NULL"),
            postgresql_where=text("customer_id IS NULL AND cart_id IS NOT NULL"),
        ),
    )
    shop: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    type: str
    name: str
    customer_id: str | None
    cart_id: str | None
    product_id: str | None
    properties: dict[str, Any] | None = document(null=True)
    at: datetime = instant()
    received_at: datetime = instant()
