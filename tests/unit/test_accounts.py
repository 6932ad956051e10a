"""From the environment to senders and doors: every provider can be named, and what is missing is said by its name."""

from pathlib import Path

import pytest

from channels.base import Misconfigured
from channels.registry import EVENT_SOURCES, PROVIDERS
from models.vocabulary import Channel
from runtime.installation import senders_of
from settings import Settings, SettingsError, load_settings

NEEDED = {
    "brevo": ("BREVO_KEY",),
    "mailgun": ("MAILGUN_KEY", "MAILGUN_DOMAIN"),
    "mailjet": ("MAILJET_KEY", "MAILJET_SECRET"),
    "postmark": ("POSTMARK_TOKEN",),
    "resend": ("RESEND_KEY",),
    "sendgrid": ("SENDGRID_KEY",),
    "ses": ("SES_REGION", "SES_ACCESS_KEY", "SES_SECRET_KEY"),
    "twilio": ("TWILIO_SID", "TWILIO_TOKEN"),
}
SECRET = "tops3cret"
VALUES = {"MAILGUN_DOMAIN": "mail.shop.example", "SES_REGION": "eu-west-3", "TWILIO_SID": "AC" + "0" * 32}
EVERY = [(channel, name) for channel, names in PROVIDERS.items() for name in names]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def named(monkeypatch: pytest.MonkeyPatch, channel: Channel, name: str, *without: str) -> Settings:
    monkeypatch.setenv(f"RELAUNCH_{channel.upper()}_PROVIDER", name)
    for variable in NEEDED[name]:
        if variable not in without:
            monkeypatch.setenv(f"RELAUNCH_{variable}", VALUES.get(variable, SECRET))
    return load_settings()


@pytest.mark.parametrize(("channel", "name"), EVERY)
async def test_every_provider_can_be_named_and_shows_no_secret(
    home: Path, monkeypatch: pytest.MonkeyPatch, channel: Channel, name: str
) -> None:
    settings = named(monkeypatch, channel, name)
    sender = senders_of(settings, rehearsal=False)[channel]
    assert (sender.name, sender.channel) == (name, channel)
    assert SECRET not in repr(sender) + repr(settings) + repr(settings.accounts.account("https://relaunch.example"))
    await sender.aclose()


@pytest.mark.parametrize(("channel", "name"), EVERY)
def test_a_setting_that_is_missing_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, channel: Channel, name: str
) -> None:
    for variable in NEEDED[name]:
        with monkeypatch.context() as patched:
            settings = named(patched, channel, name, variable)
            with pytest.raises(Misconfigured, match=f"RELAUNCH_{variable} is not set"):
                senders_of(settings, rehearsal=False)


def test_a_provider_that_nobody_knows_is_refused_with_the_names_of_those_there_are(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELAUNCH_EMAIL_PROVIDER", "pigeon")
    with pytest.raises(SettingsError, match="RELAUNCH_EMAIL_PROVIDER is 'pigeon'; expected 'brevo', 'mailgun'"):
        load_settings()


def test_every_source_of_events_has_its_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in EVENT_SOURCES:
        assert load_settings().accounts.webhook_secrets(source) == []
        monkeypatch.setenv(f"RELAUNCH_{source.upper()}_WEBHOOK_SECRET", "old, new")
        assert load_settings().accounts.webhook_secrets(source) == ["old", "new"]
    assert load_settings().accounts.webhook_secrets("pigeon") == []


def test_twilio_signs_with_the_token_that_it_is_asked_with(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert named(monkeypatch, Channel.SMS, "twilio").accounts.webhook_secrets("twilio") == [SECRET]


def test_text_messages_become_files_in_a_rehearsal_and_have_no_road_without_a_provider(home: Path) -> None:
    assert Channel.SMS not in senders_of(load_settings(), rehearsal=False)
    assert senders_of(load_settings(), rehearsal=True)[Channel.SMS].name == "files"
