"""Who an event is about: finding, locking and making customers, and the sequence number that orders their facts."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select
from sqlalchemy.dialects import postgresql

from models.events import Person
from models.profile import CustomerState
from store.ids import new_id
from store.rows import as_row, fetch, insert_all, select_state, update_all
from store.schema import CUSTOMERS


class People:
    """The customers of one shop that a transaction is about; all of them are locked until it ends.

    Two rows with one address are locked together, because a stop of one is a stop of the other.
    """

    def __init__(self, connection: Connection, shop: str) -> None:
        """Know nobody yet."""
        self.connection = connection
        self.shop = shop
        self.known: dict[str, CustomerState] = {}
        self._names: dict[tuple[str, str], list[CustomerState]] = {}
        self._touched: set[str] = set()
        self._new: dict[str, CustomerState] = {}

    def lock(self, persons: Iterable[Person], ids: Collection[str] = ()) -> None:
        """Lock every customer whom these persons may be, in id order, and everybody who shares an address."""
        external: set[str | None] = set()
        emails: set[str | None] = set()
        phones: set[str | None] = set()
        for person in persons:
            external.add(person.external_id)
            emails.add(person.email_key)
            phones.add(person.phone)
        self._lock(emails, phones, external, ids)
        more_emails = {one.email_key for one in self.known.values()} - emails - {None}
        more_phones = {one.phone for one in self.known.values()} - phones - {None}
        if more_emails or more_phones:
            self._lock(more_emails, more_phones, set(), ())

    def _lock(
        self, emails: set[str | None], phones: set[str | None], external: set[str | None], ids: Collection[str]
    ) -> None:
        mine = CUSTOMERS.c.shop == self.shop
        names = (("email_key", emails - {None}), ("phone", phones - {None}), ("external_id", external - {None}))
        # Each way with the shop, and none that is empty: only so does SQLite look each up in its own index.
        ways = [and_(mine, CUSTOMERS.c[name].in_(values)) for name, values in names if values]
        ways += [CUSTOMERS.c.id.in_(ids)] if ids else []
        if not ways:
            return
        statement = select(*select_state(CUSTOMERS, CustomerState)).where(or_(*ways)).order_by(CUSTOMERS.c.id)
        for customer in fetch(self.connection, CustomerState, statement.with_for_update()):
            self._know(customer)

    def _know(self, customer: CustomerState) -> None:
        if customer.id in self.known:
            return
        self.known[customer.id] = customer
        self._index(customer)

    def _index(self, customer: CustomerState) -> None:
        for name in ("external_id", "email_key", "phone"):
            value = getattr(customer, name)
            rows = self._names.setdefault((name, value), []) if value is not None else [customer]
            if customer not in rows:
                rows.append(customer)

    def meet(self, customer: CustomerState, person: Person, at: datetime) -> None:
        """Take in what an event says of a known customer."""
        if not person.anonymous:
            customer.meet(person, at)
            self._index(customer)

    def find(self, person: Person) -> CustomerState | None:
        """Return who this is: by the shop's own id, else by e-mail, else by phone.

        A shop's id never takes over a row that has another id of that shop, and a phone never one that has another
        e-mail: what one person of a household allowed, the other did not.
        """
        if person.external_id is not None:
            found = self._names.get(("external_id", person.external_id))
            if found:
                return found[0]
        for name, value in (("email_key", person.email_key), ("phone", person.phone)):
            for customer in self._names.get((name, value), ()) if value is not None else ():
                if _may_be(customer, person):
                    return customer
        return None

    def make_missing(self, persons: Iterable[tuple[Person, datetime]]) -> None:
        """Insert a customer for every person who is nobody yet; `find` knows them all afterwards.

        Whoever another transaction inserted in the same moment is locked and known instead.
        """
        new = []
        for person, at in persons:
            if not person.anonymous and self.find(person) is None:
                customer = CustomerState(new_id(), self.shop, first_seen_at=at, profile_at=at)
                customer.meet(person, at)
                self._know(customer)
                new.append(customer)
        if new:
            self._insert(new)

    def _insert(self, new: Sequence[CustomerState]) -> None:
        if self.connection.dialect.name == "sqlite":  # the write lock is ours, so nobody else can come: written once
            self._new |= {one.id: one for one in new}
            return
        rows = [as_row(one) for one in new]
        statement = postgresql.insert(CUSTOMERS).values(rows).on_conflict_do_nothing().returning(CUSTOMERS.c.id)
        made = set(self.connection.execute(statement).scalars())
        lost = [one for one in new if one.id not in made]
        if lost:
            self._forget(lost)
            self.lock([Person(one.external_id, one.email, one.phone) for one in lost])

    def _forget(self, lost: Sequence[CustomerState]) -> None:
        for one in lost:
            del self.known[one.id]
        self._names = {name: [one for one in rows if one not in lost] for name, rows in self._names.items()}

    def group(self, customer: CustomerState) -> list[CustomerState]:
        """Return everybody who shares an address with a customer, themselves first."""
        found = {customer.id: customer}
        for name, value in (("email_key", customer.email_key), ("phone", customer.phone)):
            near = self._names.get((name, value), ()) if value is not None else ()
            found |= {one.id: one for one in near if one.shares_address(customer)}
        return list(found.values())

    def bump(self, customer: CustomerState) -> int:
        """Give the next sequence number to a customer and everybody who shares the address; once a transaction.

        Whoever comes to share it later in the transaction makes one more number: they all count on from the highest.
        """
        group = self.group(customer)
        if any(one.id not in self._touched for one in group):
            number = 1 + max(one.seq for one in group)
            for one in group:
                one.seq = number
            self._touched |= {one.id for one in group}
        return customer.seq

    def save(self) -> None:
        """Write everybody who is new or was touched."""
        insert_all(self.connection, CUSTOMERS, self._new.values())
        old = sorted(self._touched - self._new.keys())
        update_all(self.connection, CUSTOMERS, [self.known[one] for one in old])


def _may_be(customer: CustomerState, person: Person) -> bool:
    other_id = None not in (person.external_id, customer.external_id) and person.external_id != customer.external_id
    other_email = None not in (person.email_key, customer.email_key) and person.email_key != customer.email_key
    return not other_id and not other_email
