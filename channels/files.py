"""Messages into a folder: what a shop sees before it names an SMTP server, and in rehearsal."""

import asyncio
import errno
import os
import re
import tempfile
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from channels.base import ChannelError, Misconfigured, Receipt, Refused, TemporarilyUnavailable, Unproven
from models.message import Message
from models.vocabulary import Channel

_SAFE_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}")
_DRAFT: Final = ".part"
_SUFFIX: Final = {Channel.EMAIL: "eml"}
_MAY_PASS: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EAGAIN}


class Files:
    """Writes each message to `{delivery}.eml`, or `.txt` where it has no headers, whole or not at all.

    A second hand-over finds the first one's file.
    Proof of acceptance is the file under its final name, on disk. Proof of non-acceptance is any failure before the
    rename; after it only a failed flush of the folder leaves a doubt, which `find` settles.
    """

    name = "files"
    honours_key: timedelta | None = None

    def __init__(self, folder: Path, channel: Channel = Channel.EMAIL) -> None:
        """Write below `folder`, which is made, for its owner only, with the first message."""
        self._folder, self.channel = folder, channel

    async def send(self, message: Message) -> Receipt:
        """Write the file; raises TemporarilyUnavailable on a full disk, Misconfigured where one may not write."""
        path, content = self._path(message), message.raw or message.text.encode()
        if self.channel is Channel.EMAIL and not message.raw:
            raise Refused("the message has no RFC 5322 bytes to hand over")
        problem: ChannelError
        try:
            await asyncio.to_thread(_write_once, path, content)
        except OSError as error:
            problem = _problem(error)
        except asyncio.CancelledError:
            problem = Unproven("the send was cancelled while the file was written")
        else:
            return Receipt(self.name, path.name)
        raise problem

    async def find(self, message: Message) -> Receipt | None:
        """Find the file of this delivery."""
        path = self._path(message)
        return Receipt(self.name, path.name) if await asyncio.to_thread(path.exists) else None

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _path(self, message: Message) -> Path:
        if not _SAFE_NAME.fullmatch(message.delivery):
            raise Refused("the delivery's id is not fit for a file name")
        return self._folder / f"{message.delivery}.{_SUFFIX.get(self.channel, 'txt')}"


class _FolderNotFlushedError(OSError):
    """The file is in place, but a power cut could still undo the rename."""


def _write_once(path: Path, raw: bytes) -> None:
    """Put the bytes under their final name in one step, unless they are there already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _write(path, raw)
    try:
        _flush_folder(path.parent)
    except OSError as error:
        raise _FolderNotFlushedError(error.errno, "folder not flushed") from None


def _write(path: Path, raw: bytes) -> None:
    handle, draft = tempfile.mkstemp(prefix=".", suffix=_DRAFT, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _problem(error: OSError) -> ChannelError:
    what = errno.errorcode.get(error.errno or 0, type(error).__name__)
    if isinstance(error, _FolderNotFlushedError):
        return Unproven(f"the message file is in place, but its folder could not be flushed to disk ({what})")
    if error.errno in _MAY_PASS:
        return TemporarilyUnavailable(f"the outbox folder takes no more for now ({what}): is the disk full?")
    return Misconfigured(f"the outbox folder cannot be written ({what}): check its path and rights")


def remove(folder: Path, deliveries: Collection[str], drafts_before: float) -> int:
    """Remove the files of these deliveries for good, and drafts that a killed write left before then; return how many.

    `drafts_before` is a file's time in seconds since 1970. What is gone already is no error; OSError for what stays.
    """
    removed = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # a draft that was finished just now
            if path.stem in deliveries or (path.suffix == _DRAFT and path.stat().st_mtime < drafts_before):
                path.unlink()
                removed += 1
    if removed:
        _flush_folder(folder)
    return removed
