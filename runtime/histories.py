"""Looking for what names somebody in Temporal's histories of their journeys."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from models.needles import Needle

_PATIENCE = timedelta(seconds=10)


@dataclass(slots=True)
class Histories:
    """What the search of some journeys came to: runs and bytes that were looked through, and where something was."""

    runs: int = 0
    bytes: int = 0
    found: list[str] = field(default_factory=list)


async def search_histories(client: Client, journeys: Sequence[str], sought: Collection[Needle]) -> Histories:
    """Look through every run of these journeys, as Temporal has it: each event with its payloads, none encoded.

    A run that Temporal has forgotten (its retention, a new database) has nothing to be searched. Raises `RPCError` when
    Temporal does not answer.
    """
    result = Histories()
    for journey in journeys:
        for run in await _runs(client, journey):
            await _search(client, journey, run, sought, result)
    return result


async def _runs(client: Client, journey: str) -> Sequence[str | None]:
    """Return a journey's runs: one that was lost by somebody's hand has been started again under its id."""
    listed = [one.run_id async for one in client.list_workflows(f"WorkflowId = '{journey}'", rpc_timeout=_PATIENCE)]
    return listed or [None]  # what has only just begun may not be listed yet


async def _search(client: Client, journey: str, run: str | None, sought: Collection[Needle], result: Histories) -> None:
    handle = client.get_workflow_handle(journey, run_id=run)
    try:
        async for event in handle.fetch_history_events(rpc_timeout=_PATIENCE):
            data = event.SerializeToString()
            result.bytes += len(data)
            if any(one.named_in(data) for one in sought):
                result.found.append(f"{journey}, event {event.event_id}")
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    else:
        result.runs += 1
