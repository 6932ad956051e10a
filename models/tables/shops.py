"""Tables of the shops themselves, and of the keys that open their doors."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.tables.columns import instant


class Shop(SQLModel, table=True):
    """A storefront and how its customers know it; `announces` when somebody is told of what becomes of them.

    From `restored_from` to `restored_at` lies what a restore from a backup has lost.
    """

    __tablename__ = "shops"
    id: str = Field(primary_key=True)
    name: str
    url: str
    locale: str
    timezone: str
    currency: str
    country: str
    soft_opt_in: str
    sms_sender: str
    sender: str
    reply_to: str | None
    postal_address: str
    privacy_url: str | None
    logo_url: str | None
    announces: bool = False
    restored_from: datetime | None = instant(null=True)
    restored_at: datetime | None = instant(null=True)


class Key(SQLModel, table=True):
    """A named API key, stored as the SHA-256 of its text."""

    __tablename__ = "keys"
    name: str = Field(primary_key=True)
    role: str
    hash: str = Field(index=True)
    created_at: datetime = instant()
    revoked_at: datetime | None = instant(null=True)
