"""Runs the Temporal server of this machine, and finds the one that a killed process has left behind."""

import asyncio
import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError

_HOST: Final = "127.0.0.1"
_DYNAMIC: Final = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    # The limits are there for clusters that many share; this server has one owner.
    "frontend.rps=100000",
    "frontend.namespaceRPS=100000",
)
# A killed server loses nothing in this mode; a power cut may cost the last moments, which the store knows again.
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=NORMAL")
_START_S: Final = 30.0
_ADOPT_S: Final = 5.0
_STOP_S: Final = 10.0
_ASK_S: Final = 5.0
_POLL_S: Final = 0.1
_SAID_LINES: Final = 3


class ServerError(Exception):
    """The server did not start, or did not stay."""


@dataclass(frozen=True, slots=True)
class _Note:
    """What `temporal.pid` says of a running server."""

    pid: int
    port: int
    binary: str
    namespace: str


class Server:
    """The Temporal server of one home: started, adopted when it was left behind, stopped.

    The server itself holds a lock on `temporal.pid` as long as it lives, so nothing else is ever taken for it. Owners
    hold the home's own lock: two of them never come here at once.
    """

    def __init__(
        self,
        binary: Path,
        home: Path,
        *,
        port: int | None = None,
        namespace: str = "default",
        search_attributes: Sequence[SearchAttributeKey[Any]] = (),
    ) -> None:
        """Prepare to run `binary` on `port`, a free one by default, with its database in `home`.

        The namespace is made where it is missing, and knows the search attributes when the server answers.
        """
        self.port = port
        self.namespace = namespace
        self.adopted = False
        """Whether `start` found the server running."""
        self._binary = binary
        self._home = home
        self._attributes = search_attributes
        self._pid_file = home / "temporal.pid"
        self._log = home / "temporal.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        """Return host and port; there is none before the first start."""
        return f"{_HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Start the server, or adopt the one that runs already, and return when it answers.

        It may be called again when the server has died; the port stays the same. Raises ServerError.
        """
        self.adopted = await self._adopt()
        if not self.adopted:
            await self.stop()
            try:
                await self._spawn()
            except BaseException:  # a start that is given up leaves nothing behind
                await self.stop()
                raise

    async def stop(self) -> None:
        """Stop the server, with violence after ten seconds; nothing happens when none runs."""
        for force, patience in ((signal.SIGTERM, _STOP_S), (signal.SIGKILL, _STOP_S)):
            note = self._note()
            if note is None:
                break
            with suppress(ProcessLookupError):  # it went by itself just now
                os.kill(note.pid, force)
            await self._gone(patience)
        if self._process is not None:
            await self._process.wait()
            self._process = None

    async def died(self) -> None:
        """Return when the server is no longer there."""
        await self._gone(None)

    async def _adopt(self) -> bool:
        note = self._note()
        wanted = (_fingerprint(self._binary), self.namespace)
        if note is None or (note.binary, note.namespace) != wanted or self.port not in {None, note.port}:
            return False
        if not await _answers(f"{_HOST}:{note.port}", self.namespace, _ADOPT_S):
            return False
        self.port = note.port
        return True

    async def _spawn(self) -> None:
        self.port = self.port or _free_port()
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._pid_file.open("w+b") as pid_file, self._log.open("wb") as log:
            if not _lock(pid_file, fcntl.LOCK_EX):
                raise ServerError(f"an unknown process holds {self._pid_file}; end it: it is a Temporal server")
            self._process = await asyncio.create_subprocess_exec(
                self._binary,
                *self._arguments(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[pid_file.fileno()],  # the lock is the server's when we close our end
                start_new_session=True,  # Ctrl-C is for us; we stop it when our own work is done
            )
            note = _Note(self._process.pid, self.port, _fingerprint(self._binary), self.namespace)
            pid_file.write(json.dumps(asdict(note)).encode())
        if not await _answers(self.address, self.namespace, _START_S, self._process):
            raise ServerError(f"the Temporal server did not start: {self._last_words()}; see {self._log}")

    def _arguments(self) -> list[str]:
        kinds = {key.name: key.indexed_value_type.name.title().replace("_", "") for key in self._attributes}
        flags: dict[str, Sequence[str]] = {
            "--ip": [_HOST],
            "--port": [str(self.port)],
            "--namespace": [self.namespace],
            "--db-filename": [str(self._home / "temporal.db")],
            "--log-level": ["warn"],
            "--log-format": ["json"],
            "--dynamic-config-value": _DYNAMIC,
            "--sqlite-pragma": _PRAGMAS,
            "--search-attribute": [f"{name}={kind}" for name, kind in kinds.items()],
        }
        given = (part for flag, values in flags.items() for value in values for part in (flag, value))
        return ["server", "start-dev", "--headless", *given]

    def _note(self) -> _Note | None:
        """Return the note of the server that runs, None when none does."""
        try:
            with self._pid_file.open("rb+") as file:
                return None if _lock(file, fcntl.LOCK_SH) else _Note(**json.load(file))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    async def _gone(self, patience: float | None) -> None:
        """Return when no server runs, or when `patience`, in seconds, is at its end."""
        until = None if patience is None else time.monotonic() + patience
        # A lock that another process holds has no event to wait for.
        while self._note() is not None and (until is None or time.monotonic() < until):
            await asyncio.sleep(_POLL_S)

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return " / ".join(lines[-_SAID_LINES:]) or "it said nothing"


def _lock(file: BufferedRandom, kind: int) -> bool:
    """Take the lock until the file is closed; say whether it was free."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fingerprint(binary: Path) -> str:
    """Return what tells one binary from another without reading its 150 MB."""
    found = binary.resolve()
    status = found.stat()
    return f"{found}:{status.st_size}:{status.st_mtime_ns}"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        port: int = listener.getsockname()[1]
    return port


async def _answers(
    address: str, namespace: str, patience: float, process: asyncio.subprocess.Process | None = None
) -> bool:
    """Say whether a server answers within `patience` seconds; no longer asked once its process has ended."""
    until = time.monotonic() + patience
    while time.monotonic() < until and (process is None or process.returncode is None):
        try:
            async with asyncio.timeout(_ASK_S):
                client = await Client.connect(address, namespace=namespace)
                if await client.service_client.check_health():
                    return True
        except (RuntimeError, RPCError, TimeoutError):  # RuntimeError is how the SDK says that nobody listens
            pass
        await asyncio.sleep(_POLL_S)
    return False
