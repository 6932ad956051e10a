"""An SMTP server that has exactly the bad day it is told to have."""

import asyncio
from enum import StrEnum, auto

from tests.smtp_server import LocalServer


class Act(StrEnum):
    """What a scripted server may do instead of answering: cut the line, be silent, or be silent and read no more."""

    DROP = auto()
    HANG = auto()
    STALL = auto()


GOOD: dict[str, str] = {
    "banner": "220 scripted.test ESMTP",
    "ehlo": "250-scripted.test\r\n250-SIZE 100000000\r\n250 8BITMIME",
    "auth": "235 2.7.0 Welcome",
    "rset": "250 2.0.0 Ok",
    "mail": "250 2.1.0 Ok",
    "rcpt": "250 2.1.5 Ok",
    "data": "354 Go ahead",
    "dot": "250 2.0.0 Ok: queued as 4F2B31A0C6",
    "quit": "221 2.0.0 Bye",
}


class Scripted(LocalServer):
    """Answers each stage as scripted: `Scripted(rcpt="450 4.2.0 Later", dot=Act.DROP)`; the other stages go well.

    Stages are those of `GOOD`, and `body`: its script happens once the first piece of the body has come.
    `commands` holds every command line received, `messages` each body whose final dot was not answered by a refusal.
    """

    def __init__(self, **script: str | Act) -> None:
        """Take the script; it may be changed between messages through `script`."""
        super().__init__()
        self._reached = {stage: asyncio.Event() for stage in (*GOOD, "body", "end")}
        self.script: dict[str, str | Act] = {**GOOD, **script}
        self.commands: list[str] = []
        self._over = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()
        self.messages: list[bytes] = []

    async def at(self, stage: str) -> None:
        """Wait until some conversation has come to this stage; `end` is that of its line. Raises TimeoutError."""
        async with asyncio.timeout(5):
            await self._reached[stage].wait()

    async def down(self) -> None:
        """Stop listening, cut all lines and see every conversation end."""
        await super().down()
        self._over.set()
        await asyncio.gather(*self._talks)

    def _protocol(self) -> asyncio.Protocol:
        loop = asyncio.get_running_loop()
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=2**20, loop=loop), self._begin, loop=loop)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(asyncio.get_running_loop().create_task(self._converse(reader, writer)))

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer.transport)
        self.connections += 1
        try:
            going = await self._answer("banner", reader, writer)
            while going and (line := await reader.readline()):
                self.commands.append(line.decode(errors="replace").strip())
                verb = line[:4].decode(errors="replace").strip().lower()
                going = await self._answer(verb, reader, writer)
                if going and verb == "data" and str(self.script["data"]).startswith("354"):
                    going = await self._body(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._reached["end"].set()
            self._lines.discard(writer.transport)

    async def _body(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if "body" in self.script:
            await reader.read(1)
            return await self._answer("body", reader, writer)
        body = (await reader.readuntil(b"\r\n.\r\n"))[: -len(b".\r\n")]
        if not self.script["dot"].startswith(("4", "5")):
            self.messages.append((b"\n" + body).replace(b"\n.", b"\n")[1:])
        return await self._answer("dot", reader, writer)

    async def _answer(self, stage: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Play one stage; False ends the conversation."""
        self._reached.setdefault(stage, asyncio.Event()).set()
        match self.script.get(stage, "500 5.5.1 Unknown command"):
            case Act.DROP:
                writer.transport.abort()
                return False
            case Act.HANG:
                await reader.read()
                return False
            case Act.STALL:
                await self._over.wait()
                return False
            case reply:
                writer.write(f"{reply}\r\n".encode())
                await writer.drain()
                return stage != "quit" and not reply.startswith("421")
