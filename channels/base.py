"""What every channel promises: one call that hands a message over and says plainly what is known afterwards."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from models.message import Message
from models.vocabulary import Channel


class ChannelError(Exception):
    """A message was not, or not provably, accepted; never carries an address or a text of the message.

    ChannelError
    ├── TemporarilyUnavailable   proof of non-acceptance, try again later
    ├── Refused                  proof of non-acceptance, this message will never be accepted
    ├── Misconfigured            proof of non-acceptance, the sender is at fault: stop it, keep the people
    └── Unproven                 nobody knows; never try again blindly
    """


class TemporarilyUnavailable(ChannelError):
    """The provider did not take the message and may take it later."""

    def __init__(self, problem: str, retry_after: timedelta | None = None) -> None:
        """Keep the provider's own wish for the next try, when it gave one."""
        super().__init__(problem)
        self.retry_after = retry_after


class Refused(ChannelError):
    """The provider refuses this message or this address for good."""

    def __init__(self, problem: str, *, address: bool = False) -> None:
        """Say whether the address itself is refused, so that it can be suppressed."""
        super().__init__(problem)
        self.address = address


class Misconfigured(ChannelError):
    """The provider refuses the sender: wrong key, unverified domain, no right to send."""


class Unproven(ChannelError):
    """The line broke after the provider may have accepted the message."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of acceptance: who accepted, and the provider's own id for the message when it gave one."""

    provider: str
    provider_id: str | None = None


class Sender(Protocol):
    """One provider of one channel."""

    name: str
    channel: Channel

    async def send(self, message: Message) -> Receipt:
        """Hand one message over; raise one of the `ChannelError` family when it was not provably accepted."""
        ...

    async def find(self, message: Message) -> Receipt | None:
        """Look a message up by its key; None says only "not found", which proves nothing."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
