"""Tables of the doors: what was asked of storefronts, who is one person, what the law asks, and what the shop is told.

Ids are UUIDv7 as text. Times are UTC. `seq` is the customer's sequence number at the commit that wrote the row.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.tables.columns import document, instant


class Poll(SQLModel, table=True):
    """How far one stream of a storefront has been read; `cursor` moves with the commit of what it stands behind.

    `read_at` is when a round last came to its end; `failing_since` is null while all goes well.
    """

    __tablename__ = "polls"
    shop: str = Field(primary_key=True)
    storefront: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    cursor: str | None
    read_at: datetime | None = instant(null=True)
    failing_since: datetime | None = instant(null=True)
    failures: int = 0
    problem: str | None


class Alias(SQLModel, table=True):
    """That two rows of customers are one person: `customer_id` stands under `root_id` since `at`.

    No row is moved, so it is undone by a date, `parted_at`, and by a number, `parted_seq`. `parted_by` is who undid it;
    null when the alias went on under another root.
    """

    __tablename__ = "aliases"
    id: str = Field(primary_key=True)
    shop: str
    customer_id: str = Field(index=True)
    root_id: str = Field(index=True)
    reason: str
    actor: str
    at: datetime = instant()
    seq: int
    parted_at: datetime | None = instant(null=True)
    parted_by: str | None
    parted_seq: int | None


class Request(SQLModel, table=True):
    """What a person, or the law through a storefront, asks of the shop, and by when: `due_at`."""

    __tablename__ = "requests"
    __table_args__ = (Index("requests_open", "shop", "done_at", "due_at"),)
    id: str = Field(primary_key=True)
    shop: str
    kind: str
    customer_id: str | None = Field(index=True)
    reference: str | None
    actor: str
    asked_at: datetime = instant()
    due_at: datetime = instant()
    done_at: datetime | None = instant(null=True)
    done_by: str | None


class Announcement(SQLModel, table=True):
    """What the shop or its CRM is told of a customer, once and in order; it names people by id only.

    A row that keeps failing is set aside, and holds back nobody but its own customer.
    """

    __tablename__ = "announcements"
    __table_args__ = (
        Index("announcements_due", "shop", "sent_at", "set_aside", "next_try_at"),
        Index("announcements_customer", "customer_id", "id"),
    )
    id: str = Field(primary_key=True)
    shop: str
    customer_id: str | None
    type: str
    data: dict[str, Any] = document()
    at: datetime = instant()
    next_try_at: datetime = instant()
    attempts: int = 0
    problem: str | None
    set_aside: bool = False
    sent_at: datetime | None = instant(null=True)


class Silence(SQLModel, table=True):
    """That nobody listens any more where a shop's announcements go, as the receiver has said (410).

    `listener` is the SHA-256 of its URL: another URL is another listener.
    """

    __tablename__ = "silences"
    shop: str = Field(primary_key=True)
    listener: str = Field(primary_key=True)
    since: datetime = instant()


class Import(SQLModel, table=True):
    """A file of history: how many of its rows are in the store, so that the next run goes on behind them."""

    __tablename__ = "imports"
    id: str = Field(primary_key=True)
    shop: str
    kind: str
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    started_at: datetime = instant()
    done_at: datetime | None = instant(null=True)
