"""The folder that one installation lives in: who holds it, and the secrets that it made for itself."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_LOCK: Final = "lock"
# The beginning says what a key is for, when one is found in a log or a chat.
_PREFIXES: Final = {"secret_key": "", "api_key": "admin_", "ingest_key": "ingest_"}


class HomeError(Exception):
    """The home cannot be used: it is held by somebody else, or the file system refuses."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of this installation; `new` when it was made just now, so that it is shown once."""

    name: str
    value: str = field(repr=False)
    new: bool


def make_home(home: Path) -> Path:
    """Make the folder, open to its owner alone, where it is missing; return it.

    Raises HomeError when it cannot be made or written to.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HomeError(f"cannot make RELAUNCH_HOME {home}: {error.strerror}; choose another folder") from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise HomeError(f"cannot write to RELAUNCH_HOME {home}; give it to this user, or choose another folder")
    return home


@contextmanager
def hold(home: Path) -> Iterator[None]:
    """Hold the home as long as the block runs; the end of the process, however violent, lets it go.

    Raises HomeError at once when another process holds it.
    """
    with (make_home(home) / _LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise HomeError(
                f"RELAUNCH_HOME {home} is in use by process {holder}; stop that one, or choose another RELAUNCH_HOME"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def load_secret(home: Path, name: str, given: str | None = None) -> Secret:
    """Return the secret `given` by the environment, else the one kept in the home, else a new one that is kept now.

    `name` is `secret_key`, `api_key` or `ingest_key`; the file of that name has mode 600.
    """
    if given:
        return Secret(name, given, new=False)
    path = make_home(home) / name
    new = not path.exists() and _keep(path, _PREFIXES[name] + secrets.token_urlsafe(32))
    try:
        path.chmod(0o600)
        value = path.read_text().strip()
    except OSError as error:
        raise HomeError(f"cannot read {path}: {error.strerror}") from error
    if not value:
        raise HomeError(f"{path} is empty; remove it, and a new {name} is made")
    return Secret(name, value, new)


def _keep(path: Path, value: str) -> bool:
    """Write a secret whole or not at all; say whether ours was the first."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value + "\n")
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink()
    return True
