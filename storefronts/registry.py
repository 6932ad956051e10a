"""Which storefronts there are: one line a storefront, loaded when somebody asks for it."""

from importlib import import_module
from typing import Final

from storefronts.base import Account, ShopApi, Storefront

WEBHOOKS: Final = {
    "shopify": "storefronts.shopify",
    "woocommerce": "storefronts.woocommerce",
    "magento": "storefronts.magento",
    "prestashop": "storefronts.prestashop",
}
"""Who sends, or answers with, bodies that mean something: each module has a `STOREFRONT`."""

APIS: Final[dict[str, str]] = {
    "shopify": "storefronts.shopify_api",
    "woocommerce": "storefronts.woocommerce_api",
    "magento": "storefronts.magento_api",
    "prestashop": "storefronts.prestashop_api",
}
"""Who can be asked: each module has an `open_api`."""


def storefront(name: str) -> Storefront | None:
    """Return a storefront by name, None for one that nobody knows."""
    if name not in WEBHOOKS:
        return None
    found: Storefront = import_module(WEBHOOKS[name]).STOREFRONT
    return found


def shop_api(name: str, account: Account) -> ShopApi:
    """Return the way to ask a shop's storefront; its name is one of `APIS`."""
    opened: ShopApi = import_module(APIS[name]).open_api(account)
    return opened
