"""A shop's own end of outgoing webhooks: it checks what comes as the specification says, and has its bad days."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.provider_double import Act, Asked, HttpDouble, Reply

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cywgMjQrIGJ5dGVz"
FINE = Reply(200, b"{}")


class Receiver(HttpDouble):
    """`heard` are the bodies that were taken, each once; `moods` is what it does instead, by customer or for all."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.now = now
        self.heard: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.moods: dict[str | None, Reply | Act] = {}
        self._knocks = asyncio.Event()

    def answer(self, asked: Asked) -> Reply | Act:
        self._knocks.set()
        body = json.loads(asked.body)
        if asked.method != "POST" or not self._ours(asked):
            return Reply(401)
        mood = self.moods.get(body["data"]["customer_id"]) or self.moods.get(None)
        if mood is not None and mood is not Act.DROP_AFTER:
            return mood
        name = asked.headers["webhook-id"]
        if name not in self.ids:
            self.ids.append(name)
            self.heard.append(body)
        return FINE if mood is None else mood

    def _ours(self, asked: Asked) -> bool:
        """Check the signature with the official library, and that it is of now."""
        name, time = asked.headers["webhook-id"], int(asked.headers["webhook-timestamp"])
        at = datetime.fromtimestamp(time, UTC)
        good = Webhook(SECRET).sign(name, at, asked.body.decode())
        fresh = abs(at - self.now()) < timedelta(minutes=5)
        return good in asked.headers["webhook-signature"].split() and fresh

    async def has(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds after a call; for five seconds at most."""
        async with asyncio.timeout(5):
            while not condition():
                self._knocks.clear()
                await self._knocks.wait()

    def told(self, customer: str) -> list[str]:
        """Return what was heard of one customer, in order."""
        return [one["data"].get("outcome", one["type"]) for one in self.heard if one["data"]["customer_id"] == customer]
