from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from activities.polling import LONGEST_WISH, pause_after
from runtime.shop_settings import ShopSettings
from runtime.storefronts import asked, current, trouble_of
from settings import Settings
from store.polls import Poll
from storefronts.base import StorefrontAway, StorefrontError, StorefrontGarbled, StorefrontRefused

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERY = timedelta(minutes=5)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
KEY = SecretStr("ck_1:cs_1")


@pytest.mark.parametrize(
    ("error", "failures", "pause"),
    [
        (StorefrontAway("away"), 1, 15 * SECOND),
        (StorefrontAway("away"), 2, 30 * SECOND),
        (StorefrontAway("away"), 6, EVERY),
        (StorefrontAway("away"), 5000, EVERY),
        (StorefrontGarbled("garbled"), 1, 15 * SECOND),
        (StorefrontAway("overrun", 2 * SECOND), 9, 2 * SECOND),
        (StorefrontAway("overrun", 40 * MINUTE), 1, 40 * MINUTE),
        (StorefrontAway("overrun", timedelta()), 1, SECOND),
        (StorefrontAway("overrun", timedelta(days=9000)), 1, LONGEST_WISH),
        (StorefrontRefused("refused"), 1, EVERY),
    ],
)
def test_the_pause_after_a_failure_is_the_storefronts_wish_or_grows(
    error: StorefrontError, failures: int, pause: timedelta
) -> None:
    assert pause_after(error, failures, EVERY) == pause


@given(
    st.one_of(
        st.builds(StorefrontAway, st.just("away"), st.none() | st.timedeltas(min_value=timedelta())),
        st.builds(StorefrontRefused, st.just("refused")),
        st.builds(StorefrontGarbled, st.just("garbled")),
    ),
    st.integers(1, 10**6),
    st.timedeltas(min_value=10 * SECOND, max_value=timedelta(days=1)),
)
def test_no_pause_is_longer_than_the_interval_or_the_longest_wish(
    error: StorefrontError, failures: int, every: timedelta
) -> None:
    assert SECOND <= pause_after(error, failures, every) <= max(every, LONGEST_WISH)


def settings(*shops: ShopSettings) -> Settings:
    return Settings(shops=shops)


def test_a_shop_can_be_asked_once_it_has_a_key() -> None:
    paris = ShopSettings(id="paris", woocommerce_secret=(SecretStr("s"),))
    brest = ShopSettings(id="brest", woocommerce_key=KEY)
    assert asked(settings(paris, brest)) == {"brest": "woocommerce"}


def test_rounds_of_former_settings_are_not_shown() -> None:
    now = Poll("brest", "woocommerce", "orders", read_at=NOW)
    former = [Poll("brest", "magento", "orders", failing_since=NOW), Poll("paris", "woocommerce", "orders")]
    brest = ShopSettings(id="brest", woocommerce_key=KEY)
    assert current(settings(brest), [now, *former]) == {"brest": [now]}


@pytest.mark.parametrize(
    ("polls", "said"),
    [
        ([Poll("brest", "woocommerce", "orders", read_at=NOW - 15 * MINUTE)], None),
        ([Poll("brest", "woocommerce", "orders")], None),  # its first round is on its way
        ([], "never asked: does a worker run?"),
        (
            [Poll("brest", "woocommerce", "orders", read_at=NOW - 16 * MINUTE)],
            "orders not read since 2026-03-02T11:44:00+00:00: does a worker run?",
        ),
        (
            [
                Poll("brest", "woocommerce", "carts", read_at=NOW),
                Poll("brest", "woocommerce", "orders", None, NOW - HOUR, NOW - MINUTE, 3, "away"),
            ],
            "orders failing since 2026-03-02T11:59:00+00:00, 3 in a row: away",
        ),
    ],
)
def test_what_is_wrong_with_the_polls_is_said_in_one_line(polls: list[Poll], said: str | None) -> None:
    assert trouble_of(polls, settings(ShopSettings(id="brest", woocommerce_key=KEY)), NOW) == said


def test_the_age_of_a_stream_counts_from_its_last_round_or_its_first_failure() -> None:
    assert Poll("brest", "woocommerce", "orders", read_at=NOW - HOUR, failing_since=NOW).age(NOW) == HOUR
    assert Poll("brest", "woocommerce", "orders", failing_since=NOW - HOUR).age(NOW) == HOUR
    assert Poll("brest", "woocommerce", "orders").age(NOW) == timedelta()
