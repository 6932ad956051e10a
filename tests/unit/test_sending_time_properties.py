"""Over twelve years, all parts of France and any quiet hours: never outside the window, never later than need be.

What is open is said again here, from the library's own calendars and the plain words of the rules.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from models.calendar import QuietHours
from models.public_holidays import Home
from models.sending_time import Opening, next_allowed_for, spread
from models.situation import CustomerRecord
from models.vocabulary import Channel
from models.whereabouts import whereabouts
from tests.situations import CUSTOMER

MINUTE = timedelta(minutes=1)
NOWHERE = replace(CUSTOMER, country=None, timezone=None, phone="+33612345678", traits={})


@dataclass(frozen=True)
class Person:
    """A customer, the zones in which they may be, and the library's names of the calendars they may keep."""

    customer: CustomerRecord
    zones: tuple[str, ...]
    calendars: tuple[str | None, ...]


def living(country: str, calendar: str | None, *zones: str, **known: object) -> Person:
    """Return a customer of a country."""
    return Person(replace(NOWHERE, country=country, **known), zones, (calendar,))  # type: ignore[arg-type]


PARIS = "Europe/Paris"
PEOPLE = [
    living("FR", None, PARIS, traits={"postal_code": "75001"}),
    living("FR", "57", PARIS, traits={"zip": "57000"}),
    living("FR", "6AE", PARIS, traits={"code_postal": "67000"}, timezone=PARIS),
    living("FR", "57", PARIS),
    living("FR", "974", "Indian/Reunion", timezone="Indian/Reunion"),
    living("RE", "974", PARIS, "Indian/Reunion"),
    living("GP", "971", "America/Guadeloupe", phone=None),
    living("MQ", "972", "America/Martinique", phone="+596696123456"),
    living("GF", "973", "America/Cayenne", timezone="America/Cayenne"),
    living("YT", "976", "Indian/Mayotte", phone="+262639123456"),
    living("PM", "PM", "America/Miquelon", phone="+508551234"),
    living("BL", "BL", "America/St_Barthelemy", timezone="America/St_Barthelemy"),
    living("MF", "MF", "America/Marigot", phone=None),
    living("WF", "WF", "Pacific/Wallis", phone="+681821234"),
    living("PF", "PF", "Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier", phone=None),
    living("NC", "NC", "Pacific/Noumea", phone="+687751234"),
    Person(replace(NOWHERE, phone="+262692123456"), ("Indian/Mayotte", "Indian/Reunion"), ("974", "976")),
]
people = st.sampled_from(PEOPLE)
minutes = st.integers(0, 1439).map(lambda minute: time(minute // 60, minute % 60))
quiets = st.none() | st.builds(QuietHours, minutes, minutes)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2036, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given apart
channels = st.sampled_from([Channel.SMS, Channel.CALL])


@cache
def closed_days(calendar: str | None) -> frozenset[date]:
    """Return twelve years of public holidays of a part of France."""
    return frozenset(holidays.country_holidays("FR", subdiv=calendar, years=range(2023, 2039)))


def within(channel: Channel, clock: time, quiet: QuietHours | None) -> bool:
    """Say whether a time of day is open in France by the plain words of the rules."""
    if channel is Channel.CALL:
        decree = time(10) <= clock < time(13) or time(14) <= clock < time(20)
        return decree and not (quiet and quiet.covers(clock))
    if quiet is None:
        return time(8) <= clock < time(20)
    return time(8) <= clock < time(22) and not quiet.covers(clock)


def is_open(person: Person, channel: Channel, quiet: QuietHours | None, at: datetime) -> bool:
    """Say whether a person may be reached, wherever they may be."""
    last = 5 if channel is Channel.SMS else 4
    for zone in person.zones:
        local = at.astimezone(ZoneInfo(zone))
        if local.weekday() > last or any(local.date() in closed_days(calendar) for calendar in person.calendars):
            return False
        if not within(channel, local.time(), quiet):
            return False
    return True


def ask(person: Person, channel: Channel, quiet: QuietHours | None, at: datetime) -> Opening:
    """Ask when the message may go."""
    return next_allowed_for(channel, person.customer, quiet, PARIS, "FR", at)


@settings(max_examples=600, deadline=None)
@given(people, channels, quiets, instants)
def test_a_message_goes_out_in_the_window_of_wherever_its_reader_is_and_never_on_a_sunday_or_holiday(
    person: Person, channel: Channel, quiet: QuietHours | None, at: datetime
) -> None:
    opening = ask(person, channel, quiet, at)
    assume(opening.moment is not None)
    assert opening.moment is not None

    assert opening.moment >= at
    assert is_open(person, channel, quiet, opening.moment)
    assert (opening.why is None) == (opening.moment == at) == is_open(person, channel, quiet, at)
    again = ask(person, channel, quiet, opening.moment)
    assert again == Opening(opening.moment)
    put_off = opening.spread("journey", timedelta(hours=3))
    assert put_off is not None
    assert is_open(person, channel, quiet, put_off)


@settings(max_examples=250, deadline=None)
@given(people, channels, quiets, instants, st.integers(0, 59))
@example(PEOPLE[0], Channel.SMS, None, datetime(2027, 12, 24, 19, 30, tzinfo=UTC), 0)
@example(PEOPLE[3], Channel.SMS, None, datetime(2026, 4, 2, 18, tzinfo=UTC), 0)
@example(PEOPLE[5], Channel.CALL, None, datetime(2026, 3, 27, 16, 1, tzinfo=UTC), 0)
def test_nothing_earlier_would_have_been_open(
    person: Person, channel: Channel, quiet: QuietHours | None, at: datetime, second: int
) -> None:
    at = at.replace(second=second, microsecond=0)
    moment = ask(person, channel, quiet, at).moment
    end = moment or at + timedelta(days=8)

    assert moment == at or not is_open(person, channel, quiet, at)
    whole = at.replace(second=0) + MINUTE
    for step in range((end - whole) // MINUTE + 1):
        minute = whole + step * MINUTE
        assert minute == end or not is_open(person, channel, quiet, minute)


@given(channels, st.builds(QuietHours, minutes, minutes), people, instants)
def test_there_is_no_moment_only_when_no_common_minute_of_a_day_is_open(
    channel: Channel, quiet: QuietHours, person: Person, at: datetime
) -> None:
    if ask(person, channel, quiet, at).moment is None:
        working = at + timedelta(days=(7 - at.weekday()) % 7 + 1)  # a Tuesday
        days = [working + timedelta(weeks=week) + step * 5 * MINUTE for week in range(3) for step in range(288)]
        assert not any(is_open(person, channel, quiet, minute.replace(second=0)) for minute in days)


@given(
    st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Beirut"]),
    st.builds(QuietHours, minutes, minutes),
    instants,
)
@example("Australia/Lord_Howe", QuietHours(time(1, 45), time(2, 15)), datetime(2026, 4, 4, 14, 50, tzinfo=UTC))
@example("Africa/Casablanca", QuietHours(time(1), time(0)), datetime(2026, 2, 15, 1, 30, tzinfo=UTC))
@example("Asia/Beirut", QuietHours(time(22), time(0, 30)), datetime(2026, 3, 28, 21, 30, tzinfo=UTC))
def test_mail_waits_for_the_first_moment_outside_the_quiet_hours_of_any_zone(
    zone: str, quiet: QuietHours, at: datetime
) -> None:
    at = at.replace(second=0, microsecond=0)
    reader = replace(CUSTOMER, timezone=zone)
    place = ZoneInfo(zone)
    moment = next_allowed_for(Channel.EMAIL, reader, quiet, "UTC", "FR", at).moment

    assert moment is not None
    assert not quiet.covers(moment.astimezone(place).time())
    assert all(quiet.covers((at + step * MINUTE).astimezone(place).time()) for step in range((moment - at) // MINUTE))


@settings(deadline=None)
@given(
    st.sampled_from(["US", "AU", "BR", "DE", "IT", "RU", "ES", "BE", "JP", None]),
    st.sampled_from(["+18005551212", "+61412345678", "+79161234567", "+34612345678", "+33612345678", None]),
    channels,
    instants,
)
def test_a_message_suits_every_zone_and_holiday_of_a_reader_anywhere(
    country: str | None, phone: str | None, channel: Channel, at: datetime
) -> None:
    reader = replace(NOWHERE, country=country, phone=phone)
    place = whereabouts(reader, PARIS, "FR")
    moment = next_allowed_for(channel, reader, None, PARIS, "FR", at).moment
    assume(moment is not None)
    assert moment is not None

    for zone in place.zones:
        local = moment.astimezone(zone)
        assert time(8) <= local.time() < time(20)
        if place.country != "US":
            assert local.weekday() != 6
            assert not any(is_holiday(home, local.date()) for home in place.homes)


def is_holiday(home: Home, day: date) -> bool:
    """Ask the library."""
    return day in holidays.country_holidays(home.country, subdiv=home.part, years=day.year)


@given(instants, st.text(), st.timedeltas(timedelta(), timedelta(days=2)))
def test_a_moment_is_put_off_by_less_than_the_window(at: datetime, key: str, window: timedelta) -> None:
    put_off = spread(at, key, window)

    assert at <= put_off < max(at + window, at + timedelta.resolution)
    assert put_off == spread(at, key, window)
