"""The shop's own staff as a channel: a call-back is on their list as soon as it is handed over.

Proof of acceptance is the task, which the ledger writes in the transaction of the hand-over: whoever gets here has it.
Nothing leaves the installation, so nothing can be refused or lost.
"""

from datetime import timedelta

from channels.base import Receipt
from models.message import Message
from models.vocabulary import Channel


class Desk:
    """Accepts every call-back at once; the one who is called hears of it when somebody of the staff calls."""

    name = "desk"
    channel = Channel.CALL
    honours_key: timedelta | None = None

    async def send(self, message: Message) -> Receipt:
        """Accept it."""
        return Receipt(self.name)

    async def find(self, message: Message) -> Receipt | None:
        """Find it: what was handed over is on the list."""
        return Receipt(self.name)

    async def aclose(self) -> None:
        """Nothing is held open."""
