"""A client that costs next to nothing, so that the door is what is measured: ready bytes on a few open lines."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

LINES: Final = 64
"""How many connections knock at once: enough that neither door waits for somebody to knock."""


def request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return a POST as it goes over the line."""
    told = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


@dataclass(frozen=True, slots=True)
class Line:
    """One connection, kept open."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, knock: bytes) -> int:
        """Send a request and return the status of its answer."""
        self.writer.write(knock)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(one for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:"))
        await self.reader.readexactly(int(length.split(b":")[1]))
        return int(head[9:12])


async def lines(port: int, number: int = LINES) -> list[Line]:
    """Open so many connections to a port of this machine."""
    return [Line(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(number)]


async def rush(open_lines: Sequence[Line], knocks: Iterable[bytes]) -> None:
    """Send all as fast as the door answers; raises when it refuses one."""
    todo = iter(knocks)

    async def one(line: Line) -> None:
        for knock in todo:
            _taken(await line.ask(knock))

    await asyncio.gather(*(one(line) for line in open_lines))


async def steady(open_lines: Sequence[Line], knocks: Sequence[bytes], rate: float) -> list[float]:
    """Send so many a second whether or not the door keeps up; return how long each took since it was due, in s."""
    began, free = time.perf_counter(), asyncio.Queue[Line]()
    for line in open_lines:
        free.put_nowait(line)
    waited: list[float] = []

    async def one(line: Line, knock: bytes, due: float) -> None:
        _taken(await line.ask(knock))
        waited.append(time.perf_counter() - due)
        free.put_nowait(line)

    async with asyncio.TaskGroup() as group:
        for number, knock in enumerate(knocks):
            due = began + number / rate
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            group.create_task(one(await free.get(), knock, due))
    return waited


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share lies, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _taken(status: int) -> None:
    if not 200 <= status < 300:
        raise RuntimeError(f"the door answered {status}")
