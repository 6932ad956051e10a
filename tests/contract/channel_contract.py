"""The sentences that every channel's adapter must keep; `docs/adding-a-channel.md` says how to apply them."""

import asyncio
import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from enum import StrEnum, auto

import pytest

from channels.base import ChannelError, Misconfigured, Receipt, Refused, Sender, TemporarilyUnavailable, Unproven
from channels.mime import to_bytes
from models.message import Message
from models.vocabulary import Channel

PASSWORD = "pa55:w/rd@relay"
SECRETS = ("camille", "durand", "sandales", "612345678", PASSWORD, "pa55")
"""What no exception and no log line may contain: the parts of `letter`'s and `sms`' address and words, and the key."""

ECHO = "Durand <camille.durand@example.org> Sandales 'Sandales rouges' camille.durand Camille +33612345678 unknown"
"""What a talkative provider says of `letter` and of `sms`."""


class Mood(StrEnum):
    """The state of the far side."""

    WELL = auto()
    BUSY = auto()
    DOWN = auto()
    REFUSES_ADDRESS = auto()
    LOSES_REPLY = auto()


@dataclass(frozen=True, slots=True)
class Rig:
    """An adapter before its far side: `received` gives what that has accepted, `recover` makes it well again.

    What it gives is compared with the contract's `arrival` of a message: its bytes where they are handed over.
    """

    sender: Sender
    received: Callable[[], Sequence[object]]
    recover: Callable[[], Awaitable[None]]


def letter(
    number: int = 1,
    *,
    to: str = "camille.durand@example.org",
    sender: str = "Maison Ébène <bonjour@shop.example>",
    subject: str = "Sandales rouges",
    headers: tuple[tuple[str, str], ...] = (),
) -> Message:
    """Return an e-mail as the product would render it, with bytes hard to carry: lines that begin with dots."""
    key = f"journey-{number}/reminder/email"
    message = Message(
        delivery=f"0199-{number:04}",
        key=key,
        channel=Channel.EMAIL,
        to=to,
        sender=sender,
        reply_to=None,
        subject=subject,
        text="Bonjour\n.\n..\n. fin\n",
        html="<p>Bonjour</p>\n",
        message_id=f"<{key.replace('/', '.')}@shop.example>",
        headers=headers,
    )
    return replace(message, raw=to_bytes(message, datetime(2026, 3, 2, 9, tzinfo=UTC)))


def sms(number: int = 1, *, text: str = "Sandales rouges. STOP au 36111") -> Message:
    """Return a text message as the product would render it."""
    key = f"journey-{number}/last-call/sms"
    return Message(f"0199-{number:04}", key, Channel.SMS, "+33612345678", "Maison", None, "", text, "", "")


async def fails(rig: Rig, message: Message) -> ChannelError:
    """Hand the message over, insist that it fails as the contract allows, and return how."""
    with pytest.raises(ChannelError) as caught:
        await rig.sender.send(message)
    return caught.value


def everything_said(error: BaseException | None) -> str:
    """Return all that an error could print anywhere: its traceback, its causes and its arguments."""
    said = ""
    while error is not None:
        said += "".join(traceback.format_exception(error)) + repr(error) + repr(error.args) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return said


