import asyncio
import io
import json
import signal
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.client import place, talk
from tests.cli import Shell
from tests.cli import shell as make_shell
from tests.e2e.up import Up

JEANNE = "jeanne@shop.example"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield from make_shell(tmp_path, monkeypatch, capsys)


def known(shell: Shell, email: str = JEANNE) -> None:
    """Let somebody be known who has no journey."""
    shell.event("Product Viewed", {"email": email, "first_name": "Jeanne"}, {"product_id": "p1"})


def test_an_export_goes_into_a_file_that_nobody_else_reads(shell: Shell, tmp_path: Path) -> None:
    shell.cart()
    file = tmp_path / "jeanne.json"
    said = shell("export", JEANNE, "--output", str(file))
    assert said.code == 0, said.err
    (found,) = json.loads(file.read_text())
    assert (found["customer"]["email"], found["complete"], len(found["journeys"])) == (JEANNE, True, 1)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.glob(".*.part")) == []


def test_an_export_of_nobody_leaves_no_file(shell: Shell, tmp_path: Path) -> None:
    said = shell("export", "nobody@shop.example", "--output", str(tmp_path / "nobody.json"))
    assert (said.code, list(tmp_path.glob("*nobody*"))) == (1, [])
    assert "no customer is known" in said.err


def test_an_export_is_printed_for_another_program_with_every_record_of_the_address(shell: Shell) -> None:
    known(shell)
    shell.event("Identify", {"id": "u1", "email": JEANNE}, {})
    shell.event("Identify", {"id": "u2", "email": JEANNE}, {})
    said = shell("export", JEANNE)
    assert sorted(one["customer"]["external_id"] for one in said.json) == ["u1", "u2"]


def test_whoever_is_forgotten_without_a_running_up_is_forgotten_here_and_proved(shell: Shell, tmp_path: Path) -> None:
    known(shell)
    said = shell("erase", JEANNE, "--wait", "--yes", "--json")
    assert said.code == 0, said.err
    (job,) = said.json
    assert (job["state"], job["certificate"]["result"]) == ("certified", "clean")
    assert JEANNE.encode() not in b"".join(one.read_bytes() for one in (tmp_path / "home").glob("relaunch.db*"))
    shown = shell("certificate", job["id"])
    assert "certified" in shown.out
    assert "relaunch.db" in shown.out
    assert "backups" in shown.out
    assert shell("certificate", job["id"], "--json").json == job
    assert shell("erase", JEANNE, "--yes").code == 1
    assert shell("customer", JEANNE).code == 1


def test_a_certificate_that_waits_for_temporal_says_so(shell: Shell) -> None:
    shell.cart()
    said = shell("erase", JEANNE, "--wait", "--yes")
    assert said.code == 0, said.err
    assert "incomplete" in said.out
    assert "Temporal" in said.out
    assert shell("audit").code == 0


def test_without_waiting_the_next_up_does_the_rest(shell: Shell) -> None:
    known(shell)
    said = shell("erase", JEANNE, "--yes")
    assert "asked" in said.out
    assert "relaunch up" in said.err
    assert shell("certificate", said.out.split("relaunch certificate ")[1].split("`")[0]).out.endswith(
        "there is no certificate yet\n"
    )


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("y\n", 0)])
def test_on_a_terminal_it_asks_first(shell: Shell, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    known(shell)
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    said = shell("erase", JEANNE)
    assert said.code == code
    assert "for good" in said.err
    assert (shell("customer", JEANNE).code == 1) == (code == 0)


def test_retention_says_what_would_go_and_then_lets_it_go(shell: Shell) -> None:
    old = (datetime.now(UTC) - timedelta(days=1100)).isoformat()
    shell.event("Identify", {"email": "fresh@shop.example"}, {})
    body = {
        "event": "Product Viewed",
        "timestamp": old,
        "customer": {"email": JEANNE},
        "properties": {"product_id": "p"},
    }
    talk(lambda api: api.post(place("events"), body))
    dry = shell("retention", "--dry-run", "--json").json
    assert (dry["people"], dry["events"], dry["messages"], len(dry["quiet"])) == (1, 1, 0, 1)
    assert JEANNE not in str(dry)
    assert "1 people, 1 events" in shell("retention", "--dry-run").out
    assert shell("customer", JEANNE).code == 0
    assert shell("retention", "--json").json == {"people": 1, "events": 1, "messages": 0, "more": False}
    assert shell("customer", JEANNE).code == 1
    assert shell("customer", "fresh@shop.example").code == 0


def test_the_record_of_processing_is_written_or_printed(shell: Shell, tmp_path: Path) -> None:
    assert shell("record-of-processing", "--output", str(tmp_path / "record.html")).code == 0
    assert "Registre des activités de traitement" in (tmp_path / "record.html").read_text()
    assert "Record of processing activities" in shell("record-of-processing", "--locale", "en").out
    assert shell("record-of-processing", "--locale", "de").code == 2


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    installation = Up(tmp_path / "home")
    yield installation
    await installation.aclose()


async def test_an_installation_that_is_killed_in_the_middle_of_forgetting_goes_on_with_it(up: Up) -> None:
    """`kill -9` right after the answer: the next `up` deletes, searches Temporal too, and certifies."""
    await up.start()
    journey = await up.cart("c1", JEANNE, first_name="Jeanne", phone="+33698765432")
    await up.advance(journey, hours=1.1)
    assert len(up.messages()) == 1
    customer = (await up.journey(journey))["customer_id"]
    answer = await up.http.delete(f"/v1/customers/{customer}")
    assert answer.status_code == 202
    await up.stop(signal.SIGKILL)
    await up.start()
    job = answer.json()["id"]
    async with asyncio.timeout(30):
        while not (found := (await up.http.get(f"/v1/erasures/{job}")).json())["done_at"]:
            await asyncio.sleep(0.1)
    assert (found["state"], found["certificate"]["result"]) == ("certified", "clean"), found
    assert up.messages() == []
    places = {one["place"]: one for one in found["certificate"]["searched"]}
    assert places["temporal_histories"]["runs"] == 1
    assert places["temporal_file"]["bytes"] > 0
    files = [one for one in up.home.rglob("*") if one.is_file()]
    assert not [one for one in files if JEANNE.encode() in one.read_bytes() or b"33698765432" in one.read_bytes()]
    code, output = await up.command("audit")
    assert code == 0, output
