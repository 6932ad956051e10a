"""Support's commands on an installation whose Temporal is down: the store alone answers and decides."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from cli.client import place, talk
from tests.cli import Shell, shell

ROOT = Path(__file__).parents[2]
NOTHING = "01999999-0000-7000-8000-000000000000"


@pytest.fixture
def sh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield from shell(tmp_path, monkeypatch, capsys)


def test_new_keys_are_shown_once_and_never_beside_the_data(sh: Shell) -> None:
    first, second = sh("journeys", "--json"), sh("journeys", "--json")
    assert first.json == second.json == {"items": [], "next_cursor": None}
    assert "made ingest key ingest_" in first.err
    assert "secret" not in first.err
    assert second.err == ""


def test_a_customer_is_found_with_and_without_a_journey(sh: Shell) -> None:
    journey = sh.cart()
    sh.event("Identify", {"email": "paul@shop.example", "first_name": "Paul"}, {})
    jeanne, paul = sh("customer", "jeanne@shop.example"), sh("customer", "PAUL@shop.example")
    assert jeanne.code == paul.code == 0
    assert journey in jeanne.out
    assert "email granted" in jeanne.out
    assert "Paul" in paul.out
    assert "journeys: none" in paul.out
    assert sh("customer", "jeanne@shop.example", "--json").json["items"][0]["journeys"][0]["id"] == journey


def test_what_a_customer_allows_and_where_they_live_is_said_in_words(sh: Shell) -> None:
    said = {"channel": "email", "state": "granted", "source": "form", "at": "2026-01-01T09:00:00Z"}
    both = [said | {"purpose": "cart_reminders"}, said | {"purpose": "win_back", "state": "withdrawn"}]
    sh.event("Identify", {"email": "paul@shop.example", "country": "FR", "consents": both}, {})
    order = {"order_id": "o1", "value": 4900, "currency": "EUR"}
    sh.event("Order Completed", {"email": "anna@shop.example", "locale": "fr"}, order)
    paul, anna = sh("customer", "paul@shop.example").out, sh("customer", "anna@shop.example").out
    assert "email granted for cart reminders; email withdrawn for winning back" in paul
    assert "\nlives in     FR\n" in paul
    assert "\nlanguage     fr\n" in anna
    assert "no consent on record; orders may allow it" in anna


def test_nobody_is_a_failure_in_one_line(sh: Shell) -> None:
    said = sh("customer", "nobody@shop.example", "--json")
    assert (said.code, said.json) == (1, {"items": []})
    assert said.err.splitlines()[-1].startswith("relaunch: no customer is known")


def test_an_objection_ends_the_journey_without_temporal(sh: Shell) -> None:
    journey = sh.cart()
    said = sh("opt-out", "jeanne@shop.example", "--channel", "email", "--reason", "by phone")
    assert said.code == 0
    assert "1 open journey ended" in said.out
    assert "Temporal hears of it" in said.err
    shown = sh("show", journey, "--json").json
    assert (shown["status"], shown["outcome"]) == ("closed", "opted_out")
    assert "email closed: objection" in sh("customer", "jeanne@shop.example").out


def test_an_objection_of_a_stranger_is_kept(sh: Shell) -> None:
    assert sh("opt-out", "later@shop.example", "--json").json["journeys_closed"] == 0
    sh.cart("later@shop.example")
    assert "email closed: objection" in sh("customer", "later@shop.example").out


def test_staff_can_hold_resume_and_end_a_journey_without_temporal(sh: Shell) -> None:
    journey = sh.cart()
    assert sh("pause", journey, "--json").json["status"] == "paused"
    assert sh("pause", journey).err.splitlines()[-1] == "relaunch: the journey is paused already"
    assert sh("resume", journey, "--json").json["status"] == "waiting"
    assert sh("cancel", journey).code == 2
    ended = sh("cancel", journey, "--reason", "bought in the shop", "--json")
    assert (ended.code, ended.json["outcome"]) == (0, "cancelled")
    assert sh("cancel", journey, "--reason", "again").code == 1


def test_a_send_needs_temporal_and_says_so(sh: Shell) -> None:
    said = sh("send-now", sh.cart())
    assert (said.code, said.out) == (1, "")
    assert "start `relaunch up`" in said.err


@pytest.mark.parametrize("command", [("show",), ("message",), ("pause",), ("cancel", "--reason", "x")])
@pytest.mark.parametrize("unknown", [NOTHING, "nonsense", "../etc", "é\u202e"])
def test_an_unknown_id_of_any_shape_is_one_line(sh: Shell, command: tuple[str, ...], unknown: str) -> None:
    sh("db", "upgrade")
    said = sh(command[0], unknown, *command[1:])
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[-1].startswith("relaunch: there is no")


def test_show_tells_what_happened_and_what_comes_next_in_the_shops_language(
    sh: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey = sh.cart()
    french = sh("show", journey).out
    assert "Panier repéré : 1 article, 49,00 EUR" in french
    assert "en attente" in french
    monkeypatch.setenv("RELAUNCH_SHOP_LOCALE", "en")
    english = sh("show", journey).out
    assert "Cart seen: 1 item, 49.00 EUR" in english
    assert "Next: the journey begins on" in english


def test_journeys_are_listed_by_state_and_cart(sh: Shell) -> None:
    first, second = sh.cart("a@shop.example"), sh.cart("b@shop.example")
    sh("cancel", first, "--reason", "x")
    assert [one["id"] for one in sh("journeys", "--status", "waiting", "--json").json["items"]] == [second]
    assert [one["id"] for one in sh("journeys", "--cart", "cart-of-a@shop.example", "--json").json["items"]] == [first]
    page = sh("journeys", "--limit", "1", "--json").json
    assert [one["id"] for one in page["items"]] == [second]
    assert page["next_cursor"] == second
    assert "--limit 0" in sh("journeys", "--limit", "1").err


def test_the_kill_switch_is_pulled_and_released(sh: Shell) -> None:
    sh("pause-all", "--channel", "email", "--reason", "wrong price")
    assert "staff has paused email" in sh("doctor").out
    assert "still paused" in sh("resume-all", "--channel", "sms").out
    assert "still paused" not in sh("resume-all").out
    assert "kill switch" not in sh("doctor").out


def test_the_outbox_lists_what_temporal_has_not_heard(sh: Shell) -> None:
    journey = sh.cart()
    rows = sh("outbox", "--json").json
    assert [(row["journey_id"], row["call"]) for row in rows] == [(journey, "start")]
    assert sh("outbox", "retry", rows[0]["id"]).code == 0
    assert sh("outbox", "drop", rows[0]["id"]).code == 0
    assert sh("outbox", "--json").json == []
    assert sh("outbox", "drop", rows[0]["id"]).code == 1


def test_a_key_is_shown_once_and_opens_until_it_is_revoked(sh: Shell) -> None:
    made = sh("key", "add", "marie", "--role", "staff", "--json").json
    assert made["key"].startswith("staff_")
    listed = sh("key", "list", "--json")
    assert made["key"] not in listed.out
    assert [(one["name"], one["role"]) for one in listed.json] == [
        ("admin", "admin"),
        ("ingest", "ingest"),
        ("marie", "staff"),
    ]
    assert sh("key", "add", "marie", "--role", "admin").code == 1
    assert sh("key", "revoke", "marie").code == 0
    assert sh("key", "revoke", "marie").code == 1


@pytest.mark.parametrize("name", ["admin", "ingest", "", "two\nlines", "x" * 65])
def test_a_name_that_no_key_can_have_is_refused(sh: Shell, name: str) -> None:
    assert sh("key", "add", name, "--role", "staff").code == 1


def test_a_sweep_says_whom_it_would_find_and_then_finds_them_once(sh: Shell) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=300)
    body = {"event": "Product Viewed", "timestamp": long_ago.isoformat(), "customer": {"email": "anna@shop.example"}}
    talk(lambda api: api.post(place("events"), body | {"properties": {"product_id": "p1", "name": "Lampe"}}))
    would = sh("sweep", "--dry-run", "--json").json
    assert [one["policy"] for one in would] == ["inactive"]
    assert sh("sweep", "--dry-run", "--json").json == would
    assert "1 inactive subscriber would" in sh("sweep", "--dry-run").out
    started = sh("sweep", "--json").json
    assert sh("show", started[0]["journey_id"], "--json").json["kind"] == "inactive"
    assert sh("sweep", "--json").json == []


def test_figures_come_with_what_they_were_counted_from(sh: Shell) -> None:
    found = sh("kpis", "--from", "2026-01-01", "--policy", "cart", "--json").json
    assert found["window"]["policy"] == "cart"
    assert found["totals"]["journeys_started"]["numerator"] == 0
    assert "NUMERATOR" in sh("kpis").out
    assert sh("kpis", "--to", "yesterday").code == 2


def test_the_audit_holds_on_an_honest_ledger(sh: Shell) -> None:
    sh.cart()
    sh("opt-out", "jeanne@shop.example")
    said = sh("audit")
    assert (said.code, sh("audit", "--json").json) == (0, [])
    assert "holds" in said.out


def test_the_audit_names_a_broken_promise(sh: Shell, tmp_path: Path) -> None:
    journey = sh.cart()
    with sqlite3.connect(tmp_path / "home" / "relaunch.db") as store:
        store.execute("UPDATE journeys SET status = 'closed'")
    said = sh("audit")
    assert said.code == 1
    assert "broken  every closed journey has its outcome" in said.out
    assert said.err == "relaunch: 1 entry breaks a promise\n"
    found = sh("audit", "--json")
    assert found.code == 1
    assert [(one["invariant"], one["subject"]) for one in found.json] == [("outcome", journey)]


def test_the_store_is_brought_up_to_date(sh: Shell) -> None:
    assert sh("db", "upgrade").code == 0
    assert "schema" in sh("doctor").out


def test_a_home_that_is_a_file_is_one_line(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    said = sh("journeys")
    assert (said.code, said.out) == (1, "")
    assert "RELAUNCH_HOME" in said.err
    assert said.err.count("\n") == 1


def test_a_store_that_is_no_database_is_one_line(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "relaunch.db").write_bytes(b"this is no database" * 100)
    said = sh("outbox")
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith("relaunch: the store refused")


def test_a_setting_that_makes_no_sense_is_one_line(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAUNCH_SHOP_TIMEZONE", "Mars/Base")
    said = sh("journeys")
    assert said.code == 1
    assert said.err.startswith("relaunch: RELAUNCH_SHOP_TIMEZONE")
    assert said.err.count("\n") == 1


def command(home: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a process of its own."""
    ours = {"RELAUNCH_HOME": str(home), "RELAUNCH_PORT": "1"} | settings
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAUNCH_")}
    line = [sys.executable, "-m", "cli.main", *words]
    return subprocess.run(line, cwd=ROOT, env=kept | ours, capture_output=True, text=True, check=False, timeout=60)


