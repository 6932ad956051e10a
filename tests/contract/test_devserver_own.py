import signal
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from devserver.process import Server, ServerError
from devserver.provide import server_version
from tests.contract.parked import QUEUE, SHOP, TAGS, Parked, attributes, worker


async def test_a_search_attribute_is_added_to_a_file_that_has_a_past(binary: Path, tmp_path: Path) -> None:
    async with Server(binary, tmp_path, search_attributes=[SHOP]) as server:
        assert await attributes(server) == {"Shop": SHOP.indexed_value_type}
    async with Server(binary, tmp_path, search_attributes=[TAGS, SHOP]) as server:
        assert await attributes(server) == {"Shop": SHOP.indexed_value_type, "Tags": TAGS.indexed_value_type}


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
    command: list[str | Path] = [
        binary,
        "server",
        "start-dev",
        "--port",
        str(port),
        "--db-filename",
        database,
        "--log-level",
        "info",
    ]
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


def test_the_command_line_is_checked(binary: Path) -> None:
    assert server_version(binary) == (1, 32)
    for wrong in (["--nonsense"], ["--search-attribute", "Shop"], ["--log-level", "loud"], ["surplus"]):
        command = [str(binary), "server", "start-dev", *wrong]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        assert said.returncode in {1, 2}
        assert said.stderr.startswith("temporal: ")
        assert said.stderr.count("\n") == 1