@pytest.mark.asyncio
class ChannelContract(ABC):
    """For every adapter; `finds` says whether it can look a message up, `honours_key` whether a key counts once."""

    moods: frozenset[Mood] = frozenset({Mood.WELL, Mood.BUSY, Mood.DOWN})
    finds: bool
    honours_key: bool

    @abstractmethod
    def rig(self, mood: Mood) -> AbstractAsyncContextManager[Rig]:
        """Return the adapter before a far side in that mood; the exit closes both."""

    def letter(self, number: int = 1, *, subject: str = "Sandales rouges") -> Message:
        """Return a message of the adapter's channel; `subject` are words that it must carry."""
        return letter(number, subject=subject)

    def arrival(self, message: Message) -> object:
        """Return what `Rig.received` gives for a message: its bytes."""
        return message.raw

    def header(self, arrived: object, name: str) -> str | None:
        """Return a header of what arrived."""
        assert isinstance(arrived, bytes)
        value = message_from_bytes(arrived, policy=default)[name]
        return None if value is None else str(value)

    async def test_an_accepted_message_gives_a_receipt(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            receipt = await rig.sender.send(self.letter())
            assert receipt.provider == rig.sender.name
            assert len(rig.received()) == 1

    async def test_exactly_the_rendered_bytes_are_handed_over(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            await rig.sender.send(self.letter())
            assert list(rig.received()) == [self.arrival(self.letter())]

    async def test_a_temporary_refusal_proves_that_nothing_was_accepted(self) -> None:
        async with self.rig(Mood.BUSY) as rig:
            assert isinstance(await fails(rig, self.letter()), TemporarilyUnavailable)
            assert list(rig.received()) == []

    async def test_a_far_side_out_of_reach_has_accepted_nothing(self) -> None:
        async with self.rig(Mood.DOWN) as rig:
            assert isinstance(await fails(rig, self.letter()), TemporarilyUnavailable | Misconfigured)
            assert list(rig.received()) == []

    @pytest.mark.parametrize("mood", [Mood.BUSY, Mood.DOWN])
    async def test_a_retry_after_recovery_arrives_once_with_the_same_message_id(self, mood: Mood) -> None:
        async with self.rig(mood) as rig:
            await fails(rig, self.letter())
            await rig.recover()
            await rig.sender.send(self.letter())
            (arrived,) = rig.received()
            assert arrived == self.arrival(self.letter())
            assert self.header(arrived, "Message-ID") == (self.letter().message_id or None)

    async def test_a_second_hand_over_of_an_accepted_key_does_what_the_adapter_declares(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            receipts = [await rig.sender.send(self.letter()) for _ in range(2)]
            assert len(rig.received()) == (1 if self.honours_key else 2)
            assert not self.honours_key or receipts[0] == receipts[1]

    async def test_a_look_up_finds_only_what_was_accepted(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            assert await rig.sender.find(self.letter(1)) is None
            receipt = await rig.sender.send(self.letter(1))
            expected: Receipt | None = receipt if self.finds else None
            assert await rig.sender.find(self.letter(1)) == expected
            assert await rig.sender.find(self.letter(2)) is None

    @pytest.mark.parametrize(
        "subject", ["Zoé 🛍️👩‍👩‍👧, ton panier", "שלום דנה \u200f🎁", "مرحبا يا ليلى", "x\r\nBcc: all@example.org"]
    )
    async def test_a_subject_in_any_script_arrives_as_it_was_rendered(self, subject: str) -> None:
        async with self.rig(Mood.WELL) as rig:
            message = self.letter(subject=subject)
            await rig.sender.send(message)
            (arrived,) = rig.received()
            assert arrived == self.arrival(message)
            assert self.header(arrived, "Bcc") is None

    async def test_two_hundred_messages_at_once_all_arrive_once(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            messages = [self.letter(number) for number in range(200)]
            await asyncio.gather(*(rig.sender.send(message) for message in messages))
            assert sorted(rig.received(), key=repr) == sorted(map(self.arrival, messages), key=repr)

    async def test_no_error_and_no_log_line_tells_address_content_or_password(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for mood in sorted(self.moods - {Mood.WELL}):
            async with self.rig(mood) as rig:
                said = everything_said(await fails(rig, self.letter())) + repr(rig.sender)
                # The receiving server runs in this process too and may log what it likes.
                said += "".join(repr(vars(record)) for record in caplog.records if record.name != "mail.log")
            assert [secret for secret in SECRETS if secret in said.casefold()] == []

    async def test_closing_twice_does_no_harm(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            await rig.sender.send(self.letter())
            await rig.sender.aclose()
            await rig.sender.aclose()


@pytest.mark.asyncio
class ProviderContract(ChannelContract):
    """For adapters with somebody at the far end, who may refuse an address and whose answer may get lost."""

    moods = frozenset(Mood)

    async def test_a_refused_address_is_told_apart_from_a_refused_message(self) -> None:
        async with self.rig(Mood.REFUSES_ADDRESS) as rig:
            error = await fails(rig, self.letter())
            assert isinstance(error, Refused)
            assert error.address
            assert list(rig.received()) == []

    async def test_others_are_served_after_a_refused_address(self) -> None:
        async with self.rig(Mood.REFUSES_ADDRESS) as rig:
            await fails(rig, self.letter(1))
            await rig.recover()
            await rig.sender.send(self.letter(2))
            assert list(rig.received()) == [self.arrival(self.letter(2))]

    async def test_an_answer_lost_after_acceptance_proves_nothing(self) -> None:
        async with self.rig(Mood.LOSES_REPLY) as rig:
            assert isinstance(await fails(rig, self.letter()), Unproven)
            assert list(rig.received()) == [self.arrival(self.letter())]
