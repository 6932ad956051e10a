"""A person's rights on the command line: everything about them as a file, forgetting them, and the proof of it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import record, requests, retention
from cli.client import Api, Json, local, on_store, place, talk, temporal_of
from cli.customers import kind_of
from cli.failures import CommandError
from cli.options import AsJson
from cli.show import moment, print_json, safe, say, table

if TYPE_CHECKING:
    from runtime.installation import Installation

_WHOLE = b'"complete": true}'
_LOOK_S = 0.5
_OVER = ("certified", "incomplete")
Who = Annotated[str, typer.Argument(metavar="EMAIL", help="An e-mail address; or a phone number, or an id.")]


def register(app: typer.Typer) -> None:
    """Add `export`, `erase`, `certificate`, `requests`, `retention` and `record-of-processing`."""
    requests.register(app)
    app.command(
        "export",
        short_help="Write everything about a person as JSON.",
        epilog="Example: relaunch export jeanne@shop.example --output jeanne.json",
    )(export)
    app.command("erase", short_help="Forget a person.", epilog="Example: relaunch erase jeanne@shop.example --wait")(
        erase
    )
    app.command(
        "certificate",
        short_help="Show how far an erasure is, and its proof.",
        epilog="Example: relaunch certificate 0198b2f4-6c1e-7a53-9d0e-2f6b8a4c1d77",
    )(certificate)
    app.command(
        "retention", short_help="End what was kept for long enough.", epilog="Example: relaunch retention --dry-run"
    )(retention.retention)
    example = "Example: relaunch record-of-processing --output record.html --locale en"
    app.command("record-of-processing", short_help="Write the record of processing (GDPR, art. 30).", epilog=example)(
        record.record_of_processing
    )


def export(
    who: Who,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to; readable by you alone.")] = None,
) -> None:
    """Write everything about a person as JSON: a list with one export for each record with this address.

    docs/rights.md describes it.
    """
    if output is None:
        talk(lambda api: _export(api, who, sys.stdout.buffer.write))
        sys.stdout.buffer.flush()
        return
    part = output.with_name(f".{output.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            talk(lambda api: _export(api, who, file.write))
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    say(f"[green]written[/]: {safe(output)}; it holds everything about the person: keep it as such")


async def _export(api: Api, who: str, write: Callable[[bytes], object]) -> None:
    """Write the exports piece by piece as they come, so that none need fit in memory."""
    between = b"[\n"
    for customer in await _customers(api, who):
        write(between)
        tail, path = b"", place("customers", customer, "export")
        async for piece in _pieces(api, path):
            write(piece)
            tail = (tail + piece)[-len(_WHOLE) :]
        if tail != _WHOLE:
            raise CommandError("the export broke off: run it again")
        between = b",\n"
    write(b"\n]\n")


async def _pieces(api: Api, path: str) -> AsyncIterator[bytes]:
    async with api.http.stream("GET", path) as answer:
        if answer.is_success:
            async for piece in answer.aiter_bytes():
                yield piece
            return
    await api.get(path)  # which says what is wrong


async def _customers(api: Api, who: str) -> Sequence[str]:
    """Return the ids of everybody with this address, number or id."""
    found = await api.post(place("customers", "search"), {kind_of(who): who})
    ids = [str(one["customer_id"]) for one in found["items"]]
    if not ids:
        raise CommandError("no customer is known by this e-mail address, number or id")
    return ids


def erase(
    who: Who,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it is done and proved.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a person: every record with this address, in every shop, for good.

    Journeys end and the address is closed before this returns; the rest is a job of `relaunch up`, see certificate.
    """
    ids = talk(lambda api: _customers(api, who))
    if not yes and sys.stdin.isatty():
        records = "1 record" if len(ids) == 1 else f"{len(ids)} records"
        typer.confirm(f"Forget {records} of this person for good? Nothing brings them back", abort=True, err=True)
    jobs, live = talk(lambda api: _asked(api, ids), changes=not wait)
    if wait:
        jobs = talk(lambda api: _followed(api, jobs)) if live else on_store(lambda one: _worked(one, jobs))
    if as_json:
        print_json(jobs)
        return
    zone = local().zone()
    rows = [(job["id"], job["state"], _result(job), job["shop"], moment(job["asked_at"], zone)) for job in jobs]
    table("erasures", ("id", "state", "certificate", "shop", "asked"), rows)
    for job in jobs:
        if job["problem"]:
            say(f"[yellow]waiting[/]: {safe(job['problem'])}")
    say(f"`relaunch certificate {jobs[0]['id']}` shows how far it is, and the proof")


