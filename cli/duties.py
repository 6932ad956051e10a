"""What `relaunch doctor` finds waiting in the store: requests of the law, and what a shop could not be told."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from announcing import listener
from cli.findings import Finding, State
from runtime import clock as wall
from store import announcements, requests
from store.db import Database

if TYPE_CHECKING:
    from settings import Settings

_REQUESTS = "requests"
_ANNOUNCEMENTS = "announcements"


async def duties(database: Database, settings: "Settings") -> AsyncIterator[Finding]:
    """Look for what an operator must do by a day, and for what waits for their hand."""
    clock = await database.read(requests.clock, wall.now())
    todo = "relaunch requests --open, answer, then relaunch requests done ID"
    if clock.overdue:
        yield Finding(_REQUESTS, State.ERROR, f"{_many(clock.overdue)} should have been done by now", todo)
    if clock.soon:
        yield Finding(_REQUESTS, State.WARNING, f"{_many(clock.soon)} must be done within seven days", todo)
    _, aside = await database.read(announcements.lag, wall.now())
    if aside:
        text = f"{aside} could not be told to a shop, and hold back what follows them of the same customers"
        yield Finding(_ANNOUNCEMENTS, State.WARNING, text, "relaunch announcements, then retry or drop")
    gone = set(await database.read(announcements.silent))
    for shop in settings.shops:
        receiver = listener(shop)
        if receiver is not None and (shop.id, receiver.name) in gone:
            text = f"the receiver of shop {shop.id} has said that nobody listens there any more (410)"
            todo = "correct RELAUNCH_WEBHOOK_URL, or relaunch announcements retry --all"
            yield Finding(_ANNOUNCEMENTS, State.ERROR, text, todo)


def _many(number: int) -> str:
    return f"{number} request" if number == 1 else f"{number} requests"
