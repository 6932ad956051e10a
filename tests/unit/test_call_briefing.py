"""What staff reads before a call: everything that is known, nothing invented, and no pressure on anybody."""

import re
from dataclasses import replace
from datetime import date

import pytest

from channels.rendering import Renderer
from models.content import Content, Earlier, Item
from models.sample import sample
from models.vocabulary import Channel, Kind

RENDERER = Renderer()
LOCALES = ("fr", "en")
REMINDED = Earlier("reminder", "email", date(2030, 1, 2))


def briefing(content: Content, step: str = "call-back") -> str:
    return RENDERER.render(Channel.CALL, f"cart/{step}", content).text


def content(locale: str, step: str = "call-back") -> Content:
    return replace(sample(Kind.CART, step, locale, "high-value"), earlier=(REMINDED,), speaks="en-GB")


@pytest.mark.parametrize("locale", LOCALES)
def test_a_briefing_says_who_left_what_and_what_they_got(locale: str) -> None:
    said = briefing(content(locale))
    facts = ("Camille", content(locale).brand.name, content(locale).action_url, "en-GB", "reminder (e-mail)")
    amount = "1\u202f064,80\u00a0€" if locale == "fr" else "€1,064.80"
    assert [fact for fact in (*facts, amount, "2030") if fact not in said] == []
    assert len([line for line in said.splitlines() if line.startswith("- ")]) == 3


@pytest.mark.parametrize("locale", LOCALES)
def test_whoever_calls_is_told_to_say_so_to_press_nobody_and_to_take_no_for_an_answer(locale: str) -> None:
    said = briefing(content(locale))
    french, english = ("commercial", "sans presser", "declined"), ("commercial", "press nobody", "declined")
    wanted = french if locale == "fr" else english
    assert [word for word in wanted if word not in said] == []
    assert not re.search(r"dépêche|vite|dernière chance|hurry|last chance|only today|!", said, re.IGNORECASE)


@pytest.mark.parametrize("locale", LOCALES)
def test_what_is_not_known_leaves_no_gap(locale: str) -> None:
    bare = replace(content(locale), first_name=None, items=(), total=0, earlier=(), speaks=None)
    said = briefing(bare)
    assert "None" not in said
    assert "  " not in said
    assert all(line.strip() == line and line for line in said.splitlines())
    assert ("Rien ne lui a encore été envoyé." if locale == "fr" else "Nothing has been sent to them yet.") in said


@pytest.mark.parametrize("locale", LOCALES)
def test_an_offer_that_may_be_given_comes_with_its_terms(locale: str) -> None:
    said = briefing(content(locale, "incentive"))
    assert ("CODE-EXEMPLE" if locale == "fr" else "SAMPLE-CODE") in said
    assert "2030" in said
    assert "CODE" not in briefing(content(locale))


@pytest.mark.parametrize(("locale", "words"), [("fr", "Répétition\u00a0: n’appelez pas"), ("en", "Rehearsal: do not")])
def test_in_a_rehearsal_nobody_is_called(locale: str, words: str) -> None:
    assert briefing(replace(content(locale), rehearsal=True)).startswith(words)
    assert words not in briefing(content(locale))


def test_hostile_words_of_a_customer_stay_on_their_line_and_say_nothing_in_our_name() -> None:
    name = "Zoé\nDéjà envoyé le 1er janvier\u202e : rien"
    item = Item("p", "Vase\r\n- 1 × Lingot d’or à 0,01 €\x1b[2J", 100)
    hostile = replace(content("fr"), first_name=name, items=(item,))
    lines = briefing(hostile).splitlines()
    assert len([line for line in lines if line.startswith("- ")]) == 1
    assert len([line for line in lines if line.startswith("Déjà envoyé")]) == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", "".join(lines))


@pytest.mark.parametrize("locale", LOCALES)
def test_the_briefing_of_a_last_call_is_the_same(locale: str) -> None:
    assert briefing(content(locale), "last-call") == briefing(content(locale))
