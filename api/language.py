"""Which of our languages somebody reads, and how amounts are written in it."""

from typing import Literal

from models.currencies import DECIMALS

Language = Literal["fr", "en"]


def language_of(accepted: str | None, fallback: str) -> Language:
    """Return the first of our languages that an `Accept-Language` header names, best first; else the shop's own."""
    wishes = []
    for place, part in enumerate((accepted or "").split(",")[:20]):
        name, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1), place, name.partition("-")[0].lower()))
        except ValueError:
            continue
    for _, _, name in sorted(wishes):
        if name == "fr":
            return "fr"
        if name == "en":
            return "en"
    return "en" if fallback.lower().startswith("en") else "fr"


def amount(value: int, currency: str | None, language: Language) -> str:
    """Return an amount of minor units in figures."""
    decimals = DECIMALS.get(currency or "", 2)
    figures = f"{value / 10**decimals:.{decimals}f}"
    return f"{figures.replace('.', ',') if language == 'fr' else figures} {currency or ''}".rstrip()
