"""Named API keys, kept as hashes: a key is 256 random bits, so a plain SHA-256 says nothing about it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from models.vocabulary import Role
from store.db import ConflictError, NotFoundError
from store.rows import fetch
from store.schema import KEYS


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key without its text."""

    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None


def put_key(connection: Connection, name: str, role: Role, text: str, at: datetime) -> None:
    """Let a key of the settings be the one of this name."""
    same = select(KEYS.c.name).where(KEYS.c.name == name, KEYS.c.hash == hash_of(text), KEYS.c.revoked_at.is_(None))
    if connection.execute(same).first() is None:
        connection.execute(delete(KEYS).where(KEYS.c.name == name))
        _insert(connection, name, role, text, at)


def add_key(connection: Connection, name: str, role: Role, text: str, at: datetime) -> None:
    """Add a key; raise `ConflictError` when the name is taken."""
    if connection.execute(select(KEYS.c.name).where(KEYS.c.name == name)).first() is not None:
        raise ConflictError(f"there is a key named {name!r}: choose another name")
    _insert(connection, name, role, text, at)


def _insert(connection: Connection, name: str, role: Role, text: str, at: datetime) -> None:
    row = {"name": name, "role": role, "hash": hash_of(text), "created_at": at, "revoked_at": None}
    connection.execute(insert(KEYS), [row])


def list_keys(connection: Connection) -> list[KeyRecord]:
    """Return every key, by name."""
    statement = select(KEYS.c.name, KEYS.c.role, KEYS.c.created_at, KEYS.c.revoked_at).order_by(KEYS.c.name)
    return fetch(connection, KeyRecord, statement)


def revoke_key(connection: Connection, name: str, at: datetime) -> None:
    """Let a key open nothing any more; raise `NotFoundError` for an unknown name."""
    change = update(KEYS).where(KEYS.c.name == name, KEYS.c.revoked_at.is_(None)).values(revoked_at=at)
    if connection.execute(change).rowcount == 0:
        raise NotFoundError(f"there is no key named {name!r} that could be revoked")


def find_key(connection: Connection, text: str) -> tuple[str, Role] | None:
    """Return name and role of a key that is valid, None for any other text."""
    statement = select(KEYS.c.name, KEYS.c.role).where(KEYS.c.hash == hash_of(text), KEYS.c.revoked_at.is_(None))
    row = connection.execute(statement).first()
    return None if row is None else (row.name, Role(row.role))


def hash_of(text: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(text.encode()).hexdigest()
