"""Quiet hours as they are stored, and zones by name; when a message may go is in `test_sending_time.py`."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import QuietHours, quiet_from_json, quiet_to_json, zone_of

minutes = st.integers(0, 1439).map(lambda minute: time(minute // 60, minute % 60))
quiets = st.builds(QuietHours, minutes, minutes)


@given(quiets)
def test_quiet_hours_survive_being_stored(quiet: QuietHours) -> None:
    assert quiet_from_json(quiet_to_json(quiet)) == quiet


@pytest.mark.parametrize("name", [None, "", "Moon/Sea", "../etc/passwd", "Europe", "x" * 400])
def test_an_unknown_zone_falls_back_to_the_default_and_then_to_utc(name: str | None) -> None:
    assert zone_of(name, "Asia/Tokyo").key == "Asia/Tokyo"
    assert zone_of(name, "Moon/Sea").key == "UTC"
    assert zone_of("Europe/Paris", "Asia/Tokyo").key == "Europe/Paris"
