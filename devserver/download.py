"""Lets the SDK download Temporal's own command: a process of its own, since the SDK's threads cannot be given up."""

import asyncio
import sys

from temporalio.testing import WorkflowEnvironment


async def download(version: str, folder: str) -> None:
    """Put `temporal-VERSION` into the folder, and start and stop it once."""
    async with await WorkflowEnvironment.start_local(
        dev_server_download_version=version, download_dest_dir=folder, dev_server_log_level="error"
    ):
        pass


if __name__ == "__main__":
    asyncio.run(download(sys.argv[1], sys.argv[2]))
