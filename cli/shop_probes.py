"""What `relaunch doctor` asks storefronts: whether the key works, and whether they were read lately."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from cli.findings import Finding, State
from cli.probes import opened
from runtime import clock
from runtime.shop_settings import variable
from runtime.storefronts import KEYS, api_of, asked, current, trouble_of
from store.db import StoreError
from store.polls import Poll, standing
from storefronts.base import ShopApi, StorefrontError, StorefrontRefused

if TYPE_CHECKING:
    from settings import Settings

_PATIENCE_S = 20.0
_UNREAD = "relaunch up, or relaunch poll for one round now"


async def storefronts(settings: "Settings") -> AsyncIterator[Finding]:
    """Ask each storefront once for the first page of each stream, storing nothing, and look at the last rounds."""
    names = asked(settings)
    for shop in settings.shops:
        for name in shop.storefronts() if shop.id not in names else ():
            text = f"nobody asks {name} for the orders whose webhooks are lost"
            yield Finding(_check(shop.id), State.WARNING, text, f"set {variable(KEYS[name])}")
    if not names:
        return
    rounds = await _rounds(settings)
    for shop_id in names:
        api = api_of(settings, shop_id)
        try:
            yield await _answer(shop_id, api)
        finally:
            await api.aclose()
        if rounds is not None:
            yield _last_round(shop_id, rounds[shop_id], settings)


def _check(shop: str) -> str:
    return f"storefront {shop}"


async def _rounds(settings: "Settings") -> dict[str, list[Poll]] | None:
    """Return what the store knows of the polls; None when it does not answer, or is not there yet."""
    try:
        async with opened(settings.database_url) as database:
            return current(settings, await database.read(standing))
    except (StoreError, OSError):
        return None


async def _answer(shop: str, api: ShopApi) -> Finding:
    """Say whether the storefront lets us read everything."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            for stream in api.streams:
                await api.changes(stream, None, clock.now())
    except StorefrontRefused as error:
        where = f"{variable(f'{api.name}_url')} and {variable(KEYS[api.name])}"
        return Finding(_check(shop), State.ERROR, str(error), f"check {where}, and what the key may read")
    except (StorefrontError, TimeoutError) as error:
        text = str(error) or f"{api.name} takes longer than {_PATIENCE_S:.0f} seconds"
        return Finding(_check(shop), State.WARNING, text, f"is it up, and {variable(f'{api.name}_url')} right?")
    return Finding(_check(shop), State.OK, f"{api.name} gives us its {' and '.join(api.streams)}")


def _last_round(shop: str, polls: Sequence[Poll], settings: "Settings") -> Finding:
    trouble = trouble_of(polls, settings, clock.now())
    if trouble is not None:
        failing = any(one.failing_since for one in polls)
        todo = "a running worker asks again by itself; relaunch poll asks now" if failing else _UNREAD
        return Finding(_check(shop), State.WARNING, trouble, todo)
    oldest = max(one.age(clock.now()) for one in polls)
    return Finding(_check(shop), State.OK, f"last read {oldest.total_seconds():.0f} s ago")
