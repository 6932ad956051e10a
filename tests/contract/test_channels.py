"""Every adapter against the one contract, and what files, memory and the registry promise beyond it."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from channels.base import ChannelError, Misconfigured, Refused, TemporarilyUnavailable, Unproven
from channels.files import Files
from channels.memory import Memory, by_key, in_turn
from channels.registry import senders
from channels.smtp import Smtp
from models.vocabulary import Channel
from tests.contract.channel_contract import ECHO, PASSWORD, ChannelContract, Mood, ProviderContract, Rig, letter
from tests.scripted_smtp import GOOD, Act, Scripted
from tests.smtp_server import Mailbox


@asynccontextmanager
async def smtp_before_a_mailbox(mood: Mood) -> AsyncIterator[Rig]:
    async with Mailbox(login=("relaunch", PASSWORD)) as mailbox:

        async def recover() -> None:
            mailbox.accept()
            if mood is Mood.DOWN:
                await mailbox.up()

        match mood:
            case Mood.BUSY:
                mailbox.refuse_with(450, f"4.2.0 Greylisted {ECHO}", at="RCPT")
            case Mood.DOWN:
                await mailbox.down()
            case Mood.REFUSES_ADDRESS:
                mailbox.refuse_with(550, f"5.1.1 {ECHO}", at="RCPT")
            case Mood.LOSES_REPLY:
                mailbox.drop_after_data()
        sender = Smtp(mailbox.url)
        yield Rig(sender, lambda: [received.raw for received in mailbox.messages], recover)
        await sender.aclose()


@asynccontextmanager
async def smtp_before_a_script(mood: Mood) -> AsyncIterator[Rig]:
    bad_day: dict[Mood, dict[str, str | Act]] = {
        Mood.WELL: {},
        Mood.BUSY: {"dot": f"451 4.3.0 {ECHO}"},
        Mood.DOWN: {"banner": Act.DROP},
        Mood.REFUSES_ADDRESS: {"rcpt": f"550-5.1.1 {ECHO}\r\n550 5.1.1 {ECHO}"},
        Mood.LOSES_REPLY: {"dot": Act.DROP},
    }
    async with Scripted(**bad_day[mood]) as server:

        async def recover() -> None:
            server.script = dict(GOOD)

        sender = Smtp(server.url)
        yield Rig(sender, lambda: server.messages, recover)
        await sender.aclose()


@asynccontextmanager
async def files_in(parent: Path, mood: Mood) -> AsyncIterator[Rig]:
    folder = parent / mood / "outbox"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def recover() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        if folder.parent.is_file():
            folder.parent.unlink()

    if mood is Mood.BUSY:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    if mood is Mood.DOWN:
        folder.parent.write_bytes(b"a file where the folder should be")
    sender = Files(folder)
    try:
        yield Rig(sender, lambda: [path.read_bytes() for path in sorted(folder.glob("*"))], recover)
    finally:
        await recover()
        await sender.aclose()


@asynccontextmanager
async def memory_with(mood: Mood) -> AsyncIterator[Rig]:
    bad_day: dict[Mood, ChannelError | None] = {
        Mood.WELL: None,
        Mood.BUSY: TemporarilyUnavailable("busy"),
        Mood.DOWN: TemporarilyUnavailable("down"),
        Mood.REFUSES_ADDRESS: Refused("no such address", address=True),
        Mood.LOSES_REPLY: Unproven("no answer"),
    }

    async def recover() -> None:
        bad_day[mood] = None

    memory = Memory(script=lambda _message: bad_day[mood])
    yield Rig(memory, lambda: [message.raw for message in memory.messages], recover)
    await memory.aclose()


class TestSmtpBeforeAMailbox(ProviderContract):
    """SMTP with a login against a real server."""

    finds = False
    honours_key = False

    def rig(self, mood: Mood) -> AbstractAsyncContextManager[Rig]:
        return smtp_before_a_mailbox(mood)


class TestSmtpBeforeAScript(ProviderContract):
    """SMTP against bare sockets that fail at other moments."""

    finds = False
    honours_key = False

    def rig(self, mood: Mood) -> AbstractAsyncContextManager[Rig]:
        return smtp_before_a_script(mood)


class TestFiles(ChannelContract):
    """Files in a folder."""

    finds = True
    honours_key = True
    parent: Path

    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path: Path) -> None:
        self.parent = tmp_path

    def rig(self, mood: Mood) -> AbstractAsyncContextManager[Rig]:
        return files_in(self.parent, mood)


class TestMemory(ProviderContract):
    """Messages in memory."""

    finds = True
    honours_key = True

    def rig(self, mood: Mood) -> AbstractAsyncContextManager[Rig]:
        return memory_with(mood)


@pytest.mark.asyncio
async def test_a_file_is_named_by_its_delivery_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    receipt = await Files(tmp_path / "outbox").send(letter(7))
    path = tmp_path / "outbox" / "0199-0007.eml"
    assert receipt.provider_id == path.name
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.asyncio
async def test_the_file_of_a_delivery_is_never_overwritten(tmp_path: Path) -> None:
    files = Files(tmp_path)
    await files.send(letter(1))
    await files.send(replace(letter(1), raw=b"Subject: other\r\n\r\n"))
    assert (tmp_path / "0199-0001.eml").read_bytes() == letter(1).raw


@pytest.mark.asyncio
@pytest.mark.parametrize("delivery", ["", "../elsewhere", "a/b", ".hidden", "a\0b"])
async def test_a_delivery_id_cannot_lead_out_of_the_folder(delivery: str, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        await Files(tmp_path).send(replace(letter(), delivery=delivery))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.asyncio
async def test_a_cancelled_write_proves_nothing_and_can_be_looked_up(tmp_path: Path) -> None:
    files = Files(tmp_path)
    sending = asyncio.create_task(files.send(letter()))
    asyncio.get_running_loop().call_soon(sending.cancel)
    with pytest.raises(Unproven):
        await sending
    assert await files.find(letter()) in (None, await files.send(letter()))


@pytest.mark.asyncio
async def test_memory_answers_in_turn_and_counts_every_attempt() -> None:
    memory = Memory(script=in_turn(TemporarilyUnavailable("busy"), None))
    with pytest.raises(TemporarilyUnavailable):
        await memory.send(letter(1))
    await memory.send(letter(1))
    await memory.send(letter(1))
    assert memory.attempts == [letter(1).key] * 3
    assert memory.messages == [letter(1)]


@pytest.mark.asyncio
async def test_memory_answers_by_key() -> None:
    memory = Memory(Channel.SMS, by_key({letter(1).key: [Refused("no")]}))
    with pytest.raises(Refused):
        await memory.send(letter(1))
    await memory.send(letter(2))
    await memory.send(letter(1))
    assert memory.channel is Channel.SMS
    assert memory.messages == [letter(2), letter(1)]


def test_email_goes_to_files_until_an_smtp_url_is_given(tmp_path: Path) -> None:
    without, given = (senders(smtp_url=url, outbox=tmp_path) for url in (None, "smtp://localhost"))
    desk = {Channel.CALL: "desk"}
    assert {channel: sender.name for channel, sender in without.items()} == desk | {Channel.EMAIL: "files"}
    assert {channel: sender.name for channel, sender in given.items()} == desk | {Channel.EMAIL: "smtp"}


def test_a_wrong_smtp_url_is_an_error_before_the_first_message(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        senders(smtp_url="mail.example.org", outbox=tmp_path)
