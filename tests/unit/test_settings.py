import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from runtime.accounts import Accounts
from runtime.shop_settings import ShopSettings
from settings import Settings, SettingsError, load_settings, unknown_variables
from tests.receiver import SECRET as SIGNING

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("RELAUNCH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_everything_has_a_default(tmp_path: Path) -> None:
    found = load_settings()
    assert found.home == tmp_path / ".relaunch"
    assert found.database_url == f"sqlite+aiosqlite:///{tmp_path}/.relaunch/relaunch.db"
    assert found.temporal_db == tmp_path / ".relaunch" / "temporal.db"
    assert found.outbox_dir == tmp_path / ".relaunch" / "outbox"
    assert (found.temporal_address, found.temporal_namespace) == (None, "default")
    assert (found.host, found.port, found.public_url) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert (found.sweep_every, found.log_format) == ("daily", "auto")
    assert found.policies == ROOT / "policies"
    assert found.secret_key is found.api_key is found.ingest_key is found.smtp_url is None


def test_one_shop_speaks_french_and_sends_locally_by_default() -> None:
    (shop,) = load_settings().shops
    assert (shop.id, shop.locale, shop.timezone, shop.currency, shop.country) == (
        "main",
        "fr",
        "Europe/Paris",
        "EUR",
        "FR",
    )
    assert shop.sender == "Shop <relaunch@localhost>"
    assert (shop.reply_to, shop.shopify_secret) == (None, ())


def test_the_environment_describes_the_one_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SHOP": "paris",
        "SHOP_NAME": "Chez Zoé, fleurs",
        "SHOP_LOCALE": "en",
        "SHOP_CURRENCY": "chf",
        "SHOP_URL": "https://zoe.example/",
        "REPLY_TO": "Zoé <zoe@zoe.example>",
        "SHOPIFY_SECRET": "old, new",
    }.items():
        monkeypatch.setenv(f"RELAUNCH_{name}", value)
    (shop,) = load_settings().shops
    assert (shop.id, shop.locale, shop.currency, shop.url) == ("paris", "en", "CHF", "https://zoe.example")
    assert shop.sender == '"Chez Zoé, fleurs" <relaunch@localhost>'
    assert shop.reply_to == "Zoé <zoe@zoe.example>"
    assert shop.shopify_secret == (SecretStr("old"), SecretStr("new"))


def test_a_file_of_variables_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("RELAUNCH_PORT=9000\nRELAUNCH_SHOP_NAME=Filed\nOTHER=1\nRELAUNCH_HOST=::\n")
    monkeypatch.setenv("RELAUNCH_PORT", "9001")
    found = load_settings()
    assert (found.port, found.host, found.shops[0].name) == (9001, "::", "Filed")
    assert found.public_url == "http://localhost:9001"
    assert load_settings(port=9002).port == 9002


def test_an_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAUNCH_SMTP_URL", "")
    monkeypatch.setenv("RELAUNCH_SHOP_NAME", "")
    assert load_settings().smtp_url is None
    assert load_settings().shops[0].name == "Shop"


