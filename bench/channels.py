"""How many messages a second a provider's adapter hands over, against httpx that posts the same bodies."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import httpx

from bench.double import contract_of, standing
from bench.measure import Figure, Size, Speed, at_once, chunks, in_turn, speed, speeds
from bench.parts import say
from channels.base import Sender
from channels.registry import PROVIDERS
from cli.services import free_port
from models.message import Message
from tests.provider_double import Asked

_LANES: Final = 8
# What httpx writes by itself.
_OWN: Final = frozenset({"host", "content-length", "connection", "accept-encoding"})

MODULES: Final = tuple(path.partition(".")[2] for known in PROVIDERS.values() for path in known.values())
"""The module of every provider, without its package; a figure is named after each."""


async def channel(module: str, size: Size) -> list[Figure]:
    """Messages per second through a provider's adapter, against httpx posting the same bodies.

    Ours turns each rendered message into the provider's request, posts it, and reads the answer for its receipt. The
    baseline is one httpx client that posts the requests our adapter made for the very same messages: same path, same
    bytes, same headers, those that never change set once. Both look at the status, only ours at the body. On both
    sides several messages are under way at once, over kept connections, each side to a double of its own in a process
    of its own.
    """
    name, contract = f"channel_{module}", contract_of(module)
    messages = [contract.letter(number) for number in range((size.runs + 1) * size.messages)]
    port = free_port()
    asked = await _asked(module, messages, port)
    async with standing(module, free_port()) as url, standing(module, port) as other, _bare(other, asked) as http:
        sender = contract.sender(url, timeout_s=30.0)
        mine, theirs = chunks(messages, size.messages), chunks(asked, size.messages)

        async def ours() -> Speed:
            return await speed(size.messages, at_once(_LANES, next(mine), sender.send))

        async def bare() -> Speed:
            return await speed(size.messages, at_once(_LANES, next(theirs), partial(_post, http)))

        runs = await in_turn(size.runs, ours, bare, say=lambda text: say(f"{name}: {text}"))
        await sender.aclose()
    return [speeds(name, "messages/s", runs[0], runs[1])]


async def _asked(module: str, messages: Sequence[Message], port: int) -> list[Asked]:
    """Return the one request that the adapter makes of each message, by making it; some sign the address as well."""
    contract = contract_of(module)
    double = contract.double()
    double.port = port
    async with double:
        sender: Sender = contract.sender(double.url)
        for message in messages:
            await sender.send(message)
        await sender.aclose()
    if len(double.asked) != len(messages):
        raise RuntimeError(f"{module} asks {len(double.asked)} times to hand {len(messages)} messages over")
    return double.asked


def _bare(url: str, asked: Sequence[Asked]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers=shared_headers(asked), timeout=30.0)


def shared_headers(asked: Sequence[Asked]) -> dict[str, str]:
    """Return the headers that all these requests have in common, but for those that httpx writes by itself."""
    first = asked[0].headers
    return {
        name: value
        for name, value in first.items()
        if name not in _OWN and all(one.headers.get(name) == value for one in asked)
    }


async def _post(http: httpx.AsyncClient, asked: Asked) -> None:
    own: Mapping[str, str] = {
        name: value for name, value in asked.headers.items() if name not in _OWN and http.headers.get(name) != value
    }
    answer = await http.post(asked.path, content=asked.body, headers=own, params=asked.query or None)
    answer.raise_for_status()
