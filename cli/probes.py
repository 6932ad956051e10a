"""What `relaunch doctor` asks over the network: the store, Temporal, the mail server, the clocks."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError

from channels.base import ChannelError, Misconfigured
from channels.smtp_line import open_line
from channels.smtp_url import HOST_NAME, Encryption, read_url
from cli.client import temporal_of
from cli.duties import duties
from cli.findings import Finding, State
from devserver.provide import find
from models.vocabulary import Channel
from runtime import clock as wall
from runtime.temporal import SEARCH_ATTRIBUTES, Connection, TemporalError
from store import migrate
from store.clock import store_time
from store.db import Database, StoreError, connect
from store.outbox import lag
from store.situations import switched_off

if TYPE_CHECKING:
    from settings import Settings

_SMTP_S = 5.0
_TEMPORAL_S = 5.0
_APART = timedelta(seconds=2)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Open a store as it is, without bringing it up to date."""
    database = connect(url)
    try:
        yield database
    finally:
        await database.aclose()


async def store(settings: "Settings") -> AsyncIterator[Finding]:
    """Ask the store whether it answers and is of this version, and whether something in it waits for staff."""
    url, kind = settings.database_url, "PostgreSQL" if settings.database_url.startswith("postgresql") else "SQLite"
    if kind == "SQLite" and not _file(url).exists():
        yield Finding("store", State.OK, f"SQLite, {_file(url)} is made by the first start")
        return
    try:
        async with opened(url) as database:
            await database.ping()
            is_now = await migrate.current(url)
            if is_now != migrate.HEAD:
                text = f"{kind} has schema {is_now or 'none'}, this Relaunch works with {migrate.HEAD}"
                yield Finding("store", State.WARNING, text, "relaunch db upgrade (each start does it too)")
                return
            yield Finding("store", State.OK, f"{kind}, schema {is_now}")
            async for one in _waiting(database):
                yield one
            async for one in duties(database, settings):
                yield one
    except (StoreError, OSError) as error:
        todo = "is the disk full, or the file locked?" if kind == "SQLite" else "is RELAUNCH_DATABASE_URL right?"
        yield Finding("store", State.ERROR, f"{kind}: {error}", todo)


async def _waiting(database: Database) -> AsyncIterator[Finding]:
    """Look for what an operator may have forgotten."""
    off = sorted(await database.read(switched_off))
    if off:
        text = f"staff has paused {', '.join(off)}: nothing is handed over"
        yield Finding("kill switch", State.WARNING, text, "relaunch resume-all")
    _, aside = await database.read(lag, wall.now())
    if aside:
        text = f"{aside} things could not be told to Temporal and are set aside"
        yield Finding("outbox", State.WARNING, text, "relaunch outbox, then retry or drop")


def _file(url: str) -> Path:
    return Path(url.partition(":///")[2])


def _own_name() -> str:
    name = socket.getfqdn()
    return name if HOST_NAME.fullmatch(name) else "localhost"


async def _missing_attributes(client: Client) -> list[str]:
    request = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await client.operator_service.list_search_attributes(request)).custom_attributes
    return [key.name for key in SEARCH_ATTRIBUTES if key.name not in known]


async def temporal(settings: "Settings") -> AsyncIterator[Finding]:
    """Ask Temporal whether it answers, which version it is, and whether it knows our search attributes."""
    address = temporal_of(settings)
    if address is None:
        if find() is None:
            yield Finding("Temporal", State.WARNING, "there is no server for this machine yet", "make setup")
        else:
            yield Finding("Temporal", State.WARNING, "does not run, so no journey moves", "relaunch up")
        return
    connection = Connection(settings, address)
    try:
        async with asyncio.timeout(_TEMPORAL_S):
            client = await connection.client()
            told = await client.workflow_service.get_system_info(GetSystemInfoRequest())
            missing = await _missing_attributes(client)
    except (TemporalError, RPCError, TimeoutError, OSError) as error:
        text = str(error) if isinstance(error, TemporalError) else f"{address} does not answer ({type(error).__name__})"
        yield Finding("Temporal", State.ERROR, text, "check RELAUNCH_TEMPORAL_ADDRESS, _NAMESPACE, _TLS and _API_KEY")
        return
    yield Finding("Temporal", State.OK, f"server {told.server_version} at {address}, namespace {client.namespace}")
    if missing:
        text = f"namespace {client.namespace} does not know {', '.join(missing)}"
        yield Finding("Temporal", State.WARNING, text, "a worker adds them; where it may not, add them as Keyword")


async def smtp(settings: "Settings") -> AsyncIterator[Finding]:
    """Talk to the mail server as far as the login; no message is sent."""
    if Channel.EMAIL in settings.accounts.chosen:
        return  # a provider carries it
    if settings.smtp_url is None:
        todo = "before real customers get mail, set RELAUNCH_SMTP_URL or RELAUNCH_EMAIL_PROVIDER"
        yield Finding("e-mail", State.WARNING, f"messages are files in {settings.outbox_dir}", todo)
        return
    try:
        server = read_url(settings.smtp_url.get_secret_value())
        server = replace(server, timeout=min(server.timeout, _SMTP_S), ehlo=server.ehlo or _own_name())
        tls = None if server.encryption is Encryption.NEVER else ssl.create_default_context()
        async with asyncio.timeout(_SMTP_S * 2):
            line = await open_line(server, tls)
        line.close()
    except Misconfigured as error:
        yield Finding("e-mail", State.ERROR, str(error), "correct RELAUNCH_SMTP_URL")
    except (ChannelError, TimeoutError) as error:
        text = str(error) or "the mail server takes longer than ten seconds"
        yield Finding("e-mail", State.ERROR, text, "is the server up, and RELAUNCH_SMTP_URL right?")
    else:
        login = f", logged in as {server.username}" if server.username else ""
        yield Finding("e-mail", State.OK, f"SMTP at {server.place}{login}")


async def clock(settings: "Settings") -> AsyncIterator[Finding]:
    """Compare this machine's clock with the store's, where that is another machine's."""
    if not settings.database_url.startswith("postgresql"):
        yield Finding("clock", State.OK, "the store keeps this machine's time; whether NTP sets it was not checked")
        return
    try:
        async with opened(settings.database_url) as database:
            before = wall.now()
            theirs = await database.read(store_time)
            apart = abs(theirs - before - (wall.now() - before) / 2)
    except (StoreError, OSError):
        return  # the store's own row says what is wrong
    if apart > _APART:
        text = f"this machine and the store are {apart.total_seconds():.1f} s apart"
        yield Finding("clock", State.WARNING, text, "let NTP set both")
    else:
        yield Finding("clock", State.OK, "this machine and the store agree")