async def _asked(api: Api, ids: Sequence[str]) -> tuple[list[Json], bool]:
    return [await api.delete(place("customers", one)) for one in ids], api.live


def _result(job: Json) -> object:
    return job["certificate"] and job["certificate"]["result"]


def _halted(jobs: Sequence[Json]) -> bool:
    """Say whether nothing more can be waited for: each job is over, or its certificate waits for something else."""
    return all(job["state"] in _OVER or _result(job) is not None for job in jobs)


async def _followed(api: Api, jobs: Sequence[Json]) -> list[Json]:
    """Wait for a running `up` to do these jobs."""
    return await _until_halted(jobs, lambda job: api.get(place("erasures", job)))


async def _worked(installation: "Installation", jobs: Sequence[Json]) -> list[Json]:
    """Do these jobs here, because no `up` runs."""
    from api.rights import job_json  # noqa: PLC0415 - slow to load
    from relay import Relay  # noqa: PLC0415
    from rights.erasing import Erasing  # noqa: PLC0415
    from runtime import clock, temporal  # noqa: PLC0415
    from store import erasures  # noqa: PLC0415

    connection = temporal.Connection(installation.settings, temporal_of(installation.settings))
    runner = Erasing(installation.db, installation.settings, connection.client, clock.now)
    relay = Relay(installation.db, connection.client, clock.now)

    async def look(job: str) -> Json:
        await relay.once()
        await runner.once()
        found = await installation.db.read(erasures.load, job)
        assert found is not None
        return job_json(found)

    return await _until_halted(jobs, look)


async def _until_halted(jobs: Sequence[Json], look: Callable[[str], Awaitable[Json]]) -> list[Json]:
    found = list(jobs)
    while not _halted(found):
        found = [await look(str(job["id"])) for job in jobs]
        if not _halted(found):
            await asyncio.sleep(_LOOK_S if found[0]["problem"] else 0.05)
    return found


def certificate(
    erasure: Annotated[str, typer.Argument(metavar="ID", help="The erasure's id, as `relaunch erase` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Show how far an erasure has come, and its certificate: what was searched, what was found, what is not proved."""
    job = talk(lambda api: api.get(place("erasures", erasure)))
    if as_json:
        print_json(job)
        return
    zone, made = local().zone(), job["certificate"]
    say(f"{safe(job['state'])}, asked {moment(job['asked_at'], zone)} by {safe(job['actor'])}")
    if job["problem"]:
        say(f"[yellow]waiting[/]: {safe(job['problem'])}")
    if made is None:
        say("there is no certificate yet")
        return
    say(f"certificate: [bold]{safe(made['result'])}[/], made {moment(made['made_at'], zone)}")
    names = ("rows", "files", "bytes", "journeys", "names")
    rows = [(one["place"], one["name"], _extent(one, names), one["found"], _where(one)) for one in made["searched"]]
    table("searched", ("place", "name", "how much", "found", "where"), rows)
    for title, gaps in (("could not be searched", made["not_searched"]), ("not proved", made["not_proved"])):
        table(title, ("place", "why"), [(one["place"], one["why"]) for one in gaps])


def _extent(one: dict[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{one[name]} {name}" for name in names if name in one)


def _where(one: dict[str, Any]) -> str | None:
    others = one.get("of_other_customers")
    said = [*one.get("where", ()), *([f"{others} of other customers"] if others else ()), one.get("left_out")]
    return ", ".join(str(word) for word in said if word) or None
