"""`make bench`: measures the figures by name, prints each as one line of JSON, and keeps them in `bench/last.json`."""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from bench.channels import MODULES, channel
from bench.gate import gate_postgres, gate_sqlite
from bench.ingest import ingest_events
from bench.journeys import journey_size, journey_throughput
from bench.lag import outbox_lag_p99_s
from bench.measure import FULL, QUICK, Figure, Size
from bench.notices import provider_events_batch
from bench.parts import say
from bench.startup import import_workflows, worker_ready
from bench.stops import stop_latency
from bench.webhooks import ingest_duplicate, ingest_webhook_postgres, ingest_webhook_sqlite

LAST = Path(__file__).with_name("last.json")
Measurement = Callable[[Size], Awaitable[list[Figure]]]
MEASUREMENTS: dict[Measurement, tuple[str, ...]] = {
    import_workflows: ("import_workflows",),
    worker_ready: ("worker_ready",),
    ingest_events: ("ingest_events",),
    ingest_webhook_sqlite: ("ingest_webhook_sqlite",),
    ingest_webhook_postgres: ("ingest_webhook_postgres",),
    ingest_duplicate: ("ingest_duplicate",),
    outbox_lag_p99_s: ("outbox_lag_p99_s",),
    journey_size: ("journey_events", "journey_bytes_parked"),
    stop_latency: ("stop_latency",),
    journey_throughput: ("journey_throughput",),
    gate_sqlite: ("gate_sqlite",),
    gate_postgres: ("gate_postgres",),
    **{partial(channel, module): (f"channel_{module}",) for module in MODULES},
    provider_events_batch: ("provider_events_batch",),
}
NAMES = [name for names in MEASUREMENTS.values() for name in names]


async def measure(wanted: Sequence[str], size: Size) -> list[dict[str, object]]:
    """Measure the figures of these names, and print each as soon as it is there."""
    lines: list[dict[str, object]] = []
    for measurement, names in MEASUREMENTS.items():
        if not set(names) & set(wanted):
            continue
        for figure in await measurement(size):
            if figure.figure in wanted:
                lines.append(figure.to_json())
                print(json.dumps(lines[-1]), flush=True)
    return lines


def main() -> int:
    """Read the command line; FIGURES in the environment serves as well."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--figures", default=os.environ.get("FIGURES", ""), help=f"of {', '.join(NAMES)}; all without")
    parser.add_argument("--quick", action="store_true", help="measure so little that the figures mean nothing")
    given = parser.parse_args()
    wanted = [name.strip() for name in given.figures.split(",") if name.strip()] or NAMES
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        parser.error(f"no figure is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    lines = asyncio.run(measure(wanted, QUICK if given.quick else FULL))
    LAST.write_text("".join(json.dumps(line) + "\n" for line in lines))
    say(f"kept in {LAST}")
    # The SDK's threads need a moment after the loop's end; without it the interpreter may abort at its own.
    time.sleep(0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
