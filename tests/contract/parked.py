"""What the tests of the Temporal server share: a workflow that waits, and a worker that runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import workflow
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from devserver.process import Server

QUEUE = "devserver"
SHOP = SearchAttributeKey.for_keyword("Shop")
TAGS = SearchAttributeKey.for_keyword_list("Tags")


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


@asynccontextmanager
async def worker(server: Server) -> AsyncIterator[Client]:
    client = await Client.connect(server.address)
    async with Worker(client, task_queue=QUEUE, workflows=[Parked], workflow_runner=UnsandboxedWorkflowRunner()):
        yield client


async def attributes(server: Server) -> dict[str, int]:
    client = await Client.connect(server.address)
    known = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
    return dict(known.custom_attributes)
