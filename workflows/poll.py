"""The poll of one stream of one storefront, started by a Temporal Schedule."""

from typing import Final

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.polling import PollRequest
    from workflows import calls

PAGES: Final = 50
"""How many pages one run reads before it hands over to the next, so that no history grows without end."""


@workflow.defn(name="Poll")
class Poll:
    """Read page by page until there is nothing more; the store keeps the cursor."""

    @workflow.run
    async def run(self, request: PollRequest) -> int:
        """Return how many events this run found that nobody had told."""
        found = 0
        for _ in range(PAGES):
            page = await calls.poll(request)
            found += page.accepted
            if not page.more:
                break
        else:
            workflow.continue_as_new(request)
        return found
