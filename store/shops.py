"""Shops as the store knows them: who sends, in which language, zone and currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.exc import NoResultFound

from models.content import Brand
from models.restored import Lost
from store.driven import Driven
from store.rows import as_row, select_all, select_state
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
    announces: bool = False
    restored_from: datetime | None = None
    restored_at: datetime | None = None

    @property
    def lost(self) -> Lost | None:
        """Return the time of which the store knows nothing, after a restore from a backup."""
        if self.restored_from is None or self.restored_at is None:
            return None
        return Lost(self.restored_from, self.restored_at)

    @property
    def brand(self) -> Brand:
        """Return the shop as its customers know it."""
        return Brand(
            self.name, self.url, self.sender, self.reply_to, self.postal_address, self.privacy_url, self.logo_url
        )


_SHOP = Driven(select(*select_state(SHOPS, ShopRecord)).where(SHOPS.c.id == bindparam("shop")))


def save_shops(connection: Connection, shops: Sequence[ShopRecord]) -> None:
    """Write what the settings say of these shops; others stay as they are, and so does what no setting says."""
    ids = [shop.id for shop in shops]
    kept = select(SHOPS.c.id, SHOPS.c.restored_from, SHOPS.c.restored_at).where(SHOPS.c.id.in_(ids))
    restores = {row.id: (row.restored_from, row.restored_at) for row in connection.execute(kept)}
    connection.execute(delete(SHOPS).where(SHOPS.c.id.in_(ids)))
    rows = [as_row(shop) for shop in shops]
    for row in rows:
        row["restored_from"], row["restored_at"] = restores.get(row["id"], (None, None))
    connection.execute(insert(SHOPS), rows)


def load_shop(connection: Connection, shop: str) -> ShopRecord:
    """Return a shop that the store knows."""
    found = select_all(connection, ShopRecord, _SHOP, {"shop": shop})
    if not found:
        raise NoResultFound(f"the store knows no shop {shop!r}")
    return found[0]


def shop_ids(connection: Connection) -> list[str]:
    """Return the ids of all shops."""
    return list(connection.execute(select(SHOPS.c.id).order_by(SHOPS.c.id)).scalars())
