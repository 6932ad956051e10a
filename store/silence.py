"""Holds every hand-over against every stop, by sequence numbers, never by clocks.

Every fact about a customer and every hand-over to them bears a number from one line: whoever writes takes the same
lock. A hand-over that bears a higher number than a stop came after it, whatever any clock says.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, RowMapping, Subquery, and_, or_, select, union

from models.consent import declined, topic_of
from models.situation import TOKEN_LIFE, SuppressionReason, joins
from models.vocabulary import Channel, ConsentState, Kind, Purpose, Verdict
from store.acts import ActName
from store.kinship import kin, rows_at, while_one
from store.objections import consent_record
from store.policies import version
from store.schema import (
    ACTS,
    CARTS,
    CONSENTS,
    CUSTOMERS,
    DECISIONS,
    DELIVERIES,
    JOURNEYS,
    ORDER_TOKENS,
    ORDERS,
    SUPPRESSIONS,
)
from store.sealing import hidden

Finding = tuple[str, str]
"""The id of what breaks a promise, and the numbers that show it."""

_CART = (CARTS.c.token, CARTS.c.alias, CARTS.c.last_activity_at)
_PAGE = 500
_STOPPING = (Purpose.MARKETING, *(topic_of(kind) for kind in Kind))


def after_close(connection: Connection) -> Iterator[Finding]:
    """Find hand-overs that follow the end of their journey."""
    handed = _handed()
    statement = (
        select(handed.c.id, handed.c.seq, JOURNEYS.c.closed_seq)
        .join(JOURNEYS, JOURNEYS.c.id == handed.c.journey_id)
        .where(handed.c.seq > JOURNEYS.c.closed_seq)
    )
    for delivery, seq, closed in connection.execute(statement):
        yield delivery, f"handed over at {seq}, journey closed at {closed}"


def after_objection(connection: Connection) -> Iterator[Finding]:
    """Find hand-overs that follow an objection: to the address, or of the customer before there was one."""
    yield from _to_closed_address(connection)
    yield from _to_an_alias(connection)
    yield from _after_withdrawal(connection)


def _to_closed_address(connection: Connection) -> Iterator[Finding]:
    """An objection counts for everybody with the address; they count on one line for as long as they share it."""
    handed = _handed()
    reasons = (SuppressionReason.OBJECTION, SuppressionReason.COMPLAINT)
    columns = [SUPPRESSIONS.c[name] for name in ("shop", "channel", "address", "seq", "lifted_seq")]
    for page in connection.execute(select(*columns).where(SUPPRESSIONS.c.reason.in_(reasons))).partitions(_PAGE):
        closed: dict[tuple[str, str], list[tuple[int, int | None]]] = {}
        for shop, channel, address, seq, lifted in page:
            closed.setdefault((channel, hidden(connection, shop, address)), []).append((seq, lifted))
        some = select(handed).where(handed.c.address.in_({name for _, name in closed}))
        for row in connection.execute(some):
            for seq, lifted in closed.get((row.channel, row.address), ()):
                if row.seq > seq and (lifted is None or row.seq < lifted):
                    yield row.id, f"handed over at {row.seq}, objection at {seq}, lifted at {lifted or 'no time'}"


def _to_an_alias(connection: Connection) -> Iterator[Finding]:
    """A complaint about one address of a person closes the others: nobody but staff takes it back."""
    handed, pairs = _handed(), kin()
    whose = and_(pairs.c.one == handed.c.customer_id, while_one(pairs, handed.c.seq))
    columns = (CUSTOMERS.c.shop, CUSTOMERS.c.email_key, CUSTOMERS.c.phone)
    statement = select(handed, *columns).join(pairs, whose).join(CUSTOMERS, CUSTOMERS.c.id == pairs.c.other)
    for row in connection.execute(statement).all():
        known = [one for one in (row.email_key, row.phone) if one is not None]
        closed = select(SUPPRESSIONS.c.seq, SUPPRESSIONS.c.lifted_seq).where(
            SUPPRESSIONS.c.shop == row.shop,
            SUPPRESSIONS.c.channel == row.channel,
            SUPPRESSIONS.c.address.in_([*known, *(hidden(connection, row.shop, one) for one in known)]),
            SUPPRESSIONS.c.reason == SuppressionReason.COMPLAINT,
        )
        for seq, lifted in connection.execute(closed).all():
            if row.seq > seq and (lifted is None or row.seq < lifted):
                yield row.id, f"handed over at {row.seq}, complaint under another address at {seq}"


def _after_withdrawal(connection: Connection) -> Iterator[Finding]:
    """Whoever objects without having an address, or to a topic alone, is in no list of closed addresses.

    A withdrawal on any row of the person counts, and so does a later consent.
    """
    handed, pairs = _handed(), kin()
    withdrawn = and_(CONSENTS.c.state == ConsentState.WITHDRAWN, CONSENTS.c.purpose.in_(_STOPPING))
    before = and_(CONSENTS.c.channel == handed.c.channel, CONSENTS.c.seq < handed.c.seq, withdrawn)
    base = select(handed, JOURNEYS.c.kind).join(JOURNEYS, JOURNEYS.c.id == handed.c.journey_id)
    own = base.join(CONSENTS, and_(before, CONSENTS.c.customer_id == handed.c.customer_id))
    whose = and_(pairs.c.one == handed.c.customer_id, while_one(pairs, handed.c.seq))
    others = base.join(pairs, whose).join(CONSENTS, and_(before, CONSENTS.c.customer_id == pairs.c.other))
    for row in connection.execute(union(own, others)).all():
        rows = rows_at(connection, row.customer_id, row.seq)
        said = select(CONSENTS).where(CONSENTS.c.customer_id.in_(rows), CONSENTS.c.seq < row.seq)
        ledger = [consent_record(entry) for entry in connection.execute(said).mappings()]
        if declined(ledger, Channel(row.channel), Kind(row.kind)):
            yield row.id, f"handed over at {row.seq}, after a withdrawal"


def after_purchase(connection: Connection) -> Iterator[Finding]:
    """Find hand-overs that follow an order of the customer's own, on any of their rows, that ended their journey."""
    handed, pairs = _handed(), kin()
    bought = (ORDERS.c.id.label("bought"), ORDERS.c.seq.label("at"), ORDERS.c.placed_at, ORDERS.c.status)
    base = (
        select(handed.c.id, handed.c.seq, *bought, JOURNEYS.c.policy_hash, JOURNEYS.c.kind, JOURNEYS.c.since, *_CART)
        .join(JOURNEYS, JOURNEYS.c.id == handed.c.journey_id)
        .outerjoin(CARTS, CARTS.c.id == JOURNEYS.c.cart_id)
    )
    whose = and_(pairs.c.one == JOURNEYS.c.customer_id, while_one(pairs, handed.c.seq))
    own = base.join(ORDERS, and_(ORDERS.c.customer_id == JOURNEYS.c.customer_id, ORDERS.c.seq < handed.c.seq))
    as_alias = and_(ORDERS.c.customer_id == pairs.c.other, ORDERS.c.seq < handed.c.seq)
    for row in connection.execute(union(own, base.join(pairs, whose).join(ORDERS, as_alias))).mappings().all():
        if row["placed_at"] >= row["since"] - TOKEN_LIFE and _ended(connection, row):
            yield row["id"], f"handed over at {row['seq']}, order at {row['at']}"


