"""The sentences that every provider's adapter over HTTP must keep, beside those of `channel_contract`."""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.addresses import mailbox, recipient
from channels.base import ChannelError, Misconfigured, Refused, Sender, TemporarilyUnavailable, Unproven
from channels.wording import clean
from models.message import Message
from models.vocabulary import Channel
from tests.contract.channel_contract import (
    ECHO,
    SECRETS,
    Mood,
    ProviderContract,
    Rig,
    everything_said,
    fails,
    letter,
    sms,
)
from tests.provider_double import Act, Arrived, Fault, ProviderDouble, Reply

KEY = "pa55-key-of-the-shop"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PROSE = f'{{"Message": "{ECHO}"}}'.encode()
UNSUBSCRIBE = (
    ("List-Unsubscribe", "<https://shop.example/u/token>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("List-Id", "<relaunch.shop.example>"),
)


def now() -> datetime:
    return NOON


@pytest.mark.asyncio
class HttpProviderContract(ProviderContract):
    """Derive from it, name it `Test...`, and say which double stands for the provider and how its adapter is made."""

    channel = Channel.EMAIL
    double: type[ProviderDouble]

    @abstractmethod
    def sender(self, url: str, *, key: str = KEY, timeout_s: float = 5.0) -> Sender:
        """Return the adapter, told to find the provider at `url`."""

    def key_of(self, message: Message) -> str | None:
        """Return the idempotency key that the provider must see, None where it knows none."""
        return None

    def letter(self, number: int = 1, *, subject: str = "Sandales rouges") -> Message:
        if self.channel is Channel.SMS:
            return sms(number, text=f"{clean(subject)}. STOP au 36111")
        return replace(letter(number, subject=subject, headers=UNSUBSCRIBE), reply_to="Aide <aide@shop.example>")

    def arrival(self, message: Message) -> object:
        key = self.key_of(message)
        if message.channel is Channel.SMS:
            return Arrived(message.to, message.sender, message.text, message.delivery, key=key)
        own = (("Message-ID", message.message_id), ("X-Relaunch-Delivery", message.delivery))
        return Arrived(
            to=recipient(message.to),
            sender=str(mailbox(message.sender, "sender")),
            reply_to=str(mailbox(message.reply_to, "reply-to")) if message.reply_to else None,
            subject=clean(message.subject, 300),
            text=message.text,
            html=message.html,
            headers=frozenset((*message.headers, *own)),
            delivery=message.delivery,
            key=key,
        )

    def header(self, arrived: object, name: str) -> str | None:
        assert isinstance(arrived, Arrived)
        return dict(arrived.headers).get(name)

    def rig(self, mood: Mood) -> AbstractAsyncContextManager[Rig]:
        return self._rig(mood)

    @asynccontextmanager
    async def _rig(self, mood: Mood) -> AsyncIterator[Rig]:
        async with self.facing() as (double, sender):
            match mood:
                case Mood.BUSY:
                    double.instead = Reply(429, PROSE)
                case Mood.DOWN:
                    await double.down()
                case Mood.REFUSES_ADDRESS:
                    double.instead = double.refusal(Fault.ADDRESS)
                case Mood.LOSES_REPLY:
                    double.instead = Act.DROP_AFTER

            async def recover() -> None:
                double.instead = None
                if mood is Mood.DOWN:
                    await double.up()

            yield Rig(sender, lambda: double.arrived, recover)

    @asynccontextmanager
    async def facing(
        self, instead: Reply | Act | None = None, *, key: str = KEY, timeout_s: float = 5.0
    ) -> AsyncIterator[tuple[ProviderDouble, Sender]]:
        """Give the double and the adapter before it; the exit closes both."""
        async with self.double() as double:
            double.instead = instead
            sender = self.sender(double.url, key=key, timeout_s=timeout_s)
            yield double, sender
            await sender.aclose()

    async def told(self, instead: Reply | Act, *, timeout_s: float = 5.0) -> ChannelError:
        """Return how a message fails whose provider does this."""
        async with self.facing(instead, timeout_s=timeout_s) as (_, sender):
            return await caught(sender, self.letter())

    @pytest.mark.parametrize(
        ("header", "wish"),
        [
            (None, None),
            ("120", timedelta(minutes=2)),
            ("Mon, 02 Mar 2026 12:05:00 GMT", timedelta(minutes=5)),
            ("Mon, 02 Mar 2026 11:00:00 GMT", timedelta(0)),
            ("soon", None),
        ],
    )
    async def test_a_rate_limit_is_temporary_and_its_wish_is_kept(
        self, header: str | None, wish: timedelta | None
    ) -> None:
        error = await self.told(Reply(429, PROSE, {"Retry-After": header} if header else {}))
        assert isinstance(error, TemporarilyUnavailable)
        assert error.retry_after == wish

    async def test_a_provider_in_maintenance_has_accepted_nothing(self) -> None:
        assert isinstance(await self.told(Reply(503, PROSE)), TemporarilyUnavailable)

    @pytest.mark.parametrize("status", [500, 502, 504])
    async def test_a_fault_within_the_provider_proves_nothing(self, status: int) -> None:
        assert isinstance(await self.told(Reply(status, PROSE)), Unproven)

    async def test_no_answer_in_time_proves_nothing_and_is_not_repeated(self) -> None:
        async with self.facing(Act.HANG, timeout_s=0.2) as (double, sender):
            assert isinstance(await caught(sender, self.letter()), Unproven)
            assert len(double.arrived) == 1

    async def test_a_line_lost_before_the_answer_proves_nothing_and_is_not_repeated(self) -> None:
        async with self.facing(Act.DROP) as (double, sender):
            assert isinstance(await caught(sender, self.letter()), Unproven)
            assert len(double.asked) == 1

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"', b"[" * 5000, PROSE])
    async def test_an_answer_that_cannot_be_read_proves_nothing(self, body: bytes) -> None:
        assert isinstance(await self.told(Reply(200, body)), Unproven)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed(self, status: int) -> None:
        async with self.facing() as (double, sender):
            double.instead = Reply(status, PROSE, {"Location": f"{double.url}/elsewhere"})
            assert isinstance(await caught(sender, self.letter()), Misconfigured)
            assert len(double.asked) == 1

    async def test_a_retry_carries_the_same_body(self) -> None:
        async with self.facing(Reply(429, PROSE)) as (double, sender):
            await caught(sender, self.letter())
            double.instead = None
            await sender.send(self.letter())
            first, second = double.asked
            assert first.body == second.body
            assert double.read(first) == double.read(second) == self.arrival(self.letter())

    async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(self) -> None:
        async with self.facing() as (double, sender):
            await sender.send(self.letter(1))
            await double.cut_lines()
            await sender.send(self.letter(2))
            assert double.arrived == [self.arrival(self.letter(number)) for number in (1, 2)]

    async def test_a_wrong_key_is_our_fault(self) -> None:
        async with self.facing(key="another-key") as (double, sender):
            assert isinstance(await caught(sender, self.letter()), Misconfigured)
            assert double.arrived == []

    @pytest.mark.parametrize("key", ["", "two\r\nlines", "clé"])
    async def test_a_key_that_cannot_be_one_is_an_error_before_the_first_message(self, key: str) -> None:
        with pytest.raises(Misconfigured) as error:
            self.sender("https://provider.example", key=key)
        assert not key or key not in str(error.value)

    async def test_a_url_that_is_none_is_an_error_before_the_first_message(self) -> None:
        for url in ("provider.example", "ftp://provider.example", "https://", f"https://key:{KEY}@provider.example"):
            with pytest.raises(Misconfigured):
                self.sender(url)

    async def test_a_sender_who_is_not_known_there_is_our_fault(self) -> None:
        assert isinstance(await self.told(self.double().refusal(Fault.SENDER)), Misconfigured)

    async def test_a_refused_message_is_nobodys_address(self) -> None:
        error = await self.told(self.double().refusal(Fault.MESSAGE))
        assert isinstance(error, Refused)
        assert (error.address, error.consent) == (False, False)

    async def test_a_send_that_is_cancelled_while_the_provider_has_it_proves_nothing(self) -> None:
        async with self.facing(Act.HANG) as (double, sender):
            sending = asyncio.create_task(sender.send(self.letter()))
            while not double.asked:
                await asyncio.sleep(0)
            sending.cancel()
            with pytest.raises(Unproven):
                await sending

    async def test_a_send_that_is_cancelled_before_it_began_is_just_cancelled(self) -> None:
        async with self.facing() as (double, sender):
            sending = asyncio.create_task(sender.send(self.letter()))
            await asyncio.sleep(0)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            assert double.arrived == []

    async def test_a_foreign_domain_arrives_as_mail_carries_it(self) -> None:
        async with self.facing() as (double, sender):
            if self.channel is Channel.EMAIL:
                message = replace(self.letter(), to="zoe@straße.example", sender="Zoé <zoe@straße.example>")
                await sender.send(message)
                assert double.arrived == [self.arrival(message)]
                assert double.arrived[0].to == "zoe@xn--strae-oqa.example"

    async def test_an_address_that_is_none_is_refused_before_anything_is_sent(self) -> None:
        async with self.facing() as (double, sender):
            error = await caught(sender, replace(self.letter(), to="camille durand"))
            assert isinstance(error, Refused)
            assert error.address
            assert double.asked == []

    async def test_after_closing_nothing_is_sent(self) -> None:
        async with self.facing() as (double, sender):
            await sender.aclose()
            assert isinstance(await caught(sender, self.letter()), TemporarilyUnavailable)
            assert double.asked == []

    async def test_no_bad_day_makes_it_tell_address_content_or_key(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        bad_days = [
            *map(self.double().refusal, Fault),
            *Act,
            *(Reply(status, PROSE) for status in (200, 302, 400, 500)),
        ]
        said = ""
        for day in bad_days:
            said += everything_said(await self.told(day, timeout_s=0.2))
        said += "".join(repr(vars(record)) for record in caplog.records)
        assert [secret for secret in SECRETS if secret in said.casefold()] == []


async def caught(sender: Sender, message: Message) -> ChannelError:
    """Hand the message over, insist that it fails as the contract allows, and return how."""

    async def nothing() -> None:
        """There is nothing to recover."""

    return await fails(Rig(sender, list, nothing), message)
