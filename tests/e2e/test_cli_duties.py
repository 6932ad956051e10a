"""Requests of the law, and what a shop could not be told, on the command line."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from announcing import listener
from cli.client import load, on_store
from models.announcing import ended
from models.requests import RequestKind
from runtime import clock
from store import announcements, requests
from store.schema import REQUESTS
from tests.cli import Shell
from tests.cli import shell as make_shell
from tests.receiver import SECRET

NOBODY = "0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    yield from make_shell(tmp_path, monkeypatch, capsys)


@pytest.fixture
def crm(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shop whose receiver is down."""
    monkeypatch.setenv("RELAUNCH_WEBHOOK_URL", "http://127.0.0.1:1/hook")
    monkeypatch.setenv("RELAUNCH_WEBHOOK_SECRET", SECRET)
    return shell


def write(work: Any, *args: Any, **kwargs: Any) -> Any:
    async def run(installation: Any) -> Any:
        return await installation.db.write(work, *args, **kwargs)

    return on_store(run)


def asked(shell: Shell, *, due: timedelta = timedelta(days=30)) -> str:
    """Have somebody ask to see what is kept, and return the request's id."""
    write(requests.note, "main", RequestKind.ACCESS, NOBODY, "storefront", clock.now(), "9999")
    change = update(REQUESTS).values(due_at=clock.now() + due)
    write(lambda connection: connection.execute(change))
    return str(shell("requests", "--open", "--json").json["items"][0]["id"])


def doctor(shell: Shell, check: str) -> list[tuple[str, str]]:
    said = shell("doctor", "--json")
    return [(one["state"], one["text"]) for one in said.json if one["check"] == check]


def test_a_request_is_listed_until_it_is_done(shell: Shell) -> None:
    request = asked(shell)
    said = shell("requests", "--open")
    assert request in said.out
    assert "access" in said.out
    done = shell("requests", "done", request)
    assert (done.code, "done: access" in done.out) == (0, True)
    assert shell("requests", "--open", "--json").json["items"] == []
    assert shell("requests", "--json").json["items"][0]["done_by"] is not None
    unknown = shell("requests", "done", NOBODY)
    assert (unknown.code, unknown.out) == (1, "")
    assert "no such request" in unknown.err


def test_a_request_and_its_day_stand_on_one_line_of_a_narrow_terminal(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(shell)
    for name, value in (("FORCE_COLOR", "1"), ("COLUMNS", "80")):
        monkeypatch.setenv(name, value)
    (line,) = [line for line in shell("requests").out.splitlines() if request in line]
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", line)


@pytest.mark.parametrize(
    ("due", "state"), [(timedelta(days=30), None), (timedelta(days=6), "warning"), (timedelta(days=-1), "error")]
)
def test_the_doctor_speaks_of_requests_before_and_after_their_day(
    shell: Shell, due: timedelta, state: str | None
) -> None:
    asked(shell, due=due)
    assert [one for one, _ in doctor(shell, "requests")] == ([] if state is None else [state])
    assert ("overdue" in shell("requests").out) == (state == "error")


def set_aside(shell: Shell) -> str:
    """Have something be announced that nobody hears for days, and return its id."""
    write(announcements.announce, "main", [ended("x", "j", "cart", "cart", "expired", clock.now())], clock.now())
    while True:
        (row,) = shell("announcements", "--json").json
        if row["set_aside"]:
            return str(row["id"])
        known = announcements.AnnouncementRow(**row)
        write(announcements.missed, known, "the receiver cannot be reached", clock.now(), timedelta())


def test_what_a_shop_could_not_be_told_is_listed_tried_again_and_dropped(crm: Shell) -> None:
    row = set_aside(crm)
    said = crm("announcements")
    assert ("set aside" in said.out, "journey.closed" in said.out) == (True, True)
    assert [one for one, _ in doctor(crm, "announcements")] == ["warning"]
    assert crm("announcements", "retry", row).code == 0
    assert not crm("announcements", "--json").json[0]["set_aside"]
    assert crm("announcements", "retry", "--all").code == 0
    assert crm("announcements", "drop", row).code == 0
    assert crm("announcements", "--json").json == []
    for words in (("drop", row), ("retry", row), ("retry",), ("retry", row, "--all")):
        assert crm("announcements", *words).code == 1


def test_the_doctor_says_that_a_receiver_is_gone(crm: Shell) -> None:
    shop = load().shops[0]
    receiver = listener(shop)
    assert receiver is not None
    row = announcements.AnnouncementRow("1", shop.id, None, "journey.closed", {}, clock.now(), clock.now())
    write(announcements.gone, row, receiver.name, "410", clock.now())
    ((state, text),) = doctor(crm, "announcements")
    assert (state, "410" in text) == ("error", True)


def test_an_objection_on_the_command_line_is_told_to_a_shop_that_listens(crm: Shell) -> None:
    crm.cart()
    assert crm("opt-out", "jeanne@shop.example").code == 0
    types = [one["type"] for one in crm("announcements", "--json").json]
    assert (types[0], types[-1]) == ("customer.opted_out", "journey.closed")
