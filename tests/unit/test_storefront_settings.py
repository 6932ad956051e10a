"""One storefront a shop, and where it is asked."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from runtime.shop_settings import ShopSettings
from runtime.storefronts import KEYS, api_of, apis_of
from settings import Settings, SettingsError, load_settings
from storefronts import registry
from storefronts.base import Account
from tests import asked_shop
from tests.asked_shop import AskedShop


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("RELAUNCH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Account]:
    """Note how storefronts are asked, instead of asking them."""
    accounts: list[Account] = []

    def note(account: Account) -> AskedShop:
        accounts.append(account)
        return AskedShop()

    monkeypatch.setattr(asked_shop, "open_api", note)
    for name in KEYS:
        monkeypatch.setitem(registry.APIS, name, "tests.asked_shop")
    return accounts


def test_a_shop_that_is_set_up_for_two_storefronts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAUNCH_SHOPIFY_SECRET", "hunter2")
    assert load_settings().shops[0].storefronts() == ["shopify"]
    monkeypatch.setenv("RELAUNCH_MAGENTO_TOKEN", "hunter2")
    said = (
        "shop 'main' is set up for shopify and magento: a shop has one storefront; give the other one a shop of its own"
    )
    with pytest.raises(SettingsError, match=said) as error:
        load_settings()
    assert "hunter2" not in str(error.value)


def test_two_storefronts_are_two_shops_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "shops.yaml"
    file.write_text("shops:\n- {id: a, magento_token: t}\n- {id: b, prestashop_key: k}\n")
    monkeypatch.setenv("RELAUNCH_CONFIG", str(file))
    assert [shop.storefronts() for shop in load_settings().shops] == [["magento"], ["prestashop"]]
    file.write_text("shops:\n- {id: a, magento_token: t, prestashop_key: k}\n")
    with pytest.raises(SettingsError, match=r"shops\.yaml: shop 'a' is set up for magento and prestashop"):
        load_settings()


def test_shopify_must_be_told_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAUNCH_SHOPIFY_TOKEN", "t")
    with pytest.raises(SettingsError, match="shop 'main' has a shopify_token, but no shopify_url"):
        load_settings()
    monkeypatch.setenv("RELAUNCH_SHOPIFY_URL", "https://atelier.myshopify.com")
    assert load_settings().shops[0].storefronts() == ["shopify"]


def test_a_storefront_is_asked_at_its_own_address_else_at_the_shops(opened: list[Account]) -> None:
    key, london = SecretStr("k"), "Europe/London"
    shops = (
        ShopSettings(id="a", url="https://a.example", woocommerce_key=key, country="BE"),
        ShopSettings(id="b", url="https://b.example", prestashop_url="https://p.example", prestashop_key=key),
        ShopSettings(id="c", shopify_url="https://c.example", shopify_token=key, currency="CHF", timezone=london),
        ShopSettings(id="d", magento_url="https://d.example"),
    )
    assert list(apis_of(Settings(shops=shops))) == ["a", "b", "c"]
    assert [(one.url, one.key, one.country, one.currency, one.zone) for one in opened] == [
        ("https://a.example", "k", "BE", "EUR", "Europe/Paris"),
        ("https://p.example", "k", "FR", "EUR", "Europe/Paris"),
        ("https://c.example", "k", "FR", "CHF", "Europe/London"),
    ]


def test_one_shop_can_be_opened_alone(opened: list[Account]) -> None:
    shops = (
        ShopSettings(id="a", magento_url="https://a.example", magento_token=SecretStr("t")),
        ShopSettings(id="b", magento_url="https://b.example", magento_token=SecretStr("t")),
    )
    api_of(Settings(shops=shops), "b")
    assert [one.url for one in opened] == ["https://b.example"]
