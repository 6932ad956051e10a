"""The search for inactive subscribers, started by a Temporal Schedule or by hand."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.journey import SweepRequest
    from workflows import calls


@workflow.defn(name="Sweep")
class Sweep:
    """Go through all customers page by page; each page inserts its episodes, the relay starts them."""

    @workflow.run
    async def run(self) -> int:
        """Return how many journeys were started."""
        started, cursor = 0, ""
        while True:
            page = await calls.sweep(SweepRequest(workflow.now(), cursor))
            started += page.started
            if page.cursor is None:
                return started
            cursor = page.cursor
