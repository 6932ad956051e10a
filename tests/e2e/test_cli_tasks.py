"""Call-backs on the command line, with Temporal away: the store alone answers and decides."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.client import on_store
from runtime import clock
from runtime.installation import Installation
from tests.builders import HOUR
from tests.called_back import CALLS, PHONE, asked, willing
from tests.cli import Shell, shell
from tests.known_shop import INACTIVE, KnownShop

NOTHING = "01999999-0000-7000-8000-000000000000"
POLICY = """
name: cart
trigger: {kind: cart}
steps:
  - {name: call-back, at: J0, channel: call}
  - {name: reminder, at: J+3, channel: email}
"""


@pytest.fixture
def sh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    for terminal in shell(tmp_path, monkeypatch, capsys):
        (tmp_path / "policies").mkdir()
        (tmp_path / "policies" / "cart.yaml").write_text(POLICY)
        monkeypatch.setenv("RELAUNCH_POLICIES", str(tmp_path / "policies"))
        yield terminal


def call_back(name: str = "jeanne", phone: str = PHONE) -> str:
    """Have staff asked to call somebody where it is noon now, and return the journey."""

    async def work(installation: Installation) -> str:
        now = clock.now()
        zone = f"Etc/GMT{now.hour - 12:+d}"
        who = willing(name, at=now - HOUR, phone=phone, country="US", timezone=zone)
        return await asked(KnownShop(installation.db, CALLS, INACTIVE), who, f"cart-{name}", at=now)

    return on_store(work)


def test_the_list_says_whom_to_call_when_and_what_about(sh: Shell) -> None:
    assert "call-backs: none" in sh("tasks").out
    journey = call_back()
    said = sh("tasks")
    assert said.code == 0
    assert [word in said.out for word in ("Jeanne", PHONE, "890.00 EUR", "cart, call-back", "now")] == [True] * 5
    assert "Bonjour" in said.out  # the briefing
    (task,) = sh("tasks", "--json").json["items"]
    assert (task["journey_id"], task["status"], task["phone"]) == (journey, "open", PHONE)


def test_a_call_is_closed_and_leaves_the_list(sh: Shell) -> None:
    journey = call_back()
    (task,) = sh("tasks", "--json").json["items"]
    closed = sh("tasks", "close", task["id"], "--result", "reached", "--note", "rappellera")
    assert (closed.code, closed.out.strip()) == (0, "closed: reached")
    assert sh("tasks", "--json").json["items"] == []
    assert "reached" in sh("tasks", "--all").out
    (done,) = sh("tasks", "--all", "--json").json["items"]
    assert (done["result"], done["note"], done["closed_by"]) == ("reached", "rappellera", "admin")
    assert "rappel clos par admin, client joint : rappellera" in sh("show", journey).out


def test_whoever_declines_is_called_no_more(sh: Shell) -> None:
    journey = call_back()
    (task,) = sh("tasks", "--json").json["items"]
    said = sh("tasks", "close", task["id"], "--result", "declined")
    assert "nobody calls them again" in said.out
    assert "Temporal hears of it" in said.err
    assert sh("show", journey, "--json").json["outcome"] == "opted_out"
    assert "call closed: objection" in sh("customer", "jeanne@example.com").out


def test_a_call_after_a_stop_is_listed_with_its_reason_only_when_everything_is(sh: Shell) -> None:
    call_back()
    sh("opt-out", "jeanne@example.com", "--channel", "call")
    assert "call-backs: none" in sh("tasks").out
    assert "moot: journey_closed" in sh("tasks", "--all").out


def test_a_held_call_says_what_holds_it(sh: Shell) -> None:
    call_back()
    sh("pause-all", "--channel", "call")
    assert "(kill_switch)" in sh("tasks").out
    sh("resume-all", "--channel", "call")
    assert "(kill_switch)" not in sh("tasks").out


def test_a_call_that_cannot_be_closed_is_one_line(sh: Shell) -> None:
    sh("db", "upgrade")
    for unknown in (NOTHING, "nonsense"):
        said = sh("tasks", "close", unknown, "--result", "reached")
        assert (said.code, said.out, said.err.splitlines()[-1]) == (1, "", "relaunch: there is no such task")
    call_back()
    (task,) = sh("tasks", "--json").json["items"]
    assert sh("tasks", "close", task["id"]).code == 2
    assert sh("tasks", "close", task["id"], "--result", "sold").code == 2
    sh("tasks", "close", task["id"], "--result", "no_answer")
    again = sh("tasks", "close", task["id"], "--result", "reached")
    assert (again.code, again.err.splitlines()[-1]) == (1, "relaunch: the task is closed already")
