"""`relaunch poll`: asks storefronts now for what their webhooks did not tell, and says what was found."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from cli.client import Json, load, on_store
from cli.failures import CommandError
from cli.options import AsJson
from cli.show import console, print_json, say, table

if TYPE_CHECKING:
    from rich.status import Status

    from activities.polling import Polling
    from runtime.installation import Installation
    from storefronts.base import ShopApi

_COLUMNS = ("shop", "storefront", "stream", "pages", "new", "known", "unreadable", "problem")


def poll(
    shop: Annotated[str | None, typer.Option(help="Ask this shop's storefront only.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Read the last seven days anew.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask storefronts now for what their webhooks did not tell.

    The schedule does the same by itself, see RELAUNCH_POLL_EVERY. Exit 1 when a storefront fails.
    """
    shops = _asked(shop)

    async def work(installation: "Installation") -> list[Json]:
        with console(err=True).status("asking storefronts") as status:
            return await _poll(installation, shops, status, again=again)

    found = on_store(work)
    new = sum(row["new"] for row in found)
    failed = [f"{row['shop']}, {row['stream']}: {row['problem']}" for row in found if row["problem"]]
    if as_json:
        print_json(found)
    else:
        table("storefronts", _COLUMNS, [[row[name] for name in _COLUMNS] for row in found])
        if new or not failed:
            say(_summary(new))
    if failed:
        others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise CommandError(f"{failed[0]}{others}")


def _summary(new: int) -> str:
    if not new:
        return "nothing new"
    return f"{new} new event{'' if new == 1 else 's'}: the relay starts what begins with them, as soon as one runs"


def _asked(wanted: str | None) -> list[str]:
    """Return the ids of the shops to ask."""
    from runtime.storefronts import asked  # noqa: PLC0415 - slow to load

    settings = load()
    if wanted is not None and wanted not in {one.id for one in settings.shops}:
        raise CommandError(f"there is no shop {wanted[:40]!r} in the settings")
    shops = [one for one in asked(settings) if wanted in (None, one)]
    if not shops:
        raise CommandError(
            "no storefront can be asked: set its key, like RELAUNCH_SHOPIFY_TOKEN (see docs/operating.md)"
        )
    return shops


async def _poll(installation: "Installation", shops: list[str], status: "Status", *, again: bool) -> list[Json]:
    """Read every stream of these shops to its end, `again` from the beginning; one that fails holds up no other."""
    from activities.polling import Polling  # noqa: PLC0415 - slow to load
    from runtime import clock  # noqa: PLC0415
    from runtime.storefronts import api_of  # noqa: PLC0415
    from store import polls  # noqa: PLC0415

    settings, rows = installation.settings, list[Json]()
    polling = Polling(installation.db, {}, clock.now, settings.poll_every)
    async with AsyncExitStack() as stack:
        for shop in shops:
            api = api_of(settings, shop)
            stack.push_async_callback(api.aclose)
            for stream in api.streams:
                if again:
                    await installation.db.write(polls.rewind, polls.Poll(shop, api.name, stream))
                rows.append(await _round(polling, shop, api, stream, status))
    return rows


async def _round(polling: "Polling", shop: str, api: "ShopApi", stream: str, status: "Status") -> Json:
    """Read one stream to its end, or to the first failure, which is remembered as the schedule's are."""
    from store import polls  # noqa: PLC0415 - slow to load
    from storefronts.base import StorefrontError  # noqa: PLC0415

    row: Json = {"shop": shop, "storefront": api.name, "stream": stream, "pages": 0}
    row |= {"new": 0, "known": 0, "unreadable": 0, "problem": None}
    more = True
    while more:
        known = await polling.db.read(polls.load, shop, api.name, stream)
        try:
            page = await polling.read(api, known)
        except StorefrontError as error:
            await polling.fail(known, error)
            row["problem"] = str(error)
            break
        row["pages"] += 1
        row["new"] += page.accepted
        row["known"] += page.duplicates
        row["unreadable"] += page.unreadable
        more = page.more
        status.update(f"asking {api.name} for {stream} of {shop}: {row['pages']} pages, {row['new']} new")
    return row
