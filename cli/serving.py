"""An app as a server that shares its process with other parts."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

_LAST_WORDS_S = 5


class _Uvicorn(uvicorn.Server):
    """A server that leaves signals to us, because it is not alone in the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(app: FastAPI, host: str, port: int, metrics_url: str | None) -> uvicorn.Server:
    """Return an app's server, not started yet; `metrics_url` is where the Temporal SDK shows its own metrics."""
    app.state.sdk_metrics_url = metrics_url
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=_LAST_WORDS_S
    )
    return _Uvicorn(config)
