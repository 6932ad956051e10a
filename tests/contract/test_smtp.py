"""SMTP on its bad days, at every moment of the conversation, and with input that must go nowhere."""

import asyncio
from dataclasses import replace

import pytest

from channels.base import Misconfigured, Refused, TemporarilyUnavailable, Unproven
from channels.smtp import Smtp
from tests.contract.channel_contract import letter
from tests.scripted_smtp import GOOD, Act, Scripted
from tests.smtp_server import LocalServer, Mailbox

pytestmark = pytest.mark.asyncio

BAD_DAYS: list[tuple[dict[str, str | Act], type[Exception], int]] = [
    ({"banner": Act.DROP}, TemporarilyUnavailable, 0),
    ({"banner": Act.HANG}, TemporarilyUnavailable, 0),
    ({"banner": "421 4.3.2 Too busy"}, TemporarilyUnavailable, 0),
    ({"banner": "554 5.7.1 Go away"}, Misconfigured, 0),
    ({"banner": "hello"}, TemporarilyUnavailable, 0),
    ({"ehlo": Act.DROP}, TemporarilyUnavailable, 0),
    ({"mail": "450 4.1.8 Not now"}, TemporarilyUnavailable, 0),
    ({"mail": "530 5.7.0 Authentication required"}, Misconfigured, 0),
    ({"rcpt": "450 4.2.0 Greylisted"}, TemporarilyUnavailable, 0),
    ({"rcpt": "550 5.1.1 Unknown"}, Refused, 0),
    ({"rcpt": Act.HANG}, TemporarilyUnavailable, 0),
    ({"data": Act.DROP}, TemporarilyUnavailable, 0),
    ({"data": "554 5.5.1 No"}, Refused, 0),
    ({"dot": "451 4.3.0 Queue trouble"}, TemporarilyUnavailable, 0),
    ({"dot": "552 5.3.4 Too big"}, Refused, 0),
    ({"dot": "550 5.7.515 Access denied"}, Misconfigured, 0),
    ({"dot": Act.DROP}, Unproven, 1),
    ({"dot": Act.HANG}, Unproven, 1),
    ({"dot": "nonsense"}, Unproven, 1),
]


def impatient(server: LocalServer) -> Smtp:
    """Return a sender that gives up after 0.3 s, and 1.2 s after the final dot."""
    return Smtp(f"{server.url}&timeout=0.3")


@pytest.mark.parametrize(("script", "expected", "kept"), BAD_DAYS)
async def test_each_bad_day_ends_as_the_table_of_proof_says(
    script: dict[str, str | Act], expected: type[Exception], kept: int
) -> None:
    async with Scripted(**script) as server:
        smtp = impatient(server) if Act.HANG in script.values() else Smtp(server.url)
        with pytest.raises(expected):
            await smtp.send(letter())
        await smtp.aclose()
        assert len(server.messages) == kept


async def test_a_line_lost_within_the_body_proves_that_nothing_was_accepted() -> None:
    raw = letter().raw + (b"x" * 60 + b"\r\n") * 250_000
    async with Scripted(body=Act.DROP) as server:
        smtp = Smtp(server.url)
        with pytest.raises(TemporarilyUnavailable):
            await smtp.send(replace(letter(), raw=raw))
        await smtp.aclose()


async def test_a_server_that_stops_reading_the_body_has_accepted_nothing() -> None:
    raw = letter().raw + (b"x" * 60 + b"\r\n") * 250_000
    async with Scripted(body=Act.STALL) as server:
        smtp = impatient(server)
        with pytest.raises(TemporarilyUnavailable):
            await smtp.send(replace(letter(), raw=raw))
        await smtp.aclose()


async def test_a_send_cancelled_before_the_final_dot_is_simply_cancelled() -> None:
    async with Scripted(rcpt=Act.HANG) as server:
        smtp = Smtp(server.url)
        sending = asyncio.create_task(smtp.send(letter()))
        await server.at("rcpt")
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        server.script = dict(GOOD)
        await smtp.send(letter())
        await smtp.aclose()
        assert len(server.messages) == 1


async def test_a_send_cancelled_after_the_final_dot_proves_nothing() -> None:
    async with Scripted(dot=Act.HANG) as server:
        smtp = Smtp(server.url)
        sending = asyncio.create_task(smtp.send(letter()))
        await server.at("dot")
        sending.cancel()
        with pytest.raises(Unproven):
            await sending
        await smtp.aclose()


async def test_only_sender_and_recipient_stand_on_the_envelope() -> None:
    async with Mailbox() as mailbox:
        smtp = Smtp(mailbox.url)
        await smtp.send(letter(to="zoe@café.example", sender='"Ébène, Maison" <bonjour@shop.example>'))
        await smtp.aclose()
        (received,) = mailbox.messages
        assert (received.sender, received.recipients) == ("bonjour@shop.example", ("zoe@xn--caf-dma.example",))


async def test_utf8_addresses_are_announced_only_when_needed_and_offered() -> None:
    everyday, beyond_ascii = letter(1), replace(letter(2), to="zoé@example.org")
    async with Scripted() as server:
        smtp = Smtp(server.url)
        with pytest.raises(Refused):
            await smtp.send(beyond_ascii)
        server.script["ehlo"] = f"{GOOD['ehlo'].replace('250 8', '250-8')}\r\n250 SMTPUTF8"
        await smtp.aclose()
        smtp = Smtp(server.url)
        await smtp.send(everyday)
        await smtp.send(beyond_ascii)
        await smtp.aclose()
        mails = [line for line in server.commands if line.startswith("MAIL")]
        assert [line.endswith("SMTPUTF8") for line in mails] == [False, True]


@pytest.mark.parametrize(
    "to", ["", "zoe", "zoe@", "a b@example.org", "a@b> SIZE=1 <c@d", "zoe@example.org\r\nRSET", "a@b,c@d"]
)
async def test_no_address_can_carry_a_command(to: str) -> None:
    async with Scripted() as server:
        smtp = Smtp(server.url)
        with pytest.raises(Refused) as caught:
            await smtp.send(replace(letter(), to=to))
        await smtp.aclose()
        assert caught.value.address
        assert server.commands == []


async def test_lines_that_begin_with_a_dot_arrive_unchanged() -> None:
    raw = b".first: line\r\n\r\n.\r\n..\r\n.end\r\n"
    async with Scripted() as server:
        smtp = Smtp(server.url)
        await smtp.send(replace(letter(), raw=raw))
        await smtp.aclose()
        assert server.messages == [raw]


@pytest.mark.parametrize(
    "raw", [b"", b"Subject: x\n\nhi\n", b"Subject: x\r\n\r\nhi\n.\r\n", b"Subject: x\r\n\r\n\rhi\r\n"]
)
async def test_bytes_that_would_not_arrive_as_they_are_go_nowhere(raw: bytes) -> None:
    async with Scripted() as server:
        smtp = Smtp(server.url)
        with pytest.raises(Refused):
            await smtp.send(replace(letter(), raw=raw))
        await smtp.aclose()
        assert server.commands == []
