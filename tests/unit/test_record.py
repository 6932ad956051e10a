import re
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from cli import record_words
from cli.record import render
from cli.record_measures import _ALWAYS, _SOME
from cli.record_words import Language
from models.vocabulary import SoftOptIn
from runtime.accounts import Accounts
from runtime.shop_settings import ShopSettings
from settings import Settings, load_settings

TODAY = date(2026, 3, 2)


def settings_of(home: Path, **given: object) -> Settings:
    shop = ShopSettings(name="Maison <Ébène>", postal_address="1 rue des Lilas, Paris", sender="bonjour@maison.example")
    return load_settings(**{"home": home, "shops": (shop,), **given})


def text_of(page: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", re.sub("<style>.*?</style>", "", page, flags=re.DOTALL)).split())


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_record_says_what_the_settings_say(tmp_path: Path, language: Language) -> None:
    page = render(settings_of(tmp_path, retention=400, message_retention=90), language, TODAY)
    text = text_of(page)
    assert f'<html lang="{language}">' in page
    for said in ("Maison &lt;Ébène&gt;", "1 rue des Lilas, Paris", "bonjour@maison.example", "400 ", "90 ", "SQLite"):
        assert said in text
    assert page.count('class="blank"') >= 8
    assert "http-equiv" not in page
    assert "<script" not in page
    assert "src=" not in page


def test_recipients_are_those_who_are_set_up_and_no_secret_is_told(tmp_path: Path) -> None:
    accounts = Accounts(sms_provider="twilio", twilio_token=SecretStr("very-secret-token"))
    settings = settings_of(
        tmp_path,
        accounts=accounts,
        smtp_url="smtps://user:password-of-mail@smtp.maison.example:465",
        database_url="postgresql+asyncpg://me:password-of-store@db.maison.example/relaunch",
        temporal_address="temporal.maison.example:7233",
        temporal_tls=True,
        public_url="https://r.maison.example",
    )
    text = text_of(render(settings, "en", TODAY))
    for said in ("smtp.maison.example", "Twilio", "PostgreSQL, db.maison.example", "temporal.maison.example:7233"):
        assert said in text
    assert "over an encrypted line." in text
    assert "reach the installation by HTTPS" in text
    assert "The line to Temporal is encrypted" in text
    assert not [one for one in ("very-secret-token", "password-of-mail", "password-of-store", "user:") if one in text]


def test_a_measure_that_is_not_taken_is_not_claimed(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    text = text_of(render(settings_of(tmp_path / "open", smtp_url="smtp://mail.example?starttls=never"), "en", TODAY))
    for claim in ("HTTPS", "encrypted line", "open to that account alone", "Temporal is encrypted"):
        assert claim not in text
    (tmp_path / "closed").mkdir(mode=0o700)
    assert "open to that account alone" in text_of(render(settings_of(tmp_path / "closed"), "en", TODAY))


@pytest.mark.parametrize("scope", list(SoftOptIn))
def test_the_basis_is_that_of_the_shop(tmp_path: Path, scope: SoftOptIn) -> None:
    shop = ShopSettings(soft_opt_in_scope=scope)
    text = text_of(render(settings_of(tmp_path, shops=(shop,)), "en", TODAY))
    assert ("consent only" in text) == (scope is SoftOptIn.NONE)
    assert ("account holders" in text) == (scope is SoftOptIn.BUYERS_AND_ACCOUNTS)


def test_several_shops_are_several_controllers(tmp_path: Path) -> None:
    shops = (ShopSettings(id="one", name="Première"), ShopSettings(id="two", name="Deuxième"))
    text = text_of(render(settings_of(tmp_path, shops=shops), "fr", TODAY))
    assert text.count("Finalités et bases légales – ") == 2
    assert "02/03/2026" in text


def test_both_languages_say_the_same_things() -> None:
    for words in (record_words.WORDS, record_words.RECIPIENTS, record_words.SCOPES, _SOME):
        assert words["fr"].keys() == words["en"].keys()
    for rows in (record_words.PURPOSES, record_words.PEOPLE, record_words.TERMS, record_words.YOURS, _ALWAYS):
        assert len(rows["fr"]) == len(rows["en"])
