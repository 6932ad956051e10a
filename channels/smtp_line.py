"""One connection to an SMTP server, driven so that we always know whether the final dot of DATA has left."""

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from typing import Final, assert_never, cast

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPStatus,
)
from aiosmtplib.protocol import SMTPProtocol

from channels.base import ChannelError, Misconfigured, Receipt, Refused, TemporarilyUnavailable, Unproven
from channels.smtp_replies import Stage, problem_of, queue_id, what_happened
from channels.smtp_url import Encryption, Server

PATIENCE_AFTER_DOT: Final = 4
"""How many time-outs we wait for the reply to the final dot: giving up there leaves a message nobody can settle."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the server is told: addresses as they stand on the wire, and the body, dot-stuffed and ending in CRLF.

    `private` holds the words that no error may repeat.
    """

    sender: bytes
    recipient: bytes
    body: bytes = field(repr=False)
    utf8: bool
    private: str = field(repr=False)


class LineLost(TemporarilyUnavailable):
    """The line was of no use any more before the final dot was sent: nothing was accepted."""


class Line:
    """An open, logged-in connection; one message at a time."""

    def __init__(self, client: SMTP, timeout: float) -> None:
        """Take over a connected client; `timeout` in seconds for each reply."""
        self._client = client
        self._timeout = timeout
        self._midway = False
        if client.transport is None or client.protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        transport = cast(asyncio.WriteTransport, client.transport)
        # Low marks make drain() wait until the kernel has the whole body, so that a line lost under it is proof.
        transport.set_write_buffer_limits(high=1, low=0)
        self._writer = asyncio.StreamWriter(transport, client.protocol, None, asyncio.get_running_loop())

    @property
    def usable(self) -> bool:
        """Say whether another message may go over this line."""
        return self._client.is_connected

    def close(self) -> None:
        """Say goodbye without waiting for the answer."""
        if self._client.is_connected:
            self._writer.write(b"QUIT\r\n")
            self._client.close()

    def _drop(self) -> None:
        """Close at once: what is still in our buffers must not reach the server any more."""
        self._writer.transport.abort()
        self._client.close()

    async def hand_over(self, envelope: Envelope) -> Receipt:
        """Hand one message over; raises as the table in `smtp_replies` says, `LineLost` when another line may help.

        The line is closed on anything but a clean reply. CancelledError passes before the final dot only.
        """
        try:
            await self._introduce(envelope)
            await self._write_body(envelope.body)
            return await self._finish(envelope.private)
        except BaseException as error:
            if isinstance(error, LineLost | Unproven) or not isinstance(error, ChannelError):
                self._drop()
            raise

    async def _introduce(self, envelope: Envelope) -> None:
        if self._midway:
            await self._command(Stage.RESET, envelope, b"RSET")
        self._midway = True
        await self._command(Stage.SENDER, envelope, b"MAIL", b"FROM:<%b>" % envelope.sender, *self._options(envelope))
        await self._command(Stage.RECIPIENT, envelope, b"RCPT", b"TO:<%b>" % envelope.recipient)
        await self._command(Stage.DATA, envelope, b"DATA")

    def _options(self, envelope: Envelope) -> list[bytes]:
        options = []
        if self._client.supports_extension("size"):
            options.append(b"SIZE=%d" % len(envelope.body))
        if self._client.supports_extension("8bitmime") and not envelope.body.isascii():
            options.append(b"BODY=8BITMIME")
        if envelope.utf8:
            if not self._client.supports_extension("smtputf8"):
                raise Refused("the SMTP server takes no addresses beyond ASCII (no SMTPUTF8)")
            options.append(b"SMTPUTF8")
        return options

    async def _command(self, stage: Stage, envelope: Envelope, *words: bytes) -> None:
        """Send one command before the final dot and insist on a good reply."""
        lost = reply = None
        try:
            reply = await self._client.execute_command(*words)
        except (SMTPException, OSError) as error:
            lost = what_happened(error)
        if reply is None:
            raise LineLost(f"{lost} at {stage}, before the final dot")
        if reply.code // 100 == (3 if stage is Stage.DATA else 2):
            return
        problem = problem_of(stage, reply, envelope.private)
        if reply.code == SMTPStatus.domain_unavailable or stage is Stage.RESET or reply.code // 100 not in (4, 5):
            raise LineLost(str(problem))
        raise problem

    async def _write_body(self, body: bytes) -> None:
        try:
            self._protocol.write(body)
            await asyncio.wait_for(self._writer.drain(), self._timeout)
        except (SMTPException, OSError) as error:
            lost = what_happened(error)
        else:
            return
        raise LineLost(f"{lost} in the body, before the final dot")

    async def _finish(self, private: str) -> Receipt:
        """Send the final dot, the one moment after which silence proves nothing, and wait for the verdict."""
        lost = reply = None
        try:
            protocol = self._protocol
            protocol.write(b".\r\n")
        except SMTPServerDisconnected as error:
            lost = what_happened(error)
        if lost is not None:
            raise LineLost(f"{lost} just before the final dot")
        try:
            reply = await protocol.read_response(self._timeout * PATIENCE_AFTER_DOT)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it was, it proves nothing
            lost = what_happened(error)
        if reply is None:
            raise Unproven(f"{lost} after the final dot: the SMTP server may have accepted the message")
        return self._verdict(reply, private)

    def _verdict(self, reply: SMTPResponse, private: str) -> Receipt:
        self._midway = False
        if reply.code // 100 == 2:
            return Receipt("smtp", queue_id(reply))
        raise problem_of(Stage.DOT, reply, private)

    @property
    def _protocol(self) -> SMTPProtocol:
        if self._client.protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        return self._client.protocol


