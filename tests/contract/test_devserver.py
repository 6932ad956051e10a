import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from devserver.process import Server, ServerError
from tests.contract.parked import QUEUE, SHOP, Parked, attributes, worker

ROOT = Path(__file__).parents[2]
KILLED_OWNER = """
import asyncio, os, signal, sys
from pathlib import Path
from devserver.process import Server
async def main():
    await Server(Path(sys.argv[1]), Path(sys.argv[2])).start()
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


def pid(home: Path) -> int:
    found: int = json.loads((home / "temporal.pid").read_text())["pid"]
    return found


async def test_a_server_answers_and_knows_its_search_attributes(binary: Path, tmp_path: Path) -> None:
    async with Server(binary, tmp_path, search_attributes=[SHOP]) as server:
        client = await Client.connect(server.address)
        info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
        assert info.server_version >= "1.32"
        assert await attributes(server) == {"Shop": SHOP.indexed_value_type}
        assert not server.adopted
        assert os.getsid(pid(tmp_path)) != os.getsid(0)  # Ctrl-C on our terminal does not reach it


async def test_three_days_pass_in_moments(binary: Path, tmp_path: Path) -> None:
    async with Server(binary, tmp_path) as server, worker(server) as client:
        skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        handle = await skipper.client.start_workflow(Parked.run, id="parked", task_queue=QUEUE)
        before = await skipper.get_current_time(handle)
        began = time.monotonic()
        assert await skipper.fast_forward(handle, timedelta(days=3))
        assert time.monotonic() - began < 5
        assert await skipper.get_time_skipping_info(handle) is not None
        after = await skipper.get_current_time(handle)
        assert timedelta(days=3) <= after - before < timedelta(days=3, minutes=1)
        await handle.signal(Parked.finish)
        assert await handle.result() == f"done on {after:%Y-%m-%d}"


async def test_a_workflow_goes_on_after_a_kill(binary: Path, tmp_path: Path) -> None:
    async with Server(binary, tmp_path) as server, worker(server) as client:
        handle = await client.start_workflow(Parked.run, id="parked", task_queue=QUEUE)
        os.kill(pid(tmp_path), signal.SIGKILL)
        async with asyncio.timeout(5):
            await server.died()
        address = server.address
        await server.start()
        assert server.address == address
        await handle.signal(Parked.finish)
        assert (await handle.result()).startswith("done on ")


async def test_a_server_that_was_left_behind_is_adopted(binary: Path, tmp_path: Path) -> None:
    left_behind(binary, tmp_path)
    before = pid(tmp_path)
    async with Server(binary, tmp_path) as server:
        assert server.adopted
        assert pid(tmp_path) == before
        client = await Client.connect(server.address)
        assert await client.service_client.check_health()
    async with asyncio.timeout(1):
        await server.died()


async def test_a_server_of_another_binary_is_replaced(binary: Path, tmp_path: Path) -> None:
    left_behind(binary, tmp_path)
    before = pid(tmp_path)
    other = tmp_path / "other"
    other.write_text(f'#!/bin/sh\nexec "{binary}" "$@"\n')
    other.chmod(0o755)
    async with Server(other, tmp_path) as server:
        assert not server.adopted
        assert pid(tmp_path) != before


def left_behind(binary: Path, home: Path) -> None:
    """Start a server whose owner is killed at once."""
    command = [sys.executable, "-c", KILLED_OWNER, str(binary), str(home)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL


async def test_a_file_that_is_no_database_is_an_error_that_says_so(binary: Path, tmp_path: Path) -> None:
    (tmp_path / "temporal.db").write_text("not a database" * 1000)
    with pytest.raises(ServerError, match=r"the Temporal server did not start: .*; see "):
        await Server(binary, tmp_path).start()
