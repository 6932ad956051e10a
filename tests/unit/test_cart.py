from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from models.cart import CartState, as_json, from_json
from models.events import CartFacts, EventType, Line
from tests.builders import HOUR, MINUTE, NOON, line


def cart() -> CartState:
    return CartState("cart-1", "main", "T1", created_at=NOON, last_activity_at=NOON)


def whole(*lines: Line, value: int | None = None, coupon: str | None = None, step: str | None = None) -> CartFacts:
    return CartFacts("T1", lines=lines, replaces=True, value=value, coupon=coupon, step=step)


def told(one: CartState, facts: CartFacts, at: datetime = NOON, type_: EventType = EventType.CART_UPDATED) -> CartState:
    one.apply(type_, facts, at)
    return one


def added(one: CartState, product: Line, at: datetime = NOON) -> CartState:
    return told(one, CartFacts("T1", lines=(product,)), at, EventType.PRODUCT_ADDED)


def removed(one: CartState, product: Line, at: datetime = NOON) -> CartState:
    return told(one, CartFacts("T1", lines=(product,)), at, EventType.PRODUCT_REMOVED)


def held(one: CartState) -> dict[object, object]:
    return {entry["product_id"]: entry["quantity"] for entry in one.lines}


def test_a_whole_cart_replaces_what_was_in_it() -> None:
    one = told(told(cart(), whole(line("lamp"))), whole(line("vase", 1000, 2)), NOON + MINUTE)
    assert (held(one), one.value) == ({"vase": 2}, 2000)


def test_the_total_that_is_told_wins_over_the_sum() -> None:
    assert told(cart(), whole(line("lamp"), value=4000)).value == 4000


def test_an_older_whole_cart_replaces_nothing() -> None:
    one = told(told(cart(), whole(line("vase")), NOON + HOUR), whole(line("lamp")), NOON)
    assert held(one) == {"vase": 1}
    assert one.last_activity_at == NOON + HOUR


def test_a_change_older_than_the_whole_cart_is_in_it_already() -> None:
    one = told(cart(), whole(line("vase")), NOON + HOUR)
    assert held(added(one, line("lamp"), NOON)) == {"vase": 1}
    assert held(removed(one, line("vase"), NOON + HOUR)) == {"vase": 1}
    assert held(removed(one, line("vase"), NOON + HOUR + MINUTE)) == {}


def test_what_is_added_again_is_counted_together_at_its_newest_price() -> None:
    one = added(added(cart(), line("lamp", 4500)), line("lamp", 4000, 2))
    assert (held(one), one.value) == ({"lamp": 3}, 12000)


def test_taking_away_more_than_there_is_takes_all() -> None:
    assert held(removed(added(cart(), line("lamp")), line("lamp", quantity=5))) == {}


def test_taking_away_what_is_not_there_changes_nothing() -> None:
    assert held(removed(added(cart(), line("lamp")), line("vase"))) == {"lamp": 1}


def test_a_line_keeps_its_name_when_some_of_it_is_taken_away() -> None:
    one = removed(added(cart(), line("lamp", quantity=2)), Line("lamp", "", 0, 1))
    assert one.lines == [{"product_id": "lamp", "name": "Lamp", "price": 4500, "quantity": 1}]


def test_an_event_that_says_nothing_of_the_lines_leaves_them() -> None:
    one = told(added(cart(), line("lamp")), CartFacts("T1", step="payment"), NOON + MINUTE)
    assert (held(one), one.step) == ({"lamp": 1}, "payment")


def test_older_news_does_not_undo_step_or_coupon() -> None:
    one = told(cart(), whole(line("lamp"), coupon="NEW", step="payment"), NOON + HOUR)
    told(one, whole(line("lamp"), coupon="OLD", step="cart"), NOON)
    assert (one.coupon, one.step) == ("NEW", "payment")


def test_a_second_name_is_kept_and_found() -> None:
    one = told(cart(), CartFacts("T1", alias="C1"))
    assert told(one, CartFacts("T1"), NOON + MINUTE).tokens == {"T1", "C1"}


def test_a_cart_is_as_old_as_its_first_event() -> None:
    one = told(cart(), whole(line("lamp")), NOON - HOUR)
    assert (one.created_at, one.last_activity_at) == (NOON - HOUR, NOON)


def test_a_line_survives_being_stored() -> None:
    full = Line("lamp", "Lamp", 4500, 2, "Lights", "https://shop.example/lamp.png", "https://shop.example/lamp", 3)
    assert from_json(as_json(full)) == full
    assert "stock" not in as_json(line("lamp"))


@given(st.permutations(range(5)))
def test_whole_carts_in_any_order_end_in_the_newest(order: list[int]) -> None:
    one = cart()
    for number in order:
        told(one, whole(line(f"p{number}")), NOON + number * MINUTE)
    assert held(one) == {"p4": 1}
    assert one.last_activity_at == NOON + 4 * MINUTE


@given(st.lists(st.tuples(st.sampled_from(["lamp", "vase"]), st.integers(-3, 3)), max_size=12))
def test_no_line_is_ever_empty_and_the_value_is_the_sum(moves: list[tuple[str, int]]) -> None:
    one = cart()
    for product, number in moves:
        change = removed if number < 0 else added
        change(one, line(product, 100, abs(number)))
    assert all(isinstance(entry["quantity"], int) and entry["quantity"] > 0 for entry in one.lines)
    assert one.value == 100 * sum(from_json(entry).quantity for entry in one.lines)
