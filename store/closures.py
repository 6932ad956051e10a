"""What a provider's word closes in one shop: an address, at once or for a while, and the journeys of who objects.

A complaint and a dead address are suppressions; an unsubscription is an objection like any other, in the consent
ledger, and counts only when it is the person's last word. A suppression keeps the hash of its address: whose it was
may be erased by now, and no late event brings an address back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import starmap

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from models.announcing import Said, opted_out
from models.events import ConsentEntry, Person
from models.notices import SOFT_REST, address_key, closes, rests_until, soft
from models.profile import CustomerState
from models.provider_events import ProviderEventType
from models.situation import SuppressionReason
from models.vocabulary import Channel, ConsentState, Outcome, Purpose
from store.announcements import announce
from store.episodes import Episodes
from store.ids import new_id
from store.matching import Told
from store.objections import Objections, address_of
from store.outbox import OutboxRow
from store.people import People
from store.rows import insert_all, select_state, update_all
from store.schema import DELIVERIES, NOTICES, SUPPRESSIONS
from store.sealing import hidden
from store.suppression_rows import SuppressionRow

SOURCE = "unsubscribed at the provider"
"""The source of a withdrawal that a provider passed on; its actor is the provider."""

_ADDRESSES: BindParameter[str] = bindparam("addresses", expanding=True)
_HANDED = (
    select(DELIVERIES.c.address, func.max(DELIVERIES.c.seq))
    .where(DELIVERIES.c.address.in_(_ADDRESSES))
    .group_by(DELIVERIES.c.address)
)
_CLOSED = select(*select_state(SUPPRESSIONS, SuppressionRow)).where(
    SUPPRESSIONS.c.shop == bindparam("shop"),
    SUPPRESSIONS.c.channel.in_(list(Channel)),  # all there are, for the index
    SUPPRESSIONS.c.address.in_(_ADDRESSES),
)
_SOFT = select(NOTICES.c.address, NOTICES.c.at).where(
    NOTICES.c.address.in_(_ADDRESSES),
    NOTICES.c.type == ProviderEventType.BOUNCED,
    NOTICES.c.permanent.is_(False),
)


_Name = tuple[str, str, str]
"""Channel, hidden address and reason of a suppression."""


@dataclass(frozen=True, slots=True)
class Place:
    """What an event is about: the address that it concerns, and the customers whose it is or was, own one first.

    `hash` is what is kept of the address; `address` is None when the event names none and none was kept.
    """

    told: Told
    address: str | None
    hash: str | None
    who: tuple[CustomerState, ...]

    @property
    def at(self) -> datetime:
        """Return when it happened on the customer's clock."""
        return self.told.at + timedelta(seconds=self.who[0].clock_s if self.who else 0)

    @property
    def counted(self) -> str | None:
        """Return under what a soft bounce of the address is counted; of nobody known any more nothing is."""
        return self.hash if self.who and soft(self.told.event) else None

    @property
    def addresses(self) -> Sequence[str]:
        """Return the address of the event, and the one at which its own customer is reached now."""
        own = self.who[0] if self.who and self.told.delivery else None
        current = address_of(self.told.event.channel, own) if own else None
        return [one for one in dict.fromkeys((self.address, current)) if one is not None]


