from datetime import UTC, datetime, timedelta

import pytest

from cli.show import amount, calm, coloured, moment, pairs, safe, span, table, timeline

PARIS = "Europe/Paris"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("length", "locale", "said"),
    [
        (timedelta(days=2, hours=23, minutes=5), "en", "2 d 23 h"),
        (timedelta(days=2, hours=23), "fr", "2 j 23 h"),
        (timedelta(hours=1, seconds=59), "en", "1 h"),
        (timedelta(seconds=20), "en", "0 min"),
        (timedelta(seconds=-20), "en", "0 min"),
    ],
)
def test_a_length_of_time_has_two_units_at_most(length: timedelta, locale: str, said: str) -> None:
    assert span(length, locale) == said


def test_a_time_is_shown_by_the_shops_clock() -> None:
    assert moment("2026-07-01T22:30:00Z", PARIS) == "2026-07-02 00:30"
    assert moment(datetime(2026, 1, 1, 12, tzinfo=UTC), PARIS) == "2026-01-01 13:00"
    assert moment(None, PARIS) is None


@pytest.mark.parametrize(("minor", "currency", "said"), [(14900, "EUR", "149.00 EUR"), (500, "JPY", "500 JPY")])
def test_money_has_the_decimals_of_its_currency(minor: int, currency: str, said: str) -> None:
    assert amount(minor, currency) == said


def test_foreign_text_steers_no_terminal_and_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    assert calm("a\x1b[31mb\x07") == "a[31mb"
    pairs([("name", safe("[red]x[/]\x1b]0;title\x07"))])
    assert capsys.readouterr().out == "name  [red]x[/]]0;title\n"


def test_a_table_in_a_pipe_is_plain_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    table("things", ("id", "note"), [("1", "x" * 200), ("22", None)], wide=("note",))
    assert capsys.readouterr().out.splitlines() == ["things", "ID  NOTE", f"1   {'x' * 200}", "22  –"]


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    table("things", ("id",), [])
    assert capsys.readouterr().out == "things: none\n"


def test_a_table_on_a_terminal_has_colours_and_fits_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    journey = "0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77"
    table("journeys", ("id", "state", "cart"), [(journey, "waiting", "T1")], wide=("cart",))
    said = capsys.readouterr().out
    assert f"{journey}  \x1b[36mwaiting" in said
    assert "T1" not in said


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    pairs([("state", coloured("sent"))])
    assert "\x1b[3" not in capsys.readouterr().out


def test_a_timeline_names_each_message_once(capsys: pytest.CaptureFixture[str]) -> None:
    sent = {"type": "decision", "verdict": "sent", "text": "sent it", "delivery_id": "d1"}
    accepted = {"type": "delivery", "state": "sent", "text": "accepted", "delivery_id": "d1"}
    timeline([("12:00", sent), ("12:01", accepted), ("12:02", {"type": "next", "text": "more"})])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["12:00  ✓  sent it relaunch message d1", "12:01  ✓  accepted", "12:02  ▷  more"]
