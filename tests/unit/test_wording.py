"""Foreign words and figures come out safe and as people write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.wording import clean, decimal, given_name, gsm7, long_date, money, safe_url

anything = st.text(st.characters())  # lone surrogates too


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (1290, "EUR", "fr", "12,90\u00a0€"),
        (1290, "EUR", "en", "€12.90"),
        (1290, "EUR", "fr-CA", "12,90\u00a0€"),
        (123456789, "EUR", "fr", "1\u202f234\u202f567,89\u00a0€"),
        (123456789, "USD", "en", "$1,234,567.89"),
        (1290, "JPY", "en", "¥1,290"),
        (1290, "JPY", "fr", "1\u202f290\u00a0¥"),
        (1290, "KWD", "en", "1.290\u00a0KWD"),
        (1290, "XYZ", "en", "12.90\u00a0XYZ"),
        (1290, "XYZ", "fr", "12,90\u00a0XYZ"),
        (5, "EUR", "en", "€0.05"),
        (0, "EUR", "fr", "0,00\u00a0€"),
        (-150, "EUR", "fr", "-1,50\u00a0€"),
        (-150, "USD", "en", "-$1.50"),
    ],
)
def test_money_is_written_as_in_the_locale(minor: int, currency: str, locale: str, text: str) -> None:
    assert money(minor, currency, locale) == text


@given(st.integers(min_value=0), st.sampled_from(["EUR", "JPY", "KWD", "XYZ"]), st.sampled_from(["fr", "en"]))
def test_no_digit_of_an_amount_is_lost(minor: int, currency: str, locale: str) -> None:
    digits = "".join(character for character in money(minor, currency, locale) if character.isdigit())

    assert int(digits) == minor


def test_dates_are_written_in_words() -> None:
    assert long_date(date(2026, 12, 1), "fr") == "1er\u00a0décembre 2026"
    assert long_date(date(2026, 8, 2), "fr") == "2\u00a0août 2026"
    assert long_date(date(2026, 12, 1), "en") == "1\u00a0December 2026"


def test_numbers_have_at_most_one_decimal() -> None:
    assert decimal(4.66, "fr") == "4,7"
    assert decimal(5.0, "fr") == "5"
    assert decimal(12500, "en") == "12,500"


@given(anything, st.integers(min_value=1, max_value=50))
def test_clean_text_is_one_encodable_line_of_bounded_length(text: str, limit: int) -> None:
    result = clean(text, limit)

    assert len(result) <= limit
    assert result.isprintable() or not set(result) & set("\r\n\t\x00\x85\u2028\u2029\u202e\u2066\u200f")
    result.encode()


def test_letters_of_every_script_and_emoji_stay() -> None:
    assert clean("Zoë سارة 👩\u200d💻 名前") == "Zoë سارة 👩\u200d💻 名前"
    assert clean("\u202eevil\u202c a\r\nb\u2028c\ud800") == "evil a b c\ufffd"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Camille", "Camille"),
        ("  Anne-Marie\r\n ", "Anne-Marie"),
        ("سارة", "سارة"),
        ("\u202eCamille", "Camille"),
        ("Ada\r\nBcc: victim@example.com", "Ada Bcc:"),
        ("Win at https://evil.example now", "Win at"),
        ("evil.example", None),
        ("x" * 4000, None),
        ("Camille " * 500, "Camille Camille Camille Camille Camille"),
        (" \t", None),
        ("", None),
        (None, None),
    ],
)
def test_only_names_are_greeted(typed: str | None, name: str | None) -> None:
    assert given_name(typed) == name


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://shop.example/p?a=1&b=2#c", "https://shop.example/p?a=1&b=2#c"),
        ("http://127.0.0.1:8080/u/t", "http://127.0.0.1:8080/u/t"),
        ("HTTPS://Shop.example/é à.jpg", "https://shop.example/%C3%A9%20%C3%A0.jpg"),
        ("https://exämple.fr/x", "https://xn--exmple-cua.fr/x"),
        ('https://shop.example/"onload=x', "https://shop.example/%22onload=x"),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:image/png;base64,AA", None),
        ("//shop.example/x", None),
        ("https://", None),
        ("https:///x", None),
        ("https://[::1/x", None),
        ("https://shop.example:99999999/", None),
        ("https://shop.example/" + "x" * 3000, None),
        ("", None),
        (None, None),
    ],
)
def test_only_web_addresses_pass(typed: str | None, url: str | None) -> None:
    assert safe_url(typed) == url


@given(anything)
def test_an_address_that_passes_can_stand_in_a_header_and_an_attribute(text: str) -> None:
    url = safe_url("https://shop.example/" + text)

    assert url is None or (url.isascii() and not set(url) & set(" \r\n\"'<>\\"))


def test_sms_text_keeps_to_its_alphabet() -> None:
    assert gsm7("C’est prêt, reçu à l’œuvre… 👋") == "C'est pret, recu à l'oeuvre..."
    assert gsm7("deux\r\nlignes\f") == "deux\nlignes"


@given(anything)
def test_sms_letters_stay_what_they_are_the_second_time(text: str) -> None:
    assert gsm7(gsm7(text)) == gsm7(text)
