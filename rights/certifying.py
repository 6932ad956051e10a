"""Makes certificates of erasures: looks for what named these people everywhere that this installation can look."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from temporalio.client import Client
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

from models.certificate import BEYOND, CLUSTER_FILES, SERVER_FILES, Certificate, Gap, Place, Searched
from models.needles import Needle
from runtime import temporal
from runtime.histories import Histories, search_histories
from runtime.traces import database_files, files_in, search_file
from settings import Settings
from store import leftovers
from store.db import Database
from store.erasures import ErasureRow, sought
from store.outbox import rows_of

Connect = Callable[[], Awaitable[Client]]
_Where = tuple[Place, str]
_AWAY: Final = (RPCError, TemporalError, temporal.TemporalError, OSError, RuntimeError)
_ID: Final = re.compile("[0-9a-f]{8}-[0-9a-f-]{27}")


@dataclass(frozen=True, slots=True)
class _Trace:
    """One find; `apart` says whether it is known whose record it stands in, `owner` whose."""

    where: str
    spelling: bytes
    owner: str | None = None
    apart: bool = True


async def certify(
    db: Database, settings: Settings, connect: Connect, jobs: Sequence[ErasureRow], at: datetime
) -> dict[str, Certificate]:
    """Search for the people of these jobs, all at once, and return the certificate of each job by its id.

    What cannot be searched now is a gap in a certificate, never an error; a store that is away is one (`StoreError`).
    """
    search = _Search(db, settings, connect)
    known = {job.id: await db.read(sought, job.id) for job in jobs}
    telling = {one for several in known.values() for one in several or () if one.telling}
    await search.everywhere({spelling for one in telling for spelling in one.spellings()})
    await search.tell_apart(telling)
    return {job.id: await search.certificate(job, known[job.id], at) for job in jobs}


@dataclass
class _Search:
    """One search: what was looked through, what stood where, and who else has what was found."""

    db: Database
    settings: Settings
    connect: Connect
    extents: dict[_Where, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    traces: dict[_Where, list[_Trace]] = field(default_factory=lambda: defaultdict(list))
    gaps: list[Gap] = field(default_factory=list)
    holders: dict[Needle, set[str]] = field(default_factory=dict)

    async def everywhere(self, spellings: Collection[bytes]) -> None:
        """Look through tables and files."""
        for name in leftovers.tables():
            await self._table(name, spellings)
        samples, finds = await self.db.read(leftovers.search_samples, spellings)
        if samples:
            self._note((Place.STORE, "samples of the planner"), {"rows": samples}, map(_of_row, finds))
        store, own, outbox = self.db.files, database_files(self.settings.temporal_db), self.settings.outbox_dir
        await self._files(Place.STORE_FILE, store, spellings)
        if self.settings.temporal_address is None:
            await self._files(Place.TEMPORAL_FILE, own, spellings)
        await self._folder(Place.OUTBOX, outbox, (), spellings)
        await self._folder(Place.HOME, self.settings.home, [*store, *own, outbox], spellings)

    def _note(self, where: _Where, extent: Mapping[str, int], traces: Iterable[_Trace]) -> None:
        self.extents[where].update(extent)
        self.traces[where] += traces

    async def _table(self, name: str, spellings: Collection[bytes]) -> None:
        page = await self.db.read(leftovers.search_page, name, spellings, None)
        while True:
            self._note((Place.STORE, name), {"rows": page.rows}, map(_of_row, page.finds))
            if page.last is None:
                return
            page = await self.db.read(leftovers.search_page, name, spellings, page.last)

    async def _files(self, place: Place, files: Iterable[Path], spellings: Collection[bytes]) -> None:
        """Look through databases as bytes, their free room and their logs included."""
        for path in [one for one in files if one.exists()]:
            size, present = await self._read(place, path, path.name, spellings)
            self._note((place, path.name), {"bytes": size}, [_Trace(path.name, one, apart=False) for one in present])

    async def _folder(
        self, place: Place, folder: Path, without: Collection[Path], spellings: Collection[bytes]
    ) -> None:
        self._note((place, folder.name), {"files": 0, "bytes": 0}, ())
        for path in await asyncio.to_thread(lambda: list(files_in(folder, without))):
            name = str(path.relative_to(folder))
            size, present = await self._read(place, path, name, spellings)
            whose = await self.db.read(leftovers.owners_of, [path.stem]) if present and place is Place.OUTBOX else {}
            traces = [_Trace(name, one, whose.get(path.stem), apart=path.stem in whose) for one in present]
            self._note((place, folder.name), {"files": 1, "bytes": size}, traces)

    async def _read(
        self, place: Place, path: Path, name: str, spellings: Collection[bytes]
    ) -> tuple[int, Collection[bytes]]:
        try:
            return await asyncio.to_thread(search_file, path, spellings)
        except OSError as error:
            self.gaps.append(Gap(place, f"{name} cannot be read ({type(error).__name__})"))
            return 0, ()

    async def tell_apart(self, needles: Collection[Needle]) -> None:
        """Find out who else has what was found: two records of one shop, or of two, may share an address."""
        found = {trace.spelling for traces in self.traces.values() for trace in traces}
        for one in needles:
            if one.spellings() & found:
                self.holders[one] = await self.db.read(leftovers.holders, one)

    async def certificate(self, job: ErasureRow, needles: Sequence[Needle] | None, at: datetime) -> Certificate:
        """Return what this search says of one person."""
        if needles is None:
            why = "what to search for cannot be read: the secret key of this installation has changed"
            return Certificate(at, {}, 0, (), [Gap(place, why) for place in Place])
        gaps = list(self.gaps)
        searched = [self._place(where, extent, needles) for where, extent in self.extents.items()]
        searched += [await self._own(job, needles), await self._histories(job, needles, gaps)]
        terms = Counter(str(one.sort) for one in needles)
        shared = sum(1 for one in needles if self.holders.get(one))
        return Certificate(at, terms, shared, searched, gaps, (*BEYOND, *self._beyond()))

    def _place(self, where: _Where, extent: Mapping[str, int], needles: Sequence[Needle]) -> Searched:
        found, others, apart = list[str](), 0, True
        for trace in self.traces[where]:
            for needle in [one for one in needles if one.telling and trace.spelling in one.spellings()]:
                who = self.holders.get(needle, set())
                if who and not trace.apart:
                    apart = False
                elif trace.owner in who or (who and trace.owner is None):
                    others += 1
                else:
                    found.append(trace.where)
        return Searched(*where, extent, tuple(dict.fromkeys(found)), others, apart)

    async def _own(self, job: ErasureRow, needles: Sequence[Needle]) -> Searched:
        """Look for first names and short ids, which tell nothing elsewhere, in what is left about the person."""
        names = [one for one in needles if not one.telling]
        found = await self.db.read(leftovers.search_own, job.customer_id, names)
        return Searched(Place.STORE, "what is left about the person, for names too", {"names": len(names)}, found)

    async def _histories(self, job: ErasureRow, needles: Sequence[Needle], gaps: list[Gap]) -> Searched:
        ours = await self.db.read(leftovers.spoken, job.customer_id)
        wanted = [one for one in needles if one.telling or one.text.lower() not in ours]
        journeys = await self.db.read(leftovers.journeys_of, job.customer_id)
        untold = await self.db.read(rows_of, journeys)
        if untold:
            gaps.append(Gap(Place.HISTORIES, "Temporal has still to hear that these journeys have ended"))
        try:
            result = await search_histories(await self.connect(), journeys, wanted) if journeys else Histories()
        except _AWAY as error:
            gaps.append(Gap(Place.HISTORIES, f"Temporal does not answer ({type(error).__name__})"))
            result = Histories()
        extent = {"journeys": len(journeys), "runs": result.runs, "bytes": result.bytes}
        return Searched(Place.HISTORIES, "histories of the person's journeys", extent, result.found)

    def _beyond(self) -> Iterable[tuple[str, str]]:
        if not self.db.files:
            yield SERVER_FILES
        if self.settings.temporal_address is not None:
            yield CLUSTER_FILES


def _of_row(find: leftovers.Find) -> _Trace:
    """Return where a row's find stands: its column, and its id when that is one of ours."""
    row = f" of {find.row}" if _ID.fullmatch(find.row) else ""
    return _Trace(find.column + row, find.spelling, find.owner)