async def open_line(server: Server, tls: ssl.SSLContext | None) -> Line:
    """Connect, encrypt and log in; raises TemporarilyUnavailable or Misconfigured, nothing else."""
    client = SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.encryption is Encryption.FROM_START,
        start_tls=False,
        local_hostname=server.ehlo,
        timeout=server.timeout,
        tls_context=tls,
    )
    stage, line = Stage.CONNECT, None
    try:
        await client.connect()
        stage = Stage.HELLO
        await client.ehlo()
        if _starttls_now(server, client):
            stage = Stage.TLS
            await client.starttls()
            await client.ehlo()
        if server.username is not None:
            stage = Stage.LOGIN
            await client.login(server.username, server.password)
        line = Line(client, server.timeout)
    except (SMTPException, OSError) as error:
        problem = _not_open(server, stage, error)
    finally:
        if line is None:
            client.close()
    if line is None:
        raise problem
    return line


def _starttls_now(server: Server, client: SMTP) -> bool:
    """Decide on STARTTLS; a password crosses the net in the clear only where the operator wrote `starttls=never`."""
    offered = client.supports_extension("starttls")
    match server.encryption:
        case Encryption.FROM_START | Encryption.NEVER:
            return False
        case Encryption.REQUIRED if not offered:
            raise Misconfigured(f"the SMTP server at {server.place} does not offer STARTTLS, which is required")
        case Encryption.AUTO if server.username is not None and not offered and not server.here:
            raise Misconfigured(
                f"the SMTP server at {server.place} does not offer STARTTLS and a password is not sent in the clear: "
                "use smtps://, or starttls=never if it must be"
            )
        case Encryption.AUTO:
            return offered and not server.here
        case Encryption.REQUIRED:
            return True
        case _:
            assert_never(server.encryption)


def _not_open(server: Server, stage: Stage, error: Exception) -> ChannelError:
    """Say why there is no line; a certificate or a login that does not fit needs the operator, the rest may pass."""
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(error, SMTPResponseException) and error.code > 0:
        return problem_of(stage, SMTPResponse(error.code, error.message), server.username or "")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Misconfigured(f"the TLS certificate of {server.place} is not valid: {cause.verify_message}")
    if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
        return Misconfigured(f"{server.place} does not speak TLS from the start: use smtp:// instead of smtps://")
    if stage is Stage.LOGIN and type(error) is SMTPException:
        return Misconfigured(f"the SMTP server at {server.place} offers no way to log in that we know")
    if isinstance(cause, socket.gaierror):
        return TemporarilyUnavailable(f"the host name of {server.place} is not found")
    return TemporarilyUnavailable(f"no connection to {server.place}: {what_happened(error)} at {stage}")
