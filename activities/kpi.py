"""Records how a journey ended; every figure is computed from what is recorded, when it is read."""

import structlog
from temporalio import activity

from activities.context import journey_id
from models.journey import CloseRequest
from runtime.metrics import OUTCOMES
from store.db import Database
from store.ledger import close

_log = structlog.get_logger()


class Measuring:
    """The activity `close`."""

    def __init__(self, db: Database) -> None:
        """Write to this store."""
        self.db = db

    @activity.defn(name="close")
    async def close(self, request: CloseRequest) -> None:
        """Record an outcome, unless there is one."""
        journey = journey_id()
        await self.db.write(close, journey, request.outcome, request.at)
        OUTCOMES.labels(request.outcome).inc()
        _log.info("journey.closed", journey=journey, outcome=request.outcome)
