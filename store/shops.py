"""Shops as the store knows them: who sends, in which language, zone and currency."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from models.content import Brand
from store.rows import as_row, columns_of
from store.schema import SHOPS


@dataclass(frozen=True, slots=True)
class ShopRecord:
    """One shop; the names are the table's columns."""

    id: str
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

    @property
    def brand(self) -> Brand:
        """Return the shop as its customers know it."""
        return Brand(
            self.name, self.url, self.sender, self.reply_to, self.postal_address, self.privacy_url, self.logo_url
        )


def save_shops(connection: Connection, shops: Sequence[ShopRecord]) -> None:
    """Write what the settings say of these shops; others stay as they are."""
    connection.execute(delete(SHOPS).where(SHOPS.c.id.in_([shop.id for shop in shops])))
    connection.execute(insert(SHOPS), [as_row(shop) for shop in shops])


def load_shop(connection: Connection, shop: str) -> ShopRecord:
    """Return a shop that the store knows."""
    row = connection.execute(select(SHOPS).where(SHOPS.c.id == shop)).mappings().one()
    return ShopRecord(**{name: row[name] for name in columns_of(ShopRecord)})


def shop_ids(connection: Connection) -> list[str]:
    """Return the ids of all shops."""
    return list(connection.execute(select(SHOPS.c.id).order_by(SHOPS.c.id)).scalars())
