"""Consents and objections: an append-only ledger, and the addresses that no channel may use."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from models.announcing import Said, word
from models.consent import declined, latest, overruled, topic_of
from models.episode import JourneyState
from models.events import ConsentEntry
from models.identity import Family
from models.profile import CustomerState
from models.situation import ConsentRecord, CustomerRecord, SuppressionReason
from models.vocabulary import Channel, ConsentState, Kind, Outcome, Purpose
from store.announcements import announce
from store.consent_rows import ConsentRow
from store.episodes import Episodes
from store.groups import Member
from store.ids import new_id
from store.people import People
from store.policies import version
from store.rows import fetch, insert_all, select_state, update_all
from store.schema import CONSENTS, SUPPRESSIONS
from store.sealing import hidden
from store.suppression_rows import SuppressionRow

JOINED = "joined"
"""The source of a withdrawal that is said again because two rows turned out to be one person."""
_KINDS = {topic_of(kind): kind for kind in Kind}


@dataclass(slots=True)
class Objections:
    """What customers allow and forbid, in one transaction that holds their locks; `actor` passes their words on.

    With `echo` false it is the shop itself that says so, and need not be told.
    """

    connection: Connection
    people: People
    episodes: Episodes
    recorded_at: datetime
    actor: str | None = None
    echo: bool = True
    _ledger: dict[str, list[ConsentRecord]] = field(default_factory=dict)
    _rows: list[ConsentRow] = field(default_factory=list)
    _suppressed: list[SuppressionRow] = field(default_factory=list)
    _stored: int = 0
    _loaded: bool = False
    _said: list[Said] = field(default_factory=list)

    def load(self, customers: Collection[str]) -> None:
        """Read the ledgers of these customers, on all their rows, and the objections that their addresses are under."""
        if not customers or self._loaded:
            return
        self._loaded = True
        known = [one for customer in customers for one in self.people.family(self.people.known[customer])]
        self._ledger |= {one.id: [] for one in known}
        statement = select(CONSENTS).where(CONSENTS.c.customer_id.in_(self._ledger))
        for row in self.connection.execute(statement).mappings():
            self._ledger[row["customer_id"]].append(consent_record(row))
        ways = [addresses_of(self.connection, who.shop, channel, who) for who in known for channel in Channel]
        addresses = {address for way in ways for address in way}
        objections = select(*select_state(SUPPRESSIONS, SuppressionRow)).where(
            SUPPRESSIONS.c.shop == self.people.shop,
            SUPPRESSIONS.c.channel.in_(list(Channel)),  # all there are, for the index
            SUPPRESSIONS.c.address.in_(addresses),
            SUPPRESSIONS.c.reason == SuppressionReason.OBJECTION,
            SUPPRESSIONS.c.lifted_at.is_(None),
        )
        self._suppressed = fetch(self.connection, SuppressionRow, objections)
        self._stored = len(self._suppressed)

    def record(self, customer: CustomerState, entries: Sequence[ConsentEntry], at: datetime) -> None:
        """Append what the customer said, unless it is known; a last word of no is an objection, of yes lifts one."""
        ledger = self._ledger.setdefault(customer.id, [])
        for entry in entries:
            record = ConsentRecord(entry.channel, entry.purpose, entry.state, entry.source, min(entry.at, at))
            if record in ledger:
                continue
            self._append(customer, record, entry.wording)
            if latest(self._words(customer), record.channel, record.purpose) == record:
                self._say(customer, record)
                self._obey(customer, record, at)

    def object(self, customer: CustomerState, channels: Collection[Channel], source: str, at: datetime) -> None:
        """Record an objection: the channels are closed to the address, and every open journey of it ends."""
        for channel in channels:
            record = ConsentRecord(channel, Purpose.MARKETING, ConsentState.WITHDRAWN, source, at)
            self._append(customer, record, None)
            self._say(customer, record)
        self._object(customer, channels, at, at)

    def _obey(self, customer: CustomerState, word: ConsentRecord, at: datetime) -> None:
        """Do what a last word asks for; one on a purpose that nobody knows is kept, and asks for nothing."""
        withdrawn = word.state is ConsentState.WITHDRAWN
        if word.purpose == Purpose.MARKETING and withdrawn:
            self._object(customer, (word.channel,), word.at, at)
        elif word.purpose == Purpose.MARKETING:
            self._lift(customer, word.channel, word.at)
        elif withdrawn and word.purpose in _KINDS:
            self._decline(customer, _KINDS[Purpose(word.purpose)], at)

    def _decline(self, customer: CustomerState, kind: Kind, at: datetime) -> None:
        """End the customer's own journeys of a declined topic, unless a channel is left for them."""
        for journey in self.episodes.of(customer):
            own = self.people.root(journey.customer_id) == customer.root
            if own and journey.kind == kind and not self._channels(journey):
                self.episodes.stop(journey, Outcome.OPTED_OUT, at)

    def _channels(self, journey: JourneyState) -> set[Channel]:
        """Return the channels of a journey's policy that reach its customer and that they have not closed."""
        customer = self.people.known[journey.customer_id]
        planned = {one for step in version(self.connection, journey.policy_hash).steps for one in step.channels}
        ledger, kind = self._words(customer), Kind(journey.kind)
        reaching = {one for one in planned if addresses_of(self.connection, self.people.shop, one, customer)}
        return {one for one in reaching if not declined(ledger, one, kind) and not self._closed(customer, one)}

    def _closed(self, customer: CustomerState, channel: Channel) -> bool:
        addresses = addresses_of(self.connection, self.people.shop, channel, customer)
        return any(
            row.channel == channel and row.address in addresses and row.lifted_at is None for row in self._suppressed
        )

    def _words(self, customer: CustomerState) -> list[ConsentRecord]:
        """Return what the customer said on any of their rows."""
        return [word for row in self.people.family(customer) for word in self._ledger.get(row.id, ())]

    def take_stricter(self, one: Family, other: Family, at: datetime) -> None:
        """Before two families become one: say a withdrawal of one again that the other's newer consent would lift.

        What was allowed before anybody knew that it was the same person lifts nothing; what they say from now on does.
        """
        self.load(set(self.people.known))
        for mine, theirs in ((one, other), (other, one)):
            for said in overruled(self._words(mine[0]), self._words(theirs[0])):
                row = next(row for row in mine if said in self._ledger.get(row.id, ()))
                self._append(row, replace(said, source=JOINED, at=at), None)

    def _append(self, customer: CustomerState, record: ConsentRecord, wording: str | None) -> None:
        self._ledger.setdefault(customer.id, []).append(record)
        seq = self.people.bump(customer)
        row = ConsentRow(
            new_id(),
            customer.id,
            record.channel,
            record.purpose,
            record.state,
            record.source,
            wording,
            hashlib.sha256(wording.encode()).hexdigest() if wording else None,
            self.actor,
            record.at,
            self.recorded_at,
            seq,
        )
        self._rows.append(row)

    def _object(self, customer: CustomerState, channels: Collection[Channel], said: datetime, at: datetime) -> None:
        seq, shop, reason = self.people.bump(customer), self.people.shop, SuppressionReason.OBJECTION
        for channel in channels:
            rows = {address_of(channel, one): one for one in reversed([customer, *self.people.family(customer)])}
            for address, one in rows.items():
                if address is not None:
                    row = SuppressionRow(new_id(), shop, channel, address, one.id, reason, said, seq)
                    self._suppressed.append(row)
        self.episodes.stop_all(customer, Outcome.OPTED_OUT, at)

    def _lift(self, customer: CustomerState, channel: Channel, said: datetime) -> None:
        """A later, explicit consent of the same person lifts an objection; nothing else is lifted here."""
        rows = self.people.family(customer)
        mine = {None, *(one.id for one in rows)}
        addresses = {name for one in rows for name in addresses_of(self.connection, customer.shop, channel, one)}
        for index, row in enumerate(self._suppressed):
            same = row.channel == channel and row.address in addresses and row.customer_id in mine
            if same and row.lifted_at is None and row.at < said:
                self._suppressed[index] = replace(row, lifted_at=said, lifted_seq=self.people.bump(customer))

    def _say(self, customer: CustomerState, record: ConsentRecord) -> None:
        """Have the shop told of a last word."""
        if self.echo:
            self._said.append(word(customer.id, record.channel, record.purpose, record.state, record.at))

    def save(self) -> None:
        """Write every entry, and what the shop is told of them."""
        announce(self.connection, self.people.shop, self._said, self.recorded_at)
        insert_all(self.connection, CONSENTS, self._rows)
        insert_all(self.connection, SUPPRESSIONS, self._suppressed[self._stored :])
        lifted = [row for row in self._suppressed[: self._stored] if row.lifted_at is not None]
        update_all(self.connection, SUPPRESSIONS, lifted)


