"""A real HTTP server in somebody else's place, for tests and the bench: it accepts, refuses, has its bad days."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit


class Act(StrEnum):
    """What a double does instead of answering."""

    DROP = auto()  # reads the request and cuts the line, the message not accepted
    DROP_AFTER = auto()  # accepts the message and cuts the line
    HANG = auto()  # accepts the message and says nothing


class Fault(StrEnum):
    """What a provider finds wrong with a request."""

    KEY = auto()
    SENDER = auto()
    ADDRESS = auto()
    MESSAGE = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came; names of headers in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as the provider understands it.

    `headers` are those that we add, `delivery` is our id as its events will give it back, `key` what the provider
    takes as idempotency key, where it knows one.
    """

    to: str
    sender: str
    text: str
    delivery: str | None
    reply_to: str | None = None
    subject: str = ""
    html: str = ""
    headers: frozenset[tuple[str, str]] = frozenset()
    key: str | None = None


class HttpDouble(ABC):
    """Listens on a free port of this machine inside `async with`; `down` and `up` keep the port.

    `asked` are all requests; what `instead` does, and for how long, is for each double to say.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.instead: Reply | Act | None = None
        self.port = 0
        self._server: asyncio.Server | None = None
        self._lines: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @abstractmethod
    def answer(self, asked: Asked) -> Reply | Act:
        """Answer a request, or do something else."""

    @property
    def url(self) -> str:
        """Return the URL to give to the adapter."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()

    async def up(self) -> None:
        """Listen, again on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Stop listening and cut all lines."""
        if self._server is not None:
            self._server.close()
        await self.cut_lines()

    async def cut_lines(self) -> None:
        """Cut all lines without a word; new ones are welcome while it listens."""
        cut = dict(self._lines)
        for task, writer in cut.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*cut, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines[task] = writer
        try:
            while (asked := await _read_request(reader)) is not None:
                self.asked.append(asked)
                reply = self.answer(asked)
                if reply is Act.HANG:
                    await asyncio.Event().wait()
                if not isinstance(reply, Reply):
                    break
                writer.write(_bytes(reply))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            del self._lines[task]
            writer.transport.abort() if self.instead else writer.close()


class ProviderDouble(HttpDouble):
    """A provider: `arrived` are the accepted messages. `instead` replaces its answer to a message while set."""

    honours_key = False

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[Arrived] = []
        self._replies: dict[str, Reply] = {}

    @abstractmethod
    def read(self, asked: Asked) -> Arrived:
        """Understand a request that hands a message over."""

    @abstractmethod
    def welcome(self, arrived: Arrived, number: int) -> Reply:
        """Confirm the message that was accepted as the given one."""

    @abstractmethod
    def refusal(self, fault: Fault) -> Reply:
        """Refuse a message, as talkative as the provider is: with `ECHO` in its prose."""

    @abstractmethod
    def knows(self, asked: Asked) -> bool:
        """Tell whether the request bears the right key."""

    def look_up(self, asked: Asked) -> Reply:
        """Answer a GET."""
        return Reply(404)

    def answer(self, asked: Asked) -> Reply | Act:
        """Answer a request as the provider does."""
        if not self.knows(asked):
            return self.refusal(Fault.KEY)
        if asked.method == "GET":
            return self.look_up(asked)
        arrived = self.read(asked)
        if isinstance(self.instead, Reply) or self.instead is Act.DROP:
            return self.instead
        reply = self._accept(arrived)
        return reply if self.instead is None else self.instead

    def _accept(self, arrived: Arrived) -> Reply:
        if self.honours_key and arrived.key in self._replies:
            return self._replies[arrived.key]
        self.arrived.append(arrived)
        reply = self.welcome(arrived, len(self.arrived))
        if arrived.key is not None:
            self._replies[arrived.key] = reply
        return reply


async def _read_request(reader: asyncio.StreamReader) -> Asked | None:
    """Read one request with a Content-Length, None when the line ends before it is whole."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    return Asked(method, parts.path, dict(parse_qsl(parts.query)), headers, body)


def _bytes(reply: Reply) -> bytes:
    headers = {"Content-Type": "application/json", **reply.headers, "Content-Length": str(len(reply.body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {reply.status} Status\r\n{lines}\r\n".encode("latin-1") + reply.body
