"""Parts that run by themselves, for several machines: each says how it does."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from cli.services import free_port
from tests.e2e.up import COMMAND, PATIENCE_S, Up


@pytest.mark.parametrize("part", ["worker", "relay"])
async def test_a_part_by_itself_answers_for_its_health_and_its_figures_and_for_nothing_else(
    tmp_path: Path, part: str
) -> None:
    port = free_port()
    there = Up(tmp_path / "home", HEALTH_PORT=str(port), TEMPORAL_ADDRESS=f"127.0.0.1:{free_port()}")
    process = await asyncio.create_subprocess_exec(COMMAND, part, env=there.env)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as http:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await _answers(http):
                    assert process.returncode is None, "it ended"
                    await asyncio.sleep(0.1)
            assert (await http.get("/readyz")).json()["checks"]["store"] == "ok"
            assert "relaunch_last_looks_total" in (await http.get("/metrics")).text
            assert (await http.get("/v1/journeys")).status_code == httpx.codes.NOT_FOUND
        finally:
            process.send_signal(signal.SIGTERM)
            code = await asyncio.wait_for(process.wait(), PATIENCE_S)
            await there.http.aclose()
    assert code == 0


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
