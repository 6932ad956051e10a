"""Rows of customers that are one person: joined under a root, and parted again. No other row is moved for it.

`aliases` says since when, why and through whom, `customers.root_id` what holds now. Both rows are locked, and count on
one line from then on: a stop of one is a stop of the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select, update

from models.cart import CartState
from models.events import Person
from models.identity import Family, Tie, joining, root_of
from models.profile import CustomerState
from models.vocabulary import Outcome
from store.acts import Act, ActName, By
from store.carts import carts_by_id
from store.db import ConflictError, NotFoundError
from store.episodes import Episodes
from store.ids import new_id
from store.objections import Objections
from store.outbox import OutboxRow
from store.people import People
from store.rows import insert_all
from store.schema import ACTS, ALIASES, CARTS, CUSTOMERS


@dataclass(frozen=True, slots=True)
class AliasRow:
    """That a row stands under a root, or did until it was parted."""

    id: str
    shop: str
    customer_id: str
    root_id: str
    reason: str
    actor: str
    at: datetime
    seq: int
    parted_at: datetime | None = None
    parted_by: str | None = None
    parted_seq: int | None = None


@dataclass(slots=True)
class Aliases:
    """Joins and parts rows in one transaction that holds their locks; `carts` are those of their open journeys."""

    connection: Connection
    people: People
    episodes: Episodes
    objections: Objections
    carts: Mapping[str, CartState]
    actor: str

    def settle(self, customer: CustomerState, person: Person, now: datetime) -> None:
        """Join to a customer whoever an event shows to be the same person, unless staff has parted them before."""
        families = [self.people.family(one) for one in self.people.near(person.email_key, person.phone)]
        others = {one[0].root: one for one in families if one[0].root != customer.root}
        if not others:
            return
        for row, tie in joining(person, self.people.family(customer), list(others.values())):
            if not self._parted(self.people.family(customer), self.people.family(row)):
                self.join(customer, row, tie, now)

    def join(
        self, one: CustomerState, other: CustomerState, tie: Tie, now: datetime, root: CustomerState | None = None
    ) -> int:
        """Make two families one person's, and return the number of it; `now` is their own clock.

        The stricter word of both stands, and one journey of a kind goes on.
        """
        mine, theirs = self.people.family(one), self.people.family(other)
        self.objections.take_stricter(mine, theirs, now)
        rows = [*mine, *theirs]
        root = root or root_of(rows)
        before = {row.id: row.root_id for row in rows}
        for row in rows:
            row.root_id = None if row is root else root.id
            row.last_activity_at = max((r.last_activity_at for r in rows if r.last_activity_at), default=None)
        root.has_aliases = True
        self.people.regroup()
        self._pause(rows)
        seq = self.people.bump(root)
        self._write([row for row in rows if row.root_id != before[row.id]], tie, now, seq)
        for cart in self.episodes.unite(root, self.carts, now):
            moved = update(CARTS).where(CARTS.c.id == cart.id)
            self.connection.execute(moved.values(journey_id=cart.journey_id))
        return seq

    def _pause(self, rows: Family) -> None:
        """Whoever asked for a pause on one row has asked for it on all."""
        self.people.flush()
        mine = CUSTOMERS.c.id.in_([one.id for one in rows])
        until = self.connection.execute(select(func.max(CUSTOMERS.c.snoozed_until)).where(mine)).scalar_one_or_none()
        if until is not None:
            self.connection.execute(update(CUSTOMERS).where(mine).values(snoozed_until=until))

    def _write(self, moved: Sequence[CustomerState], tie: Tie, now: datetime, seq: int) -> None:
        """Write what holds from now on; who stood under another root keeps the reason for which they are an alias."""
        place = and_(ALIASES.c.customer_id.in_([one.id for one in moved]), ALIASES.c.parted_at.is_(None))
        stood = select(ALIASES.c.customer_id, ALIASES.c.reason).where(place)
        reasons = {row.customer_id: row.reason for row in self.connection.execute(stood)}
        self.connection.execute(update(ALIASES).where(place).values(parted_at=now, parted_seq=seq))
        rows = [
            AliasRow(new_id(), one.shop, one.id, one.root_id, reasons.get(one.id, tie), self.actor, now, seq)
            for one in moved
            if one.root_id is not None
        ]
        insert_all(self.connection, ALIASES, rows)

    def _parted(self, mine: Family, theirs: Family) -> bool:
        """Say whether staff has parted a row of the one from a row of the other."""
        ids, others = [one.id for one in mine], [one.id for one in theirs]
        pair = or_(
            and_(ALIASES.c.customer_id.in_(ids), ALIASES.c.root_id.in_(others)),
            and_(ALIASES.c.customer_id.in_(others), ALIASES.c.root_id.in_(ids)),
        )
        found = select(ALIASES.c.id).where(pair, ALIASES.c.parted_by.is_not(None)).limit(1)
        return self.connection.execute(found).first() is not None

    def part(self, alias: CustomerState, by: str, now: datetime) -> int:
        """Let an alias stand alone again, and return the number of it; a journey about the other's cart ends."""
        seq = self.people.bump(alias)
        place = and_(ALIASES.c.customer_id == alias.id, ALIASES.c.parted_at.is_(None))
        ended = update(ALIASES).where(place)
        self.connection.execute(ended.values(parted_at=now, parted_by=by, parted_seq=seq))
        alias.root_id = None
        self.people.regroup()
        for journey in [one for one in self.episodes.open if one.open]:
            cart = self.carts.get(journey.cart_id or "")
            owner = cart.customer_id if cart else None
            if owner is not None and self.people.root(owner) != self.people.root(journey.customer_id):
                self.episodes.stop(journey, Outcome.CART_EMPTIED, now)
        return seq


