"""What every channel promises: one call that hands a message over and says plainly what is known afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from models.message import Message
from models.provider_events import ProviderEvent
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

    def __init__(self, problem: str, *, address: bool = False, consent: bool = False) -> None:
        """Say whether the address is dead, or its owner told the provider to stop; else the message is at fault."""
        super().__init__(problem)
        self.address, self.consent = address, consent


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
    """One provider of one channel.

    `honours_key` is for how long the provider takes a second hand-over under one key for the first one; None when it
    does not, so that a message of which nobody knows must never be handed over again.
    """

    name: str
    channel: Channel
    honours_key: timedelta | None

    async def send(self, message: Message) -> Receipt:
        """Hand one message over; raise one of the `ChannelError` family when it was not provably accepted."""
        ...

    async def find(self, message: Message) -> Receipt | None:
        """Look a message up by its key; None says only "not found", which proves nothing."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


class BadSignature(Exception):
    """An event was not, or not provably, sent by the provider; says why, never what the body holds."""


@dataclass(frozen=True, slots=True)
class Knock:
    """A request at a provider's door, as it came: raw body, headers by lower-case name, and the URL it was sent to.

    `at` is the wall clock, against which the age of a signature is measured.
    """

    body: bytes
    headers: Mapping[str, str]
    url: str
    at: datetime


class EventReader(Protocol):
    """What one provider's events are: who may send them, and what they mean."""

    name: str

    def verify(self, knock: Knock, secrets: Sequence[str]) -> None:
        """Check that the provider sent this; several secrets are valid while one is rotated, empty ones are ignored.

        Raises `BadSignature`, also when there is no secret at all.
        """
        ...

    def read(self, knock: Knock) -> list[ProviderEvent]:
        """Return what a body means, single or batch; what has no meaning for us is `unknown`.

        Raises `models.events.Unreadable` for a body that is not the provider's; it names the field, never its value.
        """
        ...
