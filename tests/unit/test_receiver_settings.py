import os
from datetime import date
from pathlib import Path

import pytest

from cli.record import render
from cli.record_words import Language
from settings import SettingsError, load_settings
from tests.receiver import SECRET

URL = "https://crm.example/hooks/"


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("RELAUNCH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def given(monkeypatch: pytest.MonkeyPatch, url: str | None, secret: str | None) -> None:
    for name, value in (("URL", url), ("SECRET", secret)):
        if value is not None:
            monkeypatch.setenv(f"RELAUNCH_WEBHOOK_{name}", value)


def test_a_receiver_keeps_its_url_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, URL, SECRET)
    (shop,) = load_settings().shops
    assert shop.webhook_url == URL
    assert shop.webhook_secret is not None
    assert not [one for one in (URL, SECRET) if one in repr(shop)]


def test_a_receiver_without_a_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, URL, None)
    with pytest.raises(SettingsError, match="no webhook_secret"):
        load_settings()


@pytest.mark.parametrize("secret", ["secret", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all!", SECRET[6:]])
def test_a_secret_that_is_none_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    given(monkeypatch, URL, secret)
    with pytest.raises(SettingsError, match="24 to 64 random bytes in base64") as refused:
        load_settings()
    assert f"is {secret!r}" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://me.example/x", "ftp://me.example", "me.example", "https://me.example/#x"])
def test_a_receiver_that_others_could_listen_to_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    given(monkeypatch, url, SECRET)
    with pytest.raises(SettingsError, match="RELAUNCH_WEBHOOK_URL is not usable") as refused:
        load_settings()
    assert url not in str(refused.value)


@pytest.mark.parametrize("url", ["http://localhost:9000/x", "http://127.0.0.1:9000", "http://[::1]:9000/x"])
def test_this_machine_may_be_told_without_tls(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    given(monkeypatch, url, SECRET)
    assert load_settings().shops[0].webhook_url == url


def test_the_record_of_processing_names_who_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, "https://crm.example/hooks?token=very-secret", SECRET)
    languages: tuple[Language, ...] = ("fr", "en")
    for language in languages:
        page = render(load_settings(), language, date(2026, 3, 2))
        assert "(CRM)" in page
        assert "crm.example" in page
        assert "very-secret" not in page
