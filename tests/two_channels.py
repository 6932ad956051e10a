"""An installation that sends by e-mail and SMS, and customers for whom it is noon now."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from channels.base import Sender
from channels.memory import Memory
from models.events import ConsentEntry, Event, EventType
from models.vocabulary import Channel, ConsentState
from runtime import clock
from store.acts import By
from store.schema import DECISIONS
from tests.trial import DAY, HOUR, Journey, Trial

Install = Callable[..., Awaitable[Trial]]
EMAIL, SMS = Channel.EMAIL, Channel.SMS
MINUTE = timedelta(minutes=1)
FIRST, ALL = "[sms, email]", "{all: [email, sms]}"
MORE = "{name: more, at: J+1, channel: [sms, email], template: cart/last-call}"


def policy(channels: str, *more: str, **keys: str) -> str:
    """Return a cart policy whose first step goes by these channels at J0; more steps are written out."""
    head = ["name: cart", "trigger: {kind: cart}", *(f"{key}: {value}" for key, value in keys.items()), "steps:"]
    return "\n".join([*head, f"  - {{name: last-call, at: J0, channel: {channels}}}", *(f"  - {one}" for one in more)])


def local(hour: int) -> str:
    """Return a zone in which it is about this hour now; people in the United States may get SMS on every day."""
    ahead = (hour - clock.now().hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}"


def said(channel: Channel, state: ConsentState = ConsentState.GRANTED, purpose: str = "marketing") -> ConsentEntry:
    return ConsentEntry(channel, purpose, state, "form", clock.now() - DAY)


class Two:
    """An installation that sends by e-mail and SMS, and the customers who leave their carts in it."""

    def __init__(self, trial: Trial, sms: Memory) -> None:
        self.trial, self.sms = trial, sms

    async def abandons(self, *channels: Channel, hour: int = 12, **person: Any) -> Journey:
        """Have somebody who agreed to these channels leave a cart two hours ago, where it is this hour now."""
        numbered = f"+3361234{len(self.trial.journeys):04d}"
        consents = tuple(said(channel) for channel in channels)
        who = {"phone": numbered, "country": "US", "timezone": local(hour), "consents": consents} | person
        return await self.trial.abandon(at=clock.now() - 2 * HOUR, **who)

    async def got(self, journey: Journey) -> list[str]:
        """Return what a customer got, by channel and step."""
        keys = [message.key.split("/", 1) for message in (*self.sms.messages, *self.trial.memory.messages)]
        return [step for owner, step in keys if owner == journey.id]

    async def decided(self, journey: Journey) -> list[tuple[str, str, str]]:
        """Return channel, verdict and reason of each decision."""
        rows = await self.trial.rows(DECISIONS, journey.id)
        return [(row["channel"], row["verdict"], row["reason"]) for row in rows]

    async def says(self, journey: Journey, channel: Channel, purpose: str, state: ConsentState) -> None:
        """Have a customer allow or forbid something now."""
        word = ConsentEntry(channel, purpose, state, "page", clock.now())
        who = replace(journey.who, consents=(word,))
        told = Event(f"says-{journey.id}-{channel}", EventType.IDENTIFY, "", clock.now(), who)
        await self.trial.ingest(told, clock.now())

    async def switch(self, change: Callable[..., None], channel: Channel) -> None:
        await self.trial.database.write(change, channel, By("ops", None, clock.now()))

    async def loses(self, journey: Journey) -> None:
        """Let Temporal lose the run, and make it again from the store."""
        await journey.handle.terminate()
        await journey.ends()
        assert await self.trial.relay.rebuild() == 1


async def two(install: Install, text: str, sms: Memory | None = None, mail: Sender | None = None) -> Two:
    trial = await install(text, mail)
    texts = sms or Memory(SMS)
    trial.others = {SMS: texts}
    return Two(trial, texts)
