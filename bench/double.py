"""A provider's double in a process of its own, so that it costs both sides of a figure the same.

Run as `python -m bench.double MODULE PORT`, with MODULE as in `channels.registry.PROVIDERS`, without its package.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from inspect import isclass

from bench.parts import ROOT
from tests.contract.http_contract import HttpProviderContract


def contract_of(module: str) -> HttpProviderContract:
    """Return the contract that a provider's adapter is tested by: it knows the double, the adapter and a message."""
    tests = vars(import_module(f"tests.contract.test_{module}"))
    known = [one for one in tests.values() if isclass(one) and issubclass(one, HttpProviderContract)]
    (mine,) = [one for one in known if one is not HttpProviderContract]
    return mine()


@asynccontextmanager
async def standing(module: str, port: int) -> AsyncIterator[str]:
    """Have the double of a provider stand in another process; yield its URL."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.double", module, str(port), cwd=ROOT)
    try:
        await _listens(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _listens(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                if process.returncode is not None:
                    raise RuntimeError("the double does not stand") from None
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def _main(module: str, port: int) -> None:
    double = contract_of(module).double()
    double.port = port
    async with double:
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
