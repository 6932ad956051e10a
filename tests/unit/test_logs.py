"""Lines of our own and of libraries look the same, on standard error, and none of them ever stops any work."""

import errno
import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from runtime import logs

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    structlog.reset_defaults()


def said(capsys: Capture) -> list[dict[str, Any]]:
    out, err = capsys.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def test_a_line_of_ours_and_a_line_of_a_library_have_the_same_shape(capsys: Capture) -> None:
    logs.configure("json", "info")
    structlog.get_logger().info("vase.sold", count=2, what={"a"})
    logging.getLogger("potter").info("made %d", 2)
    ours, theirs = said(capsys)
    assert list(ours) == ["count", "what", "event", "level", "logger", "timestamp"]
    assert list(theirs) == ["event", "level", "logger", "timestamp"]
    assert (ours["event"], ours["count"], ours["what"]) == ("vase.sold", 2, "{'a'}")
    assert (ours["level"], ours["logger"]) == ("info", __name__)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("made 2", "info", "potter")
    assert len(ours["timestamp"]) == len(theirs["timestamp"]) == len("2026-11-23T12:00:00.000000Z")


def test_both_are_heard_from_the_same_level_on(capsys: Capture) -> None:
    for level in ("debug", "info", "warning", "error"):
        logs.configure("json", level)
        for logger in (structlog.get_logger(), logging.getLogger("potter")):
            for name in ("debug", "info", "warning", "error", "critical"):
                getattr(logger, name)("said")
        heard = [line["level"] for line in said(capsys)]
        assert heard[0] == level
        assert heard[: len(heard) // 2] == heard[len(heard) // 2 :]


def test_both_tell_where_an_error_came_from(capsys: Capture) -> None:
    logs.configure("json", "info")
    try:
        int("vase")
    except ValueError as error:
        structlog.get_logger().exception("sale.failed")
        structlog.get_logger().error("sale.failed", exc_info=error)
        logging.getLogger("potter").exception("failed")
    traces = [line["exception"] for line in said(capsys)]
    assert len(traces) == 3
    assert traces[0].endswith("base 10: 'vase'")
    assert len(set(traces)) == 1


def test_people_read_both_without_braces(capsys: Capture) -> None:
    logs.configure("console", "info")
    structlog.get_logger().info("vase.sold", count=2)
    logging.getLogger("potter").warning("made 2")
    ours, theirs = capsys.readouterr().err.splitlines()
    assert "vase.sold" in ours
    assert "made 2" in theirs
    assert not {"{", "}"} & set(ours + theirs)


def test_what_has_spoken_before_follows_a_change_of_level_shape_and_place(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = structlog.get_logger()
    logs.configure("json", "error")
    logger.error("first")
    assert [line["event"] for line in said(capsys)] == ["first"]
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    logs.configure("console", "info")
    logger.info("second")
    out, err = capsys.readouterr()
    assert (err, "second" in out, "{" in out) == ("", True, False)


def test_a_line_is_there_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stderr", file)
        logs.configure("json", "info")
        structlog.get_logger().info("vase.sold")
        assert "vase.sold" in (tmp_path / "log").read_text(encoding="utf-8")


class Full(io.StringIO):
    """A standard error whose disk is full."""

    def write(self, _text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_that_cannot_be_written_stops_nothing(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, logger = io.StringIO(), structlog.get_logger()
    for broken in (Full(), closed):
        monkeypatch.setattr(sys, "stderr", broken)
        logs.configure("json", "info")
        closed.close()
        logger.error("vase.broken")
    monkeypatch.undo()
    logs.configure("json", "info")
    logger.info("vase.sold")
    assert [line["event"] for line in said(capsys)] == ["vase.sold"]
