"""The windows of each country and channel, as data that cannot contradict itself."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import QuietHours
from models.public_holidays import Home, is_holiday, public_holidays
from models.vocabulary import Channel
from models.windows import ALWAYS, CALL, DAY, SMS, Profile, hours_problem, open_hours, profile_of

PROFILES = [ALWAYS, *SMS.values(), *CALL.values()]
minutes = st.integers(0, 1439).map(lambda minute: time(minute // 60, minute % 60))
every_profile = pytest.mark.parametrize("profile", PROFILES, ids=range(len(PROFILES)))


def hours(*pairs: tuple[float, float]) -> tuple[tuple[timedelta, timedelta], ...]:
    """Return spans of a day from pairs of hours."""
    return tuple((timedelta(hours=start), timedelta(hours=end)) for start, end in pairs)


@every_profile
def test_the_usual_hours_lie_within_the_limit_and_every_rule_names_its_source(profile: Profile) -> None:
    for start, end in profile.hours:
        assert any(first <= start < end <= last for first, last in profile.limit)
    for spans in (profile.hours, profile.limit):
        edges = [edge for span in spans for edge in span]
        assert edges == sorted(set(edges))
        assert timedelta() <= edges[0] < edges[-1] <= DAY
    assert profile.days
    assert len(profile.source) > 20


def test_an_sms_to_france_goes_out_from_monday_to_saturday_from_eight_to_eight_and_never_after_ten() -> None:
    french = profile_of(Channel.SMS, "FR")

    assert (french.hours, french.limit) == (hours((8, 20)), hours((8, 22)))
    assert french.days == set(range(6))
    assert french.holidays_closed


def test_a_call_to_france_keeps_to_the_decree() -> None:
    french = profile_of(Channel.CALL, "FR")

    assert french.hours == french.limit == hours((10, 13), (14, 20))
    assert french.days == set(range(5))
    assert french.holidays_closed


@pytest.mark.parametrize("country", ["RE", "GP", "MQ", "GF", "YT", "PM", "BL", "MF", "WF", "PF", "NC", "TF"])
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.CALL])
def test_the_rules_of_france_hold_overseas(country: str, channel: Channel) -> None:
    assert profile_of(channel, country) is profile_of(channel, "FR")


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.CALL])
def test_a_country_without_a_profile_gets_the_strict_one_that_a_policy_cannot_widen(channel: Channel) -> None:
    strict = profile_of(channel, "BE")

    assert strict is profile_of(channel, "XX") is not profile_of(channel, "FR")
    assert strict.hours == strict.limit
    assert strict.holidays_closed
    assert 6 not in strict.days


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.PUSH])
def test_mail_and_push_have_no_window(channel: Channel) -> None:
    assert profile_of(channel, "FR") is ALWAYS
    assert open_hours(ALWAYS, None) == hours((0, 24))


@pytest.mark.parametrize(
    ("country", "quiet", "spans"),
    [
        ("FR", None, hours((8, 20))),
        ("FR", (21, 9), hours((9, 21))),
        ("FR", (23, 7), hours((8, 22))),
        ("FR", (12, 14), hours((8, 12), (14, 22))),
        ("FR", (0, 9), hours((9, 22))),
        ("FR", (9, 9), hours((8, 22))),
        ("FR", (8, 22), ()),
        ("BE", (21, 9), hours((9, 20))),
        ("US", (22, 7), hours((8, 21))),
        ("IT", (22, 8), hours((8, 22))),
    ],
)
def test_quiet_hours_take_the_place_of_the_usual_hours_but_never_of_the_limit(
    country: str, quiet: tuple[int, int] | None, spans: tuple[tuple[timedelta, timedelta], ...]
) -> None:
    told = None if quiet is None else QuietHours(time(quiet[0]), time(quiet[1]))
    assert open_hours(profile_of(Channel.SMS, country), told) == spans


@given(st.sampled_from(PROFILES), minutes, minutes, minutes)
def test_an_open_time_is_within_the_limit_and_not_quiet_and_no_such_time_is_forgotten(
    profile: Profile, start: time, end: time, clock: time
) -> None:
    quiet = QuietHours(start, end)
    asked = timedelta(hours=clock.hour, minutes=clock.minute)
    within = any(first <= asked < last for first, last in profile.limit)
    opened = any(first <= asked < last for first, last in open_hours(profile, quiet))

    assert opened == (within and not quiet.covers(clock))


def test_quiet_hours_that_leave_no_time_are_a_problem_with_a_sentence() -> None:
    night_and_day = QuietHours(time(7), time(23))

    assert hours_problem(Channel.SMS, night_and_day, "FR") == (
        "quiet hours for sms leave no time at all: in FR the limit is 08:00-22:00; shorten them"
    )
    assert "10:00-13:00 and 14:00-20:00" in (hours_problem(Channel.CALL, QuietHours(time(9), time(21)), "FR") or "no")
    assert hours_problem(Channel.EMAIL, night_and_day, "FR") is None
    assert hours_problem(Channel.SMS, QuietHours(time(20), time(8)), "FR") is None


FRENCH = {"01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25"}


def days(home: Home, year: int) -> set[str]:
    """Return the holidays of a place as month and day."""
    return {day.isoformat()[5:] for day in public_holidays(home, year)}


@pytest.mark.parametrize(
    ("home", "extra"),
    [
        (Home("FR"), set()),
        (Home("FR", "57"), {"04-03", "12-26"}),
        (Home("FR", "6AE"), {"04-03", "12-26"}),
        (Home("GP"), {"05-27"}),
        (Home("MQ"), {"05-22"}),
        (Home("GF"), {"06-10"}),
        (Home("RE"), {"12-20"}),
        (Home("YT"), {"04-27"}),
        (Home("BL"), {"10-09"}),
        (Home("MF"), {"05-28"}),
        (Home("NC"), {"09-24"}),
        (Home("PF"), {"03-05"}),
        (Home("WF"), {"04-28", "07-29"}),
        (Home("PM"), set()),
    ],
)
def test_every_part_of_france_keeps_the_national_holidays_and_its_own(home: Home, extra: set[str]) -> None:
    moving = {"04-06", "05-14", "05-25"}  # Easter Monday, Ascension and Pentecost Monday of 2026

    assert days(Home("FR"), 2026) == FRENCH | moving
    assert days(home, 2026) >= FRENCH | moving | extra


def test_a_day_is_a_holiday_when_it_is_one_in_any_home_and_unknown_countries_have_none() -> None:
    assert is_holiday([Home("FR"), Home("RE")], date(2027, 12, 20))
    assert not is_holiday([Home("FR")], date(2027, 12, 20))
    assert public_holidays(Home("XX"), 2026) == frozenset()
    assert date(2026, 4, 25) in public_holidays(Home("IT"), 2026)
