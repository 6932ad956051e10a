"""What waits for an operator or for a day of the law, as `/readyz` and `/metrics` show it."""

import asyncio
from typing import Final

from announcing import listener
from api.context import Context
from runtime.metrics import ANNOUNCEMENT_LAG, ANNOUNCEMENTS_SET_ASIDE, REQUESTS_OPEN, REQUESTS_OVERDUE
from store import announcements, requests
from store.db import StoreError

_PATIENCE_S: Final = 2.0
GONE: Final = "the receiver has said that nobody listens there any more (410): correct its URL, or retry"
"""What is said of a receiver that is gone."""


async def count_duties(context: Context) -> None:
    """Set the figures; raises `StoreError` when the store is away."""
    age, aside = await context.db.read(announcements.lag, context.now())
    ANNOUNCEMENT_LAG.set(age)
    ANNOUNCEMENTS_SET_ASIDE.set(aside)
    clock = await context.db.read(requests.clock, context.now())
    REQUESTS_OPEN.set(clock.open)
    REQUESTS_OVERDUE.set(clock.overdue)


async def receivers(context: Context) -> dict[str, str]:
    """Return `ok`, or that it is gone, for each shop that names a receiver; nothing while the store is away."""
    known = {shop.id: one.name for shop in context.installation.settings.shops if (one := listener(shop)) is not None}
    if not known:
        return {}
    try:
        gone = set(await asyncio.wait_for(context.db.read(announcements.silent), _PATIENCE_S))
    except (TimeoutError, StoreError):
        return {}
    return {shop: GONE if (shop, name) in gone else "ok" for shop, name in known.items()}
