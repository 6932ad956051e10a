"""Looking for what names somebody in files, byte by byte: databases with their free room, logs, messages."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 20
_SOFT_BREAK: Final = b"=\r\n"  # where quoted-printable folds a line of a message (RFC 2045, 6.7)


def search_file(path: Path, spellings: Collection[bytes]) -> tuple[int, set[bytes]]:
    """Return a file's size in bytes, and which spellings (ASCII letters in lower case) stand in it; 0 when it is gone.

    Raises OSError when it cannot be read.
    """
    longest = max(map(len, spellings), default=1)
    size, tail, missing = 0, b"", set(spellings)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                window = tail + chunk.lower()
                missing -= {one for one in missing if one in window}
                if _SOFT_BREAK in window:
                    unfolded = window.replace(_SOFT_BREAK, b"")
                    missing -= {one for one in missing if one in unfolded}
                tail = window[1 - longest - len(_SOFT_BREAK) :]
    except FileNotFoundError:
        pass
    return size, set(spellings) - missing


def files_in(folder: Path, without: Collection[Path] = ()) -> Iterator[Path]:
    """Return the files below a folder, in the order of their names; not those in `without`, nor below one of them."""
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not any(path.is_relative_to(one) for one in without):
            yield path


def database_files(database: Path) -> list[Path]:
    """Return the files that SQLite keeps rows in: the database, its write-ahead log and its rollback journal."""
    return [database, *(database.with_name(database.name + end) for end in ("-wal", "-journal"))]
