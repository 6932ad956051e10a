"""A real SMTP server on this machine, for tests and the demo; `scripted_smtp` has the bad days."""

import asyncio
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


def _login_part(login: tuple[str, str] | None) -> str:
    return f"{quote(login[0], safe='')}:{quote(login[1], safe='')}@" if login else ""


@dataclass(frozen=True, slots=True)
class Received:
    """One accepted message: its envelope and its bytes, dot-stuffing undone."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes


class LocalServer:
    """Listens on a free port of this machine; `down` and `up` keep the port."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None) -> None:
        """Describe the server; it listens inside `async with`. `tls` encrypts from the first byte."""
        self.host = "127.0.0.1"
        self.port = 0
        self._tls = tls
        self._login = login
        self._server: asyncio.Server | None = None
        self.connections = 0
        self._lines: set[asyncio.WriteTransport] = set()

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()

    @property
    def url(self) -> str:
        """Return the address as Relaunch takes it, login included; options may be added with `&`."""
        scheme = "smtps" if self._tls else "smtp"
        return f"{scheme}://{_login_part(self._login)}{self.host}:{self.port}?ehlo=relaunch.test"

    async def up(self) -> None:
        """Listen, again on the same port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, self.host, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Stop listening and cut all lines."""
        if self._server is not None:
            self._server.close()
        self.cut_lines()

    def cut_lines(self) -> None:
        """Cut all open lines without a word; new ones are welcome."""
        while self._lines:
            self._lines.pop().abort()

    def _protocol(self) -> asyncio.Protocol:
        raise NotImplementedError


class Mailbox(LocalServer):
    """A real SMTP server that keeps what it accepts in `messages`.

    `login` demands that user and password; `starttls` offers encryption, `tls` speaks it from the first byte.
    """

    def __init__(
        self,
        *,
        login: tuple[str, str] | None = None,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Describe the server; it listens inside `async with`."""
        super().__init__(tls=tls, login=login)
        self.messages: list[Received] = []
        self._starttls = starttls
        self._refusal: dict[str, str] = {}
        self._drop_after_data = False

    def refuse_with(self, code: int, text: str, *, at: str = "DATA") -> None:
        """Answer MAIL, RCPT or the final dot (`at="DATA"`) with this code and text until `accept`."""
        self._refusal = {at: f"{code} {text}"}

    def drop_after_data(self) -> None:
        """Keep each message and cut the line instead of confirming it, until `accept`."""
        self._drop_after_data = True

    def accept(self) -> None:
        """Be a good server again."""
        self._refusal = {}
        self._drop_after_data = False

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer MAIL FROM."""
        if self._login is not None and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if "MAIL" in self._refusal:
            return self._refusal["MAIL"]
        envelope.mail_from = address
        return "250 2.1.0 Ok"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        if "RCPT" in self._refusal:
            return self._refusal["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answer the final dot."""
        if "DATA" in self._refusal:
            return self._refusal["DATA"]
        raw = envelope.original_content or b""
        self.messages.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw))
        if self._drop_after_data and server.transport is not None:
            server.transport.close()
        return f"250 2.0.0 Ok: queued as {len(self.messages):08X}"

    def _protocol(self) -> asyncio.Protocol:
        return _Tracked(
            self,
            hostname="mailbox.test",
            enable_SMTPUTF8=True,
            tls_context=self._starttls,
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )

    def opened(self, line: asyncio.WriteTransport) -> None:
        """Note a new connection."""
        self.connections += 1
        self._lines = {old for old in self._lines if not old.is_closing()} | {line}

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=good, handled=good)


class _Tracked(SMTP):
    """The library's server, telling its mailbox of each connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the line, unless it is the same one after STARTTLS."""
        if self.transport is None:
            self.event_handler.opened(transport)
        super().connection_made(transport)
