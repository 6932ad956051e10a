"""What an activity learns from Temporal: which journey it works for, and that journey's clock."""

from datetime import datetime, timedelta

from temporalio import activity


def journey_id() -> str:
    """Return the id of the journey, which is its workflow's."""
    workflow_id = activity.info().workflow_id
    assert workflow_id is not None
    return workflow_id


def attempt_at(asked_at: datetime) -> datetime:
    """Return the journey's clock at this attempt: what it was when the workflow asked, plus the time since.

    The server's own two readings are compared, so this holds for a retry hours later and in a rehearsal, where the
    server's time is not the wall's.
    """
    info = activity.info()
    return asked_at + max(info.started_time - info.scheduled_time, timedelta())