class Closures:
    """What the events of one transaction close in one shop; holds the locks of everybody concerned until it ends."""

    def __init__(self, connection: Connection, shop: str, told: Sequence[Told], received_at: datetime) -> None:
        """Lock the customers whom these events may be about, and everybody who shares an address."""
        self.connection, self.shop, self.received_at = connection, shop, received_at
        self.people = People(connection, shop)
        owners = {one.delivery.customer_id for one in told if one.delivery}
        self.people.lock(map(_person, told), sorted(owners))
        self.episodes = Episodes(connection, self.people, received_at)
        self.objections = Objections(connection, self.people, self.episodes, received_at, told[0].event.provider)
        self.places = {one.key: self._place(one) for one in told}
        self._standing: dict[_Name, list[SuppressionRow]] = {}
        self._new: list[SuppressionRow] = []
        self._changed: list[SuppressionRow] = []
        self._handed: dict[str, int] = {}
        self._said: list[Said] = []

    def _place(self, one: Told) -> Place:
        event, delivery = one.event, one.delivery
        told = address_key(event.channel, event.recipient) if event.recipient else None
        own = self.people.known.get(delivery.customer_id) if delivery else None
        current = address_of(event.channel, own) if own else None
        if current and delivery and current != told and self.hide(current) == delivery.address:
            told = current
        address = told or (delivery.address if delivery else None)
        holders = [who for who in self.people.known.values() if address and address_of(event.channel, who) == address]
        who = {one.id: one for one in [*([own] if own else ()), *holders]}
        return Place(one, address, self.hide(address) if address else None, tuple(who.values()))

    def hide(self, address: str) -> str:
        """Return what is kept of an address of this shop."""
        return hidden(self.connection, self.shop, address)

    def close(self) -> None:
        """Close what the events close at once, in the order in which they happened."""
        places = sorted(self.places.values(), key=lambda one: (one.told.at, one.told.key))
        closing = [(place, reason) for place in places if (reason := closes(place.told.event))]
        if not closing:
            return
        self._look_up([place for place, _ in closing])
        if any(reason is SuppressionReason.OBJECTION for _, reason in closing):
            self.objections.load(set(self.people.known))
        for place, reason in closing:
            match reason:
                case SuppressionReason.COMPLAINT:
                    self._complained(place)
                case SuppressionReason.OBJECTION if place.who:
                    self._unsubscribed(place)
                case _ if place.address is not None:
                    self._suppress(place, place.address, reason, place.at)
                case _:
                    pass  # of somebody erased, and the provider does not name the address

    def rest(self) -> None:
        """Let addresses rest that have bounced too often; their bounces must be stored."""
        bounced = {name: one for one in self.places.values() if (name := one.counted) is not None}
        if not bounced:
            return
        self._look_up(list(bounced.values()))
        times: dict[str, list[datetime]] = {}
        for address, at in self.connection.execute(_SOFT, {"addresses": sorted(bounced)}):
            times.setdefault(address, []).append(at)
        for name, place in bounced.items():
            until = rests_until(times.get(name, ()))
            if until is not None and place.address is not None:
                self._suppress(place, place.address, SuppressionReason.SOFT_BOUNCES, until - SOFT_REST, until)

    def save(self) -> Sequence[OutboxRow]:
        """Write everything, and return what Temporal must now be told."""
        self.people.save()
        self.objections.save()
        insert_all(self.connection, SUPPRESSIONS, self._new)
        update_all(self.connection, SUPPRESSIONS, self._changed)
        announce(self.connection, self.shop, self._said, self.received_at)
        return self.episodes.save()

    def _look_up(self, places: Sequence[Place]) -> None:
        """Read what was ever closed to these addresses, and the last number that was handed over to each."""
        hidden_by = {one: self.hide(one) for place in places for one in place.addresses}
        names = sorted(set(hidden_by.values()))
        values = {"shop": self.shop, "addresses": sorted({*hidden_by, *names})}
        self._standing = {}
        for row in starmap(SuppressionRow, self.connection.execute(_CLOSED, values)):
            name = (row.channel, hidden_by.get(row.address, row.address), row.reason)
            self._standing.setdefault(name, []).append(row)
        handed = self.connection.execute(_HANDED, {"addresses": names})
        self._handed = dict(handed.all())

    def _complained(self, place: Place) -> None:
        """Close the address, and the one that the person has now; every open journey of theirs ends."""
        reason, known = SuppressionReason.COMPLAINT, len(self._new)
        opened = [one for one in place.addresses if not self._suppress(place, one, reason, place.at)]
        if len(self._new) > known:
            channel = place.told.event.channel
            self._said += [opted_out(one.id, channel, reason, place.at) for one in place.who]
        if not opened:
            for customer in place.who:
                self.episodes.stop_all(customer, Outcome.OPTED_OUT, self._now(customer))

    def _unsubscribed(self, place: Place) -> None:
        self._number(place)
        event, state = place.told.event, ConsentState.WITHDRAWN
        for customer in place.who:
            entry = ConsentEntry(event.channel, Purpose.MARKETING, state, SOURCE, place.at)
            self.objections.record(customer, [entry], self._now(customer))

    def _suppress(
        self, place: Place, address: str, reason: SuppressionReason, at: datetime, until: datetime | None = None
    ) -> bool:
        """Close the channel to an address, unless it is closed; False when staff has opened it again since then."""
        channel, name = place.told.event.channel, self.hide(address)
        rows = self._standing.setdefault((channel, name, reason), [])
        if any(row.lifted_at is not None and row.lifted_at >= at for row in rows):
            return False
        standing = next((row for row in rows if row.lifted_at is None), None)
        if standing is None:
            seq = self._number(place)
            rows.append(SuppressionRow(new_id(), self.shop, channel, name, None, reason, at, seq, until=until))
            self._new.append(rows[-1])
        elif until and standing.until and until > standing.until:
            self._changed.append(replace(standing, at=at, until=until, seq=self._number(place)))
        return True

    def _number(self, place: Place) -> int:
        """Return a number after everything that was handed over to the address or to these customers."""
        before = self._handed.get(place.hash or "", 0)
        for customer in place.who:
            customer.seq = max(customer.seq, before)
        return max((before, *(self.people.bump(customer) for customer in place.who)))

    def _now(self, customer: CustomerState) -> datetime:
        return self.received_at + timedelta(seconds=customer.clock_s)


def _person(one: Told) -> Person:
    """Return whoever has the address that an event names."""
    channel, recipient = one.event.channel, one.event.recipient
    address = address_key(channel, recipient) if recipient else None
    return Person(email=address) if channel is Channel.EMAIL else Person(phone=address)
