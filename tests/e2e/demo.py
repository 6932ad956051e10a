"""`make demo`: a rehearsal of the whole product on real parts, told as it happens; a test runs it too."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from tests.smtp_server import Mailbox

HOME = Path(os.environ.get("RELAUNCH_DEMO_HOME", ".relaunch-demo")).absolute()
SECRET = "demo-secret-of-the-storefront"
KEY = "admin_demo_key_of_the_rehearsal"
HOUR, DAY = 3600, 86_400
PATIENCE_S = 20.0
COMMAND = [str(Path(sys.executable).with_name("relaunch"))]
console = Console()


class DemoError(Exception):
    """Something did not happen as it should."""


class Demo:
    """A shop, its customers, and what they get."""

    def __init__(self, http: httpx.AsyncClient, mailbox: Mailbox) -> None:
        """Talk to the API over `http`; messages arrive in `mailbox`."""
        self.http, self.mailbox, self.shown = http, mailbox, 0

    async def webhook(self, topic: str, body: dict[str, Any]) -> None:
        """Send a signed webhook, as Shopify does."""
        raw = json.dumps(body).encode()
        signature = base64.b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode()
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": signature,
            "X-Shopify-Shop-Domain": "demo.myshopify.com",
        }
        answer = await self.http.post("/v1/webhooks/shopify", content=raw, headers=headers)
        answer.raise_for_status()
        console.print(f"[dim]{topic}, signed → {answer.status_code}[/]")

    async def journey(self, token: str) -> dict[str, Any]:
        """Return the journey of a checkout."""
        answer = await self.http.get("/v1/journeys", params={"cart_id": token})
        found: dict[str, Any] = answer.raise_for_status().json()["items"][0]
        return found

    async def advance(self, journey: str, seconds: int) -> None:
        """Move the clock of a journey's customer."""
        (await self.http.post(f"/v1/journeys/{journey}/advance", json={"seconds": seconds})).raise_for_status()

    async def arrivals(self, expected: int) -> list[EmailMessage]:
        """Wait for so many new messages, keep them as files, and show them."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.mailbox.messages) < self.shown + expected:
                await asyncio.sleep(0.05)
        new = [message_from_bytes(one.raw, policy=policy.default) for one in self.mailbox.messages[self.shown :]]
        for mail in new:
            self.shown += 1
            name = f"{self.shown:02}-{mail['X-Relaunch-Delivery']}.eml"
            (HOME / "outbox" / name).write_bytes(self.mailbox.messages[self.shown - 1].raw)
            console.print(f"  [green]✉[/]  {mail['Subject']}  [dim]→ {mail['To']}[/]")
        if len(new) != expected:
            raise DemoError(f"{len(new)} messages arrived where {expected} should")
        return [mail for mail in new if isinstance(mail, EmailMessage)]


def checkout(token: str, email: str, name: str, product: tuple[int, str, str]) -> dict[str, Any]:
    """Return a checkout as Shopify reports it: somebody who accepts marketing left something behind."""
    now = datetime.now(UTC).isoformat()
    number, title, price = product
    return {
        "id": number,
        "token": token,
        "cart_token": f"cart-{token}",
        "email": email,
        "created_at": now,
        "updated_at": now,
        "currency": "EUR",
        "buyer_accepts_marketing": True,
        "abandoned_checkout_url": f"https://demo.example/recover/{token}",
        "customer": {"id": number, "email": email, "first_name": name},
        "line_items": [{"product_id": number, "title": title, "quantity": 1, "price": price}],
        "total_price": price,
    }


def order(token: str, email: str, number: int, price: str) -> dict[str, Any]:
    """Return the order that ends a checkout."""
    now = datetime.now(UTC).isoformat()
    return {
        "id": 9000 + number,
        "checkout_token": token,
        "email": email,
        "created_at": now,
        "updated_at": now,
        "financial_status": "paid",
        "currency": "EUR",
        "total_price": price,
        "customer": {"id": number, "email": email},
        "line_items": [{"product_id": number, "title": "Vase", "quantity": 1, "price": price}],
    }


PRODUCT = {
    "product_id": "101",
    "name": "Lampe Aurore",
    "price": 14900,
    "currency": "EUR",
    "stock": 12,
    "rating": 4.7,
    "review_count": 38,
    "reviews": [
        {
            "text": "Une lumière très douce, je l'allume chaque soir.",
            "rating": 5,
            "at": (datetime.now(UTC) - timedelta(days=20)).isoformat(),
            "author": "Camille",
            "verified": True,
        }
    ],
}


async def whole_sequence(demo: Demo) -> str:
    """J0, J+3, J+7, then silence; return the journey's id."""
    console.rule("Jeanne leaves a lamp in her cart")
    lamp = (101, "Lampe Aurore", "149.00")
    await demo.webhook("checkouts/create", checkout("T-jeanne", "jeanne@demo.example", "Jeanne", lamp))
    journey = str((await demo.journey("T-jeanne"))["id"])
    for label, seconds in (("J0, an hour later", HOUR + 60), ("J+3", 3 * DAY), ("J+7", 4 * DAY)):
        console.print(f"[bold]{label}[/]")
        await demo.advance(journey, seconds)
        await demo.arrivals(1)
    console.print(f"then: {(await demo.journey('T-jeanne'))['outcome']}")
    return journey


