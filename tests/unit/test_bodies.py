"""The generic door: what each event means."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models.events import CartFacts, EventType, Line, OrderFacts, OrderStatus
from models.vocabulary import Channel, ConsentState
from tests.door import BAG, EMAIL, about, cart, event, of, order, problem, read


def test_an_abandoned_cart_carries_its_person_its_lines_and_their_sum() -> None:
    found = read(event())
    assert (found.type, found.name) == (EventType.CART_ABANDONED, "Cart Abandoned")
    assert found.at == datetime(2026, 11, 2, 11, 30, tzinfo=UTC)
    assert (found.person.external_id, found.person.email) == ("7", EMAIL)
    assert found.cart == CartFacts("c1", lines=(Line("p1", "Sac", 4900, 2),), replaces=True, currency="EUR", value=9800)


@pytest.mark.parametrize(
    "name", ["Cart Viewed", "Cart Abandoned", "Checkout Started", "Checkout Step Viewed", "Payment Info Entered"]
)
def test_products_replace_the_lines_and_their_absence_says_nothing_of_them(name: str) -> None:
    assert cart(about(name, cart_id="c1", products=[BAG])).replaces
    assert cart(about(name, cart_id="c1", products=[])) == CartFacts("c1", replaces=True, value=0)
    assert cart(about(name, cart_id="c1", step=2, value=5)) == CartFacts("c1", value=5, step="2")
    assert problem(about(name, products=[BAG])) == "properties.cart_id: is missing"


def test_a_line_without_pieces_is_none() -> None:
    assert cart(about("Cart Viewed", cart_id="c1", products=[BAG | {"quantity": 0}])).lines == ()


@pytest.mark.parametrize("style", [{"products": [BAG]}, BAG])
def test_one_product_may_stand_in_a_list_or_alone(style: dict[str, Any]) -> None:
    added = cart(about("Product Added", cart_id="c1", value=4900, **style))
    assert (added.lines, added.replaces, added.value) == ((Line("p1", "Sac", 4900, 2),), False, None)
    removed = cart(about("Product Removed", cart_id="c1", **style))
    assert removed.lines == added.lines
    viewed = read(about("Product Viewed", **style))
    assert (viewed.product, viewed.cart) == (Line("p1", "Sac", 4900, 2), None)


def test_removing_without_a_quantity_takes_the_whole_line_and_adding_adds_one() -> None:
    bare = {"product_id": "p1"}
    assert cart(about("Product Removed", cart_id="c1", **bare)).lines[0].quantity == 0
    assert cart(about("Product Added", cart_id="c1", name="Sac", price=1, **bare)).lines[0].quantity == 1
    assert problem(about("Product Added", cart_id="c1", **bare)) == "properties.products[0].name: is missing"


@pytest.mark.parametrize("name", ["Product Viewed", "Product Added", "Product Removed"])
def test_an_event_about_a_product_names_it(name: str) -> None:
    assert problem(about(name, cart_id="c1")) == "properties.products: is missing"
    assert problem(about(name, cart_id="c1", product_id="p1", price="12")) == "properties.price: must be a whole number"


def test_a_cart_goes_by_its_first_name_and_keeps_the_second() -> None:
    named = cart(about("Checkout Started", cart_token="k", checkout_id=9, products=[BAG]))
    assert (named.token, named.alias) == ("9", "k")
    assert cart(about("Cart Viewed", cart_id="c", checkout_token="c")).alias is None


def test_an_anonymous_cart_is_taken_and_an_anonymous_view_is_not() -> None:
    assert read(event(customer=None)).person.anonymous
    told = "customer: needs an id, an email or a phone, or the event a cart_id"
    assert problem(event("Product Viewed", customer={}, properties=BAG)) == told
    assert problem(event("Identify", customer={"first_name": "Camille"}, properties=None)) == told


def test_a_completed_order_is_paid_unless_it_says_otherwise() -> None:
    good = order(about("Order Completed", order_id=5, cart_id="c1", checkout_id="k1", currency="eur", products=[BAG]))
    assert good == OrderFacts(
        "5", OrderStatus.PAID, cart_tokens=("c1", "k1"), currency="EUR", value=9800, lines=(Line("p1", "Sac", 4900, 2),)
    )
    for said, status in (("pending", OrderStatus.PENDING), ("Authorized", OrderStatus.AUTHORIZED)):
        assert order(about("Order Completed", order_id="5", status=said)).status is status
        assert order(about("Order Completed", order_id="5", financial_status=said)).status is status
    assert problem(about("Order Completed", cart_id="c1")) == "properties.order_id: is missing"


def test_the_value_of_an_order_is_not_guessed_from_products_without_price() -> None:
    products = [BAG, {"product_id": "p2"}]
    assert order(about("Order Completed", order_id="5", products=products)).value is None
    assert order(about("Order Completed", order_id="5", products=products, value=7)).value == 7
    assert order(about("Order Completed", order_id="5")).value is None


def test_a_cancelled_and_a_refunded_order_need_only_their_number() -> None:
    cancelled = order(event("Order Cancelled", customer=None, properties={"order_id": "5"}))
    assert cancelled == OrderFacts("5", OrderStatus.CANCELLED)
    assert order(about("Order Refunded", order_id="5")) == OrderFacts("5", OrderStatus.REFUNDED)
    assert order(about("Order Refunded", order_id="5", value=100)).refunded == 100


def test_an_unknown_name_is_noted_with_its_properties() -> None:
    found = read(about("Wishlist Shared", cart_id="c1", via="mail", count=2, deep={"a": 1}, price=19.99, nothing=None))
    assert (found.type, found.name) == (EventType.OTHER, "Wishlist Shared")
    assert found.properties == {"via": "mail", "count": 2, "price": 19.99}
    assert found.cart == CartFacts("c1")


@pytest.mark.parametrize("name", ["Customer Redacted", "other", "order completed"])
def test_no_name_of_the_door_erases_anybody(name: str) -> None:
    assert read(event(name)).type is EventType.OTHER


def test_left_over_properties_are_few_short_and_exact() -> None:
    many = {f"p{n}": n for n in range(90)}
    assert len(read(about("Email Opened", **many)).properties) == 30
    odd = read(about("Email Opened", text="x" * 900, big=10**30, huge=10**400, nul="a\x00b", delivery="d1")).properties
    assert odd == {"text": "x" * 500, "nul": "a b", "delivery": "d1"}


def test_a_person_is_normalised() -> None:
    person = read(
        of(
            id=7,
            email=" Camille@Example.org ",
            phone="0470 12 34 56",
            first_name="Ca\r\nmille",
            locale="fr_BE",
            timezone="Europe/Brussels",
            country="be",
            traits={"age_band": "18-34", "vip": True, "visits": 3, "score": 0.5, "none": None},
        )
    ).person
    assert (person.external_id, person.email, person.email_key) == ("7", "Camille@Example.org", "camille@example.org")
    assert (person.phone, person.first_name, person.locale) == ("+32470123456", "Ca mille", "fr-BE")
    assert (person.timezone, person.country) == ("Europe/Brussels", "BE")
    assert person.traits == (("age_band", "18-34"), ("score", 0.5), ("vip", True), ("visits", 3))


def test_a_phone_number_that_is_none_is_left_out_with_a_note() -> None:
    found = read(of(id="7", phone="call me"))
    assert found.person.phone is None
    assert found.notes == ("customer.phone: no valid number, left out",)


def test_consents_come_with_their_channel_and_time() -> None:
    given_ = {"channel": "email", "purpose": "marketing", "state": "granted", "source": "form"}
    (entry,) = read(
        of(id="7", consents=[given_ | {"at": "2026-11-02T13:00:00+02:00", "wording": "Yes"}])
    ).person.consents
    assert (entry.channel, entry.state, entry.wording) == (Channel.EMAIL, ConsentState.GRANTED, "Yes")
    assert entry.at == datetime(2026, 11, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize("name", ["زهرة", "Ana 🌻", "<b>Sac</b>", "\u202eSac\u202c"])
def test_names_in_any_script_come_through(name: str) -> None:
    assert cart(about("Cart Viewed", cart_id="c1", products=[BAG | {"name": name}])).lines[0].name == name


def test_a_long_name_is_cut() -> None:
    assert len(cart(about("Cart Viewed", cart_id="c1", products=[BAG | {"name": "x" * 900}])).lines[0].name) == 200
