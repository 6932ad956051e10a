"""`relaunch restored` on the command line; what it does to journeys is in `tests/contract/test_restored.py`."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from runtime import clock
from runtime.home import hold
from tests.cli import Shell
from tests.cli import shell as make_shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield from make_shell(tmp_path, monkeypatch, capsys)


def ago(length: timedelta) -> str:
    return (clock.now() - length).isoformat()


def test_it_says_what_is_lost_and_what_brings_it_back(shell: Shell) -> None:
    shell.cart()
    said = shell("restored", "--from", ago(timedelta(hours=3)))
    assert (said.code, said.err) == (0, "")
    assert "open journeys: 1; a step due by now, called unknown and not sent: 0" in said.out
    assert [word for word in ("pause-all", "poll --again", "import FILE") if f"relaunch {word}" not in said.out] == []
    assert max(len(line) for line in said.out.splitlines()) <= 80


def test_it_comes_as_json_too(shell: Shell) -> None:
    shell.cart()
    said = shell("restored", "--from", ago(timedelta(hours=3)), "--json")
    assert (said.json["journeys"], said.json["due"]) == (1, 0)


def test_it_is_refused_while_relaunch_runs_on_the_same_home(shell: Shell, tmp_path: Path) -> None:
    shell.cart()
    (home,) = [path.parent for path in tmp_path.rglob("relaunch.db")]
    with hold(home):
        said = shell("restored", "--from", ago(timedelta(hours=3)))
    assert (said.code, said.out) == (1, "")
    assert "is in use by process" in said.err
    assert shell("restored", "--from", ago(timedelta(hours=3))).code == 0


@pytest.mark.parametrize("time", ["yesterday", "2026-11-02T12:00:00"])
def test_a_time_without_its_zone_is_not_understood(shell: Shell, time: str) -> None:
    assert shell("restored", "--from", time).code == 2


def test_a_backup_from_the_future_is_refused(shell: Shell) -> None:
    said = shell("restored", "--from", ago(-timedelta(hours=1)))
    assert (said.code, "lies in the future" in said.err) == (1, True)
