"""One kind of id for everything: UUIDv7, which sorts by time of making."""

import uuid_utils


def new_id() -> str:
    """Return a fresh UUIDv7 as text."""
    return str(uuid_utils.uuid7())
