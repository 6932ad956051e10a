"""Typed reading of JSON that this program itself has stored, so that a damaged row is a clear error."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar

from models.durations import parse_duration

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""A value that JSON can carry."""

T = TypeVar("T")


def take(record: Mapping[str, Json], key: str, kind: type[T]) -> T:
    """Return a field of a stored record; raise ValueError when it is missing or of another kind."""
    value = record.get(key)
    if isinstance(value, kind):
        return value
    raise ValueError(f"stored record: '{key}' should be {kind.__name__}, not {type(value).__name__}")


def take_optional(record: Mapping[str, Json], key: str, kind: type[T]) -> T | None:
    """Return a field of a stored record, None when it is absent; raise ValueError when it is of another kind."""
    return None if record.get(key) is None else take(record, key, kind)


def objects(record: Mapping[str, Json], key: str) -> list[dict[str, Json]]:
    """Return a field that lists records; raise ValueError when it does not."""
    entries: list[Json] = take(record, key, list)
    if not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"stored record: '{key}' should list records")
    return [entry for entry in entries if isinstance(entry, dict)]


def take_length(record: Mapping[str, Json], key: str) -> timedelta:
    """Return a length of time that was stored as text, like 3d; raise ValueError when it is none."""
    return parse_duration(take(record, key, str))


def content_hash(record: Mapping[str, Json]) -> str:
    """Return the first 16 hex digits of the SHA-256 of a record as JSON, keys sorted, without spaces."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
