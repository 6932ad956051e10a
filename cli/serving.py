"""The API as a server that shares its process with other parts."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from temporalio.client import Client

from api.app import create_app
from relay import Relay
from runtime.installation import Installation

_LAST_WORDS_S = 5


class _Uvicorn(uvicorn.Server):
    """A server that leaves signals to us, because it is not alone in the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(
    installation: Installation, relay: Relay, temporal: Callable[[], Awaitable[Client]], metrics_url: str | None
) -> uvicorn.Server:
    """Return the API's server, not started yet; `metrics_url` is where the Temporal SDK shows its own metrics."""
    app = create_app(installation, relay, temporal)
    app.state.sdk_metrics_url = metrics_url
    config = uvicorn.Config(
        app,
        host=installation.settings.host,
        port=installation.settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_LAST_WORDS_S,
    )
    return _Uvicorn(config)