async def purchase(demo: Demo) -> None:
    """A purchase ends the second journey."""
    console.rule("Karim gets one message, and buys")
    vase = (102, "Vase Brume", "39.00")
    await demo.webhook("checkouts/create", checkout("T-karim", "karim@demo.example", "Karim", vase))
    journey = str((await demo.journey("T-karim"))["id"])
    await demo.advance(journey, HOUR + 60)
    await demo.arrivals(1)
    await demo.webhook("orders/create", order("T-karim", "karim@demo.example", 102, "39.00"))
    await closed(demo, "T-karim", "purchased")


async def opt_out(demo: Demo) -> None:
    """One click ends the third."""
    console.rule("Lou gets one message, and wants no more")
    plaid = (103, "Plaid Écume", "59.00")
    await demo.webhook("checkouts/create", checkout("T-lou", "lou@demo.example", "Lou", plaid))
    journey = str((await demo.journey("T-lou"))["id"])
    await demo.advance(journey, HOUR + 60)
    mail = (await demo.arrivals(1))[0]
    link = str(mail["List-Unsubscribe"]).strip("<>")
    answer = await demo.http.post(link, data={"List-Unsubscribe": "One-Click"})
    console.print(f"[dim]one click on unsubscribe → {answer.status_code}[/]")
    await closed(demo, "T-lou", "opted_out")


async def closed(demo: Demo, token: str, outcome: str) -> None:
    """Show that a journey ended so, and that time brings nothing more."""
    found = await demo.journey(token)
    if found["outcome"] != outcome:
        raise DemoError(f"the journey ended {found['outcome']}, not {outcome}")
    answer = await demo.http.post(f"/v1/journeys/{found['id']}/advance", json={"seconds": 10 * DAY})
    console.print(f"then: {outcome}; moving its clock answers {answer.status_code}, and nothing is sent")
    await demo.arrivals(0)


@asynccontextmanager
async def running(mailbox: Mailbox) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, str]]]:
    """Run `relaunch up --rehearsal` beside the block, and stop it as an operator would."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    ours = {
        "RELAUNCH_HOME": str(HOME),
        "RELAUNCH_PORT": str(port),
        "RELAUNCH_SMTP_URL": mailbox.url,
        "RELAUNCH_SHOPIFY_SECRET": SECRET,
        "RELAUNCH_API_KEY": KEY,
        "RELAUNCH_SHOP_NAME": "Maison Démo",
        "RELAUNCH_SHOP_URL": "https://demo.example",
        "RELAUNCH_SHOP_POSTAL_ADDRESS": "Maison Démo, 1 rue de l'Essai, 75001 Paris",
        "RELAUNCH_SENDER": "Maison Démo <bonjour@demo.example>",
        "RELAUNCH_LOG_LEVEL": "warning",
    }
    env = {name: value for name, value in os.environ.items() if not name.startswith("RELAUNCH_")} | ours
    process = await asyncio.create_subprocess_exec(*COMMAND, "up", "--rehearsal", env=env)
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {KEY}"}, timeout=PATIENCE_S
        ) as http:
            await ready(http, process)
            yield http, env
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), 30)
    if code != 0:
        raise DemoError(f"`relaunch up` ended with exit {code}")


async def ready(http: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    """Wait until everything answers."""
    for _ in range(600):
        if process.returncode is not None:
            raise DemoError(f"`relaunch up` did not start: exit {process.returncode}")
        try:
            if (await http.get("/readyz")).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise DemoError("`relaunch up` was not ready within a minute")


async def told(env: dict[str, str], *arguments: str) -> None:
    """Run a command of the product, as support staff would, and show what it prints."""
    console.print(f"\n[bold]$ relaunch {' '.join(arguments)}[/]")
    process = await asyncio.create_subprocess_exec(*COMMAND, *arguments, env=env)
    if await process.wait() != 0:
        raise DemoError(f"relaunch {arguments[0]} failed")


async def main() -> None:
    """Rehearse everything, and fail loudly when a promise is broken."""
    shutil.rmtree(HOME, ignore_errors=True)
    (HOME / "outbox").mkdir(parents=True, mode=0o700)
    async with Mailbox() as mailbox, running(mailbox) as (http, env):
        demo = Demo(http, mailbox)
        (await http.put("/v1/products", json=[PRODUCT])).raise_for_status()
        journey = await whole_sequence(demo)
        await purchase(demo)
        await opt_out(demo)
        console.rule("What support, marketing and the data-protection officer see")
        await told(env, "show", journey)
        await told(env, "kpis")
        await told(env, "audit")
    console.print(f"\n{demo.shown} messages lie as .eml in {HOME / 'outbox'}; open one in your mail program")


if __name__ == "__main__":
    asyncio.run(main())
