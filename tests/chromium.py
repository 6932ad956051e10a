"""Finds the Chromium that browser tests drive, or installs one: `make test` asks before it starts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WAYS: Final = "install Chromium, or name one with CHROMIUM=/path/to/chromium"


class ChromiumMissing(Exception):
    """There is no Chromium, and none can be installed."""


def find() -> Path | None:
    """Return the Chromium of CHROMIUM, of PATH or of Playwright; None when there is none.

    Raises ChromiumMissing when CHROMIUM names something that does not run.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        if not _runs(Path(named)):
            raise ChromiumMissing(f"CHROMIUM is {named}, which does not run; {_WAYS}")
        return Path(named)
    on_path = [Path(found) for found in map(shutil.which, _NAMES) if found]
    return next((browser for browser in [*on_path, *_of_playwright()] if _runs(browser)), None)


def require() -> Path:
    """Return a Chromium, installed now if need be; raise ChromiumMissing when that is impossible."""
    found = find()
    if found is None:
        print("installing Chromium for the browser tests", file=sys.stderr, flush=True)  # noqa: T201 - a command
        _run([sys.executable, "-m", "playwright", "install", "chromium"])
        found = find()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _run(["apt-get", "update"])
        _run(["apt-get", "install", "--yes", "--no-install-recommends", "chromium"])
        found = find()
    if found is None:
        raise ChromiumMissing(f"browser tests need Chromium: {_WAYS}")
    return found


def _of_playwright() -> list[Path]:
    """Return where Playwright keeps its own, if it has one."""
    listed = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "--dry-run", "chromium"],
        capture_output=True,
        text=True,
        check=False,
    )
    folders = [line.partition(":")[2].strip() for line in listed.stdout.splitlines() if "Install location:" in line]
    return [
        browser
        for folder in folders
        for pattern in ("*/chrome", "*/*/*/Chromium")
        for browser in Path(folder).glob(pattern)
    ]


def _runs(browser: Path) -> bool:
    try:
        return subprocess.run([browser, "--version"], capture_output=True, check=False, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(command: list[str]) -> None:
    """Run an installer whose failure shows in what is found afterwards."""
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=900)


if __name__ == "__main__":
    try:
        require()
    except ChromiumMissing as error:
        sys.exit(str(error))
