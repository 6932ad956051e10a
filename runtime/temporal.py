"""One way to reach Temporal, for every part: the connection, and what its UI can be searched by."""

import asyncio
import hashlib
import os
import socket
from collections.abc import Mapping

from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import RateLimit
from temporalio.api.workflowservice.v1 import UpdateTaskQueueConfigRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError, TLSConfig

from models.journey import OUTCOME_ATTRIBUTE, queue_of
from models.vocabulary import Channel
from settings import Settings

SHOP = SearchAttributeKey.for_keyword("RelaunchShop")
POLICY = SearchAttributeKey.for_keyword("RelaunchPolicy")
CUSTOMER = SearchAttributeKey.for_keyword("RelaunchCustomer")
OUTCOME = SearchAttributeKey.for_keyword(OUTCOME_ATTRIBUTE)
SEARCH_ATTRIBUTES = (SHOP, POLICY, CUSTOMER, OUTCOME)

_PATIENCE_S = 10.0


class TemporalError(Exception):
    """Temporal cannot be reached or does not do what is asked."""


class Connection:
    """A connection that is made when it is first needed, and kept."""

    def __init__(self, settings: Settings, address: str | None = None, runtime: Runtime | None = None) -> None:
        """Connect to `address`, else to the cluster of the settings."""
        self.settings, self.runtime = settings, runtime
        self.address = address or settings.temporal_address
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def client(self) -> Client:
        """Return the client; raise `TemporalError` when nothing answers within ten seconds."""
        async with self._lock:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> Client:
        if self.address is None:
            raise TemporalError("no Temporal: start `relaunch up`, or set RELAUNCH_TEMPORAL_ADDRESS")
        key = self.settings.temporal_api_key
        try:
            return await asyncio.wait_for(
                Client.connect(
                    self.address,
                    namespace=self.settings.temporal_namespace,
                    tls=_tls(self.settings),
                    api_key=key.get_secret_value() if key else None,
                    runtime=self.runtime,
                    identity=identity(),
                ),
                _PATIENCE_S,
            )
        except (RuntimeError, RPCError, OSError, TimeoutError) as error:
            raise TemporalError(f"Temporal at {self.address} does not answer ({type(error).__name__})") from None


def identity() -> str:
    """Return who we are to Temporal: process and machine, short, because a parked journey repeats it a dozen times."""
    machine = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:4]
    return f"{os.getpid()}@{machine}"


def metered(port: int) -> Runtime:
    """Return a runtime whose own metrics can be read on a port of this machine; one a process."""
    return Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=f"127.0.0.1:{port}")))


def _tls(settings: Settings) -> TLSConfig | bool:
    files = (settings.temporal_tls_ca, settings.temporal_tls_cert, settings.temporal_tls_key)
    if not any(files):
        return settings.temporal_tls
    ca, cert, key = (path.read_bytes() if path else None for path in files)
    return TLSConfig(server_root_ca_cert=ca, client_cert=cert, client_private_key=key)


async def register_search_attributes(client: Client) -> None:
    """Make the namespace know our search attributes; a namespace that knows them is left alone."""
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = [key.name for key in SEARCH_ATTRIBUTES if key.name not in known.custom_attributes]
        if missing:
            keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace, search_attributes=dict.fromkeys(missing, keyword)
                )
            )
    except RPCError as error:
        names = ", ".join(key.name for key in SEARCH_ATTRIBUTES)
        raise TemporalError(
            f"Temporal's namespace {client.namespace!r} does not take our search attributes ({error.status.name}): "
            f"let an administrator add {names} as Keyword"
        ) from error


async def set_rates(client: Client, rates: Mapping[Channel, float | None]) -> None:
    """Limit the sends of each channel a second, over all workers.

    It is said to the server once: of rates that workers bring themselves the last one to poll wins.
    """
    for channel, rate in rates.items():
        limit = UpdateTaskQueueConfigRequest.RateLimitUpdate(
            rate_limit=RateLimit(requests_per_second=rate) if rate else None, reason="RELAUNCH_*_RATE"
        )
        request = UpdateTaskQueueConfigRequest(
            namespace=client.namespace,
            identity=identity(),
            task_queue=queue_of(channel),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            update_queue_rate_limit=limit,
        )
        try:
            await client.workflow_service.update_task_queue_config(request)
        except RPCError as error:
            raise TemporalError(f"the rate of {channel} cannot be set ({error.status.name.lower()})") from None
