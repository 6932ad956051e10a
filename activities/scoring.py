"""Finds out whether a journey is due, for whom and with which policy."""

from collections.abc import Callable
from datetime import datetime

import structlog
from temporalio import activity

from activities.context import attempt_at, journey_id
from models.journey import Assessment, AssessRequest
from store.assessments import assess
from store.db import Database

_log = structlog.get_logger()


class Scoring:
    """The activity `assess`."""

    def __init__(self, db: Database, secret: str, now: Callable[[], datetime]) -> None:
        """Draw arms with `secret`; `now` is the wall clock."""
        self.db, self.secret, self.now = db, secret, now

    @activity.defn(name="assess")
    async def assess(self, request: AssessRequest) -> Assessment:
        """Return what the journey should do now."""
        journey, at = journey_id(), attempt_at(request.at)
        answer = await self.db.write(assess, journey, at, self.secret, self.now())
        _log.info("journey.assessed", journey=journey, outcome=answer.outcome, due=answer.j0 is not None)
        return answer
