"""What a policy says of orders: which of them end a journey, and what happens when nobody can ask for them."""

import re
from pathlib import Path

import pytest

from models.events import OrderStatus
from models.policy_file import check, parse_policies
from models.vocabulary import LastLook

PAGE = Path(__file__).parents[2] / "docs" / "last-look.md"
HEAD = "name: cart\ntrigger: {kind: cart}\n"
KNOWN = "authorized, cancelled, paid, pending, refunded"

MISTAKES: dict[str, tuple[str, str, str]] = {
    "no state at all": ("purchase: []", "purchase", "is an empty list"),
    "one value where a list belongs": ("purchase: paid", "purchase", "should be a list, like [a, b]"),
    "a misspelt state": ("purchase: [paid, payed]", "purchase[1]", "unknown value 'payed'; did you mean 'paid'?"),
    "an unknown state": ("purchase: [shipped]", "purchase[0]", f"unknown value 'shipped'; known: {KNOWN}"),
    "one state twice": ("purchase: [paid, paid]", "purchase[1]", "paid stands further up already"),
    "a mapping in the list": ("purchase: [{paid: yes}]", "purchase[0]", "should be one value"),
    "an unknown last look": ("last_look: wait", "last_look", "unknown value 'wait'; known: go, hold"),
    "a list of last looks": ("last_look: [hold]", "last_look", "should be one value"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_about_orders_is_named_with_its_line_and_field(case: str) -> None:
    line, field, words = MISTAKES[case]
    assert [(one.line, one.field, one.message) for one in check(f"{HEAD}{line}\n")] == [(3, field, words)]


def test_what_the_page_shows_are_the_defaults() -> None:
    (silent,) = parse_policies(HEAD)
    shown = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert [parse_policies(text) for text in shown] == [[silent]] * 2


def test_without_a_word_paid_authorised_and_refunded_orders_end_a_journey_and_an_absent_storefront_holds() -> None:
    (policy,) = parse_policies(HEAD)
    assert policy.purchase == (OrderStatus.PAID, OrderStatus.AUTHORIZED, OrderStatus.REFUNDED)
    assert policy.last_look is LastLook.HOLD


def test_a_policy_names_its_own_in_any_order_and_stays_the_same_version() -> None:
    policies = [
        parse_policies(f"{HEAD}purchase: [{order}]\nlast_look: go\n")[0] for order in ("pending, paid", "paid, pending")
    ]
    assert policies[0] == policies[1]
    assert policies[0].purchase == (OrderStatus.PAID, OrderStatus.PENDING)
    assert policies[0].last_look is LastLook.GO
