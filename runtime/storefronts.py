"""Which shops can ask their storefront, and the way to do it: opened from what their operators say of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from runtime.shop_settings import ShopSettings
from settings import Settings
from store.polls import Poll
from storefronts.base import Account, ShopApi
from storefronts.registry import shop_api

KEYS: Final = {
    "shopify": "shopify_token",
    "woocommerce": "woocommerce_key",
    "magento": "magento_token",
    "prestashop": "prestashop_key",
}
"""Each storefront that can be asked, and the setting that opens it."""


def asked(settings: Settings) -> dict[str, str]:
    """Return the storefront of each shop that can be asked, by the shop's id: those with a key for it."""
    found = ((shop.id, name) for shop in settings.shops for name in KEYS if _key(shop, name))
    return dict(found)


def current(settings: Settings, polls: Sequence[Poll]) -> dict[str, list[Poll]]:
    """Return, for each shop that can be asked, how far its storefront has been read; the rest is of former settings."""
    return {
        shop: [one for one in polls if (one.shop, one.storefront) == (shop, name)]
        for shop, name in asked(settings).items()
    }


def trouble_of(polls: Sequence[Poll], settings: Settings, now: datetime) -> str | None:
    """Return what is wrong with the polls of one shop, in words for operators; None when all is well."""
    if not polls:
        return "never asked: does a worker run?"
    found = [problem for one in polls if (problem := one.trouble(now, settings.poll_every))]
    return "; ".join(found) or None


def apis_of(settings: Settings) -> dict[str, ShopApi]:
    """Return, by the shop's id, the way to ask its storefront, for each shop that has a key; close them with `aclose`.

    Nothing is connected yet.
    """
    return {shop: api_of(settings, shop) for shop in asked(settings)}


def api_of(settings: Settings, shop: str) -> ShopApi:
    """Return the way to ask the storefront of one shop, which must be one of `asked`."""
    (found,) = (one for one in settings.shops if one.id == shop)
    name = asked(settings)[shop]
    return shop_api(name, _account(found, name))


def _account(shop: ShopSettings, name: str) -> Account:
    """Return how a shop's storefront is asked: at an address of its own, else where the shop's front page is."""
    url = getattr(shop, f"{name}_url") or shop.url
    return Account(url, _key(shop, name), shop.country, shop.currency, shop.timezone)


def _key(shop: ShopSettings, name: str) -> str:
    given = getattr(shop, KEYS[name])
    return given.get_secret_value() if given else ""
