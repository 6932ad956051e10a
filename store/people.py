"""Who an event is about: finding, locking and making customers, and the sequence number that orders their facts."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import BindParameter, Connection, and_, bindparam, or_, select

from models.events import Person
from models.identity import may_be
from models.profile import CustomerState
from store.driven import Driven, Values
from store.ids import new_id
from store.lists import among
from store.rows import insert_all, select_all, select_state, update_all
from store.schema import CUSTOMERS

_COLUMNS: Final = select_state(CUSTOMERS, CustomerState)
_SHOP: Final[BindParameter[str]] = bindparam("shop")
# Each name with the shop: only so does SQLite look each up in its own index.
_WAYS: Final = [
    and_(CUSTOMERS.c.shop == _SHOP, among(CUSTOMERS.c[name], values))
    for name, values in (("email_key", "emails"), ("phone", "phones"), ("external_id", "external"))
]
_NAMED: Final = Driven(
    select(*_COLUMNS).where(or_(*_WAYS, among(CUSTOMERS.c.id, "ids"))).order_by(CUSTOMERS.c.id).with_for_update()
)
_FAMILIES: Final = Driven(
    select(*_COLUMNS)
    .where(or_(among(CUSTOMERS.c.id, "roots"), among(CUSTOMERS.c.root_id, "roots")))
    .order_by(CUSTOMERS.c.id)
    .with_for_update()
)


class People:
    """The customers of one shop that a transaction is about; all of them are locked until it ends.

    Two rows with one address are locked together, and so are a root and its aliases, because a stop of one is a stop
    of the other.
    """

    def __init__(self, connection: Connection, shop: str) -> None:
        """Know nobody yet."""
        self.connection = connection
        self.shop = shop
        self.known: dict[str, CustomerState] = {}
        self._names: dict[tuple[str, str], list[CustomerState]] = {}
        self._families: dict[str, list[CustomerState]] = {}
        self._touched: set[str] = set()
        self._new: dict[str, CustomerState] = {}

    def lock(self, persons: Iterable[Person], ids: Collection[str] = ()) -> None:
        """Lock every customer whom these persons may be, all rows of each, and everybody who shares an address.

        In id order, as far as one statement goes; where two transactions wait for each other, one is run again.
        """
        external: set[str | None] = set()
        emails: set[str | None] = set()
        phones: set[str | None] = set()
        for person in persons:
            external.add(person.external_id)
            emails.add(person.email_key)
            phones.add(person.phone)
        self._lock(emails, phones, external, ids)
        self._lock_families()
        more_emails = {one.email_key for one in self.known.values()} - emails - {None}
        more_phones = {one.phone for one in self.known.values()} - phones - {None}
        if more_emails or more_phones:
            self._lock(more_emails, more_phones, set(), ())
            self._lock_families()

    def _lock_families(self) -> None:
        """Lock the root and the aliases of everybody known who has any."""
        roots = sorted({one.root for one in self.known.values() if one.root_id is not None or one.has_aliases})
        if roots:
            self._read(_FAMILIES, {"roots": roots})

    def _lock(
        self, emails: set[str | None], phones: set[str | None], external: set[str | None], ids: Collection[str]
    ) -> None:
        lists = {"emails": emails, "phones": phones, "external": external, "ids": ids}
        values = {name: [one for one in values if one is not None] for name, values in lists.items()}
        if any(values.values()):
            self._read(_NAMED, {"shop": self.shop, **values})

    def _read(self, which: Driven, values: Values) -> None:
        for customer in select_all(self.connection, CustomerState, which, values):
            self._know(customer)

    def _know(self, customer: CustomerState) -> None:
        if customer.id in self.known:
            return
        self.known[customer.id] = customer
        self._families.setdefault(customer.root, []).append(customer)
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
        """Return who this is: by the shop's own id, else by e-mail, else by phone; a root before its aliases.

        A shop's id never takes over a row that has another id of that shop, and a phone never one that has another
        e-mail: what one person of a household allowed, the other did not. For this all rows of a person count.
        """
        if person.external_id is not None:
            found = self._names.get(("external_id", person.external_id))
            if found:
                return found[0]
        for name, value in (("email_key", person.email_key), ("phone", person.phone)):
            known = self._names.get((name, value), ()) if value is not None else ()
            for customer in sorted(known, key=_alias):
                if may_be(self.family(customer), person):
                    return customer
        return None

    def make_missing(self, persons: Iterable[tuple[Person, datetime]]) -> None:
        """Make a customer of every person who is nobody yet; `find` knows them all afterwards.

        When another transaction makes one of them in the same moment, whoever writes last is run again.
        """
        for person, at in persons:
            if not person.anonymous and self.find(person) is None:
                customer = CustomerState(new_id(), self.shop, first_seen_at=at, profile_at=at)
                customer.meet(person, at)
                self._know(customer)
                self._new[customer.id] = customer

    def family(self, customer: CustomerState) -> Sequence[CustomerState]:
        """Return all rows of a customer's person: root and aliases."""
        return self._families[customer.root]

    def root(self, customer_id: str) -> str:
        """Return under which id a person's rows stand."""
        known = self.known.get(customer_id)
        return known.root if known else customer_id

    def regroup(self) -> None:
        """Take note that rows have got another root."""
        self._families = {}
        for one in self.known.values():
            self._families.setdefault(one.root, []).append(one)

    def group(self, customer: CustomerState) -> list[CustomerState]:
        """Return whom a stop of a customer reaches, themselves first: their own rows, and whoever shares an address."""
        found = {customer.id: customer}
        for mine in self.family(customer):
            found[mine.id] = mine
            for near in self.near(mine.email_key, mine.phone):
                if near.shares_address(mine):
                    found |= {one.id: one for one in self.family(near)}
        return list(found.values())

    def near(self, email_key: str | None, phone: str | None) -> list[CustomerState]:
        """Return everybody known who has, or had a moment ago, one of these addresses."""
        ways = [one for one in (("email_key", email_key), ("phone", phone)) if one[1] is not None]
        return [one for name, value in ways for one in self._names.get((name, str(value)), ())]

    def bump(self, customer: CustomerState) -> int:
        """Give the next sequence number to everybody whom a stop of a customer reaches; once a transaction.

        Whoever joins them later in the transaction makes one more number: they all count on from the highest.
        """
        group = self.group(customer)
        if any(one.id not in self._touched or one.seq != customer.seq for one in group):
            number = 1 + max(one.seq for one in group)
            for one in group:
                one.seq = number
            self._touched |= {one.id for one in group}
        return customer.seq

    def flush(self) -> None:
        """Write who is new at once, for a statement that must find their rows."""
        # In one order, so that two who make the same people wait for each other's first and not in a circle.
        new = sorted(self._new.values(), key=lambda one: (one.external_id or "", one.id))
        insert_all(self.connection, CUSTOMERS, new)
        self._touched |= self._new.keys()
        self._new = {}

    def save(self) -> None:
        """Write everybody who is new or was touched."""
        old = sorted(self._touched - self._new.keys())
        self.flush()
        update_all(self.connection, CUSTOMERS, [self.known[one] for one in old])


def _alias(customer: CustomerState) -> bool:
    return customer.root_id is not None
