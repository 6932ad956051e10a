"""What an SMS costs and who may be its sender: alphabets, parts, room for the STOP mention, the rules of France.

The alphabet is GSM 03.38 (3GPP TS 23.038, 6.2.1) without the national tables, which providers do not use.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.france import is_french

ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The characters that take one septet."""
EXTENSION = frozenset("\f^{}\\[~]|€")
"""The characters that take two septets: an escape, and one more."""
STOP_BUDGET = 14
"""Room for the mention that French providers append to marketing: `STOP au 36xxx` and what separates it (Octopush)."""

_NUMBER = re.compile(r"\+?\d+", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ]*[A-Za-z0-9])?", re.ASCII)
_FRENCH_PREFIX = re.compile(r"(?:\+33|0033)0?|33(?=\d{9}\Z)", re.ASCII)


class Encoding(StrEnum):
    """How the letters of an SMS travel; one letter outside GSM-7 takes the whole text to UCS-2."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class SmsSize:
    """How long an SMS is, the STOP mention included.

    `units` are septets in GSM-7 and 16-bit units in UCS-2, where an emoji takes two. `left` of them fit before another
    part is paid for. `foreign` are the characters, each once, for which the text cannot travel in GSM-7.
    """

    encoding: Encoding
    units: int
    parts: int
    left: int
    foreign: str


def measure(text: str, stop: int = 0) -> SmsSize:
    """Return the size of a text with a mention of `stop` plain characters that the provider appends.

    One part holds 160 septets or 70 units; each of several holds 153 or 67, the rest being the header that joins them.
    A character of two is never torn between parts.
    """
    foreign = "".join(sorted(set(text) - ALPHABET - EXTENSION))
    encoding = Encoding.UCS2 if foreign else Encoding.GSM7
    wide = EXTENSION if encoding is Encoding.GSM7 else frozenset(one for one in text if ord(one) > 0xFFFF)
    sizes = [2 if character in wide else 1 for character in text] + [1] * stop
    single, joined = (160, 153) if encoding is Encoding.GSM7 else (70, 67)
    parts, left = _parts(sizes, single, joined)
    return SmsSize(encoding, sum(sizes), parts, left, foreign)


def _parts(sizes: Sequence[int], single: int, joined: int) -> tuple[int, int]:
    units = sum(sizes)
    if units <= single:
        return 1, single - units
    parts, left = 1, joined
    for size in sizes:
        if size > left:
            parts, left = parts + 1, joined
        left -= size
    return parts, left


def stop_budget(country: str) -> int:
    """Return how many characters the provider's STOP mention takes in a country (ISO 3166); 0 where none is added."""
    return STOP_BUDGET if is_french(country) else 0


def sender_problem(sender: str, country: str) -> str | None:
    """Return why marketing to a country (ISO 3166) cannot come from this sender, in one sentence, else None.

    France: a name of 3 to 11 letters, digits and spaces, or a short number 36xxx; 38xxx is for transactional messages
    (af2m), and 06 and 07 are closed to machines since ARCEP decision 18-0881. Elsewhere: a name of at most 11, or a
    number.
    """
    compact = re.sub(r"[ .()-]", "", sender)
    if _NUMBER.fullmatch(compact):
        return _number_problem(compact) if is_french(country) else None
    shortest = 3 if is_french(country) else 1
    if shortest <= len(sender) <= 11 and _NAME.fullmatch(sender):
        return None
    return f"SMS sender {sender[:20]!r}: a name has {shortest} to 11 plain letters, digits and inner spaces"


def _number_problem(number: str) -> str | None:
    national = _FRENCH_PREFIX.sub("0", number, count=1)
    if len(national) == 5 and national.startswith("36"):
        return None
    if len(national) == 5 and national.startswith("38"):
        return f"SMS sender {number}: 38xxx is for transactional messages; take a name or a number 36xxx"
    if national.startswith(("06", "07")):
        return f"SMS sender {number}: 06 and 07 numbers are forbidden to automatic messages; take a name or 36xxx"
    return f"SMS sender {number}: marketing in France comes from a name or a short number 36xxx"