def test_a_cluster_that_does_not_answer_stops_no_support(sh: Shell, tmp_path: Path) -> None:
    journey = sh.cart()
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes calls, and never says a word
        place = f"127.0.0.1:{deaf.getsockname()[1]}"
        said = command(tmp_path / "home", "pause", journey, "--json", RELAUNCH_TEMPORAL_ADDRESS=place)
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["status"] == "paused"
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("_", range(3))
def test_a_command_that_used_temporal_ends_with_its_own_exit_code(tmp_path: Path, _: int) -> None:
    said = command(tmp_path / "home", "doctor", "--json", RELAUNCH_TEMPORAL_ADDRESS="127.0.0.1:1")
    assert said.returncode == 1, said.stderr
    assert [one["check"] for one in json.loads(said.stdout) if one["state"] == "error"] == ["Temporal"]


def test_a_reader_who_has_seen_enough_gets_no_traceback(tmp_path: Path) -> None:
    line = f"{sys.executable} -m cli.main policy show cart --json | head -1"
    env = os.environ | {"RELAUNCH_HOME": str(tmp_path)}
    said = subprocess.run(line, shell=True, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=60)  # noqa: S602
    assert said.stdout == "{\n"
    assert said.stderr == ""


@pytest.fixture
def port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        found: int = one.getsockname()[1]
        return found


