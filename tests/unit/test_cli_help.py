import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from cli import main
from cli.failures import CommandError, explained
from cli.proof import PROMISES
from store.audit import Invariant
from store.db import ConflictError

ROOT = Path(__file__).parents[2]
HEAVY = ("sqlalchemy", "temporalio", "httpx", "pydantic", "jinja2", "fastapi", "alembic", "structlog")
CONTRACT = [
    *("up", "worker", "api", "relay", "doctor"),
    *("customer", "opt-out", "journeys", "show", "cancel", "pause", "resume", "send-now"),
    *("message", "preview", "pause-all", "resume-all", "kpis", "audit", "sweep", "poll", "outbox"),
    *("export", "erase", "certificate", "retention", "record-of-processing", "import", "join", "part", "restored"),
]
GROUPS = {
    "db": ["upgrade"],
    "policy": ["list", "show", "check"],
    "outbox": ["retry", "drop"],
    "announcements": ["retry", "drop"],
    "requests": ["done"],
    "tasks": ["close"],
    "key": ["add", "list", "revoke"],
    "webhook": ["read", "check"],
}


def words() -> Iterator[list[str]]:
    yield from ([name] for name in CONTRACT)
    for group, names in GROUPS.items():
        yield from ([group, name] for name in names)


@pytest.mark.parametrize("command", list(words()), ids=" ".join)
def test_every_command_explains_itself_with_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([*command, "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"Example: relaunch {' '.join(command)}" in said


@pytest.mark.parametrize("group", [[], *([name] for name in GROUPS)], ids=" ".join)
def test_every_list_of_commands_says_whole_what_each_one_does(
    group: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main.run([*group, "--help"]) == 0
    said = capsys.readouterr().out.partition("Commands:")[2].splitlines()
    assert max(len(line) for line in said) <= 80
    assert not [line for line in said if line.endswith("...")]


def test_no_command_is_forgotten_above() -> None:
    known = set(get_command(main.app).commands)  # type: ignore[attr-defined] # it is a group
    assert known == {*CONTRACT, *GROUPS}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_nothing_slow(option: str) -> None:
    script = (
        "import sys; from cli.main import run; code = run([sys.argv[1]]);"
        f"print([name for name in {HEAVY!r} if name in sys.modules], code, file=sys.stderr)"
    )
    said = subprocess.run([sys.executable, "-c", script, option], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stderr == "[] 0\n"


@pytest.mark.parametrize("wrong", [["nonsense"], ["show"], ["journeys", "--status", "asleep"], ["key", "add", "me"]])
def test_a_command_that_cannot_be_understood_is_one_line_and_two(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(wrong) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "--help" in err


def test_an_unexpected_error_is_one_line_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RELAUNCH_LOG_LEVEL", raising=False)
    monkeypatch.setattr(main, "app", failing(ValueError("odd\nand long")))
    assert main.run(["show"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("relaunch: unexpected ValueError: odd and long")
    assert said.count("\n") == 1


def test_a_traceback_comes_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RELAUNCH_LOG_LEVEL", "debug")
    monkeypatch.setattr(main, "app", failing(ValueError("odd")))
    assert main.run(["show"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_no_failure_of_ours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(main, "app", failing(KeyboardInterrupt()))
    assert main.run(["up"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("used", "waits"), [(True, [0.5]), (False, [])])
def test_the_threads_of_temporals_sdk_get_time_to_end(
    used: bool, waits: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    monkeypatch.setattr(sys, "argv", ["relaunch", "--version"])
    monkeypatch.setitem(sys.modules, "temporalio", sys)
    if not used:
        monkeypatch.delitem(sys.modules, "temporalio")
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert (ended.value.code, waited) == (0, waits)
    assert "relaunch" in capsys.readouterr().out


def test_every_promise_of_the_ledger_has_its_words() -> None:
    assert set(PROMISES) == set(Invariant)


def failing(error: BaseException) -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def show() -> None:
        raise error

    @app.command()
    def up() -> None:
        raise error

    return app


@pytest.mark.parametrize("error", [CommandError("do this"), ConflictError("do this")])
def test_our_own_errors_speak_for_themselves(error: Exception) -> None:
    assert explained(error) == "do this"


def test_an_error_of_the_file_system_names_the_file() -> None:
    assert explained(PermissionError(13, "Permission denied", "/x")) == "Permission denied: /x"
