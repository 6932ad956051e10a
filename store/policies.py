"""Policies as the store keeps them: every content for ever, and which ones are active, in which order."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from models.policy import Policy, from_json, to_json
from models.vocabulary import Kind
from store.schema import POLICY_VERSIONS

_versions: dict[str, Policy] = {}
"""Versions that were read before; a hash names its content for ever, so nothing here gets old."""


def version(connection: Connection, hash_: str) -> Policy:
    """Return the version of that hash; it is there, because journeys only name stored ones."""
    if hash_ not in _versions:
        statement = select(POLICY_VERSIONS.c.body).where(POLICY_VERSIONS.c.hash == hash_)
        _versions[hash_] = from_json(connection.execute(statement).scalar_one())
    return _versions[hash_]


def active(connection: Connection, kind: Kind | None = None) -> list[Policy]:
    """Return the active policies, of one kind if asked, in the order in which their files name them."""
    statement = (
        select(POLICY_VERSIONS.c.hash)
        .where(POLICY_VERSIONS.c.position.is_not(None))
        .order_by(POLICY_VERSIONS.c.position)
    )
    if kind is not None:
        statement = statement.where(POLICY_VERSIONS.c.kind == kind)
    return [version(connection, hash_) for hash_ in connection.execute(statement).scalars().all()]


def activate(connection: Connection, policies: Sequence[Policy], at: datetime) -> None:
    """Make exactly these policies the active ones; running journeys keep the version that they began with."""
    known = set(connection.execute(select(POLICY_VERSIONS.c.hash)).scalars())
    connection.execute(update(POLICY_VERSIONS).values(position=None))
    for position, policy in enumerate(policies):
        if policy.hash in known:
            place = POLICY_VERSIONS.c.hash == policy.hash
            connection.execute(update(POLICY_VERSIONS).where(place).values(position=position))
        else:
            row = {"hash": policy.hash, "name": policy.name, "kind": policy.kind, "body": to_json(policy)}
            connection.execute(insert(POLICY_VERSIONS), [row | {"position": position, "loaded_at": at}])
            known.add(policy.hash)
