"""Finds a Temporal server for this machine, or gets one: downloaded where that is possible, built where it is not."""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Echo = Callable[[str], None]

CLI_VERSION: Final = "v1.9.1"
"""The release of Temporal's own command that is downloaded; the first whose server can skip time."""
MINIMUM: Final = (1, 32)
"""The oldest server that will do, as major and minor version."""

_SOURCES: Final = Path(__file__).parent
_VERSION: Final = re.compile(r"Server v?(\d+)\.(\d+)")
_ASK_S: Final = 20.0
# A download that has not begun by then, or stands still for that long, will not come.
_BEGIN_S: Final = 10.0
_STALL_S: Final = 60.0
_REPEAT_S: Final = 60.0
_POLL_S: Final = 0.05


class ProvisionError(Exception):
    """There is no Temporal server for this machine, and none can be had."""


class _NotThisWay(Exception):
    """One way to a server is closed; the text says why."""


def provide(echo: Echo) -> Path:
    """Return the path of a Temporal server that can skip time, getting it first where there is none.

    The order: what was got before, `temporal` on PATH, the SDK's download, `go build`. `echo` is told what takes
    long. Raises ProvisionError when every way is closed.
    """
    cache = cache_folder()
    found = find()
    if found is not None:
        return found
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache, echo):
            return find() or _got(cache, echo)
    except OSError as error:
        raise ProvisionError(f"cannot keep a Temporal server in {cache}: {error.strerror or error}") from error


def find() -> Path | None:
    """Return the server that is there already, None when one has to be got first."""
    on_path = shutil.which("temporal")
    for candidate in (_built(cache_folder()), _downloaded(cache_folder()), Path(on_path) if on_path else None):
        if candidate is not None and candidate.is_file() and _will_do(candidate):
            return candidate
    return None


def is_own(binary: Path) -> bool:
    """Say whether this is the server of `devserver/` and not Temporal's own command."""
    return binary == _built(cache_folder())


def cache_folder() -> Path:
    """Return where servers are kept: a folder of this user, shared by all checkouts."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "relaunch"


def server_version(binary: Path) -> tuple[int, int] | None:
    """Return major and minor version of the server in this binary, None when it does not run or does not say."""
    try:
        answer = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=_ASK_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    version = _VERSION.search(answer.stdout)
    return (int(version[1]), int(version[2])) if version else None


def _will_do(binary: Path) -> bool:
    version = server_version(binary)
    return version is not None and version >= MINIMUM


def _got(cache: Path, echo: Echo) -> Path:
    for left in cache.glob("part-*"):  # by a process that was killed: we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    closed = []
    for way, target in ((_download, _downloaded(cache)), (_build, _built(cache))):
        try:
            with tempfile.TemporaryDirectory(dir=cache, prefix="part-") as part:
                return _kept(way(Path(part), echo), target)
        except _NotThisWay as error:
            closed.append(str(error))
    raise ProvisionError(
        f"no Temporal server for this machine ({'; '.join(closed)}). Three ways out: let this machine reach the "
        f"network and download Temporal's server; or install Go {_go_needed()} or newer, so that it can be built; "
        f"or put Temporal's own command, {CLI_VERSION} or newer, on PATH as `temporal`"
    )


def _kept(binary: Path, target: Path) -> Path:
    """Move a server that runs to where it is kept, whole or not at all."""
    if not _will_do(binary):
        raise _NotThisWay(f"what was got as {target.name} does not run here")
    binary.replace(target)
    return target


def _built(cache: Path) -> Path:
    """Return where the server built from these sources for this kind of machine is kept."""
    digest = hashlib.sha256(f"{sys.platform} {platform.machine()}".encode())
    for source in sorted([*_SOURCES.glob("*.go"), _SOURCES / "go.mod", _SOURCES / "go.sum"]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return cache / f"temporal-{digest.hexdigest()[:16]}"


def _downloaded(cache: Path) -> Path:
    return cache / f"temporal-cli-{CLI_VERSION}-{platform.machine()}"


def _go_needed() -> str:
    found = re.search(r"^go (\d+\.\d+)", (_SOURCES / "go.mod").read_text(), re.MULTILINE)
    return found[1] if found else "1.26"


def _download(part: Path, echo: Echo) -> Path:
    """Let the SDK download Temporal's own command, in a process that can be given up."""
    binary, arriving = part / f"temporal-{CLI_VERSION}", part / f"temporal-{CLI_VERSION}.downloading"
    command = [sys.executable, "-m", "devserver.download", CLI_VERSION, str(part)]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=_SOURCES.parent) as process,
    ):
        since, size, shown = time.monotonic(), -1, False
        while process.poll() is None:
            now = arriving.stat().st_size if arriving.exists() else -1
            if now != size:
                since, size = time.monotonic(), now
                if not shown:
                    echo("downloading Temporal, once")
                    shown = True
            if time.monotonic() - since > (_BEGIN_S if size < 0 else _STALL_S):
                process.kill()
                raise _NotThisWay("the download of Temporal does not come")
            time.sleep(_POLL_S)
    if not binary.is_file():
        raise _NotThisWay("the download of Temporal fails")
    return binary


def _build(part: Path, echo: Echo) -> Path:
    """Build our own server of `devserver/`."""
    go = shutil.which("go")
    if go is None:
        raise _NotThisWay("there is no Go to build it")
    binary = part / "temporal"
    flags = ["-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w"]
    environment = {**os.environ, "CGO_ENABLED": "0"}
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        with (
            _progress("building Temporal, once, 5–10 minutes", echo) as tick,
            subprocess.Popen(
                [go, "build", *flags, "-o", binary, "."], cwd=_SOURCES, env=environment, stdout=log, stderr=log
            ) as process,
        ):
            while process.poll() is None:
                tick()
                time.sleep(_POLL_S)
        if process.returncode != 0:
            log.seek(0)
            said = [line.strip() for line in log if line.strip() and not line.startswith("go: downloading")]
            raise _NotThisWay(f"the build fails: {' / '.join(said[-3:]) or f'exit {process.returncode}'}")
    return binary


@contextmanager
def _progress(text: str, echo: Echo) -> Iterator[Callable[[], None]]:
    """Show a clock on a terminal; elsewhere say the text, and again each minute that `tick` sees go by."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as bar:
            bar.add_task(text, total=None)
            yield lambda: None
        return
    echo(text)
    began = said = time.monotonic()

    def tick() -> None:
        nonlocal said
        if time.monotonic() - said >= _REPEAT_S:
            said = time.monotonic()
            echo(f"{text}: {round((said - began) / 60)} min")

    yield tick


@contextmanager
def _alone(cache: Path, echo: Echo) -> Iterator[None]:
    """Keep others from getting the same at the same time."""
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            echo("waiting for another process that is providing Temporal")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Provide a server; `make setup` calls this."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        provide(console.print)
    except ProvisionError as error:
        console.print(str(error), style="red", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
