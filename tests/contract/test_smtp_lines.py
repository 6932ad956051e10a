"""The care that SMTP takes of its connections: kept, replaced, bounded, encrypted, logged in."""

import asyncio
import ssl
from importlib.resources import as_file, files

import pytest

from channels.base import Misconfigured, Refused, TemporarilyUnavailable, Unproven
from channels.smtp import Smtp
from tests.contract.channel_contract import letter
from tests.scripted_smtp import GOOD, Act, Scripted
from tests.smtp_server import Mailbox

pytestmark = pytest.mark.asyncio


async def test_messages_in_a_row_share_one_line_and_one_greeting() -> None:
    async with Scripted() as server:
        smtp = Smtp(server.url)
        for number in range(3):
            await smtp.send(letter(number))
        await smtp.aclose()
        assert [line.split()[0] for line in server.commands if line] == ["EHLO", *["MAIL", "RCPT", "DATA"] * 3]


async def test_a_kept_line_found_dead_is_replaced_before_anything_was_accepted() -> None:
    async with Mailbox() as mailbox:
        smtp = Smtp(mailbox.url)
        await smtp.send(letter(1))
        mailbox.cut_lines()
        await smtp.send(letter(2))
        await smtp.aclose()
        assert [received.raw for received in mailbox.messages] == [letter(1).raw, letter(2).raw]
        assert mailbox.connections == 2


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("death", [Act.DROP, Act.HANG, "421 4.4.2 Idle for too long"])
async def test_a_kept_line_that_dies_before_the_final_dot_is_replaced_once(stage: str, death: str | Act) -> None:
    async with Scripted() as server:
        smtp = Smtp(f"{server.url}&timeout=0.3")
        await smtp.send(letter(1))
        server.script[stage] = death
        with pytest.raises(TemporarilyUnavailable):
            await smtp.send(letter(2))
        await smtp.aclose()
        assert server.connections == 2
        assert server.messages == [letter(1).raw]


async def test_a_line_that_dies_after_the_final_dot_is_never_replaced() -> None:
    async with Scripted() as server:
        smtp = Smtp(server.url)
        await smtp.send(letter(1))
        server.script["dot"] = Act.DROP
        with pytest.raises(Unproven):
            await smtp.send(letter(2))
        await smtp.aclose()
        assert server.connections == 1
        assert server.messages == [letter(1).raw, letter(2).raw]


async def test_a_line_is_reset_and_used_again_after_a_refusal() -> None:
    async with Scripted(rcpt="550 5.1.1 Unknown") as server:
        smtp = Smtp(server.url)
        with pytest.raises(Refused):
            await smtp.send(letter(1))
        server.script = dict(GOOD)
        await smtp.send(letter(2))
        await smtp.aclose()
        assert server.connections == 1
        assert [line.split()[0] for line in server.commands] == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"]


async def test_an_idle_line_is_closed_with_a_goodbye() -> None:
    async with Scripted() as server:
        smtp = Smtp(server.url, idle_s=0)
        await smtp.send(letter(1))
        await server.at("quit")
        await smtp.send(letter(2))
        await smtp.aclose()
        assert server.connections == 2


async def test_there_are_never_more_lines_than_allowed() -> None:
    async with Mailbox() as mailbox:
        smtp = Smtp(mailbox.url, connections=3)
        await asyncio.gather(*(smtp.send(letter(number)) for number in range(20)))
        await smtp.aclose()
        assert mailbox.connections == 3
        assert len(mailbox.messages) == 20


async def test_nothing_is_kept_open_after_closing() -> None:
    async with Scripted(data=Act.HANG) as server:
        smtp = Smtp(server.url)
        sending = asyncio.create_task(smtp.send(letter()))
        await server.at("data")
        await smtp.aclose()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        server.script = dict(GOOD)
        await smtp.send(letter(2))
        await server.at("quit")


async def test_a_wrong_password_is_a_fault_of_the_settings() -> None:
    async with Mailbox(login=("relaunch", "sesame")) as mailbox:
        smtp = Smtp(mailbox.url.replace("sesame", "wrong"))
        with pytest.raises(Misconfigured, match="535"):
            await smtp.send(letter())
        await smtp.aclose()


async def test_a_login_at_a_server_that_knows_none_is_a_fault_of_the_settings() -> None:
    async with Scripted() as server:
        smtp = Smtp(server.url.replace("//", "//relaunch:sesame@"))
        with pytest.raises(Misconfigured, match="log in"):
            await smtp.send(letter())
        await server.at("end")
        await smtp.aclose()


async def test_required_encryption_that_is_not_offered_stops_the_send() -> None:
    async with Mailbox() as mailbox:
        smtp = Smtp(f"{mailbox.url}&starttls=required")
        with pytest.raises(Misconfigured, match="STARTTLS"):
            await smtp.send(letter())
        await smtp.aclose()
        assert mailbox.messages == []


async def test_a_password_is_not_sent_in_the_clear_over_the_net() -> None:
    server = Scripted(ehlo="250-scripted.test\r\n250 AUTH PLAIN LOGIN")
    server.host = "127.0.0.2"
    async with server:
        smtp = Smtp(server.url.replace("//", "//relaunch:sesame@"))
        with pytest.raises(Misconfigured, match="in the clear"):
            await smtp.send(letter())
        await smtp.aclose()
        assert [line.split()[0] for line in server.commands] == ["EHLO"]


def _certified() -> ssl.SSLContext:
    """Return a server's context with the certificate that aiosmtpd ships for its own tests."""
    folder = files("aiosmtpd.tests.certs")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with as_file(folder / "server.crt") as certificate, as_file(folder / "server.key") as key:
        context.load_cert_chain(certificate, key)
    return context


def _trusting() -> ssl.SSLContext:
    """Return a client's context that trusts that certificate, whose name is not this machine's."""
    context = ssl.create_default_context(cadata=(files("aiosmtpd.tests.certs") / "server.crt").read_text())
    context.check_hostname = False
    return context


@pytest.mark.parametrize("from_start", [True, False])
async def test_a_message_and_its_login_travel_encrypted(from_start: bool) -> None:
    context = _certified()
    login = ("relaunch", "sesame")
    mailbox = Mailbox(tls=context, login=login) if from_start else Mailbox(starttls=context, login=login)
    async with mailbox:
        smtp = Smtp(mailbox.url if from_start else f"{mailbox.url}&starttls=required", tls=_trusting())
        for number in range(2):
            await smtp.send(letter(number))
        await smtp.aclose()
        assert [received.raw for received in mailbox.messages] == [letter(0).raw, letter(1).raw]
        assert mailbox.connections == 1


@pytest.mark.parametrize("from_start", [True, False])
async def test_a_certificate_nobody_vouches_for_is_not_accepted(from_start: bool) -> None:
    context = _certified()
    async with Mailbox(tls=context) if from_start else Mailbox(starttls=context) as mailbox:
        smtp = Smtp(mailbox.url if from_start else f"{mailbox.url}&starttls=required")
        with pytest.raises(Misconfigured, match="certificate"):
            await smtp.send(letter())
        await smtp.aclose()
        assert mailbox.messages == []


async def test_smtps_to_a_server_that_speaks_no_tls_is_explained() -> None:
    async with Scripted() as server:
        smtp = Smtp(server.url.replace("smtp://", "smtps://"))
        with pytest.raises(Misconfigured, match="smtp://"):
            await smtp.send(letter())
        await smtp.aclose()
