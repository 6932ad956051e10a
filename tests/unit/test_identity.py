"""Who is one person, decided from what events say: nothing here knows a store."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from models.consent import latest, overruled
from models.events import Person
from models.identity import Tie, joining, may_be, root_of
from models.profile import CustomerState
from models.situation import ConsentRecord
from models.vocabulary import Channel, ConsentState
from tests.builders import NOON

ADDRESS, PHONE = "jeanne@example.com", "+33612345678"
ACCOUNT = Person("jeanne", ADDRESS, email_verified=True)


def row(name: str, external_id: str | None = None, email: str | None = None, phone: str | None = None) -> CustomerState:
    return CustomerState(name, "main", NOON, NOON, external_id, email, email, phone)


GUEST = row("guest", email=ADDRESS)
JEANNE = row("account", "jeanne", ADDRESS)
CALLER = row("caller", phone=PHONE)


def joined(person: Person, mine: list[CustomerState], *others: CustomerState) -> list[tuple[str, Tie]]:
    return [(one.id, tie) for one, tie in joining(person, mine, [[other] for other in others])]


def test_a_verified_address_joins_the_guest_who_typed_it() -> None:
    assert joined(ACCOUNT, [JEANNE], GUEST) == [("guest", Tie.EMAIL)]


def test_an_address_that_nobody_has_verified_joins_nobody() -> None:
    assert joined(replace(ACCOUNT, email_verified=False), [JEANNE], GUEST) == []


def test_a_verified_address_without_the_shops_id_joins_nobody() -> None:
    assert joined(replace(ACCOUNT, external_id=None), [JEANNE], GUEST) == []


def test_two_ids_of_the_shop_are_not_joined_by_a_verified_address() -> None:
    assert joined(ACCOUNT, [JEANNE], row("paul", "paul", ADDRESS)) == []


def test_an_address_that_two_ids_have_says_nothing_of_a_guest() -> None:
    assert joined(ACCOUNT, [JEANNE], GUEST, row("paul", "paul", ADDRESS)) == []


def test_a_phone_joins_a_row_that_is_known_by_nothing_else() -> None:
    assert joined(Person("jeanne", phone=PHONE), [JEANNE], CALLER) == [("caller", Tie.PHONE)]
    assert joined(Person(email=ADDRESS, phone=PHONE), [GUEST], CALLER) == [("caller", Tie.PHONE)]


def test_a_phone_joins_nobody_with_an_id_or_an_address() -> None:
    person = Person("jeanne", phone=PHONE)
    assert joined(person, [JEANNE], row("paul", email="paul@example.com", phone=PHONE)) == []
    assert joined(person, [JEANNE], row("paul", "paul", phone=PHONE)) == []


def test_a_phone_of_a_household_joins_nobody() -> None:
    paul = row("paul", "paul", phone=PHONE)
    assert joined(Person("jeanne", phone=PHONE), [JEANNE], CALLER, paul) == []


def test_whoever_is_joined_already_is_not_joined_again() -> None:
    alias = replace(GUEST, root_id="account")
    assert joining(ACCOUNT, [JEANNE, alias], [[JEANNE, alias]]) == []


def test_an_alias_of_somebody_else_is_not_taken_over() -> None:
    paul, alias = row("paul", "paul", "paul@example.com"), replace(GUEST, root_id="paul")
    assert joining(ACCOUNT, [JEANNE], [[paul, alias]]) == []
    assert not may_be([paul, alias], ACCOUNT)
    assert may_be([GUEST], ACCOUNT)


def test_the_root_is_the_row_with_an_id_then_with_an_address_then_the_oldest() -> None:
    assert root_of([CALLER, GUEST, JEANNE]) is JEANNE
    assert root_of([CALLER, GUEST]) is GUEST
    older = replace(JEANNE, id="a", external_id="other")
    assert root_of([JEANNE, older]) is older


IDS, EMAILS, PHONES = ("x", "y", None), ("x@example.com", "y@example.com", None), (PHONE, "+33698765432", None)
PEOPLE = st.builds(
    Person,
    external_id=st.sampled_from(IDS),
    email=st.sampled_from(EMAILS),
    phone=st.sampled_from(PHONES),
    email_verified=st.booleans(),
).filter(lambda person: not person.anonymous)


class Shop:
    """The rows of a shop while events come: found, made and joined as the store does it, without one."""

    def __init__(self) -> None:
        self.rows: list[CustomerState] = []

    def family(self, one: CustomerState) -> list[CustomerState]:
        return [row for row in self.rows if row.root == one.root]

    def find(self, person: Person) -> CustomerState | None:
        named = [one for one in self.rows if person.external_id and one.external_id == person.external_id]
        by_email = [one for one in self.rows if person.email_key and one.email_key == person.email_key]
        by_phone = [one for one in self.rows if person.phone and one.phone == person.phone]
        ways = [one for one in (*by_email, *by_phone) if may_be(self.family(one), person)]
        return next(iter([*named, *ways]), None)

    def hears(self, person: Person) -> None:
        who = self.find(person)
        if who is None:
            who = CustomerState(f"{len(self.rows):03}", "main", NOON, NOON)
            self.rows.append(who)
        who.meet(person, NOON)
        near = [one for one in self.rows if person.email_key and one.email_key == person.email_key]
        near += [one for one in self.rows if person.phone and one.phone == person.phone]
        families = {one.root: self.family(one) for one in near if one.root != who.root}
        for other, _ in joining(person, self.family(who), list(families.values())):
            rows = [*self.family(who), *self.family(other)]
            root = root_of(rows)
            for one in rows:
                one.root_id = None if one is root else root.id


@given(st.lists(PEOPLE, max_size=12))
def test_whatever_happens_two_ids_are_two_people(events: list[Person]) -> None:
    shop = Shop()
    for person in events:
        shop.hears(person)
    for one, other in combinations([one for one in shop.rows if one.external_id], 2):
        assert one.root != other.root


@given(st.lists(PEOPLE, max_size=12))
def test_whatever_happens_without_a_verified_address_only_a_bare_number_joins(events: list[Person]) -> None:
    shop = Shop()
    for person in events:
        before = {one.id: (one.root, one.external_id, one.email_key) for one in shop.rows}
        shop.hears(replace(person, email_verified=False))
        for one in shop.rows:
            root, *names = before.get(one.id, (one.root, None, None))
            if one.root != root:
                assert names == [None, None]


@given(st.lists(PEOPLE, max_size=12))
def test_whatever_happens_an_alias_stands_under_a_root(events: list[Person]) -> None:
    shop = Shop()
    for person in events:
        shop.hears(person)
        shop.hears(person)  # twice is once
    roots = {one.id: one.root_id for one in shop.rows}
    assert all(root is None or roots[root] is None for root in roots.values())


@given(PEOPLE, st.lists(PEOPLE, min_size=1, max_size=4))
def test_the_order_of_the_rows_changes_nothing(person: Person, others: list[Person]) -> None:
    mine = [row("mine", person.external_id, person.email_key, person.phone)]
    rows = [[row(f"r{n}", one.external_id, one.email_key, one.phone)] for n, one in enumerate(others)]
    there = {(one.id, tie) for one, tie in joining(person, mine, rows)}
    assert {(one.id, tie) for one, tie in joining(person, mine, rows[::-1])} == there


WORDS = st.lists(
    st.builds(
        ConsentRecord,
        channel=st.sampled_from([Channel.EMAIL, Channel.SMS]),
        purpose=st.sampled_from(["marketing", "cart_reminders"]),
        state=st.sampled_from(list(ConsentState)),
        source=st.just("form"),
        at=st.integers(0, 5).map(lambda hours: NOON + timedelta(hours=hours)),
    ),
    max_size=6,
)


@given(WORDS, WORDS)
def test_no_withdrawal_of_either_is_lifted_by_their_becoming_one(
    mine: list[ConsentRecord], other: list[ConsentRecord]
) -> None:
    later = NOON + timedelta(days=1)
    again = [replace(word, at=later) for one, two in ((mine, other), (other, mine)) for word in overruled(one, two)]
    for ledger in (mine, other):
        for word in ledger:
            last = latest(ledger, word.channel, word.purpose)
            now = latest([*mine, *other, *again], word.channel, word.purpose)
            assert last is not None
            assert now is not None
            if last.state is ConsentState.WITHDRAWN:
                assert now.state is ConsentState.WITHDRAWN