def _ended(connection: Connection, row: RowMapping) -> bool:
    """Say whether an order ends a journey, by its policy's word; of a cart that is gone nobody can tell."""
    if row["status"] not in version(connection, row["policy_hash"]).purchase:
        return False
    if row["kind"] == Kind.INACTIVE or row["last_activity_at"] is None:
        return bool(row["kind"] == Kind.INACTIVE and row["placed_at"] > row["since"])
    named = select(ORDER_TOKENS.c.token).where(ORDER_TOKENS.c.order_id == row["bought"])
    tokens = frozenset(connection.execute(named).scalars())
    return joins(tokens, row["placed_at"], frozenset({row["token"], row["alias"]} - {None}), row["last_activity_at"])


def against_staff(connection: Connection) -> Iterator[Finding]:
    """Find hand-overs that follow a cancel, or a pause without a resume between them."""
    handed = _handed()
    resumed = ACTS.alias("resumed")
    again = select(resumed.c.id).where(
        resumed.c.journey_id == handed.c.journey_id,
        resumed.c.act == ActName.RESUME,
        resumed.c.seq > ACTS.c.seq,
        resumed.c.seq < handed.c.seq,
    )
    held = and_(ACTS.c.act == ActName.PAUSE, ~again.exists())
    statement = (
        select(handed.c.id, handed.c.seq, ACTS.c.act, ACTS.c.seq)
        .join(ACTS, and_(ACTS.c.journey_id == handed.c.journey_id, ACTS.c.seq < handed.c.seq))
        .where(or_(ACTS.c.act == ActName.CANCEL, held))
    )
    for delivery, seq, act, at in connection.execute(statement):
        yield delivery, f"handed over at {seq}, {act} at {at}"


def _handed() -> Subquery:
    """Every hand-over with its number: the last one of each delivery, and each that was decided."""
    columns = [DELIVERIES.c[name] for name in ("id", "journey_id", "customer_id", "channel", "address")]
    decided = and_(
        DECISIONS.c.journey_id == DELIVERIES.c.journey_id,
        DECISIONS.c.delivery_id == DELIVERIES.c.id,
        DECISIONS.c.verdict == Verdict.SENT,
    )
    every = select(*columns, DECISIONS.c.seq).join(DECISIONS, decided)
    return union(select(*columns, DELIVERIES.c.seq), every).subquery("handed")
