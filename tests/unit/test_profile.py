import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.events import Event, EventType, Person
from models.profile import CustomerState, is_activity
from tests.builders import DAY, HOUR, NOON


def customer(**known: object) -> CustomerState:
    state = CustomerState("customer-1", "main", first_seen_at=NOON, profile_at=NOON)
    for name, value in known.items():
        setattr(state, name, value)
    return state


def test_newer_words_replace_what_was_known() -> None:
    one = customer(first_name="Jane", country="GB")
    one.meet(Person("c1", first_name="Jeanne"), NOON + HOUR)
    assert (one.external_id, one.first_name, one.country, one.profile_at) == ("c1", "Jeanne", "GB", NOON + HOUR)


def test_older_words_only_fill_what_was_unknown() -> None:
    one = customer(first_name="Jeanne")
    one.meet(Person(first_name="Jane", country="FR"), NOON - HOUR)
    assert (one.first_name, one.country) == ("Jeanne", "FR")
    assert (one.profile_at, one.first_seen_at) == (NOON, NOON - HOUR)


def test_an_address_comes_with_the_form_under_which_it_is_matched() -> None:
    one = customer()
    one.meet(Person(email="Jeanne@Example.com"), NOON)
    assert (one.email, one.email_key) == ("Jeanne@Example.com", "jeanne@example.com")


def test_traits_are_merged_one_by_one() -> None:
    one = customer(traits={"region": "Bretagne", "size": 38})
    one.meet(Person(traits=(("size", 40),)), NOON + HOUR)
    one.meet(Person(traits=(("size", 36), ("pet", "cat"))), NOON - HOUR)
    assert one.traits == {"region": "Bretagne", "size": 40, "pet": "cat"}


def test_the_last_activity_never_goes_back() -> None:
    one = customer()
    for at in (NOON, NOON + DAY, NOON - DAY):
        one.acted(at)
    assert one.last_activity_at == NOON + DAY


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ({"email_key": "a@x.fr"}, {"email_key": "a@x.fr"}, True),
        ({"email_key": "a@x.fr"}, {"email_key": "b@x.fr"}, False),
        ({"phone": "+331"}, {"phone": "+331", "email_key": "b@x.fr"}, True),
        ({}, {}, False),
    ],
)
def test_people_share_an_address_by_mail_or_phone(one: dict[str, str], other: dict[str, str], shared: bool) -> None:
    assert customer(**one).shares_address(customer(**other)) is shared
    assert customer(**other).shares_address(customer(**one)) is shared


@pytest.mark.parametrize(
    ("type_", "name", "activity"),
    [
        (EventType.PRODUCT_VIEWED, "Product Viewed", True),
        (EventType.ORDER_COMPLETED, "Order Completed", True),
        (EventType.EMAIL_CLICKED, "Email Clicked", True),
        (EventType.EMAIL_OPENED, "Email Opened", False),
        (EventType.IDENTIFY, "Identify", False),
        (EventType.ORDER_REFUNDED, "Order Refunded", False),
        (EventType.ERASE, "customers/redact", False),
        (EventType.OTHER, "Logged In", True),
        (EventType.OTHER, "Page Viewed", True),
        (EventType.OTHER, "Invoice Printed", False),
    ],
)
def test_only_what_the_customer_does_is_activity(type_: EventType, name: str, activity: bool) -> None:
    assert is_activity(Event("key", type_, name, NOON)) is activity


@given(st.permutations([(hour, f"name-{hour}") for hour in range(4)]))
def test_words_in_any_order_end_in_the_newest(words: list[tuple[int, str]]) -> None:
    one = customer(profile_at=NOON - DAY)
    for hour, name in words:
        one.meet(Person(first_name=name), NOON + hour * HOUR)
    assert one.first_name == "name-3"
