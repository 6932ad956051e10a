"""A real Temporal server whose journeys can be moved through time, for the tests of this folder's workflows."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.testing import TimeSkipper, WorkflowEnvironment

from devserver.provide import provide
from runtime import temporal

_FLAGS = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    # A skipped timer fires at the queue's next look, by default once a second.
    'history.timerProcessorMaxTimeShift="10ms"',
)

_SKIPPING = ("time_skipping", "options_updated")


@dataclass(frozen=True)
class Temporal:
    """The server: a client of it, the file of its database, and the power over each run's clock."""

    client: Client
    database: Path
    skipper: TimeSkipper

    async def move(self, handle: WorkflowHandle[Any, Any], length: timedelta) -> None:
        """Let so much time go by for a run; whatever is due meanwhile happens. A run that ends stays where it ended."""
        await self.skipper.fast_forward(handle, length)
        known = await self.skipper.get_time_skipping_info(handle)
        assert known is not None, "this server cannot skip time: it must be 1.32 or newer, with the flag set"

    async def now(self, handle: WorkflowHandle[Any, Any]) -> datetime:
        """Return a run's own clock."""
        return await self.skipper.get_current_time(handle)


@asynccontextmanager
async def temporal_server(home: Path) -> AsyncIterator[Temporal]:
    """Run the server that `make setup` provides, or the one that RELAUNCH_TEST_TEMPORAL names."""
    binary = os.environ.get("RELAUNCH_TEST_TEMPORAL") or str(provide(print))
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary,
        dev_server_database_filename=str(home / "temporal.db"),
        dev_server_extra_args=[part for flag in _FLAGS for part in ("--dynamic-config-value", flag)],
        dev_server_log_level="error",
        identity=temporal.identity(),
        search_attributes=list(temporal.SEARCH_ATTRIBUTES),
    )
    async with environment:
        yield Temporal(environment.client, home / "temporal.db", TimeSkipper(environment.client))


async def events_of(handle: WorkflowHandle[Any, Any]) -> tuple[WorkflowHistory, list[str]]:
    """Return a run's history, and the names of its events without those that moving its time has added."""
    history = await handle.fetch_history()
    names = [event.WhichOneof("attributes") or "" for event in history.events]
    return history, [name for name in names if not any(skip in name for skip in _SKIPPING)]
