"""Where a customer may be: country, holidays and zones, from what is known, the surest first."""

from dataclasses import replace

import pytest

from models.france import ALSACE, METROPOLE, MOSELLE, SOMEWHERE_IN_FRANCE
from models.public_holidays import Home
from models.situation import CustomerRecord
from models.whereabouts import whereabouts, zones_of_country
from tests.situations import CUSTOMER

PARIS, REUNION, MAYOTTE = "Europe/Paris", "Indian/Reunion", "Indian/Mayotte"
NOBODY = replace(CUSTOMER, timezone=None, country=None, phone=None, traits={})
FRENCH = replace(NOBODY, country="FR", phone="+33612345678")


def zones(customer: CustomerRecord, country: str = "FR") -> set[str]:
    """Return the names of the zones in which a customer of a shop in Paris may be."""
    return {zone.key for zone in whereabouts(customer, PARIS, country).zones}


def homes(customer: CustomerRecord) -> tuple[Home, ...]:
    """Return the places whose holidays a customer of a French shop may keep."""
    return whereabouts(customer, PARIS, "FR").homes


@pytest.mark.parametrize(
    ("code", "home"),
    [
        ("75001", METROPOLE),
        ("20000", METROPOLE),
        ("57000", MOSELLE),
        ("67000", ALSACE),
        ("68100", ALSACE),
        ("97110", Home("GP")),
        ("97133", Home("BL")),
        ("97150", Home("MF")),
        ("97200", Home("MQ")),
        ("97300", Home("GF")),
        ("97400", Home("RE")),
        ("97500", Home("PM")),
        ("97600", Home("YT")),
        ("98600", Home("WF")),
        ("98714", Home("PF")),
        ("98800", Home("NC")),
        (" 67 000 ", ALSACE),
        ("F-67000", ALSACE),
        ("fr-57000", MOSELLE),
        (67000, ALSACE),
        (1000, METROPOLE),
        ("00100", SOMEWHERE_IN_FRANCE),
        ("98000", SOMEWHERE_IN_FRANCE),
        ("6700", SOMEWHERE_IN_FRANCE),
        ("SW1A 1AA", SOMEWHERE_IN_FRANCE),
        ("", SOMEWHERE_IN_FRANCE),
        (True, SOMEWHERE_IN_FRANCE),
    ],
)
@pytest.mark.parametrize("trait", ["postal_code", "zip", "code_postal"])
def test_a_postal_code_says_in_which_part_of_france_somebody_lives(
    trait: str, code: str | int | bool, home: Home
) -> None:
    assert homes(replace(FRENCH, traits={trait: code})) == (home,)


def test_a_french_customer_without_a_place_keeps_the_holidays_of_alsace_too() -> None:
    assert homes(FRENCH) == (SOMEWHERE_IN_FRANCE,) == (MOSELLE,)


def test_the_country_counts_before_the_number_and_the_number_before_the_shop() -> None:
    german_number = replace(NOBODY, phone="+4915112345678")

    assert whereabouts(replace(german_number, country="it"), PARIS, "FR").country == "IT"
    assert whereabouts(german_number, PARIS, "FR").country == "DE"
    assert whereabouts(NOBODY, PARIS, "IT").country == "IT"
    assert whereabouts(replace(NOBODY, phone="damaged"), PARIS, "RE").country == "RE"


def test_an_overseas_part_is_known_by_country_zone_or_number() -> None:
    assert homes(replace(FRENCH, country="RE")) == (Home("RE"),)
    assert homes(replace(FRENCH, timezone=REUNION)) == (Home("RE"),)
    assert homes(replace(NOBODY, phone="+262692123456")) == (Home("RE"), Home("YT"))
    assert homes(replace(FRENCH, phone="+262692123456")) == (SOMEWHERE_IN_FRANCE, Home("RE"), Home("YT"))
    assert homes(replace(FRENCH, phone="+262692123456", traits={"zip": "97600"})) == (Home("YT"),)


def test_a_postal_code_means_something_in_france_only() -> None:
    assert homes(replace(FRENCH, country="US", traits={"zip": "67000"})) == (Home("US"),)


def test_the_customers_own_zone_is_the_only_one() -> None:
    assert zones(replace(FRENCH, timezone="Asia/Tokyo")) == {"Asia/Tokyo"}


def test_without_a_zone_of_their_own_that_exists_the_number_says_where_a_customer_is() -> None:
    new_yorker = replace(NOBODY, country="US", phone="+12125551212")

    assert zones(replace(FRENCH, timezone="Mars/Phobos")) == {PARIS}
    assert zones(new_yorker) == {"America/New_York"}
    assert zones(replace(NOBODY, phone="+262692123456")) == {REUNION, MAYOTTE}


def test_the_country_narrows_the_zones_of_a_number() -> None:
    assert zones(replace(NOBODY, country="RE", phone="+262692123456")) == {REUNION}
    assert zones(replace(NOBODY, country="GB", phone="+447911123456")) == {"Europe/London"}


def test_a_number_that_contradicts_the_country_counts_together_with_it() -> None:
    assert zones(replace(FRENCH, country="RE")) == {PARIS, REUNION}
    assert zones(replace(FRENCH, traits={"postal_code": "97400"})) == {PARIS, REUNION}
    assert zones(replace(FRENCH, country="US")) == {PARIS} | zones_of_country("US")


def test_a_number_that_says_nothing_leaves_the_zones_of_the_country() -> None:
    assert zones(replace(NOBODY, country="YT", phone="+262639123456")) == {MAYOTTE}
    assert zones(replace(NOBODY, country="PF")) == {"Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier"}
    assert len(zones(replace(NOBODY, country="US"))) > 20


def test_the_shops_zone_is_left_when_nothing_is_known() -> None:
    assert zones(NOBODY, "US") == {PARIS}
    assert zones(replace(NOBODY, country="XX")) == {PARIS}