def test_the_usual_spelling_of_a_postgresql_url_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAUNCH_DATABASE_URL", "postgres://me:hunter2@db/shop")
    found = load_settings()
    assert found.database_url == "postgresql+asyncpg://me:hunter2@db/shop"
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "0", "RELAUNCH_PORT is '0'; expected a port from 1 to 65535"),
        ("PORT", "eighty", "RELAUNCH_PORT is 'eighty'; expected a port from 1 to 65535"),
        ("SHOP_LOCALE", "de", "RELAUNCH_SHOP_LOCALE is 'de'; expected 'fr' or 'en'"),
        ("SHOP_TIMEZONE", "Paris", "RELAUNCH_SHOP_TIMEZONE is 'Paris'; expected an IANA time zone like Europe/Paris"),
        ("SHOP_TIMEZONE", "Europe", "RELAUNCH_SHOP_TIMEZONE is 'Europe'; expected an IANA time zone like Europe/Paris"),
        ("SHOP_TIMEZONE", "/etc", "RELAUNCH_SHOP_TIMEZONE is '/etc'; expected an IANA time zone like Europe/Paris"),
        ("SHOP_CURRENCY", "EURO", "RELAUNCH_SHOP_CURRENCY is 'EURO'; expected an ISO 4217 currency like EUR"),
        ("SHOP_COUNTRY", "UK", "RELAUNCH_SHOP_COUNTRY is 'UK'; expected an ISO 3166 country like FR"),
        ("SHOP", "Mon Shop", "RELAUNCH_SHOP is 'Mon Shop'; expected letters a-z, digits, - and _"),
        ("SHOP_NAME", "a\nb", r"RELAUNCH_SHOP_NAME is 'a\nb'; expected one line of text"),
        ("SHOP_LOGO_URL", "logo.png", "RELAUNCH_SHOP_LOGO_URL is 'logo.png'; expected a URL like https://shop.example"),
        ("PUBLIC_URL", "http://[", "RELAUNCH_PUBLIC_URL is 'http://['; expected a URL like https://shop.example"),
        ("SENDER", "shop", "RELAUNCH_SENDER is 'shop'; expected an address like Shop <hello@shop.example>"),
        ("TEMPORAL_ADDRESS", "t", "RELAUNCH_TEMPORAL_ADDRESS is 't'; expected a host and a port like "),
        ("TEMPORAL_TLS", "maybe", "RELAUNCH_TEMPORAL_TLS is 'maybe'; expected true or false"),
        ("SWEEP_EVERY", "month", "RELAUNCH_SWEEP_EVERY is 'month'; expected 'hourly', 'daily' or 'weekly'"),
        ("LOG_FORMAT", "xml", "RELAUNCH_LOG_FORMAT is 'xml'; expected 'auto', 'json' or 'console'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"RELAUNCH_{name}", value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["API_KEY", "SECRET_KEY", "INGEST_KEY", "SMTP_URL", "DATABASE_URL"])
def test_a_wrong_secret_is_never_repeated(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"RELAUNCH_{name}", "hunter2")
    with pytest.raises(SettingsError, match=f"RELAUNCH_{name} is not usable .* expected ") as error:
        load_settings()
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "secrets",
    ["hunter2", "whsec_hunter2", "whsec_", f"{SIGNING},hunter2", f"{SIGNING},whsec_aHVudGVyMg==", SIGNING[6:]],
)
def test_a_secret_that_signs_no_call_is_refused_at_the_start(
    secrets: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = r"is not usable \(its value is not shown\); expected whsec_ and 24 to 64 random bytes in base64"
    file = shops_file(tmp_path, f"shops:\n- {{id: a}}\n- {{id: b, events_secret: '{secrets}'}}\n")
    with pytest.raises(SettingsError, match=rf"relaunch\.yaml: shops\[1\]\.events_secret {said}") as of_file:
        load_settings(config=file)
    monkeypatch.setenv("RELAUNCH_EVENTS_SECRET", secrets)
    with pytest.raises(SettingsError, match=f"RELAUNCH_EVENTS_SECRET {said}") as of_environment:
        load_settings()
    for part in ("hunter2", "aHVudGVyMg", SIGNING[6:]):
        assert part not in f"{of_file.value} {of_environment.value}"


def test_secrets_that_sign_calls_may_be_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAUNCH_EVENTS_SECRET", f"{SIGNING}, whsec_{'b' * 32},")
    assert load_settings().shops[0].events_secret == (SecretStr(SIGNING), SecretStr(f"whsec_{'b' * 32}"))


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAUNCH_API_KEY", "hunter2-hunter2-hunter2")
    monkeypatch.setenv("RELAUNCH_SHOPIFY_SECRET", "hunter2")
    monkeypatch.setenv("RELAUNCH_SMTP_URL", "smtp://me:hunter2@mail.example")
    assert "hunter2" not in repr(load_settings())


def shops_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "relaunch.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_describes_several_shops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "shops:\n- {id: fr, name: Fleurs}\n- {id: en, locale: en, country: gb, shopify_secret: 'a,b'}\n"
    monkeypatch.setenv("RELAUNCH_CONFIG", str(shops_file(tmp_path, text)))
    monkeypatch.setenv("RELAUNCH_SHOP_NAME", "of the environment")
    french, english = load_settings().shops
    assert (french.id, french.name, french.locale) == ("fr", "Fleurs", "fr")
    assert (english.id, english.name, english.locale, english.country) == ("en", "Shop", "en", "GB")
    assert english.shopify_secret == (SecretStr("a"), SecretStr("b"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shops:\n- {timezone: Paris}", "relaunch.yaml: shops[0].timezone is 'Paris'; expected an IANA time zone"),
        ("shops:\n- {id: a}\n- {id: b, name: 3}", "relaunch.yaml: shops[1].name is 3; expected a valid string"),
        ("shops:\n- {nom: a}", "relaunch.yaml: shops[0].nom is unknown; expected one of id, name, url, locale"),
        ("shops:\n- {id: a}\n- {id: a}", "relaunch.yaml: two shops have the id 'a'; give each its own"),
        ("shops:\n- hunter2", "relaunch.yaml: shops[0] is 'hunter2'; expected"),
        ("shops:\n- {shopify_secret: [1]}", "relaunch.yaml: shops[0].shopify_secret is not usable (its value is not"),
        ("shops: []", "relaunch.yaml describes no shop"),
        ("port: 80", "relaunch.yaml must hold `shops:` and a list of shops, and nothing else"),
    ],
)
def test_a_mistake_in_the_file_is_named_by_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(config=shops_file(tmp_path, text))
    assert str(error.value).startswith(said)


def test_a_file_that_cannot_be_read_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read: line 2 is not YAML$"):
        load_settings(config=shops_file(tmp_path, 'shops:\n- {shopify_secret: "hunter2'))
    with pytest.raises(SettingsError, match=r"cannot be read: No such file or directory$"):
        load_settings(config=tmp_path / "missing.yaml")


def test_misspelt_variables_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "SHOP", "SENDER", "SHOP_NAME", "SHOPIFY_SECRET", "TIMEZONE", "SHOP_SENDER"):
        monkeypatch.setenv(f"RELAUNCH_{name}", "x")
    assert unknown_variables() == ["RELAUNCH_SHOP_SENDER", "RELAUNCH_TIMEZONE"]


def test_misspelt_variables_of_the_file_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("RELAUNCH_TIMEZONE=x\nRELAUNCH_PORT=8080\nOTHERS=x\n", encoding="utf-8")
    assert unknown_variables() == ["RELAUNCH_TIMEZONE"]


def test_storefronts_are_not_asked_more_often_than_they_can_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAUNCH_POLL_EVERY", "0m")
    with pytest.raises(SettingsError, match=r"RELAUNCH_POLL_EVERY.*expected 10s or longer, like 5m"):
        load_settings()


def test_the_example_names_every_variable_and_only_those(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = {line[1:].partition("=")[0] for line in lines if line.startswith("#RELAUNCH_")}
    assert len(named) == len([line for line in lines if line.startswith("#RELAUNCH_")])
    for name in named:
        monkeypatch.setenv(name, "x")
    assert unknown_variables() == []
    fields = [*Settings.model_fields, *ShopSettings.model_fields, *Accounts.model_fields]
    assert len(named) == len(fields) - len({"shops", "accounts"})
