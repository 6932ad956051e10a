import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import Shell
from tests.cli import shell as make_shell

JEANNE = "jeanne@shop.example"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield from make_shell(tmp_path, monkeypatch, capsys)


def two(shell: Shell) -> tuple[str, str]:
    """Let there be an account and a guest; return their ids."""
    shell.event("Identify", {"email": JEANNE}, {})
    shell.event("Identify", {"id": "u1"}, {})
    ids = [shell("customer", who, "--json").json["items"][0]["customer_id"] for who in ("u1", JEANNE)]
    return ids[0], ids[1]


def test_two_customers_are_joined_and_shown_as_one_person(shell: Shell) -> None:
    account, guest = two(shell)
    said = shell("join", account, guest, "--reason", "said so by phone")
    assert (said.code, guest in said.out) == (0, True), said.err
    shown = shell("customer", JEANNE)
    root, alias = sorted(shown.out.split("\n\n"), key=lambda person: "alias of" in person)
    assert (account in root, f"aliases        {guest}" in root) == (True, True)
    assert f"alias of     {account}" in alias
    exports = json.loads(shell("export", JEANNE).out)
    assert {one["customer"]["id"] for one in exports} == {account, guest}


def test_an_alias_is_parted_again(shell: Shell) -> None:
    account, guest = two(shell)
    shell("join", account, guest, "--reason", "said so")
    said = shell("part", guest, "--reason", "two sisters", "--json")
    assert (said.code, said.json["items"][0]["root_id"]) == (0, None)
    again = shell("part", guest, "--reason", "two sisters")
    assert (again.code, "nothing to part" in again.err) == (1, True)
