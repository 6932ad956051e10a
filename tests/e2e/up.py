"""Runs `relaunch up` as an operator does: a process of its own, on a home of its own."""

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

ADMIN = "admin_key_of_the_end_to_end_tests"
COMMAND = str(Path(sys.executable).with_name("relaunch"))
PATIENCE_S = 30.0


class Up:
    """One installation that can be started, stopped, killed and started again."""

    def __init__(self, home: Path, **settings: str) -> None:
        """Prepare an installation in `home`; `settings` are variables without their prefix."""
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        ours = {
            "RELAUNCH_HOME": str(home),
            "RELAUNCH_PORT": str(self.port),
            "RELAUNCH_API_KEY": ADMIN,
            "RELAUNCH_LOG_LEVEL": "warning",
            "RELAUNCH_LOG_FORMAT": "json",
            "RELAUNCH_SENDER": "Test <shop@test.example>",
        } | {f"RELAUNCH_{name}": value for name, value in settings.items()}
        self.home = home
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("RELAUNCH_")} | ours
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {ADMIN}"},
            timeout=PATIENCE_S,
        )
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and return when it is ready."""
        self.process = await asyncio.create_subprocess_exec(COMMAND, "up", "--rehearsal", env=self.env)
        async with asyncio.timeout(60):
            while not await self._answers("/readyz"):
                assert self.process.returncode is None, f"`relaunch up` ended with {self.process.returncode}"
                await asyncio.sleep(0.1)

    async def _answers(self, path: str) -> bool:
        try:
            return (await self.http.get(path)).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code; nothing happens when it does not run."""
        if self.process is None or self.process.returncode is not None:
            return 0
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)

    async def aclose(self) -> None:
        """Leave nothing running, a server left behind by a kill included."""
        await self.stop(signal.SIGTERM)
        await self.http.aclose()
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(self.temporal_pid(), signal.SIGKILL)

    def temporal_pid(self) -> int:
        """Return the process of the Temporal server of this home."""
        return int(json.loads((self.home / "temporal.pid").read_text())["pid"])

    async def cart(self, token: str, email: str, **customer: Any) -> str:
        """Report a checkout of a person who agreed to messages, and return the journey that it begins."""
        await self.event(
            "Checkout Started",
            {"email": email, "consents": [agreed()], **customer},
            {
                "cart_id": token,
                "currency": "EUR",
                "products": [{"product_id": "p1", "name": "Lamp", "price": 4900, "quantity": 1}],
            },
        )
        items = (await self.http.get("/v1/journeys", params={"cart_id": token})).raise_for_status().json()["items"]
        return str(items[0]["id"])

    async def event(self, name: str, customer: dict[str, Any], properties: dict[str, Any]) -> None:
        """Report one event of now."""
        body = {"event": name, "timestamp": now().isoformat(), "customer": customer, "properties": properties}
        (await self.http.post("/v1/events", json=body)).raise_for_status()

    async def advance(self, journey: str, **length: float) -> httpx.Response:
        """Move the clock of a journey's customer."""
        seconds = int(timedelta(**length).total_seconds())
        return await self.http.post(f"/v1/journeys/{journey}/advance", json={"seconds": seconds})

    async def journey(self, journey: str) -> dict[str, Any]:
        """Return a journey as support sees it."""
        found: dict[str, Any] = (await self.http.get(f"/v1/journeys/{journey}")).raise_for_status().json()
        return found

    async def until(self, journey: str, **fields: str | None) -> dict[str, Any]:
        """Return a journey as soon as it has these fields."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await self.journey(journey)
                if all(found[name] == value for name, value in fields.items()):
                    return found
                await asyncio.sleep(0.1)

    def messages(self) -> list[Path]:
        """Return the messages in the outbox, oldest first."""
        return sorted((self.home / "outbox").glob("*.eml"))

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run another command on the same installation; return its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            COMMAND, *arguments, env=self.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        return process.returncode or 0, output.decode()


def now() -> datetime:
    """Return the wall clock's time."""
    return datetime.now(UTC)


def agreed() -> dict[str, str]:
    """Return a consent to marketing by e-mail, given last week."""
    at = (now() - timedelta(days=7)).isoformat()
    return {"channel": "email", "purpose": "marketing", "state": "granted", "source": "form", "at": at}
