import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import Shell, shell

GOOD = """name: cart
trigger: {kind: cart}
steps:
  - {name: reminder, at: J0, channel: email, template: cart/reminder}
"""
BAD = GOOD.replace("at: J0", "at: soon").replace("kind: cart", "kind: basket")


@pytest.fixture
def sh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield from shell(tmp_path, monkeypatch, capsys)


def test_check_finds_nothing_in_a_good_file(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    said = sh("policy", "check", str(tmp_path / "good.yaml"))
    assert (said.code, said.err) == (0, "")
    assert "no mistake" in said.out


def test_check_names_line_and_field_of_every_mistake(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    said = sh("policy", "check", str(tmp_path / "bad.yaml"))
    assert said.code == 1
    assert "bad.yaml:2: trigger.kind" in said.out
    assert "bad.yaml:4: steps[0].at" in said.out
    found = sh("policy", "check", str(tmp_path / "bad.yaml"), "--json")
    assert found.code == 1
    assert [(one["line"], one["field"]) for one in found.json] == [(2, "trigger.kind"), (4, "steps[0].at")]


def test_check_reads_standard_input(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(GOOD))
    assert sh("policy", "check", "-").code == 0


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_check_says_why_a_file_cannot_be_read(sh: Shell, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "odd.yaml").write_bytes(content)
    said = sh("policy", "check", str(tmp_path / "odd.yaml"))
    assert said.code == 1
    assert said.err.count("\n") == 1


def test_list_and_show_speak_json(sh: Shell) -> None:
    assert [one["name"] for one in sh("policy", "list", "--json").json] == ["cart", "inactive"]
    shown = sh("policy", "show", "cart", "--json").json
    assert [step["name"] for step in shown["steps"]] == ["reminder", "social-proof", "incentive"]
    assert shown["hash"]


def test_an_unknown_policy_is_answered_with_the_known_ones(sh: Shell) -> None:
    said = sh("policy", "show", "nothing")
    assert (said.code, said.out) == (1, "")
    assert said.err == "relaunch: there is no policy 'nothing'; there are: cart, inactive\n"


def test_a_policy_file_with_a_mistake_is_one_line(sh: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "bad.yaml").write_text(BAD)
    monkeypatch.setenv("RELAUNCH_POLICIES", str(folder))
    said = sh("policy", "list")
    assert said.code == 1
    assert said.err.startswith("relaunch: bad.yaml, line 2, trigger.kind")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(("locale", "word"), [("fr", "Bonjour"), ("en", "Hello")])
def test_a_preview_shows_subject_and_text(sh: Shell, locale: str, word: str) -> None:
    said = sh("preview", "cart", "reminder", "--locale", locale)
    assert said.code == 0
    assert said.out.startswith("Subject: ")
    assert word in said.out


def test_a_preview_is_in_the_shops_name(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAUNCH_SHOP_NAME", "Atelier Vert")
    assert "Atelier Vert" in sh("preview", "inactive", "social-proof", "--segment", "deep").out


def test_a_preview_can_be_written_as_html(sh: Shell, tmp_path: Path) -> None:
    assert sh("preview", "cart", "incentive", "--html", str(tmp_path / "x.html")).code == 0
    assert "<html" in (tmp_path / "x.html").read_text()


def test_a_sent_preview_says_where_it_went(sh: Shell, tmp_path: Path) -> None:
    said = sh("preview", "cart", "reminder", "--send-to", "me@shop.example")
    files = list((tmp_path / "home" / "outbox").glob("preview-*.eml"))
    assert said.code == 0
    assert str(files[0]) in said.out
    assert b"To: me@shop.example" in files[0].read_bytes()


@pytest.mark.parametrize(
    "wrong", [("cart", "nothing"), ("nothing", "reminder"), ("cart", "reminder", "--segment", "x")]
)
def test_a_preview_of_nothing_is_refused(sh: Shell, wrong: tuple[str, ...]) -> None:
    said = sh("preview", *wrong)
    assert (said.code, said.out) == (1, "")
    assert said.err.count("\n") == 1


def test_a_preview_to_no_address_is_refused(sh: Shell) -> None:
    said = sh("preview", "cart", "reminder", "--send-to", "nobody")
    assert said.code == 1
    assert said.err.count("\n") == 1
