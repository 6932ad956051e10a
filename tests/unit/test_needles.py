import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.needles import Needle, Sort, needles, read, write

ADDRESS = Needle(Sort.ADDRESS, "Zoé.Martin@Bücher.example")


@pytest.mark.parametrize(
    "text",
    [
        "Zoé.Martin@Bücher.example",
        "zoé.martin@bücher.example",
        json.dumps({"email": "zoé.martin@bücher.example"}),
        f"https://shop.example/?e={quote('zoé.martin@bücher.example')}",
        "To: zoé.martin@xn--bcher-kva.example",
    ],
)
def test_an_address_is_found_in_every_spelling(text: str) -> None:
    assert ADDRESS.named_in(text.encode())


def test_a_number_is_found_as_it_is_dialled_anywhere() -> None:
    phone = Needle(Sort.PHONE, "+33698765432")
    assert phone.spellings() == {b"33698765432", b"0698765432"}
    for text in ("+33698765432", "0033698765432", "0698765432", "%2B33698765432"):
        assert phone.named_in(text.encode())
    assert not phone.named_in(b"+33698765433")


def test_a_number_that_is_none_is_found_as_it_is() -> None:
    assert Needle(Sort.PHONE, "12345").spellings() == {b"12345"}


@pytest.mark.parametrize(
    ("needle", "telling"),
    [
        (Needle(Sort.ADDRESS, "a@b.example"), True),
        (Needle(Sort.PHONE, "+33698765432"), True),
        (Needle(Sort.ID, "12345678"), True),
        (Needle(Sort.ID, "1234567"), False),
        (Needle(Sort.NAME, "Maximilienne"), False),
    ],
)
def test_only_what_means_this_person_anywhere_is_searched_for_everywhere(needle: Needle, *, telling: bool) -> None:
    assert needle.telling is telling


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Rose rang us", True),
        ('{"first_name": "ROSE"}', True),
        ("rose_martin", True),
        ("a primrose path", False),
        ("Rosemary", False),
        ("rose2", False),
    ],
)
def test_a_name_is_found_as_a_word_alone(text: str, *, found: bool) -> None:
    assert Needle(Sort.NAME, "Rose").named_in(text.encode()) is found


def test_a_name_of_two_letters_is_not_looked_for() -> None:
    assert not Needle(Sort.NAME, "Bo").named_in(b"Bo rang us")


def test_needles_are_read_as_they_were_written() -> None:
    found = needles(["a@b.example", None, "a@b.example"], ["+33698765432"], ["42"], ["Zoé", ""])
    assert [one.sort for one in found] == [Sort.ADDRESS, Sort.PHONE, Sort.ID, Sort.NAME]
    assert read(write(found)) == found


@given(st.text(min_size=1, max_size=40))
def test_no_spelling_is_empty_and_the_text_itself_is_always_found(text: str) -> None:
    needle = Needle(Sort.ADDRESS, text)
    spellings = needle.spellings()
    assert all(spellings)
    assert needle.named_in(f"<<{text}>>".encode(errors="replace"))
    assert not any(one in other for one in spellings for other in spellings - {one})
