"""The real parts that figures are measured on: an installation in a folder of its own, and the embedded server."""

import asyncio
import json
import logging
import os
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from temporalio.client import Client

from devserver.process import Server
from devserver.provide import provide
from models.policy import Policy
from models.vocabulary import Kind
from runtime import logs, temporal
from runtime.home import make_home
from runtime.installation import Installation, opened
from runtime.shop_settings import ShopSettings
from settings import load_settings
from store.policies import active

ROOT = Path(__file__).resolve().parent.parent
KEY = "key-of-this-measurement"
"""Opens the API of an installation that is measured."""
SECRET = "secret-of-this-measurement"  # noqa: S105 - it opens nothing
"""Signs the webhooks of its shop."""
_SHOP = ShopSettings(
    id="main",
    name="Bench",
    url="https://shop.example",
    sender="Bench <hello@shop.example>",
    postal_address="1 rue de la Paix, 75002 Paris",
    shopify_secret=(SecretStr(SECRET),),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """An installation, the server that it runs on, and that server's process id."""

    installation: Installation
    client: Client
    address: str
    server_pid: int

    async def connect(self) -> Client:
        """Return the client, as a relay wants it."""
        return self.client


def say(text: str) -> None:
    """Tell the terminal how far the measurement has come; figures alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def home() -> Iterator[Path]:
    """Make a home that is gone afterwards; logs go there, shaped as in production, because writing them is work too."""
    with tempfile.TemporaryDirectory(prefix="relaunch-bench-") as folder:
        path = Path(folder)
        logs.configure("json", "info")
        with (path / "bench.log").open("w") as file:
            for handler in logging.getLogger().handlers:
                if isinstance(handler, logging.StreamHandler):
                    handler.setStream(file)
            yield path
            logging.getLogger().handlers.clear()


@asynccontextmanager
async def installed(
    folder: Path, policies: Path = ROOT / "policies", database_url: str | None = None
) -> AsyncIterator[Installation]:
    """Open an installation in a folder, with one shop and the policies of another folder; the environment has no say.

    Its store is a file in the folder unless a URL names another. Nothing of it reaches Temporal by itself.
    """
    make_home(folder)
    settings = load_settings(
        home=folder,
        database_url=database_url or f"sqlite+aiosqlite:///{folder}/relaunch.db",
        policies=policies,
        shops=(_SHOP,),
        public_url="https://relaunch.example",
        temporal_address=None,
        temporal_namespace="default",
        smtp_url=None,
        secret_key=KEY,
        api_key=KEY,
        ingest_key=f"{KEY}-ingest",
    )
    async with opened(settings) as installation:
        yield installation


@asynccontextmanager
async def parts(folder: Path, policies: Path = ROOT / "policies") -> AsyncIterator[Parts]:
    """Start the embedded server beside an installation, both with files in `folder`, as `relaunch up` does."""
    binary = await asyncio.to_thread(provide, say)
    async with (
        installed(folder, policies) as installation,
        Server(binary, folder, search_attributes=temporal.SEARCH_ATTRIBUTES) as server,
    ):
        client = await temporal.Connection(installation.settings, server.address).client()
        pid: int = json.loads((folder / "temporal.pid").read_text())["pid"]
        yield Parts(installation, client, server.address, pid)


def bare_sqlite(path: Path | str) -> sqlite3.Connection:
    """Open a store's file with the driver alone, set like our own connections; any thread may use it."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


async def cart_policy(installation: Installation) -> Policy:
    """Return the policy that new journeys begin with."""
    policies: Sequence[Policy] = await installation.db.read(active, Kind.CART)
    return policies[0]


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU that another process has used so far; 0 where the system does not show it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def last_words(log: Path) -> str:
    """Return the end of what a process wrote."""
    return log.read_text(errors="replace")[-800:].strip() or "it said nothing"


_TICKS = os.sysconf("SC_CLK_TCK")
