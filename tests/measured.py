"""A message of somebody who may have agreed to be measured, really composed and handed over, and hits on it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import urlsplit

import httpx

from activities.composing import Composer
from activities.leg import Leg
from channels.memory import Memory
from channels.rendering import Renderer
from models.events import EventType
from models.message import Message
from models.vocabulary import Channel, Verdict
from runtime import clock
from store.assessments import assess
from store.drafts import load_draft
from store.ids import new_id
from store.ledger import Intent, hand_over
from store.schema import EVENTS
from store.sweeps import Cursor, start_page
from tests.api_app import EMAIL, Api, checkout
from tests.preference_page import rows

CART, VASE = "https://maison.example/cart/1", "https://maison.example/p/vase"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
OPENS, CLICKS = "open_tracking", "click_tracking"


@dataclass(frozen=True)
class Sent:
    """A message that was handed over a minute ago, with its ways back to us."""

    message: Message

    @property
    def pixel(self) -> str:
        (picture,) = re.findall(r'<img src="([^"]*/o/[^"]*)"', self.message.html)
        return urlsplit(str(picture)).path

    @property
    def clicks(self) -> list[str]:
        return [urlsplit(unescape(one)).path for one in re.findall(r'href="([^"]*/c/[^"]*)"', self.message.html)]


def word(purpose: str, state: str, at: datetime) -> dict[str, str]:
    return {"channel": "email", "purpose": purpose, "state": state, "source": "form", "at": at.isoformat()}


async def sent(api: Api, *purposes: str) -> Sent:
    """Have the first message of a cart handed over to somebody who agreed to these purposes."""
    now = clock.now() - timedelta(minutes=1)
    event = checkout(timestamp=(now - timedelta(hours=2)).isoformat())
    event["customer"]["consents"] += [word(one, "granted", now - timedelta(days=1)) for one in purposes]
    event["properties"]["checkout_url"] = CART
    event["properties"]["products"][0]["url"] = VASE
    await api.post("/v1/events", event, 202)
    return await handed(api, (await api.journey())["id"], now)


async def sent_to_sleeper(api: Api, *purposes: str) -> Sent:
    """Have the first message handed over to a subscriber who has been away for long, and agreed to these purposes."""
    now = clock.now() - timedelta(minutes=1)
    long_ago = now - timedelta(days=200)
    consents = [word(one, "granted", long_ago) for one in ("marketing", *purposes)]
    visit = {"messageId": "visit", "event": "Product Viewed", "timestamp": long_ago.isoformat()}
    customer = {"email": EMAIL, "consents": consents}
    seen = visit | {"customer": customer, "properties": {"product_id": "p1", "name": "Vase", "price": 4500}}
    await api.post("/v1/events", seen, 202)
    outbox, _ = await api.installation.db.write(start_page, Cursor(), now, now)
    return await handed(api, outbox[0].journey_id, now)


async def handed(api: Api, journey: str, now: datetime) -> Sent:
    """Compose the first step of a journey and put it through the gate, as the send does."""
    db = api.installation.db
    await db.write(assess, journey, now, "secret", now)
    draft = await db.read(load_draft, journey, "reminder", now)
    assert draft is not None
    delivery = new_id()
    composed = Composer(Renderer(), api.installation.links).compose(draft, Channel.EMAIL, delivery, now)
    assert composed.message is not None
    leg = Leg(draft, Channel.EMAIL, now, now + timedelta(days=1))
    question = leg.question({Channel.EMAIL: Memory()}, None, repeatable=False)
    intent = Intent(question, delivery, "memory", composed.message.raw, None, composed.inputs, None)
    ruling = await db.write(hand_over, intent, now)
    assert ruling is not None
    assert ruling.verdict is Verdict.SENT
    return Sent(composed.message)


async def hit(api: Api, path: str, agent: str = FIREFOX, method: str = "GET") -> httpx.Response:
    answer = await api.http.request(method, path, headers={"authorization": "", "user-agent": agent})
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    return answer


async def noted(api: Api) -> list[tuple[str, bool]]:
    """Return what was recorded of opens and clicks, and whether of a human."""
    kinds = (EventType.EMAIL_OPENED, EventType.EMAIL_CLICKED)
    found = [(row["type"], row["properties"]["human"]) for row in await rows(api, EVENTS) if row["type"] in kinds]
    return sorted(found)
