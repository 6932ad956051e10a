"""Quiet hours: the next allowed instant in the customer's zone, also when clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.calendar import QuietHours, next_allowed, quiet_from_json, quiet_to_json, zone_of

NIGHT = QuietHours(time(22), time(8))
PARIS = "Europe/Paris"
zones = st.sampled_from(
    [PARIS, "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Apia", "UTC"]
)
minutes = st.integers(0, 1439).map(lambda minute: time(minute // 60, minute % 60))
quiets = st.builds(QuietHours, minutes, minutes)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given apart


def utc(text: str) -> datetime:
    """Read an instant."""
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-01-15T12:00+01:00", "2026-01-15T12:00+01:00"),
        ("2026-01-15T21:59+01:00", "2026-01-15T21:59+01:00"),
        ("2026-01-15T22:00+01:00", "2026-01-16T08:00+01:00"),
        ("2026-01-16T03:00+01:00", "2026-01-16T08:00+01:00"),
        ("2026-01-16T08:00+01:00", "2026-01-16T08:00+01:00"),
        ("2026-03-28T23:00+01:00", "2026-03-29T08:00+02:00"),
        ("2026-10-24T23:00+02:00", "2026-10-25T08:00+01:00"),
    ],
)
def test_a_message_at_night_waits_for_the_morning(at: str, allowed: str) -> None:
    assert next_allowed(NIGHT, PARIS, utc(at)) == utc(allowed)


def test_quiet_hours_within_one_day_end_that_day() -> None:
    assert next_allowed(QuietHours(time(12), time(14)), PARIS, utc("2026-06-01T13:00+02:00")) == utc(
        "2026-06-01T14:00+02:00"
    )


def test_an_end_that_the_clocks_jump_over_is_the_jump() -> None:
    quiet = QuietHours(time(22), time(2, 30))
    assert next_allowed(quiet, PARIS, utc("2026-03-29T01:00+01:00")) == utc("2026-03-29T03:00+02:00")


def test_clocks_put_back_into_the_quiet_hours_prolong_them() -> None:
    quiet = QuietHours(time(22), time(2, 30))
    assert next_allowed(quiet, PARIS, utc("2026-10-25T01:00+02:00")) == utc("2026-10-25T02:30+02:00")
    assert next_allowed(quiet, PARIS, utc("2026-10-25T02:10+01:00")) == utc("2026-10-25T02:30+01:00")


def test_a_day_that_a_zone_skips_is_skipped() -> None:
    quiet = QuietHours(time(8), time(23, 59))
    assert next_allowed(quiet, "Pacific/Apia", utc("2011-12-29T20:00-10:00")) == utc("2011-12-29T23:59-10:00")
    assert next_allowed(QuietHours(time(20), time(12)), "Pacific/Apia", utc("2011-12-29T20:00-10:00")) == utc(
        "2011-12-31T12:00+14:00"
    )


@pytest.mark.parametrize(
    "name", [None, "", "Mars/Phobos", "../etc/passwd", "Europe", "/etc/localtime", "x" * 5000, "\0"]
)
def test_an_unknown_zone_falls_back_to_the_default(name: str | None) -> None:
    assert zone_of(name, PARIS).key == PARIS
    assert zone_of(name, "Mars/Phobos").key == "UTC"
    night = utc("2026-01-15T23:00+01:00")
    assert next_allowed(NIGHT, name, night, default=PARIS) == utc("2026-01-16T08:00+01:00")


def test_an_instant_may_come_in_any_zone() -> None:
    local = datetime(2026, 3, 29, 1, tzinfo=ZoneInfo(PARIS))
    assert next_allowed(QuietHours(time(22), time(2, 30)), PARIS, local) == utc("2026-03-29T03:00+02:00")


def test_without_quiet_hours_every_instant_is_returned_as_it_came() -> None:
    at = datetime.fromisoformat("2026-01-15T23:00+01:00")
    assert next_allowed(None, PARIS, at) is at
    assert next_allowed(QuietHours(time(9), time(9)), PARIS, at) is at


@given(quiets, zones, instants)
@example(QuietHours(time(1, 45), time(2, 15)), "Australia/Lord_Howe", datetime(2026, 4, 4, 14, 50, tzinfo=UTC))
@example(QuietHours(time(1), time(0)), "Africa/Casablanca", datetime(2026, 2, 15, 1, 30, tzinfo=UTC))
def test_the_next_allowed_instant_is_the_first_outside_the_quiet_hours(
    quiet: QuietHours, zone: str, at: datetime
) -> None:
    allowed = next_allowed(quiet, zone, at)
    place = zone_of(zone)
    assert allowed >= at
    assert not quiet.covers(allowed.astimezone(place).time())
    assert next_allowed(quiet, zone, allowed) == allowed
    for part in range(20):
        earlier = at + (allowed - at) * part / 20
        assert earlier == allowed or quiet.covers(earlier.astimezone(place).time())
    just_before = allowed - timedelta(seconds=1)
    assert just_before < at or quiet.covers(just_before.astimezone(place).time())


@given(quiets)
def test_quiet_hours_survive_being_stored(quiet: QuietHours) -> None:
    assert quiet_from_json(quiet_to_json(quiet)) == quiet
