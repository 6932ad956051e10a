import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from devserver.process import Server, ServerError
from devserver.provide import provide, server_version

ROOT = Path(__file__).parents[2]
QUEUE = "devserver"
SHOP = SearchAttributeKey.for_keyword("Shop")
TAGS = SearchAttributeKey.for_keyword_list("Tags")
KILLED_OWNER = """
import asyncio, os, signal, sys
from pathlib import Path
from devserver.process import Server
async def main():
    await Server(Path(sys.argv[1]), Path(sys.argv[2])).start()
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


@workflow.defn
class Parked:
    """Waits for a signal, or a week."""

    def __init__(self) -> None:
        self._done = False

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.wait_condition(lambda: self._done, timeout=timedelta(days=7))
        except TimeoutError:
            return "a week later"
        return f"done on {workflow.now():%Y-%m-%d}"

    @workflow.signal
    def finish(self) -> None:
        self._done = True


@pytest.fixture(scope="session")
def binary() -> Path:
    return provide(print)


@asynccontextmanager
async def worker(server: Server) -> AsyncIterator[Client]:
    client = await Client.connect(server.address)
    async with Worker(client, task_queue=QUEUE, workflows=[Parked], workflow_runner=UnsandboxedWorkflowRunner()):
        yield client


def pid(home: Path) -> int:
    found: int = json.loads((home / "temporal.pid").read_text())["pid"]
    return found


async def attributes(server: Server) -> dict[str, int]:
    client = await Client.connect(server.address)
    known = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
    return dict(known.custom_attributes)


async def test_a_server_answers_and_knows_its_search_attributes(binary: Path, tmp_path: Path) -> None:
    async with Server(binary, tmp_path, search_attributes=[SHOP]) as server:
        client = await Client.connect(server.address)
        info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
        assert info.server_version >= "1.32"
        assert await attributes(server) == {"Shop": SHOP.indexed_value_type}
        assert not server.adopted
    async with Server(binary, tmp_path, search_attributes=[SHOP, TAGS]) as again:
        expected = {"Shop": SHOP.indexed_value_type, "Tags": TAGS.indexed_value_type}
        assert await attributes(again) == expected


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
    server = Server(binary, tmp_path)
    await server.start()
    async with worker(server) as client:
        handle = await client.start_workflow(Parked.run, id="parked", task_queue=QUEUE)
        os.kill(pid(tmp_path), signal.SIGKILL)
        async with asyncio.timeout(5):
            await server.died()
        address = server.address
        await server.start()
        assert server.address == address
        await handle.signal(Parked.finish)
        assert (await handle.result()).startswith("done on ")
    await server.stop()


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


def test_it_stops_when_asked(binary: Path, tmp_path: Path) -> None:
    database = tmp_path / "temporal.db"
    for stop in (signal.SIGTERM, signal.SIGINT):
        with running(binary, database) as process:
            process.send_signal(stop)
            assert process.wait(10) == 0
        assert database.stat().st_size > 100_000


def running(binary: Path, database: Path) -> subprocess.Popen[bytes]:
    """Return a server in its own process that has said its first word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [binary, "server", "start-dev", "--port", str(port), "--db-filename", database, "--log-level", "info"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert process.stderr is not None
    while b"Starting server" not in process.stderr.readline():
        assert process.poll() is None
    return process


async def test_the_file_of_an_older_server_is_brought_up_to_date(binary: Path, tmp_path: Path) -> None:
    tagged = TypedSearchAttributes([SearchAttributePair(TAGS, ["old", "cart"])])
    async with Server(binary, tmp_path, search_attributes=[TAGS]) as server, worker(server) as client:
        await client.start_workflow(Parked.run, id="parked", task_queue=QUEUE, search_attributes=tagged)
    with closing(sqlite3.connect(tmp_path / "temporal.db")) as database:
        database.execute("DROP INDEX by_temporal_keyword_01")
        database.execute("ALTER TABLE executions_visibility DROP COLUMN TemporalKeyword01")
        database.execute("DROP TABLE current_chasm_executions")
        database.execute("PRAGMA user_version = 1031000")
        database.commit()
    async with Server(binary, tmp_path, search_attributes=[TAGS]) as server, worker(server) as client:
        assert [found.id async for found in client.list_workflows("Tags = 'cart'")] == ["parked"]
        handle = client.get_workflow_handle_for(Parked.run, "parked")
        await handle.signal(Parked.finish)
        assert (await handle.result()).startswith("done on ")
    with closing(sqlite3.connect(tmp_path / "temporal.db")) as database:
        assert database.execute("SELECT count(*) FROM current_chasm_executions").fetchone() == (0,)
        assert database.execute("PRAGMA user_version").fetchone() == (1032000,)
    assert (tmp_path / "temporal.db.old").exists()


async def test_the_file_of_a_newer_server_is_left_alone(binary: Path, tmp_path: Path) -> None:
    async with Server(binary, tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "temporal.db")) as database:
        database.execute("PRAGMA user_version = 9000000")
    with pytest.raises(ServerError, match=r"did not start: .*was written by a newer server than .*; see "):
        await Server(binary, tmp_path).start()


async def test_a_file_that_is_no_database_is_an_error_that_says_so(binary: Path, tmp_path: Path) -> None:
    (tmp_path / "temporal.db").write_text("not a database" * 1000)
    with pytest.raises(ServerError, match="is no readable database"):
        await Server(binary, tmp_path).start()


def test_the_command_line_is_checked(binary: Path) -> None:
    assert server_version(binary) == (1, 32)
    for wrong in (["--nonsense"], ["--search-attribute", "Shop"], ["--log-level", "loud"], ["surplus"]):
        command = [binary, "server", "start-dev", *wrong]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        assert said.returncode in {1, 2}
        assert said.stderr.startswith("temporal: ")
        assert said.stderr.count("\n") == 1
