"""Any channel, kept in memory: what tests, benchmarks and rehearsals use where no provider shall be involved."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from channels.base import ChannelError, Receipt, Unproven
from models.message import Message
from models.vocabulary import Channel

Script = Callable[[Message], ChannelError | None]
"""Asked at each hand-over: None accepts the message, an error is raised; it may read a clock or count its calls."""


class Memory:
    """Keeps what it accepts in `messages`, each key once, and the key of every hand-over in `attempts`.

    Of a message that ends `Unproven` it keeps a copy: the case in which a second hand-over would be a second message.
    """

    name = "memory"
    honours_key: timedelta | None = None

    def __init__(self, channel: Channel = Channel.EMAIL, script: Script | None = None) -> None:
        """Accept everything, or answer as the script says; see `in_turn` and `by_key`."""
        self.channel = channel
        self.messages: list[Message] = []
        self.attempts: list[str] = []
        self._script = script
        self._receipts: dict[str, Receipt] = {}

    async def send(self, message: Message) -> Receipt:
        """Accept the message, or raise what the script says; a key once accepted gives its first receipt again."""
        self.attempts.append(message.key)
        problem = self._script(message) if self._script else None
        if problem is None or isinstance(problem, Unproven):
            self._accept(message)
        if problem is not None:
            raise problem
        return self._receipts[message.key]

    async def find(self, message: Message) -> Receipt | None:
        """Look the message up by its key."""
        return self._receipts.get(message.key)

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _accept(self, message: Message) -> None:
        if message.key not in self._receipts:
            self.messages.append(message)
            self._receipts[message.key] = Receipt(self.name, f"memory-{len(self.messages)}")


def in_turn(*outcomes: ChannelError | None) -> Script:
    """Return a script that answers the first hand-overs in this order and accepts all later ones."""
    left = iter(outcomes)
    return lambda _message: next(left, None)


def by_key(outcomes: Mapping[str, Iterable[ChannelError | None]]) -> Script:
    """Return a script that answers the hand-overs of each named key in their order and accepts all others."""
    left = {key: iter(each) for key, each in outcomes.items()}
    return lambda message: next(left.get(message.key, iter(())), None)
