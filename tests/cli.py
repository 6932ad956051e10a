"""Runs commands as somebody types them, on a home of its own, without Temporal and without a running API."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from cli.client import place, talk
from cli.main import run

NO_PORT = "1"  # nobody listens there


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """A terminal in one installation."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Said:
        self._capsys.readouterr()
        code = run(words)
        out, err = self._capsys.readouterr()
        return Said(code, out, err)

    def event(self, name: str, customer: dict[str, Any], properties: dict[str, Any]) -> None:
        """Report an event of now through the API."""
        at = datetime.now(UTC).isoformat()
        body = {"event": name, "timestamp": at, "customer": customer, "properties": properties}
        talk(lambda api: api.post(place("events"), body))

    def cart(self, email: str = "jeanne@shop.example") -> str:
        """Let somebody leave a cart, and return its journey."""
        properties = {
            "cart_id": f"cart-of-{email}",
            "currency": "EUR",
            "products": [{"product_id": "p1", "name": "Lampe", "price": 4900, "quantity": 1}],
        }
        at = (datetime.now(UTC) - timedelta(days=7)).isoformat()
        agreed = {"channel": "email", "purpose": "marketing", "state": "granted", "source": "form", "at": at}
        self.event("Checkout Started", {"email": email, "consents": [agreed]}, properties)
        return str(self("journeys", "--cart", f"cart-of-{email}", "--json").json["items"][0]["id"])


def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Give a test a terminal; a module makes a fixture of it."""
    import os  # noqa: PLC0415

    for name in list(os.environ):
        if name.startswith("RELAUNCH_") or name in {"FORCE_COLOR", "NO_COLOR"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # there is no .env
    monkeypatch.setenv("RELAUNCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RELAUNCH_PORT", NO_PORT)
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield Shell(capsys)
    root.setLevel(level)
    root.handlers[:] = handlers
    structlog.reset_defaults()
