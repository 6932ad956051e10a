"""The next moment at which a message may go, on days that are known."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from models.calendar import QuietHours
from models.sending_time import Closed, next_allowed_for, spread
from models.situation import CustomerRecord
from models.vocabulary import Channel
from tests.situations import CUSTOMER

PARIS = "Europe/Paris"
PARISIAN = replace(CUSTOMER, traits={"postal_code": "75011"})
ALSATIAN = replace(CUSTOMER, traits={"postal_code": "67000"})
SOMEBODY = replace(CUSTOMER, traits={})
NIGHT = QuietHours(time(22), time(8))
HOUR = timedelta(hours=1)


def overseas(country: str, zone: str) -> CustomerRecord:
    """Return a customer of an overseas part of France."""
    return replace(CUSTOMER, country=country, timezone=zone, traits={})


def utc(text: str) -> datetime:
    """Read an instant."""
    return datetime.fromisoformat(text).astimezone(UTC)


def sms(customer: CustomerRecord, at: str, quiet: QuietHours | None = None) -> datetime | None:
    """Return when an SMS may go."""
    return next_allowed_for(Channel.SMS, customer, quiet, PARIS, "FR", utc(at)).moment


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        ("2026-03-03T08:00+01:00", "2026-03-03T08:00+01:00"),
        ("2026-03-03T19:59+01:00", "2026-03-03T19:59+01:00"),
        ("2026-03-03T20:00+01:00", "2026-03-04T08:00+01:00"),
        ("2026-03-03T07:59:59+01:00", "2026-03-03T08:00+01:00"),
        ("2026-03-07T12:00+01:00", "2026-03-07T12:00+01:00"),  # a Saturday
        ("2026-03-07T20:00+01:00", "2026-03-09T08:00+01:00"),
        ("2026-03-08T12:00+01:00", "2026-03-09T08:00+01:00"),  # a Sunday
        ("2026-03-28T21:00+01:00", "2026-03-30T08:00+02:00"),  # clocks go forward on Sunday
        ("2026-10-24T21:00+02:00", "2026-10-26T08:00+01:00"),  # clocks go back on Sunday
        ("2026-04-05T12:00+02:00", "2026-04-07T08:00+02:00"),  # Easter and its Monday
        ("2026-05-01T12:00+02:00", "2026-05-02T08:00+02:00"),
        ("2026-05-14T12:00+02:00", "2026-05-15T08:00+02:00"),  # Ascension
        ("2026-07-14T12:00+02:00", "2026-07-15T08:00+02:00"),
        ("2026-11-11T12:00+01:00", "2026-11-12T08:00+01:00"),
        ("2027-12-24T20:00+01:00", "2027-12-27T08:00+01:00"),  # Christmas is a Saturday
        ("2028-12-30T20:00+01:00", "2029-01-02T08:00+01:00"),  # New Year after a Sunday
    ],
)
def test_an_sms_to_paris_waits_for_the_next_working_day(at: str, moment: str) -> None:
    assert sms(PARISIAN, at) == utc(moment)


@pytest.mark.parametrize(
    ("customer", "at", "moment"),
    [
        (PARISIAN, "2026-04-03T12:00+02:00", "2026-04-03T12:00+02:00"),
        (ALSATIAN, "2026-04-03T12:00+02:00", "2026-04-04T08:00+02:00"),
        (SOMEBODY, "2026-04-03T12:00+02:00", "2026-04-04T08:00+02:00"),
        (PARISIAN, "2026-12-26T12:00+01:00", "2026-12-26T12:00+01:00"),
        (ALSATIAN, "2026-12-26T12:00+01:00", "2026-12-28T08:00+01:00"),
        (SOMEBODY, "2026-12-26T12:00+01:00", "2026-12-28T08:00+01:00"),
        (ALSATIAN, "2025-04-17T20:00+02:00", "2025-04-19T08:00+02:00"),
    ],
)
def test_good_friday_and_the_second_day_of_christmas_are_closed_in_alsace_and_wherever_it_may_be(
    customer: CustomerRecord, at: str, moment: str
) -> None:
    assert sms(customer, at) == utc(moment)


@pytest.mark.parametrize(
    ("country", "zone", "at", "moment"),
    [
        ("GP", "America/Guadeloupe", "2026-05-27T12:00-04:00", "2026-05-28T08:00-04:00"),
        ("MF", "America/Marigot", "2026-05-28T12:00-04:00", "2026-05-29T08:00-04:00"),
        ("BL", "America/St_Barthelemy", "2026-10-09T12:00-04:00", "2026-10-10T08:00-04:00"),
        ("MQ", "America/Martinique", "2026-05-22T12:00-04:00", "2026-05-23T08:00-04:00"),
        ("GF", "America/Cayenne", "2026-06-10T12:00-03:00", "2026-06-11T08:00-03:00"),
        ("RE", "Indian/Reunion", "2027-12-20T12:00+04:00", "2027-12-21T08:00+04:00"),
        ("YT", "Indian/Mayotte", "2026-04-27T12:00+03:00", "2026-04-28T08:00+03:00"),
        ("NC", "Pacific/Noumea", "2026-09-24T12:00+11:00", "2026-09-25T08:00+11:00"),
    ],
)
def test_overseas_the_local_holidays_are_closed_on_the_local_clock(
    country: str, zone: str, at: str, moment: str
) -> None:
    assert sms(overseas(country, zone), at) == utc(moment)
    assert sms(overseas(country, zone), moment) == utc(moment)
    assert sms(replace(PARISIAN, timezone=zone), at) == utc(at)  # the same moment, by somebody of Paris on a journey


def test_the_clock_is_the_customers_own() -> None:
    evening_in_paris = "2026-03-03T18:00+01:00"  # 21:00 in Réunion, 13:00 in Guadeloupe

    assert sms(PARISIAN, evening_in_paris) == utc(evening_in_paris)
    assert sms(overseas("RE", "Indian/Reunion"), evening_in_paris) == utc("2026-03-04T08:00+04:00")
    assert sms(overseas("GP", "America/Guadeloupe"), evening_in_paris) == utc(evening_in_paris)


def test_somebody_who_may_be_in_two_places_is_written_to_when_both_are_open() -> None:
    either = replace(CUSTOMER, timezone=None, country=None, traits={}, phone="+262692123456")  # Mayotte or Réunion

    assert sms(either, "2026-03-03T08:30+04:00") == utc("2026-03-03T08:00+03:00")
    assert sms(either, "2026-03-03T19:30+03:00") == utc("2026-03-04T08:00+03:00")
    assert sms(either, "2026-04-27T12:00+03:00") == utc("2026-04-28T08:00+03:00")  # a holiday of Mayotte


@pytest.mark.parametrize(
    ("at", "quiet", "why"),
    [
        ("2026-03-08T12:00+01:00", None, Closed.WEEKDAY),
        ("2026-07-14T12:00+02:00", None, Closed.HOLIDAY),
        ("2026-03-03T22:30+01:00", None, Closed.HARD_LIMIT),
        ("2026-03-03T20:30+01:00", None, Closed.QUIET_HOURS),
        ("2026-03-03T20:30+01:00", NIGHT, None),
        ("2026-03-03T22:30+01:00", QuietHours(time(3), time(4)), Closed.HARD_LIMIT),
        ("2026-03-03T08:30+01:00", QuietHours(time(19), time(9)), Closed.QUIET_HOURS),
    ],
)
def test_the_answer_says_what_is_closed_and_where(at: str, quiet: QuietHours | None, why: Closed | None) -> None:
    opening = next_allowed_for(Channel.SMS, PARISIAN, quiet, "UTC", "FR", utc(at))

    assert opening.why is why
    expected = {} if why is None else {"closed": why, "zone": PARIS, "local": at[:16]}
    assert opening.inputs() == expected


def test_a_call_waits_for_lunch_to_end_and_for_monday() -> None:
    def called(at: str) -> datetime | None:
        return next_allowed_for(Channel.CALL, PARISIAN, None, PARIS, "FR", utc(at)).moment

    assert called("2026-03-03T12:59+01:00") == utc("2026-03-03T12:59+01:00")
    assert called("2026-03-03T13:00+01:00") == utc("2026-03-03T14:00+01:00")
    assert called("2026-03-06T20:00+01:00") == utc("2026-03-09T10:00+01:00")


def test_a_message_to_america_keeps_to_its_own_hours_and_may_go_on_a_sunday() -> None:
    new_yorker = replace(CUSTOMER, country="US", timezone=None, phone="+12125551212", traits={})

    assert sms(new_yorker, "2026-03-08T12:00-04:00") == utc("2026-03-08T12:00-04:00")
    assert sms(new_yorker, "2026-03-08T21:00-04:00", QuietHours(time(23), time(6))) == utc("2026-03-09T08:00-04:00")


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.PUSH])
def test_mail_and_push_know_only_the_policys_quiet_hours(channel: Channel) -> None:
    sunday = utc("2026-04-05T03:00+02:00")

    assert next_allowed_for(channel, PARISIAN, None, PARIS, "FR", sunday).moment is sunday
    later = next_allowed_for(channel, PARISIAN, NIGHT, PARIS, "FR", sunday)
    assert (later.moment, later.why) == (utc("2026-04-05T08:00+02:00"), Closed.QUIET_HOURS)
    nowhere = replace(PARISIAN, timezone="Mars/Phobos")
    assert next_allowed_for(channel, nowhere, NIGHT, "Asia/Tokyo", "FR", sunday).moment == sunday
    assert next_allowed_for(channel, None, NIGHT, "Asia/Tokyo", "FR", sunday).moment == sunday


def test_a_customer_who_is_unknown_is_where_the_shop_is() -> None:
    assert next_allowed_for(Channel.SMS, None, None, PARIS, "FR", utc("2026-03-08T12:00+01:00")).moment == utc(
        "2026-03-09T08:00+01:00"
    )


def test_a_time_that_the_clocks_jump_over_opens_at_the_jump() -> None:
    quiet = QuietHours(time(22), time(2, 30))
    opening = next_allowed_for(Channel.EMAIL, PARISIAN, quiet, PARIS, "FR", utc("2026-03-29T01:00+01:00"))
    assert opening.moment == utc("2026-03-29T03:00+02:00")


def test_clocks_put_back_into_the_quiet_hours_prolong_them() -> None:
    quiet = QuietHours(time(22), time(2, 30))
    for at in ("2026-10-25T01:00+02:00", "2026-10-25T02:10+01:00"):
        opening = next_allowed_for(Channel.EMAIL, PARISIAN, quiet, PARIS, "FR", utc(at))
        assert opening.moment == utc("2026-10-25T02:30+02:00" if at.endswith("+02:00") else "2026-10-25T02:30+01:00")


def test_a_day_that_a_zone_skips_is_skipped() -> None:
    samoan = replace(PARISIAN, timezone="Pacific/Apia")
    opening = next_allowed_for(
        Channel.EMAIL, samoan, QuietHours(time(20), time(12)), PARIS, "FR", utc("2011-12-29T20:00-10:00")
    )
    assert opening.moment == utc("2011-12-31T12:00+14:00")


def test_without_any_common_time_there_is_no_moment_and_the_search_ends() -> None:
    torn = replace(CUSTOMER, country="US", timezone=None, traits={})  # a French number, and all zones of America

    opening = next_allowed_for(Channel.SMS, torn, None, PARIS, "FR", utc("2026-07-03T12:00+02:00"))

    assert (opening.moment, opening.closes, opening.spread("j1", HOUR)) == (None, None, None)
    assert opening.why is Closed.HARD_LIMIT


def test_quiet_hours_without_an_end_leave_no_moment_and_the_search_ends() -> None:
    assert sms(PARISIAN, "2026-07-03T12:00+02:00", QuietHours(time(8), time(22))) is None


def test_a_crowd_is_spread_evenly_and_everybody_keeps_their_place() -> None:
    at = utc("2026-03-09T08:00+01:00")
    places = [spread(at, f"journey-{number}", HOUR) for number in range(6000)]

    assert places == [spread(at, f"journey-{number}", HOUR) for number in range(6000)]
    per_minute = [0] * 60
    for place in places:
        per_minute[(place - at) // timedelta(minutes=1)] += 1
    assert min(per_minute) > 50
    assert max(per_minute) < 160
    assert spread(at, "journey-1", timedelta()) == at
    assert spread(at, "journey-1", -HOUR) == at


def test_a_short_opening_is_not_missed_by_spreading() -> None:
    quiet = QuietHours(time(8, 10), time(8))  # ten minutes a day
    opening = next_allowed_for(Channel.SMS, PARISIAN, quiet, PARIS, "FR", utc("2026-03-03T07:00+01:00"))

    for number in range(200):
        moment = opening.spread(f"journey-{number}", HOUR)
        assert moment is not None
        assert utc("2026-03-03T08:00+01:00") <= moment < utc("2026-03-03T08:10+01:00")


def test_an_open_moment_is_not_put_off() -> None:
    noon = utc("2026-03-03T12:00+01:00")
    assert next_allowed_for(Channel.SMS, PARISIAN, None, PARIS, "FR", noon).spread("j1", HOUR) is noon


def test_mail_loads_neither_holidays_nor_the_zones_of_numbers() -> None:
    script = (
        "import sys; from datetime import *; from models.calendar import QuietHours;"
        "from models.sending_time import next_allowed_for; from models.vocabulary import Channel;"
        "next_allowed_for(Channel.EMAIL, None, QuietHours(time(22), time(8)), 'UTC', 'FR', datetime.now(UTC));"
        "print([name for name in ('holidays', 'phonenumbers.timezone') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    said = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert said.stdout == "[]\n", said.stderr
