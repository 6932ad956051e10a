"""The sentences that every channel's adapter must keep; `docs/adding-a-channel.md` says how to apply them."""

import asyncio
import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
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
SECRETS = ("camille", "durand", "sandales", PASSWORD, "pa55")
"""What no exception and no log line may contain: the parts of `letter`'s address and subject, and the password."""

ECHO = "Durand <camille.durand@example.org> Sandales 'Sandales rouges' camille.durand Camille unknown"
"""What a talkative provider says of `letter`."""


class Mood(StrEnum):
    """The state of the far side."""

    WELL = auto()
    BUSY = auto()
    DOWN = auto()
    REFUSES_ADDRESS = auto()
    LOSES_REPLY = auto()


@dataclass(frozen=True, slots=True)
class Rig:
    """An adapter before its far side: `received` gives what that has accepted, `recover` makes it well again."""

    sender: Sender
    received: Callable[[], list[bytes]]
    recover: Callable[[], Awaitable[None]]


def letter(
    number: int = 1,
    *,
    to: str = "camille.durand@example.org",
    sender: str = "Maison Ébène <bonjour@shop.example>",
    subject: str = "Sandales rouges",
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
    )
    return replace(message, raw=to_bytes(message, datetime(2026, 3, 2, 9, tzinfo=UTC)))


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

    async def test_an_accepted_message_gives_a_receipt(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            receipt = await rig.sender.send(letter())
            assert receipt.provider == rig.sender.name
            assert len(rig.received()) == 1

    async def test_exactly_the_rendered_bytes_are_handed_over(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            await rig.sender.send(letter())
            assert rig.received() == [letter().raw]

    async def test_a_temporary_refusal_proves_that_nothing_was_accepted(self) -> None:
        async with self.rig(Mood.BUSY) as rig:
            assert isinstance(await fails(rig, letter()), TemporarilyUnavailable)
            assert rig.received() == []

    async def test_a_far_side_out_of_reach_has_accepted_nothing(self) -> None:
        async with self.rig(Mood.DOWN) as rig:
            assert isinstance(await fails(rig, letter()), TemporarilyUnavailable | Misconfigured)
            assert rig.received() == []

    @pytest.mark.parametrize("mood", [Mood.BUSY, Mood.DOWN])
    async def test_a_retry_after_recovery_arrives_once_with_the_same_message_id(self, mood: Mood) -> None:
        async with self.rig(mood) as rig:
            await fails(rig, letter())
            await rig.recover()
            await rig.sender.send(letter())
            (raw,) = rig.received()
            assert message_from_bytes(raw, policy=default)["Message-ID"] == letter().message_id

    async def test_a_second_hand_over_of_an_accepted_key_does_what_the_adapter_declares(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            receipts = [await rig.sender.send(letter()) for _ in range(2)]
            assert len(rig.received()) == (1 if self.honours_key else 2)
            assert not self.honours_key or receipts[0] == receipts[1]

    async def test_a_look_up_finds_only_what_was_accepted(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            assert await rig.sender.find(letter(1)) is None
            receipt = await rig.sender.send(letter(1))
            expected: Receipt | None = receipt if self.finds else None
            assert await rig.sender.find(letter(1)) == expected
            assert await rig.sender.find(letter(2)) is None

    @pytest.mark.parametrize(
        "subject", ["Zoé 🛍️👩‍👩‍👧, ton panier", "שלום דנה \u200f🎁", "مرحبا يا ليلى", "x\r\nBcc: all@example.org"]
    )
    async def test_a_subject_in_any_script_arrives_as_it_was_rendered(self, subject: str) -> None:
        async with self.rig(Mood.WELL) as rig:
            message = letter(subject=subject)
            await rig.sender.send(message)
            assert rig.received() == [message.raw]
            assert message_from_bytes(rig.received()[0], policy=default)["Bcc"] is None

    async def test_two_hundred_messages_at_once_all_arrive_once(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            messages = [letter(number) for number in range(200)]
            await asyncio.gather(*(rig.sender.send(message) for message in messages))
            assert sorted(rig.received()) == sorted(message.raw for message in messages)

    async def test_no_error_and_no_log_line_tells_address_content_or_password(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for mood in sorted(self.moods - {Mood.WELL}):
            async with self.rig(mood) as rig:
                said = everything_said(await fails(rig, letter())) + repr(rig.sender)
                # The receiving server runs in this process too and may log what it likes.
                said += "".join(repr(vars(record)) for record in caplog.records if record.name != "mail.log")
            assert [secret for secret in SECRETS if secret in said.casefold()] == []

    async def test_closing_twice_does_no_harm(self) -> None:
        async with self.rig(Mood.WELL) as rig:
            await rig.sender.send(letter())
            await rig.sender.aclose()
            await rig.sender.aclose()


@pytest.mark.asyncio
class ProviderContract(ChannelContract):
    """For adapters with somebody at the far end, who may refuse an address and whose answer may get lost."""

    moods = frozenset(Mood)

    async def test_a_refused_address_is_told_apart_from_a_refused_message(self) -> None:
        async with self.rig(Mood.REFUSES_ADDRESS) as rig:
            error = await fails(rig, letter())
            assert isinstance(error, Refused)
            assert error.address
            assert rig.received() == []

    async def test_others_are_served_after_a_refused_address(self) -> None:
        async with self.rig(Mood.REFUSES_ADDRESS) as rig:
            await fails(rig, letter(1))
            await rig.recover()
            await rig.sender.send(letter(2))
            assert rig.received() == [letter(2).raw]

    async def test_an_answer_lost_after_acceptance_proves_nothing(self) -> None:
        async with self.rig(Mood.LOSES_REPLY) as rig:
            assert isinstance(await fails(rig, letter()), Unproven)
            assert rig.received() == [letter().raw]
