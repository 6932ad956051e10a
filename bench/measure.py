"""What a figure is: a value beside its own bare baseline, measured in turn, and how many runs become one line."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, NamedTuple, TypeVar

T = TypeVar("T")

_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: `runs` of each side, and the work that one run does."""

    runs: int
    journeys: int
    """Bare journeys in flight at once when it is found out how many keep the machine busy."""
    stops: int
    """Journeys that are stopped, one after the other."""
    batches: int
    """Bodies of 50 events that each client sends in one run."""
    messages: int
    """Messages that go through the gate, or through a provider's double, in one run."""


FULL: Final = Size(runs=5, journeys=120, stops=30, batches=15, messages=400)
QUICK: Final = Size(runs=1, journeys=2, stops=3, batches=2, messages=10)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; `details` holds the medians of what else was seen, by name."""

    figure: str
    unit: str
    runs: Sequence[float]
    baseline_runs: Sequence[float] = ()
    details: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the figure as it is printed: medians, their ratio, the extremes, and every run.

        `ratio` is value by baseline; `ratio_min` and `ratio_max` are those of single runs with the baseline run
        beside them. Without a baseline all of these are None.
        """
        value, baseline = median(self.runs), median(self.baseline_runs) if self.baseline_runs else None
        ratios = [ours / bare for ours, bare in zip(self.runs, self.baseline_runs, strict=False)]
        return {
            "figure": self.figure,
            "value": rounded(value),
            "unit": self.unit,
            "baseline": None if baseline is None else rounded(baseline),
            "ratio": None if baseline is None else rounded(value / baseline),
            "runs": [rounded(one) for one in self.runs],
            "min": rounded(min(self.runs)),
            "max": rounded(max(self.runs)),
            "baseline_runs": [rounded(one) for one in self.baseline_runs],
            "ratio_min": rounded(min(ratios)) if ratios else None,
            "ratio_max": rounded(max(ratios)) if ratios else None,
            "details": {name: rounded(one) for name, one in self.details.items()},
        }


class Speed(NamedTuple):
    """How fast one run was: things per second, and how much of this process's CPU each of them took, in ms."""

    per_second: float
    cpu_ms: float


async def speed(things: int, work: Awaitable[object]) -> Speed:
    """Wait for work on so many things, and return how fast it was."""
    began, cpu = time.perf_counter(), time.process_time()
    await work
    return Speed(things / (time.perf_counter() - began), 1000 * (time.process_time() - cpu) / things)


def speeds(
    figure: str, unit: str, ours: Sequence[Speed], bare: Sequence[Speed], details: Mapping[str, float] | None = None
) -> Figure:
    """Return the figure of two sides' speeds; `cpu_ratio` is what the ratio would be if nothing but our CPU counted."""
    cpu, bare_cpu = (median(one.cpu_ms for one in side) for side in (ours, bare))
    each = {"cpu_ms": cpu, "baseline_cpu_ms": bare_cpu, "cpu_ratio": bare_cpu / cpu}
    return Figure(
        figure, unit, [one.per_second for one in ours], [one.per_second for one in bare], {**each, **(details or {})}
    )


async def at_once(lanes: int, things: Iterable[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Do the work on all things, so many at once."""
    todo = iter(things)

    async def lane() -> None:
        for thing in todo:
            await work(thing)

    await asyncio.gather(*(lane() for _ in range(lanes)))


def chunks(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Return things in portions, one for each run."""
    return (things[start : start + size] for start in range(0, len(things), size))


def rounded(value: float) -> float:
    """Return a number with four digits that count; whole numbers stay whole."""
    return value if isinstance(value, int) else float(f"{value:.{_DIGITS}g}")


async def in_turn(
    runs: int, *sides: Callable[[], Awaitable[T]], warm_up: int = 1, say: Callable[[str], None] = lambda _: None
) -> list[list[T]]:
    """Measure the sides in turn, A B A B …, so that what else the machine does falls on all; return each one's runs.

    The first `warm_up` rounds are not counted; `say` is told the number of each round.
    """
    measured: list[list[T]] = [[] for _ in sides]
    for number in range(-warm_up, runs):
        say(f"run {number + 1} of {runs}" if number >= 0 else "warming up")
        for side, found in zip(sides, measured, strict=True):
            one = await side()
            if number >= 0:
                found.append(one)
    return measured
