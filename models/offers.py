"""Whether this customer gets an offer now, and which: coupons teach people to abandon carts, so most get none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from models.calendar import zone_of
from models.content import Incentive
from models.durations import format_duration
from models.stored import Json, take, take_length, take_optional

DEFAULT_SEGMENT = "default"
"""The key of `Offer.percent` for all other segments, and the segment of a customer whom no segment matches."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a step may offer.

    `percent` maps a segment, or `default`, to a discount from 0 (no offer) to 100. The code is `code`, one for all, or
    a single-use one from the shop's `pool`; without either there is no offer. `minimum` is in minor units of the
    shop's currency. A customer gets at most one coupon per `every`; a coupon lives for `valid`.
    """

    percent: Mapping[str, int]
    valid: timedelta = timedelta(days=7)
    code: str | None = None
    pool: str | None = None
    minimum: int | None = None
    exclusions: str | None = None
    every: timedelta = timedelta(days=90)


class Refusal(StrEnum):
    """Why the message goes without the offer."""

    NO_CODE = "no_code"
    NOT_FOR_SEGMENT = "not_for_segment"
    ALREADY_COUPON = "already_coupon"
    SERIAL_ABANDONER = "serial_abandoner"
    RECENT_COUPON = "recent_coupon"
    BELOW_MINIMUM = "below_minimum"
    POOL_EMPTY = "pool_empty"


def choose(
    offer: Offer,
    *,
    segment: str,
    cart_value: int | None,
    cart_coupon: str | None,
    coupons_last: datetime | None,
    serial_abandoner: bool,
    at: datetime,
    pool_code: str | None = None,
    zone: str | None = None,
    default_zone: str = "UTC",
) -> Incentive | Refusal:
    """Return what may be offered at `at`, or the first reason against it.

    `cart_value` is in minor units of the shop's currency; None without a cart, or with a cart in another currency,
    which never blocks. `coupons_last` is when this customer last got a coupon of any kind. `pool_code` is the code
    that the offer's pool would give next, None when the pool is empty. The offer ends with the day on which
    `at + valid` falls in the customer's zone.
    """
    percent = offer.percent.get(segment, offer.percent.get(DEFAULT_SEGMENT, 0))
    if offer.code is None and offer.pool is None:
        return Refusal.NO_CODE
    if percent <= 0:
        return Refusal.NOT_FOR_SEGMENT
    if cart_coupon:
        return Refusal.ALREADY_COUPON
    if serial_abandoner:
        return Refusal.SERIAL_ABANDONER
    if coupons_last is not None and at - coupons_last < offer.every:
        return Refusal.RECENT_COUPON
    if offer.minimum is not None and cart_value is not None and cart_value < offer.minimum:
        return Refusal.BELOW_MINIMUM
    code = offer.code or pool_code
    if code is None:
        return Refusal.POOL_EMPTY
    ends_on = (at + offer.valid).astimezone(zone_of(zone, default_zone)).date()
    return Incentive(percent, code, ends_on, offer.minimum, offer.exclusions)


def offer_to_json(offer: Offer) -> dict[str, Json]:
    """Return the offer as a policy file would write it, every default written out."""
    return {
        "percent": dict(offer.percent),
        "valid": format_duration(offer.valid),
        "every": format_duration(offer.every),
        "code": offer.code,
        "pool": offer.pool,
        "minimum": offer.minimum,
        "exclusions": offer.exclusions,
    }


def offer_from_json(record: dict[str, Json]) -> Offer:
    """Read what `offer_to_json` wrote; raise ValueError for anything else."""
    percent = take(record, "percent", dict)
    return Offer(
        {segment: take(percent, segment, int) for segment in percent},
        take_length(record, "valid"),
        take_optional(record, "code", str),
        take_optional(record, "pool", str),
        take_optional(record, "minimum", int),
        take_optional(record, "exclusions", str),
        take_length(record, "every"),
    )
