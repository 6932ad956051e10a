"""Who a Shopify webhook is about, and which consents it proves."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from models.contact import email_key, is_email, phone_number, text_or_none
from models.events import ConsentEntry, Person
from models.vocabulary import Channel, ConsentState, Purpose
from storefronts.shopify_shapes import Address, CustomerPayload, MarketingConsent, Purchase

_STATES = {"subscribed": ConsentState.GRANTED, "unsubscribed": ConsentState.WITHDRAWN}
_LETS_THE_BOX_DECIDE = frozenset({"", "not_subscribed", "subscribed"})
_NOBODY, _NOWHERE = CustomerPayload(), Address()
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")


class Sent(NamedTuple):
    """What surrounds a body: topic, id of the event or else of the delivery, times of the event and of its arrival."""

    topic: str
    id: str
    country: str
    triggered: datetime | None
    at: datetime

    def time(self, told: datetime | None) -> datetime:
        """Return the event time in UTC: as the resource tells it, else as the headers do, else the arrival."""
        return utc(told) or self.triggered or self.at


def utc(moment: datetime | None) -> datetime | None:
    """Return a moment in UTC, None for one at the ends of the calendar that has none."""
    return moment.astimezone(UTC) if moment is not None and 1 < moment.year < 9999 else None


def customer(given: CustomerPayload, sent: Sent) -> Person:
    """Return the customer of a body that is about a customer."""
    country, address = _home(given), email(given.email)
    return Person(
        external_id=given.id,
        email=address,
        phone=phone(given.phone, country, sent),
        first_name=text_or_none(given.first_name),
        country=country,
        consents=_recorded(given, sent),
        email_verified=address is not None and given.verified_email is True,
    )


def buyer(given: Purchase, sent: Sent, contact_email: str | None = None) -> Person:
    """Return who checks out or orders: the address typed there, else the customer's own."""
    known, home = given.customer or _NOBODY, _home(given.customer or _NOBODY)
    billing, shipping = given.billing_address or _NOWHERE, given.shipping_address or _NOWHERE
    country = shipping.country_code or billing.country_code or home
    sms = given.sms_marketing_phone if given.buyer_accepts_sms_marketing else None
    own_email, own_number = email(known.email), phone(known.phone, home, sent)
    typed = own_email if given.email == known.email else email(given.email)
    address = typed or email(contact_email) or own_email
    number = phone(sms, country, sent) or phone(given.phone, country, sent) or own_number
    same_mailbox = address == own_email or _key(address) == _key(own_email)
    same = {Channel.EMAIL: same_mailbox, Channel.SMS: number == own_number}
    # A grant holds for the address or number it was given to only.
    recorded = tuple(one for one in _recorded(known, sent) if one.state is ConsentState.WITHDRAWN or same[one.channel])
    return Person(
        external_id=known.id,
        email=address,
        phone=number,
        first_name=text_or_none(known.first_name)
        or text_or_none(billing.first_name)
        or text_or_none(shipping.first_name),
        locale=_locale(given.customer_locale),
        country=country,
        consents=recorded + _ticked(address, country, given, sent, recorded),
        email_verified=same_mailbox and own_email is not None and known.verified_email is True,
    )


def email(address: str | None) -> str | None:
    """Return a usable address as it was given, or None."""
    address = (address or "").strip()
    return address if address and is_email(address) else None


def phone(number: str | None, country: str | None, sent: Sent) -> str | None:
    """Return a usable number in E.164, or None."""
    return phone_number(number, country or sent.country) if number else None


def entry(channel: Channel, record: MarketingConsent, sent: Sent, undated: datetime | None) -> ConsentEntry | None:
    """Return the ledger entry of a marketing consent; `undated` dates one without date, None leaves it out."""
    state, at = _STATES.get(record.state or ""), utc(record.consent_updated_at) or undated
    if state is None or at is None:
        return None
    return ConsentEntry(channel, Purpose.MARKETING, state, f"shopify:{sent.topic}", at)


def _recorded(given: CustomerPayload, sent: Sent) -> tuple[ConsentEntry, ...]:
    """Return the consents of a customer's record."""
    mail, sms = given.email_marketing_consent, given.sms_marketing_consent
    if mail is None and sms is None:
        return ()
    found = [
        entry(channel, record, sent, _undated(record, given, sent))
        for channel, record in ((Channel.EMAIL, mail), (Channel.SMS, sms))
        if record
    ]
    return tuple([one for one in found if one])


def _undated(record: MarketingConsent, given: CustomerPayload, sent: Sent) -> datetime | None:
    # An undated grant counts from the customer's beginning: dated later it would undo an objection made since.
    return utc(given.created_at) if record.state == "subscribed" else sent.time(given.updated_at)


def _home(given: CustomerPayload) -> str | None:
    return given.default_address.country_code if given.default_address else None


def _key(address: str | None) -> str | None:
    return None if address is None else email_key(address)


def _ticked(
    address: str | None, country: str | None, given: Purchase, sent: Sent, recorded: tuple[ConsentEntry, ...]
) -> tuple[ConsentEntry, ...]:
    """Return consents given by a box of the checkout where the customer's record does not decide.

    They count from the checkout's beginning: the body does not tell when the box was ticked, and a later date would
    undo an objection made since.
    """
    if not given.buyer_accepts_marketing and not given.buyer_accepts_sms_marketing:
        return ()
    at = utc(given.created_at)
    records = given.customer or _NOBODY
    phone_given = phone(given.sms_marketing_phone, country, sent)
    boxes = (
        (Channel.EMAIL, given.buyer_accepts_marketing and address, records.email_marketing_consent),
        (Channel.SMS, given.buyer_accepts_sms_marketing and phone_given, records.sms_marketing_consent),
    )
    return tuple(
        ConsentEntry(channel, Purpose.MARKETING, ConsentState.GRANTED, f"shopify:{sent.topic}", at)
        for channel, ticked, record in boxes
        if at and ticked and (record is None or (record.state or "") in _LETS_THE_BOX_DECIDE)
        if all(one.channel is not channel for one in recorded)
    )


def _locale(given: str | None) -> str | None:
    return given.replace("_", "-") if given and _LOCALE.fullmatch(given) else None
