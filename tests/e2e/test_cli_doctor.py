"""What `doctor` finds, on real parts: mail servers, databases, folders."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from cli import probes
from cli.findings import Finding, State
from settings import Settings, load_settings
from tests.cli import Shell, shell
from tests.smtp_server import Mailbox

BREVO = {"SMS_PROVIDER": "brevo", "BREVO_KEY": "k"}
Probe = Callable[[Settings], AsyncIterator[Finding]]


@pytest.fixture
def sh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield from shell(tmp_path, monkeypatch, capsys)


async def asked(probe: Probe, **settings: str) -> list[Finding]:
    return [one async for one in probe(load_settings(**settings))]


def states(sh: Shell, check: str) -> list[str]:
    return [one["state"] for one in sh("doctor", "--json").json if one["check"] == check]


def test_a_fresh_installation_has_warnings_and_no_errors(sh: Shell) -> None:
    said = sh("doctor")
    assert (said.code, said.err) == (0, "")
    assert "no errors" in said.out
    assert "before real customers get mail, set RELAUNCH_SMTP_URL" in said.out


def test_looking_changes_nothing(sh: Shell, tmp_path: Path) -> None:
    sh("doctor")
    assert not (tmp_path / "home").exists()


def test_an_installation_without_faults_has_only_good_marks(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SENDER": "Atelier <bonjour@atelier.example>",
        "SHOP_NAME": "Atelier",
        "SHOP_URL": "https://atelier.example",
        "SHOP_POSTAL_ADDRESS": "1 rue du Test, Paris",
        "SHOP_PRIVACY_URL": "https://atelier.example/privacy",
        "PUBLIC_URL": "https://relaunch.atelier.example",
    }.items():
        monkeypatch.setenv(f"RELAUNCH_{name}", value)
    found = {one["check"] for one in sh("doctor", "--json").json if one["state"] != "ok"}
    assert found == {"Temporal", "e-mail"}


@pytest.mark.parametrize(
    ("name", "value", "check", "state"),
    [
        ("RELAUNCH_PUBLIC_URL", "http://relaunch.example", "public URL", "error"),
        ("RELAUNCH_PUBLIC_URL", "https://relaunch.example", "public URL", "ok"),
        ("RELAUNCH_SMTP_ULR", "x", "environment", "warning"),
        ("RELAUNCH_SMTP_URL", "smtp://127.0.0.1:1", "e-mail", "error"),
        ("RELAUNCH_SMTP_URL", "smtp://me@mail.example", "e-mail", "error"),
        ("RELAUNCH_TEMPORAL_ADDRESS", "127.0.0.1:1", "Temporal", "error"),
        ("RELAUNCH_DATABASE_URL", "postgresql+asyncpg://u:p@127.0.0.1:1/x", "store", "error"),
        ("RELAUNCH_POLICIES", "/nowhere", "policies", "error"),
    ],
)
def test_each_fault_is_named(
    sh: Shell, monkeypatch: pytest.MonkeyPatch, name: str, value: str, check: str, state: str
) -> None:
    monkeypatch.setenv(name, value)
    assert states(sh, check) == [state]
    said = sh("doctor")
    assert said.code == (state == "error")
    assert said.err == ""


def test_a_sender_on_localhost_is_an_error_once_mail_is_real(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "error" not in states(sh, "shop main")
    monkeypatch.setenv("RELAUNCH_SMTP_URL", "smtp://127.0.0.1:1")
    assert "error" in states(sh, "shop main")


def test_a_home_that_others_can_read_is_named_with_the_remedy(sh: Shell, tmp_path: Path) -> None:
    sh("db", "upgrade")
    assert states(sh, "home") == ["ok"]
    (tmp_path / "home").chmod(0o755)
    assert f"chmod go-rwx {tmp_path / 'home'}" in sh("doctor").out


def test_a_store_of_no_version_asks_for_the_upgrade(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "relaunch.db").touch()
    said = sh("doctor")
    assert said.code == 0
    assert "relaunch db upgrade" in said.out


def test_a_policy_with_a_mistake_is_an_error(sh: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.yaml").write_text("name: cart\n")
    monkeypatch.setenv("RELAUNCH_POLICIES", str(tmp_path))
    assert states(sh, "policies") == ["error"]
    assert "bad.yaml, line 1" in sh("doctor").out


@pytest.mark.parametrize("login", [None, ("me", "hunter2")])
async def test_a_mail_server_that_answers_is_good(login: tuple[str, str] | None) -> None:
    async with Mailbox(login=login) as mailbox:
        found = await asked(probes.smtp, smtp_url=mailbox.url)
    assert [one.state for one in found] == [State.OK]
    assert not mailbox.messages


async def test_a_wrong_password_is_named_and_never_repeated() -> None:
    async with Mailbox(login=("me", "right")) as mailbox:
        found = await asked(probes.smtp, smtp_url=mailbox.url.replace("right", "hunter2"))
    assert [one.state for one in found] == [State.ERROR]
    assert "hunter2" not in found[0].text


async def test_a_store_answers_on_either_engine(database_url: str) -> None:
    assert [one.state for one in await asked(probes.store, database_url=database_url)] == [State.OK]


async def test_clocks_are_compared_where_the_store_may_be_on_another_machine(empty_url: str) -> None:
    (found,) = await asked(probes.clock, database_url=empty_url)
    assert found.state is State.OK
    assert ("NTP" in found.text) is empty_url.startswith("sqlite")


@pytest.mark.parametrize(
    ("given", "check", "state"),
    [
        ({"EMAIL_PROVIDER": "postmark"}, "e-mail", ["error"]),
        ({"EMAIL_PROVIDER": "postmark", "POSTMARK_TOKEN": "t"}, "e-mail", ["ok"]),
        ({"EMAIL_PROVIDER": "postmark", "POSTMARK_TOKEN": "t"}, "events", ["warning"]),
        ({"EMAIL_PROVIDER": "postmark", "POSTMARK_TOKEN": "t", "POSTMARK_WEBHOOK_SECRET": "s"}, "events", []),
        ({"EMAIL_PROVIDER": "brevo", "BREVO_KEY": "k"}, "e-mail", ["ok", "warning"]),
        ({**BREVO, "SHOP_SMS_SENDER": "0612345678", "SENDER": "A <a@a.example>"}, "shop main", ["error"]),
        ({"DKIM_KEY": "gone.pem"}, "DKIM", ["error"]),
    ],
)
def test_the_accounts_with_providers_are_looked_at(
    sh: Shell, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], check: str, state: list[str]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"RELAUNCH_{name}", value)
    assert [one for one in states(sh, check) if check != "shop main" or one == "error"] == state
