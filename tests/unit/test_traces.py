from pathlib import Path

import pytest

from runtime import traces
from runtime.traces import database_files, files_in, search_file


@pytest.mark.parametrize("before", range(12))
def test_what_lies_across_two_chunks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    monkeypatch.setattr(traces, "_CHUNK", 8)
    file = tmp_path / "a"
    file.write_bytes(b"x" * before + b"JEANNE@shop.example" + b"y" * 30)
    assert search_file(file, {b"jeanne@shop.example", b"paul"}) == (before + 49, {b"jeanne@shop.example"})


@pytest.mark.parametrize("before", range(12))
def test_what_a_message_folds_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    monkeypatch.setattr(traces, "_CHUNK", 16)
    file = tmp_path / "a"
    file.write_bytes(b"x" * before + b"jeanne@sho=\r\np.example" + b"y" * 30)
    assert search_file(file, {b"jeanne@shop.example"})[1] == {b"jeanne@shop.example"}


def test_a_file_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert search_file(tmp_path / "none", {b"x"}) == (0, set())


def test_files_are_listed_below_a_folder_without_links_and_without_what_is_searched_elsewhere(tmp_path: Path) -> None:
    for name in ("a.log", "deep/b.txt", "outbox/c.eml", "d.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "a.log")
    found = files_in(tmp_path, [tmp_path / "outbox", tmp_path / "d.db"])
    assert [str(one.relative_to(tmp_path)) for one in found] == ["a.log", "deep/b.txt"]
    assert list(files_in(tmp_path / "none")) == []
    assert [one.name for one in database_files(tmp_path / "d.db")] == ["d.db", "d.db-wal", "d.db-journal"]
