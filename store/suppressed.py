"""Which channels are closed to a person: by what stands for their address, or by their own wish on another row."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select

from models.situation import CustomerRecord, SuppressionReason
from models.vocabulary import Channel
from store.driven import Driven
from store.groups import Member
from store.lists import among
from store.objections import addresses_of
from store.schema import SUPPRESSIONS

_WISHES = (SuppressionReason.COMPLAINT, SuppressionReason.OBJECTION)
_WEIGHTIEST_FIRST = list(SuppressionReason)
_STANDING = Driven(
    select(*[SUPPRESSIONS.c[name] for name in ("channel", "reason", "address", "customer_id")]).where(
        SUPPRESSIONS.c.shop == bindparam("shop"),
        among(SUPPRESSIONS.c.channel, "channels"),  # all there are, for the index
        among(SUPPRESSIONS.c.address, "addresses"),
        SUPPRESSIONS.c.lifted_at.is_(None),
        or_(SUPPRESSIONS.c.until.is_(None), SUPPRESSIONS.c.until > bindparam("at")),
    )
)


def suppressed(
    connection: Connection, shop: str, customer: CustomerRecord, rows: Sequence[Member], at: datetime
) -> dict[Channel, SuppressionReason]:
    """Return the channels that are closed to a customer at `at`; a complaint outranks everything.

    `rows` are all rows of the customer's person. What stands for an address of another of them counts too when it is
    the person's wish; that a mailbox is full says nothing of the others, nor does what somebody else wants there.
    """
    mine = _addresses(connection, shop, customer)
    others = {one for row in rows if row.id != customer.id for one in _addresses(connection, shop, row)} - mine
    own = {None, *(row.id for row in rows)}
    values = {"shop": shop, "channels": list(Channel), "addresses": [*mine, *others], "at": at}
    found: dict[Channel, SuppressionReason] = {}
    for channel, reason, address, customer_id in _STANDING.rows(connection, values):
        if address in mine or (reason in _WISHES and customer_id in own):
            new, old = SuppressionReason(reason), found.get(Channel(channel))
            found[Channel(channel)] = new if old is None else min(new, old, key=_WEIGHTIEST_FIRST.index)
    return found


def _addresses(connection: Connection, shop: str, who: CustomerRecord | Member) -> set[str]:
    return {address for channel in Channel for address in addresses_of(connection, shop, channel, who)}
