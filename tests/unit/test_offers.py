"""Offers: who gets one, which, until when, and why not."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypedDict

import pytest

from models.content import Incentive
from models.offers import Offer, Refusal, choose, offer_from_json, offer_to_json

NOW = datetime(2026, 5, 4, 21, 30, tzinfo=UTC)
OFFER = Offer({"high-value": 15, "default": 10}, code="RETOUR10", minimum=5000, exclusions="gift cards")


class Buyer(TypedDict, total=False):
    """What a test changes about the usual buyer."""

    segment: str
    cart_value: int | None
    cart_coupon: str | None
    coupons_last: datetime | None
    serial_abandoner: bool
    at: datetime
    pool_code: str | None
    zone: str | None


def answer(offer: Offer, **changes: object) -> Incentive | Refusal:
    """Ask for a buyer who would get the offer, but for the changes."""
    buyer: Buyer = {
        "segment": "regular",
        "cart_value": 9000,
        "cart_coupon": None,
        "coupons_last": None,
        "serial_abandoner": False,
        "at": NOW,
    }
    buyer.update(changes)  # type: ignore[typeddict-item]  # keys and kinds are checked by choose itself
    return choose(offer, **buyer)


def test_an_offer_carries_percent_code_minimum_exclusions_and_its_last_day() -> None:
    assert answer(OFFER) == Incentive(10, "RETOUR10", date(2026, 5, 11), 5000, "gift cards")


def test_a_segment_has_its_own_percent() -> None:
    given = answer(OFFER, segment="high-value")
    assert isinstance(given, Incentive)
    assert given.percent == 15


def test_the_last_day_is_the_customers_own() -> None:
    tokyo = answer(OFFER, zone="Asia/Tokyo")
    unknown = answer(OFFER, zone="Mars/Phobos")
    assert isinstance(tokyo, Incentive)
    assert tokyo.ends_on == date(2026, 5, 12)
    assert isinstance(unknown, Incentive)
    assert unknown.ends_on == date(2026, 5, 11)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cart_coupon": "WELCOME"}, Refusal.ALREADY_COUPON),
        ({"coupons_last": NOW - timedelta(days=89)}, Refusal.RECENT_COUPON),
        ({"coupons_last": NOW + timedelta(days=1)}, Refusal.RECENT_COUPON),
        ({"serial_abandoner": True}, Refusal.SERIAL_ABANDONER),
        ({"cart_value": 4999}, Refusal.BELOW_MINIMUM),
    ],
)
def test_a_buyer_is_refused_with_a_reason(changes: dict[str, object], reason: Refusal) -> None:
    assert answer(OFFER, **changes) is reason


@pytest.mark.parametrize(
    "changes",
    [{"coupons_last": NOW - timedelta(days=90)}, {"cart_value": 5000}, {"cart_value": None}, {"cart_coupon": ""}],
)
def test_a_buyer_at_the_edge_of_a_refusal_gets_the_offer(changes: dict[str, object]) -> None:
    assert isinstance(answer(OFFER, **changes), Incentive)


def test_without_a_code_there_is_no_offer() -> None:
    assert answer(replace(OFFER, code=None)) is Refusal.NO_CODE


def test_a_segment_without_a_percent_gets_no_offer() -> None:
    assert answer(replace(OFFER, percent={"high-value": 15})) is Refusal.NOT_FOR_SEGMENT
    assert answer(replace(OFFER, percent={"regular": 0, "default": 10})) is Refusal.NOT_FOR_SEGMENT


def test_a_pool_gives_its_next_code_until_it_is_empty() -> None:
    pool = replace(OFFER, code=None, pool="spring")
    given = answer(pool, pool_code="ONE-1")
    assert isinstance(given, Incentive)
    assert given.code == "ONE-1"
    assert answer(pool) is Refusal.POOL_EMPTY


def test_an_offer_survives_being_stored() -> None:
    for offer in (OFFER, Offer({}), replace(OFFER, code=None, pool="spring", every=timedelta(0))):
        assert offer_from_json(offer_to_json(offer)) == offer
