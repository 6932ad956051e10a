"""Bad days of a whole installation: killed, robbed of Temporal's memory, cut off from Temporal; after each, audit."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.up import Up


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    """An installation that has not been started."""
    installation = Up(tmp_path / "home")
    yield installation
    await installation.aclose()


async def audited(up: Up) -> None:
    """Every invariant of the ledger holds."""
    code, output = await up.command("audit")
    assert code == 0, output


async def test_a_cart_goes_through_its_sequence_and_falls_silent(up: Up) -> None:
    """J0, J+3, J+7, exhausted; a stop by SIGTERM is an exit of 0."""
    await up.start()
    journey = await up.cart("c1", "jeanne@example.com", first_name="Jeanne")
    lengths: list[dict[str, float]] = [{"hours": 1.1}, {"days": 3}, {"days": 4}]
    for seen, length in enumerate(lengths, start=1):
        assert (await up.advance(journey, **length)).status_code == 200
        assert len(up.messages()) == seen
    assert (await up.journey(journey))["outcome"] == "exhausted"
    assert (await up.advance(journey, days=1)).status_code == 409
    await audited(up)
    assert await up.stop() == 0


async def test_a_killed_installation_goes_on_where_it_stopped(up: Up) -> None:
    """`kill -9` between J0 and J+3: the next `up` sends J+3, and J0 is not sent again."""
    await up.start()
    journey = await up.cart("c1", "jeanne@example.com")
    await up.advance(journey, hours=1.1)
    assert len(up.messages()) == 1
    await up.stop(signal.SIGKILL)
    await up.start()
    await up.advance(journey, days=3)
    assert len(up.messages()) == 2
    await audited(up)


async def test_a_kill_before_the_gate_costs_nothing(up: Up) -> None:
    """`kill -9` in the quiet period: the next `up` sends J0, once."""
    await up.start()
    journey = await up.cart("c1", "jeanne@example.com")
    await up.stop(signal.SIGKILL)
    await up.start()
    await up.advance(journey, hours=1.1)
    assert len(up.messages()) == 1
    await audited(up)


async def test_journeys_survive_the_loss_of_temporals_database(up: Up) -> None:
    """`temporal.db` deleted under a stopped `up`: the store knows everything that matters."""
    await up.start()
    begun, fresh = await up.cart("c1", "jeanne@example.com"), await up.cart("c2", "karim@example.com")
    await up.advance(begun, hours=1.1)
    assert await up.stop() == 0
    for file in up.home.glob("temporal.db*"):
        file.unlink()
    await up.start()
    await up.advance(begun, days=3)
    await up.advance(fresh, hours=1.1)
    assert len(up.messages()) == 3
    steps = [one["step"] for one in (await up.journey(begun))["decisions"]]
    assert steps == ["reminder", "social-proof"]
    await audited(up)


async def test_support_and_customers_can_stop_journeys_while_temporal_is_down(up: Up) -> None:
    """Events, a cancel and an opt-out are commits of the store; Temporal hears of them when it is back."""
    await up.start()
    cancelled, objected = await up.cart("c1", "jeanne@example.com"), await up.cart("c2", "karim@example.com")
    os.kill(up.temporal_pid(), signal.SIGSTOP)
    try:
        late = await up.cart("c3", "lou@example.com")
        answer = await up.http.post(f"/v1/journeys/{cancelled}/cancel", json={"reason": "asked by phone"})
        assert answer.status_code == 200
        answer = await up.http.post("/v1/opt-outs", json={"email": "karim@example.com", "channel": "email"})
        assert answer.status_code == 200
        assert (await up.journey(cancelled))["outcome"] == "cancelled"
        assert (await up.journey(objected))["outcome"] == "opted_out"
    finally:
        os.kill(up.temporal_pid(), signal.SIGCONT)
    await up.advance(late, hours=1.1)
    assert len(up.messages()) == 1
    await audited(up)


async def test_a_second_up_on_the_same_home_is_refused(up: Up) -> None:
    """While the first lives, the second says so in one line."""
    await up.start()
    code, output = await up.command("up")
    assert code == 1
    assert "in use by process" in output
    assert "Traceback" not in output


async def test_an_inactive_subscriber_is_found_and_won_back(up: Up) -> None:
    """A subscriber quiet for 200 days gets a message from the sweep; a click ends the journey."""
    await up.start()
    long_ago = "2026-01-01T10:00:00Z"
    body = {"event": "Product Viewed", "timestamp": long_ago, "properties": {"product_id": "p1"}}
    customer = {"id": "u1", "email": "anna@example.com"}
    await up.http.post("/v1/events", json=body | {"customer": customer})
    identify = {"event": "Identify", "timestamp": long_ago, "customer": customer | {"consents": [consent()]}}
    await up.http.post("/v1/events", json=identify)
    code, output = await up.command("sweep")
    assert code == 0, output
    found = (await up.http.post("/v1/customers/search", json={"email": "anna@example.com"})).json()["items"][0]
    journey = found["journeys"][0]["id"]
    await up.until(journey, step="social-proof")
    assert len(up.messages()) == 1
    await up.event("Email Clicked", customer, {})
    assert (await up.journey(journey))["outcome"] == "reengaged"
    await audited(up)


def consent() -> dict[str, str]:
    """Return a consent of last year."""
    return {
        "channel": "email",
        "purpose": "marketing",
        "state": "granted",
        "source": "form",
        "at": "2025-12-01T10:00:00Z",
    }
