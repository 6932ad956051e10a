"""What a journey costs: how many are completed in a second, and how long their histories are."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from bench.bare import BARE_QUEUE, Bare, bare_worker
from bench.measure import Figure, Size, in_turn
from bench.parts import Parts, cpu_of, home, parts, say
from bench.people import abandon
from channels.base import Sender
from channels.memory import Memory
from models.message import Message
from models.vocabulary import Channel
from relay import Relay
from runtime import clock
from store.outbox import OutboxRow
from worker import working

# Server 1.32 fires timers of under a second late, and a step's window ends where the next step begins: the spaces
# are long enough for both.
SPACE_S: Final = 3
QUICK_POLICY: Final = f"""
name: cart
trigger: {{kind: cart, abandoned_after: 1s, max_age: 3d, reentry: 7d}}
pressure: {{messages: 100, per: 7d, gap: 0s}}
steps:
  - {{name: reminder, at: J0, channel: email, template: cart/reminder}}
  - {{name: social-proof, at: J+{SPACE_S}s, channel: email, template: cart/social-proof}}
  - {{name: incentive, at: J+{2 * SPACE_S}s, channel: email, template: cart/incentive}}
"""
# How much more is in flight than the spaces alone would hold.
_BUSY: Final = 1.25
_names = count(1)


@dataclass(frozen=True, slots=True)
class Pass:
    """One side's run: journeys completed per second, seconds of CPU per journey here and in the server, how many."""

    per_second: float
    cpu_s: float
    server_cpu_s: float
    journeys: int

    @property
    def all_cpu_s(self) -> float:
        """Return what a journey costs on the whole machine."""
        return self.cpu_s + self.server_cpu_s


async def journey_throughput(size: Size) -> list[Figure]:
    """Journeys completed per second, against the bare workflow of the same shape.

    Ours are real: relay, store on SQLite, gate, rendering, ledger, the worker of the composition root; only the
    channel is memory. The carts were taken in before the clock starts. Both sides have the same number in flight, on
    one server, each in its turn; see `steady`. That number is what keeps the bare side busy through the spaces
    between its steps and no more: with more, steps would miss their windows. It is found with `size.journeys` bare
    ones first.

    `cpu_ratio` is what the ratio would be if nothing but CPU counted: it holds on a busy machine too.
    `messages_per_journey` says whether the shape was kept (3), `events_per_journey` the length of some histories.
    """
    with home() as folder:
        async with parts(folder, _policy(folder)) as on:
            memory = Memory(Channel.EMAIL)
            probe = await _bare_pass(on, size.journeys)
            at_once = max(2, round(_BUSY * 2 * SPACE_S * probe.per_second))
            await _our_pass(on, Memory(Channel.EMAIL), 4)
            ours, bare = await in_turn(
                size.runs,
                lambda: _our_pass(on, memory, at_once),
                lambda: _bare_pass(on, at_once),
                warm_up=0,
                say=lambda text: say(f"journey_throughput: {at_once} in flight, {text}"),
            )
            lengths = [await _length(on.client.get_workflow_handle(_journey_of(one))) for one in memory.messages[-20:]]
    return [_throughput(ours, bare, at_once, len(memory.messages), median(events for events, _ in lengths))]


def _throughput(ours: list[Pass], bare: list[Pass], at_once: int, messages: int, events: float) -> Figure:
    return Figure(
        "journey_throughput",
        "journeys/s",
        [one.per_second for one in ours],
        [one.per_second for one in bare],
        {
            "cpu_s_per_journey": median(one.cpu_s for one in ours),
            "baseline_cpu_s_per_journey": median(one.cpu_s for one in bare),
            "server_cpu_s_per_journey": median(one.server_cpu_s for one in ours),
            "baseline_server_cpu_s_per_journey": median(one.server_cpu_s for one in bare),
            "cpu_ratio": median(one.all_cpu_s for one in bare) / median(one.all_cpu_s for one in ours),
            "in_flight": at_once,
            "messages_per_journey": messages / sum(one.journeys for one in ours),
            "events_per_journey": events,
        },
    )


async def _our_pass(on: Parts, memory: Memory, at_once: int) -> Pass:
    relay, rows = _relay(on), iter(await abandon(on.installation, 3 * at_once))
    async with working(on.client, on.installation, {Channel.EMAIL: memory}, {}):
        return await steady(lambda: _whole(relay, on, next(rows)), at_once, on.server_pid)


