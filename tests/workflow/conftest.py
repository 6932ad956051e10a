from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from channels.base import Sender
from tests.temporal_env import Temporal, temporal_server
from tests.trial import Trial, installed


@pytest.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Temporal]:
    async with temporal_server(tmp_path_factory.mktemp("temporal")) as server:
        yield server


Install = Callable[..., Awaitable[Trial]]


@pytest.fixture
async def install(temporal: Temporal, tmp_path: Path) -> AsyncIterator[Install]:
    """Give a way to set up an installation; `mail` and `policy` take the place of the usual ones."""
    async with AsyncExitStack() as stack:

        async def make(policy: str | None = None, mail: Sender | None = None) -> Trial:
            return await stack.enter_async_context(installed(temporal, tmp_path, policy, mail))

        yield make


@pytest.fixture
async def trial(install: Install) -> AsyncIterator[Trial]:
    """An installation with the shipped policies, a mailbox in memory, and a worker."""
    made = await install()
    async with made.working():
        yield made
