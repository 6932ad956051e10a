"""How fast a process begins: what importing the workflows costs, and how soon a worker works."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from bench.bare import BARE_QUEUE
from bench.measure import Figure, Size, in_turn
from bench.parts import ROOT, home, last_words, parts, say
from models.journey import TASK_QUEUE
from settings import PREFIX

_PATIENCE_S = 60
_POLL_S = 0.005


async def import_workflows(size: Size) -> list[Figure]:
    """Milliseconds that a fresh interpreter takes to import our workflows, against `import temporalio.workflow`.

    The interpreter's own start is on neither side; the modules are compiled already.
    """
    say("import_workflows")
    with home() as folder:
        environment = _compiled(folder)
        ms, bare_ms = await in_turn(
            3 * size.runs,
            lambda: _importing("workflows.relaunch, workflows.sweep", environment),
            lambda: _importing("temporalio.workflow", environment),
        )
    return [Figure("import_workflows", "ms", ms, bare_ms)]


async def _importing(modules: str, environment: dict[str, str]) -> float:
    code = f"import time; began = time.perf_counter(); import {modules}; print(time.perf_counter() - began)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, env=environment, stdout=PIPE)
    said, _ = await process.communicate()
    return 1000 * float(said)


async def worker_ready(size: Size) -> list[Figure]:
    """Milliseconds from the start of the process `relaunch worker` to its first poll, against a bare worker's.

    The store is there and up to date, the modules are compiled; the store lies beside the embedded server's. The
    server is asked who polls, so both sides are what a user would run, and neither says itself that it is ready.
    """
    with home() as folder:
        async with parts(folder) as on:
            ours = [sys.executable, "-c", "from cli.main import main; main()", "worker"]
            bare = [sys.executable, "-m", "bench.bare", on.address]
            environment = _environment(folder, on.address)
            ms, bare_ms = await in_turn(
                size.runs,
                lambda: _until_polling(ours, environment, on.client, TASK_QUEUE),
                lambda: _until_polling(bare, environment, on.client, BARE_QUEUE),
                say=lambda text: say(f"worker_ready: {text}"),
            )
    return [Figure("worker_ready", "ms", ms, bare_ms)]


def _compiled(folder: Path) -> dict[str, str]:
    """Return an environment without our settings, whose processes keep what they compile, as an installation does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def _environment(folder: Path, address: str) -> dict[str, str]:
    """Return an environment in which nothing but our own settings counts."""
    kept = _compiled(folder)
    ours = {
        "HOME": str(folder),
        "TEMPORAL_ADDRESS": address,
        "PUBLIC_URL": "https://relaunch.example",
        "SENDER": "Bench <hello@shop.example>",
    }
    path = os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])
    return kept | {"PYTHONPATH": path} | {PREFIX + name: value for name, value in ours.items()}


async def _until_polling(command: Sequence[str], environment: dict[str, str], client: Client, queue: str) -> float:
    """Start a worker, and return after how many milliseconds it polls; it is stopped then."""
    folder = environment[f"{PREFIX}HOME"]
    with (Path(folder) / "worker.log").open("w+b") as log:
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            while not await _polls(client, queue, process.pid):
                if process.returncode is not None or time.perf_counter() > began + _PATIENCE_S:
                    raise RuntimeError(f"the worker does not poll: {last_words(Path(log.name))}")
                await asyncio.sleep(_POLL_S)
            return 1000 * (time.perf_counter() - began)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def _polls(client: Client, queue: str, pid: int) -> bool:
    """Say whether the process asks the server for workflow tasks."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    answer = await client.workflow_service.describe_task_queue(request)
    return any(poller.identity.startswith(f"{pid}@") for poller in answer.pollers)
