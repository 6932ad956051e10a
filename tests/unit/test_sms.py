"""What an SMS costs, and who may send one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.wording import gsm7
from models.sms import ALPHABET, EXTENSION, STOP_BUDGET, Encoding, measure, sender_problem, stop_budget

words = st.text(st.sampled_from(sorted(ALPHABET | EXTENSION)), max_size=700)
anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts", "left"),
    [
        ("", Encoding.GSM7, 0, 1, 160),
        ("a" * 160, Encoding.GSM7, 160, 1, 0),
        ("a" * 161, Encoding.GSM7, 161, 2, 145),
        ("a" * 306, Encoding.GSM7, 306, 2, 0),
        ("a" * 307, Encoding.GSM7, 307, 3, 152),
        ("12 €", Encoding.GSM7, 5, 1, 155),
        ("€" * 80, Encoding.GSM7, 160, 1, 0),
        ("€" * 81, Encoding.GSM7, 162, 2, 143),
        ("a" * 152 + "€" + "a" * 152, Encoding.GSM7, 306, 3, 152),  # the euro does not fit into the first part
        ("{}[]~|\\^\f€", Encoding.GSM7, 20, 1, 140),
        ("éèàùìòÇ\r\n", Encoding.GSM7, 9, 1, 151),
        ("ê" * 70, Encoding.UCS2, 70, 1, 0),
        ("ê" * 71, Encoding.UCS2, 71, 2, 63),
        ("ê" * 134, Encoding.UCS2, 134, 2, 0),
        ("👋" * 35, Encoding.UCS2, 70, 1, 0),
        ("👋" * 36, Encoding.UCS2, 72, 2, 61),  # 33 to a part: none is torn in two
        ("€ê", Encoding.UCS2, 2, 1, 68),
    ],
)
def test_the_parts_of_an_sms_are_counted_as_operators_count_them(
    text: str, encoding: Encoding, units: int, parts: int, left: int
) -> None:
    size = measure(text)
    assert (size.encoding, size.units, size.parts, size.left) == (encoding, units, parts, left)


def test_the_letters_that_make_an_sms_dear_are_named() -> None:
    assert measure("prêt, ça va 👋").foreign == "çê👋"
    assert measure("C'est pret").foreign == ""


def test_the_mention_that_a_provider_appends_is_counted() -> None:
    assert measure("a" * 146, STOP_BUDGET).parts == 1
    assert measure("a" * 147, STOP_BUDGET).parts == 2
    assert measure("ê" * 56, STOP_BUDGET).parts == 1
    assert measure("ê" * 57, STOP_BUDGET).parts == 2


def test_providers_append_the_mention_in_france_and_overseas() -> None:
    assert [stop_budget(country) for country in ("FR", "RE", "NC")] == [STOP_BUDGET] * 3
    assert stop_budget("US") == 0
    assert len("STOP au 36111 ") == STOP_BUDGET


@given(words, st.integers(0, 20))
def test_text_of_the_alphabet_travels_in_septets_and_fills_its_parts(text: str, stop: int) -> None:
    size = measure(text, stop)

    assert (size.encoding, size.foreign) == (Encoding.GSM7, "")
    assert size.units == len(text) + sum(text.count(letter) for letter in EXTENSION) + stop
    assert (size.parts == 1) == (size.units <= 160)
    if size.parts > 1:
        assert 152 * (size.parts - 1) < size.units <= 153 * size.parts - size.left


@given(anything)
def test_any_text_can_be_measured_and_a_longer_one_never_costs_less(text: str) -> None:
    size = measure(text)

    if size.encoding is Encoding.UCS2:
        assert size.units == len(text.encode("utf-16-le")) // 2
        assert (size.parts == 1) == (size.units <= 70)
    assert measure(text + "a").parts >= size.parts
    assert size.left >= 0


@given(anything)
def test_what_we_write_into_an_sms_is_always_of_the_alphabet(text: str) -> None:
    assert measure(gsm7(text)).encoding is Encoding.GSM7


@pytest.mark.parametrize(
    "sender", ["Maison", "Ma Maison", "Shop24", "24h Shop", "ABC", "ABCDEFGHIJK", "36123", "3 61 23"]
)
def test_a_name_or_a_marketing_number_may_send_to_france(sender: str) -> None:
    assert sender_problem(sender, "FR") is None
    assert sender_problem(sender, "RE") is None


@pytest.mark.parametrize(
    ("sender", "word"),
    [
        ("", "3 to 11"),
        ("AB", "3 to 11"),
        ("ABCDEFGHIJKL", "3 to 11"),
        (" Maison", "inner spaces"),
        ("Maison ", "inner spaces"),
        ("Chez-Moi", "letters, digits"),
        ("Été", "plain letters"),
        ("Maison\n", "plain letters"),
        ("38123", "transactional"),
        ("0612345678", "forbidden"),
        ("07 12 34 56 78", "forbidden"),
        ("+33612345678", "forbidden"),
        ("+33 (0)7 12 34 56 78", "forbidden"),
        ("0033612345678", "forbidden"),
        ("33612345678", "forbidden"),
        ("12345", "36xxx"),
        ("361234", "36xxx"),
        ("+33123456789", "36xxx"),
        ("+12125551212", "36xxx"),
    ],
)
def test_other_senders_are_refused_in_france_with_a_sentence(sender: str, word: str) -> None:
    problem = sender_problem(sender, "FR")
    assert problem is not None
    assert word in problem
    assert "\n" not in problem


def test_elsewhere_numbers_may_send_and_names_are_short() -> None:
    assert sender_problem("+12125551212", "US") is None
    assert sender_problem("AB", "BE") is None
    assert sender_problem("ABCDEFGHIJKL", "BE") == (
        "SMS sender 'ABCDEFGHIJKL': a name has 1 to 11 plain letters, digits and inner spaces"
    )
