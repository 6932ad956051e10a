import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from cli.up import facts
from runtime.accounts import Accounts
from runtime.home import HomeError, hold, load_secret, make_home
from runtime.installation import opened
from settings import Settings

ROOT = Path(__file__).parents[2]
HOLDER = """
import signal, sys
from pathlib import Path
from runtime.home import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    signal.pause()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert mode(make_home(tmp_path / "new")) == 0o700


def test_a_home_that_cannot_be_made_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match=r"cannot make RELAUNCH_HOME .*/file/home: Not a directory; choose another"):
        make_home(tmp_path / "file" / "home")


def test_a_secret_is_made_once_and_read_from_then_on(tmp_path: Path) -> None:
    first, second = load_secret(tmp_path, "api_key"), load_secret(tmp_path, "api_key")
    assert (first.new, second.new) == (True, False)
    assert first.value == second.value
    assert first.value.startswith("admin_")
    assert len(first.value) >= 32
    assert mode(tmp_path / "api_key") == 0o600
    assert first.value not in repr(first)


def test_a_secret_that_was_left_open_is_closed_again(tmp_path: Path) -> None:
    load_secret(tmp_path, "secret_key")
    (tmp_path / "secret_key").chmod(0o644)
    load_secret(tmp_path, "secret_key")
    assert mode(tmp_path / "secret_key") == 0o600


def test_the_environment_overrides_what_is_kept(tmp_path: Path) -> None:
    kept = load_secret(tmp_path, "ingest_key")
    given = load_secret(tmp_path, "ingest_key", "given by the environment")
    assert (given.value, given.new) == ("given by the environment", False)
    assert load_secret(tmp_path, "ingest_key").value == kept.value


def test_an_empty_secret_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(HomeError, match="secret_key is empty; remove it"):
        load_secret(tmp_path, "secret_key")


def test_a_home_has_one_holder_until_that_one_dies(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(HomeError, match=f"is in use by process {holder.pid}; stop that one"), hold(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with hold(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


async def said(settings: Settings) -> dict[str, str]:
    async with opened(settings) as installation:
        return dict(facts(installation, "127.0.0.1:7233"))


async def test_a_first_start_shows_the_keys_and_later_ones_say_where_they_lie(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    first, second = await said(settings), await said(settings)
    assert (settings.home / "ingest_key").read_text().strip() in first["ingest key"]
    assert ("keys" in first, second["keys"]) == (False, f"api_key and ingest_key in {settings.home}")
    assert not [name for name in second if name.endswith(" key")]


async def test_a_start_says_how_messages_leave(tmp_path: Path) -> None:
    files = Settings(home=tmp_path / "home")
    brevo = files.model_copy(update={"accounts": Accounts(email_provider="brevo", brevo_key=SecretStr("k"))})
    assert (await said(files))["messages"] == f"as files in {files.outbox_dir}"
    assert (await said(brevo))["messages"] == "by brevo"