@pytest.fixture
def api(tmp_path: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A running `relaunch api` on the home of the test."""
    ours = {"RELAUNCH_HOME": str(tmp_path / "home"), "RELAUNCH_PORT": str(port), "RELAUNCH_LOG_LEVEL": "error"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAUNCH_")}
    process = subprocess.Popen([sys.executable, "-m", "cli.main", "api"], cwd=ROOT, env=kept | ours)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            while not answers(http):
                assert process.poll() is None, "`relaunch api` ended"
        yield process
    finally:
        process.terminate()
        process.wait(30)


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/healthz").is_success
    except httpx.TransportError:
        return False


def test_a_running_api_answers_and_a_stopped_one_is_not_missed(
    sh: Shell, monkeypatch: pytest.MonkeyPatch, port: int, api: "subprocess.Popen[bytes]"
) -> None:
    monkeypatch.setenv("RELAUNCH_PORT", str(port))
    journey = sh.cart()
    held = sh("pause", journey)
    assert (held.code, held.err) == (0, "")
    monkeypatch.setenv("RELAUNCH_API_KEY", "a key that nobody has")
    assert "does not take RELAUNCH_API_KEY" in sh("journeys").err
    monkeypatch.delenv("RELAUNCH_API_KEY")
    api.terminate()
    assert api.wait(30) == 0
    freed = sh("resume", journey)
    assert freed.code == 0
    assert "Temporal hears of it" in freed.err


def test_an_api_of_another_home_is_left_alone(
    sh: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, port: int, api: "subprocess.Popen[bytes]"
) -> None:
    monkeypatch.setenv("RELAUNCH_HOME", str(tmp_path / "other"))
    sh("db", "upgrade")
    (tmp_path / "other" / "api_key").write_text("a key of another home")
    monkeypatch.setenv("RELAUNCH_PORT", str(port))
    said = sh("journeys", "--json")
    assert (said.code, said.json["items"]) == (0, [])
    assert "another installation's" in said.err
    assert api.poll() is None
