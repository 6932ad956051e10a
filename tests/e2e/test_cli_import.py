"""`relaunch import` as an operator types it: what it says, and what is there after it was killed half-way."""

import asyncio
import csv
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import Shell, shell

COMMAND = str(Path(sys.executable).with_name("relaunch"))
ROWS = 10_000


@pytest.fixture
def sh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield from shell(tmp_path, monkeypatch, capsys)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let commands hear Ctrl-C, though whoever runs the tests in the background hears none."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def write(path: Path, rows: int, *, wrong: int = 0) -> Path:
    """Write a file of customers of whom every so many-th has no address."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["customer_id", "email", "first_name"])
        for n in range(rows):
            writer.writerow([f"c{n}", "nobody" if wrong and n % wrong == 0 else f"a{n}@shop.example", "Camille"])
    return path


def test_it_says_what_was_taken_what_was_refused_and_where_it_says_why(sh: Shell, tmp_path: Path) -> None:
    file = write(tmp_path / "people.csv", 10, wrong=5)
    said = sh("import", str(file))
    assert (said.code, said.out) == (0, "customers: 8 rows taken, 2 refused\n")
    one = sh("import", str(write(tmp_path / "one.csv", 2, wrong=2)))
    assert one.out == "customers: 1 row taken, 1 refused\n"
    assert "people.csv.errors.csv" in said.err
    problems = (tmp_path / "people.csv.errors.csv").read_text()
    assert problems.splitlines() == [
        "row,column,problem",
        "2,email,is no e-mail address",
        "7,email,is no e-mail address",
    ]
    assert sh("customer", "a1@shop.example", "--json").json["items"][0]["profile"]["first_name"] == "Camille"


def test_a_file_that_was_imported_already_says_so(sh: Shell, tmp_path: Path) -> None:
    file = write(tmp_path / "people.csv", 3)
    sh("import", str(file))
    said = sh("import", str(file))
    assert (said.code, said.out.splitlines()[0]) == (0, "this file was imported already: nothing to do")
    found = sh("import", str(file), "--json").json
    assert (found["rows"], found["taken"], found["was_done"], found["errors"]) == (3, 3, True, None)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"", [], "is empty"),
        ("email\né\n".encode("latin-1"), [], "is not UTF-8"),
        (b"first_name\nA\n", [], "add --kind"),
        (b"email\nnobody\n", [], "no row of people.csv is usable"),
        (b"email\na@shop.example\n", ["--kind", "orders"], "no column order_id, timestamp"),
        (b"email\na@shop.example\n", ["--shop", "elsewhere"], "there is no shop 'elsewhere'"),
    ],
)
def test_a_file_that_cannot_be_imported_ends_with_1_and_one_line(
    sh: Shell, tmp_path: Path, content: bytes, options: list[str], words: str
) -> None:
    sh("key", "list")
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    said = sh("import", str(file), *options)
    assert said.code == 1
    assert words in said.err.splitlines()[-1]
    assert "Traceback" not in said.err


def test_a_kind_that_there_is_not_is_a_usage_error(sh: Shell, tmp_path: Path) -> None:
    said = sh("import", str(write(tmp_path / "people.csv", 1)), "--kind", "people")
    assert said.code == 2
    assert "customers, consents, products, orders or carts" in said.err


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
async def test_what_was_killed_half_way_goes_on_behind_what_is_stored(tmp_path: Path, blow: signal.Signals) -> None:
    file, home = write(tmp_path / "people.csv", ROWS, wrong=100), tmp_path / "home"
    env = {name: value for name, value in os.environ.items() if not name.startswith("RELAUNCH_")}
    env |= {"RELAUNCH_HOME": str(home), "RELAUNCH_PORT": "1"}
    first = await _start(env, file)
    async with asyncio.timeout(60):
        while not (stored := _rows(home)):
            assert first.returncode is None
            await asyncio.sleep(0.01)
    first.send_signal(blow)
    _, err = await first.communicate()
    assert first.returncode == (130 if blow is signal.SIGINT else -blow)
    assert ("goes on behind it" in err.decode()) is (blow is signal.SIGINT)
    stored = _rows(home)
    assert 0 < stored < ROWS
    assert _one(home, "SELECT count(*) FROM events") == _one(home, "SELECT accepted FROM imports")
    second = await _start(env, file)
    out, _ = await second.communicate()
    assert second.returncode == 0
    assert out.decode().splitlines() == [
        f"went on behind row {stored}",
        f"customers: {ROWS - ROWS // 100} rows taken, {ROWS // 100} refused",
    ]
    assert _one(home, "SELECT count(*) FROM customers") == ROWS - ROWS // 100
    said = (tmp_path / "people.csv.errors.csv").read_text().splitlines()
    assert said[1:] == [f"{n + 2},email,is no e-mail address" for n in range(0, ROWS, 100)]


async def _start(env: dict[str, str], file: Path) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(COMMAND, "import", str(file), env=env, stdout=pipe, stderr=pipe)


def _rows(home: Path) -> int:
    """Return how many rows of the file are stored, 0 before there is a store."""
    if not (home / "relaunch.db").exists():
        return 0
    try:
        return _one(home, "SELECT coalesce(max(rows), 0) FROM imports")
    except sqlite3.OperationalError:  # the tables are being made
        return 0


def _one(home: Path, statement: str) -> int:
    store = sqlite3.connect(f"file:{home / 'relaunch.db'}?mode=ro", uri=True)
    try:
        return int(store.execute(statement).fetchone()[0])
    finally:
        store.close()
