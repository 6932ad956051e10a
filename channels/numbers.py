"""Telephone numbers as text messages are addressed, and who may be their sender there."""

import phonenumbers

from channels.base import Misconfigured, Refused
from models.contact import phone_number
from models.france import is_french
from models.sms import sender_problem


def recipient(text: str) -> str:
    """Return a recipient's number in E.164; raises `Refused` for one that does not exist."""
    number = phone_number(text, "ZZ")
    if number is None:
        raise Refused("the recipient's number is not one that can be dialled", address=True)
    return number


def country_of(number: str) -> str:
    """Return whose rules hold for a number in E.164 (ISO 3166); empty where no country's do."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""


def is_in_france(number: str) -> bool:
    """Say whether the law of France holds for messages to a number in E.164."""
    return is_french(country_of(number))


def checked_sender(sender: str, number: str) -> str:
    """Return who a message to a number in E.164 comes from; raises `Misconfigured` for whom it may not come from."""
    problem = sender_problem(sender, country_of(number))
    if problem is not None:
        raise Misconfigured(problem)
    return sender
