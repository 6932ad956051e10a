"""Puts foreign words and figures into a shape that is safe and right to read, before a template shows them."""

import re
import unicodedata
from datetime import date
from urllib.parse import quote, urlsplit

from models.currencies import DECIMALS
from models.sms import ALPHABET, EXTENSION

NBSP, THIN = "\u00a0", "\u202f"
NAME_LIMIT, URL_LIMIT = 40, 2048

_SYMBOLS = {
    "en": {"AUD": "A$", "CAD": "CA$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "USD": "$"},
    "fr": {"AUD": "$AU", "CAD": "$CA", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "USD": "$US"},
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}

# C0 and C1 controls and Unicode's own line ends become spaces; what reorders or hides text goes; lone surrogates
# cannot be encoded.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_SPACING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SPACES = re.compile(" {2,}")
_ADDRESS_LIKE = re.compile(r"://|www\.|@|\w{2,}\.[a-z]{2,}", re.IGNORECASE)
_PLAIN_URL = re.compile(
    r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?(?:[/?#][A-Za-z0-9._~:/?#@!$&()*+,;=%\[\]-]*)?"
)

_GSM_SIMILAR = {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "…": "...", "–": "-", "—": "-", "œ": "oe"}
_GSM = (ALPHABET | EXTENSION) - {"\r", "\f"}  # these two mean nothing on a telephone


def clean(text: str, limit: int = 500) -> str:
    """Return foreign text on one line, without controls, without bidirectional overrides, at most `limit` characters.

    Letters of every script, emoji and no-break spaces stay as they are.
    """
    if _HARMFUL.search(text):
        text = _HARMFUL.sub(_replacement, text)
    text = _SPACES.sub(" ", text).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _replacement(found: re.Match[str]) -> str:
    character = found.group()
    if _SPACING.match(character):
        return " "
    return "\ufffd" if "\ud800" <= character <= "\udfff" else ""


def given_name(text: str | None) -> str | None:
    """Return the name to greet someone by, or None when what was typed into the field is no name.

    Words count up to the first that looks like an address of any kind (nobody shall use a shop's mail to spread a
    link) and up to 40 characters.
    """
    words: list[str] = []
    for word in clean(text or "", limit=4 * NAME_LIMIT).split(" "):
        if _ADDRESS_LIKE.search(word) or len(" ".join([*words, word])) > NAME_LIMIT:
            break
        words.append(word)
    return " ".join(words) or None


def safe_url(text: str | None) -> str | None:
    """Return a http or https address in plain ASCII, or None for anything else: javascript:, data:, no host, > 2 kB."""
    if text is None or len(text) > URL_LIMIT:
        return None
    if _PLAIN_URL.fullmatch(text):
        return text
    try:
        parts = urlsplit(clean(text, limit=URL_LIMIT))
        host = (parts.hostname or "").encode("idna").decode("ascii")
        place = f"{host}:{parts.port}" if parts.port else host
    except ValueError:
        return None
    tail = quote(parts._replace(scheme="", netloc="").geturl(), safe="/?#:@!$&()*+,;=%~[]-._")
    url = f"{parts.scheme.lower()}://{place}{tail}"
    return url if _PLAIN_URL.fullmatch(url) else None


def money(minor: int, currency: str, locale: str) -> str:
    """Return an amount of minor units as people write it: `12,90 €` in French, `€12.90` in English, `12.90 XYZ`."""
    digits = DECIMALS.get(currency, 2)
    whole, rest = divmod(abs(minor), 10**digits)
    number = _localised(f"{whole:,}" + (f".{rest:0{digits}d}" if digits else ""), locale)
    sign = "-" if minor < 0 else ""
    symbol = _SYMBOLS[_known(locale)].get(currency)
    if symbol and _known(locale) == "en":
        return f"{sign}{symbol}{number}"
    return f"{sign}{number}{NBSP}{symbol or currency}"


def decimal(value: float, locale: str) -> str:
    """Return a number with at most one decimal and grouped thousands: `4,7` in French, `1,250` in English."""
    return _localised(f"{value:,.1f}".removesuffix(".0"), locale)


def long_date(day: date, locale: str) -> str:
    """Return a day in words: `1er décembre 2026` in French, `1 December 2026` in English."""
    language = _known(locale)
    number = "1er" if day.day == 1 and language == "fr" else str(day.day)
    return f"{number}{NBSP}{_MONTHS[language].split()[day.month - 1]} {day.year}"


def gsm7(text: str) -> str:
    """Return text in the letters of GSM 03.38: accents it lacks are dropped, what has no likeness goes.

    One letter outside that alphabet would shorten an SMS from 160 characters to 70.
    """
    text = "".join(_gsm_letter(character) for character in text)
    return _SPACES.sub(" ", text).strip()


def _gsm_letter(character: str) -> str:
    if character in _GSM:
        return character
    if similar := _GSM_SIMILAR.get(character):
        return similar
    return "".join(part for part in unicodedata.normalize("NFKD", character) if part in _GSM)


def _known(locale: str) -> str:
    return "fr" if locale[:2].lower() == "fr" else "en"


def _localised(number: str, locale: str) -> str:
    if _known(locale) == "en":
        return number
    return number.replace(",", THIN).replace(".", ",")