def join(connection: Connection, customer_id: str, other_id: str, by: By) -> Sequence[OutboxRow]:
    """Let staff say that two customers are one person: the second becomes an alias of the first.

    Returns what Temporal must be told. Raises `NotFoundError` for unknown ids and `ConflictError` when they are of two
    shops, or one person already.
    """
    work = _begin(connection, [customer_id, other_id], by)
    one, other = work.people.known[customer_id], work.people.known[other_id]
    if one.root == other.root:
        raise ConflictError("they are one person already")
    root = next(row for row in work.people.family(one) if row.id == one.root)
    seq = work.join(one, other, Tie.STAFF, by.now + timedelta(seconds=one.clock_s), root)
    return _end(work, [one, other], ActName.JOIN, seq, by)


def part(connection: Connection, customer_id: str, by: By) -> Sequence[OutboxRow]:
    """Let staff say that an alias is somebody else; it is not joined to them by itself again.

    Returns what Temporal must be told. Raises `NotFoundError` for an unknown id and `ConflictError` for somebody who
    has no alias, or several: then it says nothing which of them is meant.
    """
    work = _begin(connection, [customer_id], by)
    customer = work.people.known[customer_id]
    aliases = [one for one in work.people.family(customer) if one.root_id is not None]
    if not aliases:
        raise ConflictError("they stand alone: there is nothing to part")
    if customer.root_id is None and len(aliases) > 1:
        raise ConflictError("several stand under this one: give the id of the alias to part")
    alias = customer if customer.root_id is not None else aliases[0]
    root = next(one for one in work.people.family(alias) if one.id == alias.root)
    seq = work.part(alias, by.actor, by.now + timedelta(seconds=alias.clock_s))
    return _end(work, [root, alias], ActName.PART, seq, by)


def _begin(connection: Connection, ids: Sequence[str], by: By) -> Aliases:
    """Lock everybody concerned, with their open journeys."""
    found = select(CUSTOMERS.c.shop).where(CUSTOMERS.c.id.in_(ids))
    shops = set(connection.execute(found).scalars())
    if len(shops) > 1:
        raise ConflictError("they are customers of two shops")
    people = People(connection, next(iter(shops), ""))
    people.lock((), ids)
    if any(one not in people.known for one in ids):
        raise NotFoundError("there is no such customer")
    episodes = Episodes(connection, people, by.now)
    carts = carts_by_id(connection, {one.cart_id for one in episodes.open if one.cart_id})
    objections = Objections(connection, people, episodes, by.now, by.actor)
    return Aliases(connection, people, episodes, objections, {one.id: one for one in carts}, by.actor)


def _end(work: Aliases, rows: Sequence[CustomerState], name: ActName, seq: int, by: By) -> Sequence[OutboxRow]:
    """Write everything, and the act for both."""
    times = [(one.id, by.now + timedelta(seconds=one.clock_s)) for one in rows]
    acts = [Act(new_id(), at, by.now, by.actor, name, None, one, by.reason, seq) for one, at in times]
    insert_all(work.connection, ACTS, acts)
    work.people.save()
    work.objections.save()
    return work.episodes.save()
