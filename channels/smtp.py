"""E-mail over SMTP: any relay, any provider, with a proof of what became of each message (table: `smtp_replies`)."""

import asyncio
import re
import socket
import ssl
from dataclasses import replace
from datetime import timedelta
from email.utils import parseaddr

import idna

from channels.base import Misconfigured, Receipt, Refused
from channels.smtp_line import Envelope, Line, LineLost, open_line
from channels.smtp_url import HOST_NAME, Encryption, read_url
from models.message import Message
from models.vocabulary import Channel

_ADDRESS = re.compile(r"(?P<local>[^\s@<>\x00-\x1f\x7f]+)@(?P<domain>[^\s@<>\x00-\x1f\x7f]+)")


class Smtp:
    """Sends e-mail through one SMTP server, over a few connections that are kept open between messages."""

    name = "smtp"
    channel = Channel.EMAIL
    honours_key: timedelta | None = None

    def __init__(
        self, url: str, *, connections: int = 8, idle_s: float = 30.0, tls: ssl.SSLContext | None = None
    ) -> None:
        """Read the URL, see `smtp_url.read_url`; connects at the first message only.

        At most `connections` lines are open at once; one unused for `idle_s` seconds is closed. `tls` replaces the
        system's certificate authorities.
        """
        self._server = read_url(url)
        self._tls = tls
        self._slots = asyncio.Semaphore(connections)
        self._idle_s = idle_s
        self._idle: dict[Line, asyncio.TimerHandle] = {}
        self._closed = False

    async def send(self, message: Message) -> Receipt:
        """Hand one message over; a kept line that turns out dead before the final dot is replaced, once.

        One reply may take `timeout` seconds of the URL, the one to the final dot four times as long.
        """
        envelope = _envelope(message)
        async with self._slots:
            kept = self._kept_line()
            if kept is not None:
                try:
                    return await self._hand_over(kept, envelope)
                except LineLost:
                    pass
            return await self._hand_over(await self._new_line(), envelope)

    async def find(self, message: Message) -> Receipt | None:
        """Return None: SMTP has no way to ask what became of a message."""
        return None

    async def aclose(self) -> None:
        """Close the lines that are not in use, the others when their message is through."""
        self._closed = True
        while (line := self._kept_line()) is not None:
            line.close()

    async def _hand_over(self, line: Line, envelope: Envelope) -> Receipt:
        try:
            return await line.hand_over(envelope)
        finally:
            self._keep(line)

    def _kept_line(self) -> Line | None:
        if not self._idle:
            return None
        line, expiry = self._idle.popitem()
        expiry.cancel()
        return line

    def _keep(self, line: Line) -> None:
        if self._closed or not line.usable:
            line.close()
        else:
            self._idle[line] = asyncio.get_running_loop().call_later(self._idle_s, self._expire, line)

    def _expire(self, line: Line) -> None:
        self._idle.pop(line, None)
        line.close()

    async def _new_line(self) -> Line:
        if self._tls is None and self._server.encryption is not Encryption.NEVER:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        if not self._server.ehlo:
            self._server = replace(self._server, ehlo=await asyncio.to_thread(_own_name))
        return await open_line(self._server, self._tls)


def _own_name() -> str:
    name = socket.getfqdn()
    return name if HOST_NAME.fullmatch(name) else "localhost"


def _envelope(message: Message) -> Envelope:
    """Address the message to its one recipient and make its bytes fit for DATA, their content untouched."""
    if not message.raw:
        raise Refused("the message has no RFC 5322 bytes to hand over")
    if not message.raw.count(b"\r\n") == message.raw.count(b"\n") == message.raw.count(b"\r"):
        raise Refused("the message has a line that does not end in CRLF")
    sender, recipient = _on_the_wire(parseaddr(message.sender)[1]), _on_the_wire(message.to)
    if sender is None:
        raise Misconfigured("the sender is not an e-mail address")
    if recipient is None:
        raise Refused("the recipient is not an e-mail address", address=True)
    body = message.raw if message.raw.endswith(b"\r\n") else message.raw + b"\r\n"
    header = body[: body.find(b"\r\n\r\n")]
    return Envelope(
        sender=sender,
        recipient=recipient,
        body=(b"." if body.startswith(b".") else b"") + body.replace(b"\n.", b"\n.."),
        utf8=not (sender + recipient + header).isascii(),
        private=f"{message.to} {message.subject}",
    )


def _on_the_wire(address: str) -> bytes | None:
    """Return an address without display name, its domain in ASCII (IDNA 2008), None when it is none."""
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        return None
    domain = parts["domain"]
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None
    return f"{parts['local']}@{ascii_domain}".encode()
