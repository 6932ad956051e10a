"""What behaviour shows: which signals a shop may send, and what they come to over a customer's events."""

from dataclasses import replace

import pytest

from models.operators import Op
from models.policy import Policy, Segment
from models.rules import Comparison, Not
from models.signals import Seen, Signals, asks_for_signals, signals
from tests.door import BAG, about, parse, problem, read
from tests.situations import CARTS

VIEWED, CART = "Product Viewed", "Cart Viewed"
HESITANT = Not(Comparison("behaviour.hesitation", Op.GTE, 0.5))


@pytest.mark.parametrize("name", [VIEWED, CART, "Checkout Step Viewed", "Payment Info Entered", "Mouse Seen"])
def test_signals_may_come_with_every_event(name: str) -> None:
    found = read(about(name, cart_id="c1", **BAG, time_on_page_s=12.5, hesitation=1, erratic_clicks=3))
    told = {"time_on_page_s": 12.5, "hesitation": 1.0, "erratic_clicks": 3}
    assert {name: found.properties[name] for name in told} == told


@pytest.mark.parametrize(
    ("signal", "words"),
    [
        ({"time_on_page_s": -1}, "properties.time_on_page_s: is too low"),
        ({"time_on_page_s": 86_401}, "properties.time_on_page_s: is too high"),
        ({"time_on_page_s": "12"}, "properties.time_on_page_s: must be a number"),
        ({"hesitation": 1.01}, "properties.hesitation: is too high"),
        ({"hesitation": -0.01}, "properties.hesitation: is too low"),
        ({"hesitation": True}, "properties.hesitation: must be a number"),
        ({"erratic_clicks": 1.5}, "properties.erratic_clicks: must be a whole number"),
        ({"erratic_clicks": -1}, "properties.erratic_clicks: is too low"),
    ],
)
def test_a_signal_out_of_range_is_refused_and_its_neighbours_are_taken(signal: dict[str, object], words: str) -> None:
    bad = about(CART, cart_id="c1", **signal)
    assert problem(bad) == words
    batch = parse(bad, about(CART, cart_id="c1", hesitation=0.5))
    assert ([one.index for one in batch.rejected], [index for index, _ in batch.events]) == ([0], [1])


def test_signals_are_kept_before_everything_else_that_is_left_over() -> None:
    many = {f"p{n}": n for n in range(90)}
    found = read(about(CART, cart_id="c1", **many, hesitation=0.5, erratic_clicks=0)).properties
    assert len(found) == 30
    assert (found["hesitation"], found["erratic_clicks"]) == (0.5, 0)


def test_times_and_clicks_add_up_and_the_highest_hesitation_counts() -> None:
    seen: list[Seen] = [
        (VIEWED, "p1", {"time_on_page_s": 30.5, "hesitation": 0.2, "erratic_clicks": 2}),
        (VIEWED, "p2", {"time_on_page_s": 40, "erratic_clicks": 3}),
        (CART, None, {"time_on_page_s": 500, "hesitation": 0.9}),
        (CART, None, None),
    ]
    assert signals(seen, ()) == Signals(70.5, 0.9, 5)
    assert signals(seen, {"p2"}) == Signals(30.5, 0.9, 5)
    assert signals(seen[2:], ()) == Signals(None, 0.9, None)


def test_what_nobody_told_and_what_a_machine_did_is_unknown() -> None:
    assert signals([], ()) == Signals()
    robot = {"time_on_page_s": 5, "hesitation": 0.1, "erratic_clicks": 9, "machine": True}
    assert signals([(VIEWED, "p1", robot)], ()) == Signals()
    odd = {"time_on_page_s": "5", "hesitation": True, "erratic_clicks": -2}
    assert signals([(VIEWED, "p1", odd)], ()) == Signals()


@pytest.mark.parametrize(
    ("policy", "asks"),
    [
        (CARTS, False),
        (replace(CARTS, audience=HESITANT), True),
        (replace(CARTS, segments=(Segment("all"), Segment("slow", HESITANT))), True),
        (replace(CARTS, steps=(CARTS.steps[0], replace(CARTS.steps[1], when=HESITANT))), True),
    ],
)
def test_behaviour_is_looked_up_only_when_a_rule_asks_for_it(policy: Policy, asks: bool) -> None:
    assert asks_for_signals(policy) is asks