def suppress(
    connection: Connection, shop: str, channel: Channel, address: str, reason: SuppressionReason, at: datetime, seq: int
) -> None:
    """Close a channel to an address for a reason that is not the customer's own wish."""
    row = SuppressionRow(new_id(), shop, channel, address, None, reason, at, seq)
    insert_all(connection, SUPPRESSIONS, [row])


def address_of(channel: Channel, customer: CustomerState | CustomerRecord | Member) -> str | None:
    """Return the address under which a channel reaches a customer; a device is reached by the customer's id."""
    match channel:
        case Channel.EMAIL:
            return customer.email_key
        case Channel.SMS | Channel.CALL:
            return customer.phone
        case Channel.PUSH:
            return f"customer:{customer.id}"


def addresses_of(
    connection: Connection, shop: str, channel: Channel, customer: CustomerState | CustomerRecord | Member
) -> list[str]:
    """Return the address and what is left of it when its owner was erased."""
    address = address_of(channel, customer)
    return [] if address is None else [address, hidden(connection, shop, address)]


def consent_record(row: RowMapping) -> ConsentRecord:
    """Read a row of the ledger."""
    return ConsentRecord(
        Channel(row["channel"]),
        row["purpose"],
        ConsentState(row["state"]),
        row["source"],
        row["at"],
        row["id"],
        row["wording_hash"],
        row["actor"],
    )
