"""The generic door: what is refused and how it is told, that neighbours go unharmed, and what makes a repetition."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.bodies import MAX_EVENTS, TooMany, parse_events
from models.events import EventType, Unreadable
from tests.door import BAG, EMAIL, NOON, about, event, of, parse, problem, read

BAD = [
    ("text", ": must be an object"),
    (event(event=None), "event: must be a text"),
    (event(event=""), "event: is empty"),
    (event(timestamp="9999-12-31T23:59:59-14:00"), "timestamp: lies in the future"),
    (event(timestamp="0001-01-01T00:00:00+14:00"), "timestamp: lies too far in the past"),
    (event(timestamp="2026-11-03T12:00:01Z"), "timestamp: lies in the future"),
    (event(timestamp="2026-11-02T12:00:00"), "timestamp: must name its zone, like 2026-01-31T12:00:00Z"),
    (event(timestamp=1762084800), "timestamp: must be a text like 2026-01-31T12:00:00Z"),
    (event(customer=[]), "customer: must be an object"),
    (of(id=True), "customer.id: must be a text"),
    (of(id="a\x00b"), "customer.id: holds control characters"),
    (of(email="camille@"), "customer.email: is no e-mail address"),
    (of(id="7", email="a@b.fr\r\nBcc: c@d.fr"), "customer.email: is no e-mail address"),
    (of(id="7", timezone="Mars/Olympus"), "customer.timezone: is no IANA zone like Europe/Paris"),
    (of(id="7", locale="the king's"), "customer.locale: is no language like fr or en-GB"),
    (of(id="7", country="France"), "customer.country: is no ISO 3166 code of two letters"),
    (of(id="7", traits={"secret": [1]}), "customer.traits: must hold texts, numbers and flags"),
    (of(id="7", traits={f"t{n}": n for n in range(51)}), "customer.traits: holds too many values"),
    (
        of(id="7", consents=[{"channel": "fax"}]),
        "customer.consents[0].channel: must be 'email', 'sms', 'push' or 'call'",
    ),
    (about("Cart Viewed", cart_id="c1", currency="EURO"), "properties.currency: is no ISO 4217 code like EUR"),
    (about("Cart Viewed", cart_id="c1", value=-1), "properties.value: is too low"),
    (about("Cart Viewed", cart_id="c1", value=9.5), "properties.value: must be a whole number"),
    (about("Cart Viewed", cart_id="c1", products={}), "properties.products: must be a list"),
    (about("Cart Viewed", cart_id="c1", products=[BAG] * 501), "properties.products: holds too many values"),
    (
        about("Cart Viewed", cart_id="c1", checkout_url="javascript:alert(1)"),
        "properties.checkout_url: must begin with http:// or https:// and hold no space",
    ),
]


@pytest.mark.parametrize(("body", "told"), BAD)
def test_a_mistake_is_told_by_its_field(body: Any, told: str) -> None:
    assert problem(body).split("; ")[0] == told.removeprefix(": ")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("product_id", "", "is empty"),
        ("product_id", None, "must be a text"),
        ("price", -1, "is too low"),
        ("price", "4900", "must be a whole number"),
        ("price", 49.0, "must be a whole number"),
        ("price", 10**11, "is too high"),
        ("price", None, "is missing"),
        ("quantity", -1, "is too low"),
        ("quantity", True, "must be a whole number"),
        ("name", 5, "must be a text"),
        ("name", "\r\n", "is missing"),
        ("url", "/sac", "must begin with http:// or https:// and hold no space"),
    ],
)
def test_a_mistake_in_a_product_is_told_by_its_place(field: str, value: Any, told: str) -> None:
    body = about("Cart Viewed", cart_id="c1", products=[BAG, BAG | {field: value}])
    assert problem(body) == f"properties.products[1].{field}: {told}"


def test_one_bad_event_harms_no_other_and_keeps_its_place() -> None:
    batch = parse(event(), of(email="x"), event(messageId="m2"), event(timestamp="yesterday"), event(messageId="m3"))
    assert [index for index, _ in batch.events] == [0, 2, 4]
    assert [one.index for one in batch.rejected] == [1, 3]


def test_the_good_events_of_a_mixed_body_mean_what_they_mean_alone() -> None:
    alone = read(event())
    assert parse(event(), {"event": 1}).events == [(0, alone)]
    assert parse_events(json.dumps(event()).encode(), shop_country="FR", at=NOON).events == [(0, alone)]


def test_a_time_up_to_a_day_ahead_is_taken_as_it_is() -> None:
    assert read(event(timestamp="2026-11-03T12:00:00Z")).at == NOON + timedelta(days=1)


def test_without_a_time_an_event_happens_when_it_comes_and_its_repetition_is_known() -> None:
    body = json.dumps(event(timestamp=None)).encode()
    first, again = (
        parse_events(body, shop_country="FR", at=NOON + timedelta(hours=hours)).events[0][1] for hours in (0, 1)
    )
    assert (first.at, again.at) == (NOON, NOON + timedelta(hours=1))
    assert first.key == again.key
    nameless = json.dumps(event(timestamp=None, messageId=None)).encode()
    keys = {
        parse_events(nameless, shop_country="FR", at=NOON + timedelta(hours=hours)).events[0][1].key for hours in (0, 1)
    }
    assert len(keys) == 2


@pytest.mark.parametrize("body", [b"", b"{", b"null", b'"x"', b"3", b"\xff", b"[" * 5000, b"[{]", b'["\\ud800"]'])
def test_what_is_no_json_object_or_list_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_events(body, shop_country="FR", at=NOON)


@pytest.mark.parametrize("item", [event(), "nonsense"])
def test_more_than_500_events_are_too_many(item: Any) -> None:
    assert len(parse(*[item] * MAX_EVENTS)[0 if isinstance(item, dict) else 1]) == MAX_EVENTS
    with pytest.raises(TooMany):
        parse(*[item] * (MAX_EVENTS + 1))


def test_no_problem_echoes_a_personal_value() -> None:
    words = ("camille", "durand", "sandales", "secret")
    events = [body for body, _ in BAD] + [
        of(
            id="7", email="camille@@durand", phone={"camille": 1}, first_name=["durand"], traits={"camille": ["secret"]}
        ),
        about("Cart Viewed", cart_id=["secret"], products=[BAG | {"name": {"sandales": 1}, "url": "secret"}]),
        about("Product Viewed", product_id={"secret": "sandales"}, name=["durand"]),
        of(id="7", timezone="durand", locale="camille durand"),
        event(timestamp="camille durand"),
    ]
    batch = parse(*events)
    assert len(batch.rejected) == len(events)
    told = " ".join(one.problem for one in batch.rejected).lower()
    assert not [word for word in words if word in told]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def spoilt(good: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return the good object with some fields replaced by anything."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(good, anything)).map(lambda odd: good | odd)


events = st.builds(
    lambda name, customer, properties, rest: event(name, customer=customer, properties=properties) | rest,
    st.sampled_from([kind.value for kind in EventType]),
    spoilt({"id": "7", "email": EMAIL, "phone": "0612345678", "traits": {"a": 1}, "consents": [], "timezone": "UTC"}),
    spoilt({"cart_id": "c1", "order_id": "o1", "currency": "EUR", "value": 1, "products": [BAG], **BAG}),
    spoilt({"messageId": "m1", "timestamp": "2026-11-02T11:00:00Z"}),
)


@settings(max_examples=150)
@given(st.lists(events | anything, max_size=3))
def test_any_json_is_taken_or_refused_item_by_item(items: list[Any]) -> None:
    batch = parse(*items)
    assert sorted([index for index, _ in batch.events] + [one.index for one in batch.rejected]) == list(
        range(len(items))
    )
    assert all(found.at.utcoffset() == timedelta(0) for _, found in batch.events)


@given(st.binary(max_size=80))
def test_any_bytes_are_parsed_or_unreadable(body: bytes) -> None:
    try:
        parse_events(body, shop_country="FR", at=NOON)
    except Unreadable:
        return


@given(st.permutations(list(event().items())))
def test_the_order_of_names_in_a_body_does_not_matter(items: list[tuple[str, Any]]) -> None:
    assert read(dict(items)).key == read(event()).key


@pytest.mark.parametrize(
    "changed",
    [
        event(messageId="m2"),
        event("Cart Viewed"),
        event(timestamp="2026-11-02T12:30:01+01:00"),
        of(id="8", email=EMAIL),
        of(id="7", email="c@example.org"),
        of(id="7", email=EMAIL, traits={"a": 1}),
        about("Cart Abandoned", cart_id="c2", currency="EUR", products=[BAG]),
        about("Cart Abandoned", cart_id="c1", currency="USD", products=[BAG]),
        about("Cart Abandoned", cart_id="c1", currency="EUR", products=[BAG | {"quantity": 3}]),
        about("Cart Abandoned", cart_id="c1", currency="EUR", products=[BAG], campaign="x"),
    ],
)
def test_another_content_under_the_same_message_id_has_another_key(changed: dict[str, Any]) -> None:
    assert read(changed).key != read(event()).key
