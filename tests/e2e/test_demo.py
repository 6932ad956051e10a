"""The demo is a promise of its own: it ends by itself, in time, with exit 0."""

import asyncio
import os
import sys
from pathlib import Path


async def test_the_demo_ends_by_itself_within_a_minute(tmp_path: Path) -> None:
    """J0, J+3 and J+7 arrive; a purchase and an opt-out silence two others; figures and audit are printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.e2e.demo",
        env=os.environ | {"RELAUNCH_DEMO_HOME": str(tmp_path / "demo")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()
    assert len(list((tmp_path / "demo" / "outbox").glob("*.eml"))) == 5
