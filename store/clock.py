"""What time it is for the database, so that `doctor` can compare it with our own."""

from datetime import datetime

from sqlalchemy import Connection, text


def store_time(connection: Connection) -> datetime:
    """Return PostgreSQL's wall clock at this statement, aware."""
    moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment
