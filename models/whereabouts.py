"""Where a customer lives, as far as it decides when they may be written to: zones, and whose public holidays count."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from phonenumbers import NumberParseException, PhoneNumber, parse, region_code_for_number

from models.calendar import known_zone, zone_of
from models.france import FRANCE, OVERSEAS, SOMEWHERE_IN_FRANCE, home_by_post, is_french, overseas_by_number
from models.public_holidays import Home
from models.situation import CustomerRecord


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a customer may be: the `country` whose rules hold (ISO 3166), places with holidays of their own, zones.

    A moment suits them when it is right in every zone and no holiday in any of the homes.
    """

    country: str
    homes: tuple[Home, ...]
    zones: tuple[ZoneInfo, ...]


def whereabouts(customer: CustomerRecord, shop_zone: str, shop_country: str) -> Whereabouts:
    """Return where a customer with a telephone may be, from what is known, the surest first.

    The country is the customer's own, else their number's, else the shop's. The zone is their own, else what their
    number and their country have in common, else, where those two disagree, all of both, else the shop's.
    """
    country = (customer.country or "").upper() or _country_of(customer.phone)
    homes = _homes(customer, country or shop_country)
    own = known_zone(customer.timezone)
    zones = (own,) if own else _likely_zones(customer.phone, homes if country else ()) or (zone_of(shop_zone),)
    return Whereabouts(homes[0].country, homes, zones)


def _homes(customer: CustomerRecord, country: str) -> tuple[Home, ...]:
    """Return where a customer of a country may live; only parts of France are told apart."""
    if not is_french(country) or (customer.country and country != FRANCE):
        return (Home(country),)
    sure = home_by_post(customer.traits) or _overseas_by_zone().get(customer.timezone or "")
    if sure is not None:
        return (sure,)
    overseas = overseas_by_number(customer.phone)
    return (SOMEWHERE_IN_FRANCE, *overseas) if country == FRANCE else overseas or (Home(country),)


@cache
def _overseas_by_zone() -> Mapping[str, Home]:
    return {zone: Home(part) for part in OVERSEAS for zone in zones_of_country(part)}


def _likely_zones(phone: str | None, homes: tuple[Home, ...]) -> tuple[ZoneInfo, ...]:
    by_number, by_place = _zones_of_number(phone), _zones_of_homes(homes)
    names = by_number & by_place or by_number | by_place
    return tuple(zone for name in sorted(names) if (zone := known_zone(name)))


@lru_cache(maxsize=512)
def _zones_of_homes(homes: tuple[Home, ...]) -> frozenset[str]:
    return frozenset(name for home in homes for name in zones_of_country(home.country))


def zones_of_country(country: str) -> frozenset[str]:
    """Return the IANA zones of an ISO 3166 country by the time zone database itself, none for an unknown one."""
    return _zone_table().get(country, frozenset())


@cache
def _zone_table() -> Mapping[str, frozenset[str]]:
    """Read `zone.tab`, which comes with the zones: lines of country, coordinates, zone and perhaps a comment."""
    table: dict[str, frozenset[str]] = {}
    for line in files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            table[country] = table.get(country, frozenset()) | {zone}
    return table


def _zones_of_number(phone: str | None) -> frozenset[str]:
    """Return the zones in which a number (E.164) may be at home, `Etc/Unknown`, which is no zone, among them."""
    from phonenumbers.timezone import time_zones_for_number  # noqa: PLC0415 - slow to load

    parsed = _parsed(phone)
    return frozenset(time_zones_for_number(parsed)) if parsed else frozenset()


def _country_of(phone: str | None) -> str:
    overseas = overseas_by_number(phone)
    if overseas:  # the library knows the mobile numbers of Mayotte only in part
        return overseas[0].country
    parsed = _parsed(phone)
    return (region_code_for_number(parsed) if parsed else None) or ""


def _parsed(phone: str | None) -> PhoneNumber | None:
    try:
        return parse(phone) if phone else None
    except NumberParseException:  # it was not in E.164
        return None
