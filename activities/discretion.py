"""Keeps an unexpected error's own words out of Temporal and the logs, because they may quote a row or a message."""

import traceback
from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

_log = structlog.get_logger()


class Discretion(Interceptor):
    """Lets only the kind of an unexpected error, and the place where it was raised, leave an activity."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Stand between Temporal and every activity; the names are the SDK's."""
        return _Discreet(super().intercept_activity(next))


class _Discreet(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401
        try:
            return await super().execute_activity(input)
        except ApplicationError:
            raise  # our own words
        except Exception as error:  # noqa: BLE001 - whatever it was, Temporal tries again
            kind, frame = type(error).__name__, traceback.extract_tb(error.__traceback__)[-1]
            info = activity.info()
            place = f"{frame.name}, line {frame.lineno}"
            _log.error("activity.failed", journey=info.workflow_id, activity=info.activity_type, kind=kind, place=place)
            raise ApplicationError(f"{kind} in {frame.name}", type=kind) from None