async def _bare_pass(on: Parts, at_once: int) -> Pass:
    async with bare_worker(on.client):
        return await steady(lambda: _bare(on), at_once, on.server_pid)


async def steady(one: Callable[[], Awaitable[None]], at_once: int, server_pid: int) -> Pass:
    """Keep `at_once` of `one` in flight, and measure between the end of that many and the end of twice as many.

    So neither the beginning nor the end counts, where less is in flight. At most three times as many are begun.
    """
    marks: list[tuple[float, float, float]] = []
    ended = 0

    async def lane() -> None:
        nonlocal ended
        while ended < 2 * at_once:
            await one()
            ended += 1
            if ended in (at_once, 2 * at_once):
                marks.append((time.perf_counter(), time.process_time(), cpu_of(server_pid)))

    await asyncio.gather(*(lane() for _ in range(at_once)))
    wall, cpu, server_cpu = (end - begin for begin, end in zip(*marks, strict=True))
    return Pass(at_once / wall, cpu / at_once, server_cpu / at_once, ended)


async def journey_size(size: Size) -> list[Figure]:
    """How many events a journey's whole history has, and how many bytes it holds while it waits for the next step.

    The whole one is J0 and two more steps, closed as exhausted, with short spaces: their length changes no event.
    The parked one is of the shipped policy between J0 and J+3, as the server counts it. There is no baseline.
    """
    say("journey_events, journey_bytes_parked")
    with home() as folder:
        events = await _events(folder, size.runs)
    with home() as folder:
        held = await _parked(folder, size.runs)
    return [
        Figure("journey_events", "events", [one for one, _ in events], details={"bytes": events[0][1]}),
        Figure("journey_bytes_parked", "bytes", [one for _, one in held], details={"events": held[0][0]}),
    ]


async def _events(folder: Path, number: int) -> list[tuple[int, int]]:
    async with parts(folder, _policy(folder)) as on, working(on.client, on.installation, _memory(), {}):
        relay = _relay(on)
        rows = await abandon(on.installation, number)
        await asyncio.gather(*(_whole(relay, on, row) for row in rows))
        return [await _length(on.client.get_workflow_handle(row.journey_id)) for row in rows]


async def _parked(folder: Path, number: int) -> list[tuple[int, int]]:
    async with parts(folder) as on, working(on.client, on.installation, _memory(), {}):
        rows = await abandon(on.installation, number)
        await _relay(on).deliver(rows)
        return [await parked(on.client.get_workflow_handle(row.journey_id)) for row in rows]


async def parked(handle: WorkflowHandle[object, object]) -> tuple[int, int]:
    """Wait until a journey waits for its next step; return the length of its history in events and in bytes."""
    async with asyncio.timeout(30):
        while (await handle.fetch_history()).events[-1].event_type != EventType.EVENT_TYPE_TIMER_STARTED:
            await asyncio.sleep(0.05)
    return await _length(handle)


async def _length(handle: WorkflowHandle[object, object]) -> tuple[int, int]:
    info = (await handle.describe()).raw_description.workflow_execution_info
    return info.history_length, info.history_size_bytes


async def _whole(relay: Relay, on: Parts, row: OutboxRow) -> None:
    """Start a journey as its outbox row says, and wait for its end."""
    await relay.deliver([row])
    outcome = await on.client.get_workflow_handle(row.journey_id).result()
    if outcome != "exhausted":
        raise RuntimeError(f"a journey that should have gone through its whole plan ended as {outcome}")


async def _bare(on: Parts) -> None:
    await on.client.execute_workflow(
        Bare.run, [float(SPACE_S), float(SPACE_S)], id=f"bare-{next(_names)}", task_queue=BARE_QUEUE
    )


def _journey_of(message: Message) -> str:
    return message.key.partition("/")[0]


def _policy(folder: Path) -> Path:
    """Write the policy with short spaces, and return its folder."""
    policies = folder / "policies"
    policies.mkdir()
    (policies / "cart.yaml").write_text(QUICK_POLICY)
    return policies


def _memory() -> dict[Channel, Sender]:
    return {Channel.EMAIL: Memory(Channel.EMAIL)}


def _relay(on: Parts) -> Relay:
    return Relay(on.installation.db, on.connect, clock.now)
