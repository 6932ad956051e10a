"""A template and hostile facts give a safe message or one clear error, never half a message."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.plaintext import from_html
from channels.rendering import TEMPLATES, Renderer, TemplateError
from models.content import Content, Item
from models.sample import sample
from models.vocabulary import Channel, Kind

OURS = Renderer()
PLAIN = sample(Kind.CART, "reminder", "fr", "regular")
anything = st.text(st.characters())


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a shop's own folder of templates, with one template `cart/mine` in it."""
    write(tmp_path, "email/cart/mine.en.subject.j2", "Mine")
    write(tmp_path, "email/cart/mine.en.html.j2", "<p>Mine</p>")
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    """Put a template into a folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def failure(shop: Path, content: Content = PLAIN) -> TemplateError:
    """Render the shop's template `cart/mine`, insist that it fails, and return how."""
    with pytest.raises(TemplateError) as caught:
        Renderer(shop).render(Channel.EMAIL, "cart/mine", content)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize(
    ("wanted", "greeting"),
    [
        ("fr", "Bonjour"),
        ("fr-CA", "Bonjour"),
        ("fr_FR", "Bonjour"),
        ("en-GB", "Hello"),
        ("de", "Hello"),
        ("../x", "Hello"),
    ],
)
def test_a_customer_is_written_to_in_their_language_or_in_english(wanted: str, greeting: str) -> None:
    assert f"{greeting} Camille," in OURS.render(Channel.EMAIL, "cart/reminder", replace(PLAIN, locale=wanted)).text


def test_french_stands_in_where_there_is_no_english(shop: Path) -> None:
    write(shop, "email/cart/only.fr.subject.j2", "Le nôtre")
    write(shop, "email/cart/only.fr.html.j2", "<p>{{ lang }}</p>")
    rendered = Renderer(shop).render(Channel.EMAIL, "cart/only", replace(PLAIN, locale="de"))

    assert (rendered.subject, rendered.text) == ("Le nôtre", "fr\n")


def test_all_parts_come_from_one_locale(shop: Path) -> None:
    write(shop, "email/cart/mine.fr.subject.j2", "Le mien")

    assert Renderer(shop).render(Channel.EMAIL, "cart/mine", PLAIN).subject == "Mine"


def test_only_templates_with_all_their_parts_exist(shop: Path) -> None:
    write(shop, "email/cart/half.en.subject.j2", "Half")
    renderer = Renderer(shop)

    assert renderer.exists(Channel.EMAIL, "cart/mine", "fr")
    assert renderer.exists(Channel.EMAIL, "cart/reminder", "fr")
    assert renderer.exists(Channel.SMS, "cart/last-call", "fr")
    assert not renderer.exists(Channel.SMS, "cart/reminder", "fr")
    assert not renderer.exists(Channel.EMAIL, "cart/half", "en")
    assert not renderer.exists(Channel.EMAIL, "../email/cart/mine", "en")
    assert not renderer.exists(Channel.EMAIL, "cart", "en")


def test_a_shops_own_template_goes_before_ours(shop: Path) -> None:
    ours = (TEMPLATES / "email/phrases.fr.j2").read_text()
    write(shop, "email/phrases.fr.j2", ours.replace("Bonjour", "Bien le bonjour"))

    assert "Bien le bonjour Camille," in Renderer(shop).render(Channel.EMAIL, "cart/reminder", PLAIN).text


def test_a_template_that_was_removed_is_gone_at_once(shop: Path) -> None:
    renderer = Renderer(shop)
    renderer.render(Channel.EMAIL, "cart/mine", PLAIN)
    (shop / "email/cart/mine.en.html.j2").unlink()

    assert not renderer.exists(Channel.EMAIL, "cart/mine", "en")
    with pytest.raises(TemplateError, match="no template"):
        renderer.render(Channel.EMAIL, "cart/mine", PLAIN)


@pytest.mark.parametrize(
    ("source", "line", "problem"),
    [
        ("<p>\n{{ surname }}", 2, "UndefinedError at `{{ surname }}`"),
        ("{{ brand.phone }}", 1, "UndefinedError"),
        ("<p>\n\n{% if %}", 3, "Expected an expression"),
        ("{{ first_name + 1 }}", 1, "TypeError"),
        ("{{ {}[first_name] }}", 1, "UndefinedError"),
        ("{{ first_name.index(lang) }}", 1, "ValueError"),
        ("{% include first_name %}", 1, "TemplateNotFound"),
        ("{{ brand.__class__.__mro__ }}", 1, "SecurityError"),
        ("{{ 1 / 0 }}", 1, "ZeroDivisionError"),
        ("{% extends 'email/none.html.j2' %}", 1, "TemplateNotFound"),
    ],
)
def test_a_broken_template_names_file_and_line_and_nobody(shop: Path, source: str, line: int, problem: str) -> None:
    write(shop, "email/cart/mine.en.html.j2", source)
    error = failure(shop)

    assert error.template.endswith("mine.en.html.j2")
    assert (error.line, problem in error.problem) == (line, True)
    assert "Camille" not in str(error)


def test_an_empty_subject_is_an_error(shop: Path) -> None:
    write(shop, "email/cart/mine.en.subject.j2", "{{ '' }}\n")

    assert "the subject is empty" in str(failure(shop))


def test_no_message_leaves_without_its_way_out() -> None:
    with pytest.raises(TemplateError, match="unsubscribe_url"):
        OURS.render(Channel.EMAIL, "cart/reminder", replace(PLAIN, unsubscribe_url="javascript:alert(1)"))


def test_a_bad_cart_address_leads_to_the_shop() -> None:
    html = OURS.render(Channel.EMAIL, "cart/reminder", replace(PLAIN, action_url="javascript:alert(1)")).html

    assert "javascript:" not in html
    assert html.count('href="https://shop.example/"') == 2


@given(anything)
def test_a_subject_is_one_short_line_whoever_it_greets(name: str) -> None:
    subject = OURS.render(Channel.EMAIL, "cart/reminder", replace(PLAIN, first_name=name)).subject

    assert 0 < len(subject) <= 150
    assert subject.splitlines() == [subject]
    assert subject.endswith("panier vous attend")


@given(anything, anything)
def test_product_text_never_becomes_markup(name: str, url: str) -> None:
    item = Item("1", f"<img src=x onerror=alert(1)>{name}", 100, url=url, image_url=url)
    html = OURS.render(Channel.EMAIL, "cart/reminder", replace(PLAIN, items=(item,))).html

    assert "<img src=x" not in html
    assert "&lt;img src=x" in html
    html.encode()


def test_hostile_facts_are_shown_harmlessly() -> None:
    name = '"><script>alert(1)</script> \u202eمصباح 💡\r\n'
    item = Item("1", name, 100, 1, "javascript:alert(1)", "data:image/png,x")
    content = replace(PLAIN, first_name="\u202eسارة\r\nBcc: x", items=(item,), currency="<b>")
    rendered = OURS.render(Channel.EMAIL, "cart/reminder", content)

    assert rendered.subject == "سارة Bcc: x, votre panier vous attend"
    assert "<script" not in rendered.html
    assert "<b>" not in rendered.html
    assert "\u202e" not in rendered.html + rendered.text + rendered.subject
    assert "javascript:" not in rendered.html + rendered.text
    assert "data:" not in rendered.html
    assert "مصباح 💡" in rendered.html


def test_endless_facts_stay_within_bounds() -> None:
    items = tuple(Item(str(n), "x" * 5000, 100, url="https://shop.example/" + "u" * 2000) for n in range(200))
    rendered = OURS.render(Channel.EMAIL, "cart/reminder", replace(PLAIN, first_name="n" * 4000, items=items))

    assert len(rendered.html.encode()) < 100_000
    assert "et 195 autres articles" in rendered.text
    assert rendered.subject == "Votre panier vous attend"


def test_the_text_part_reads_like_the_page() -> None:
    html = (
        "<html><head><title>No</title><style>p > b {}</style></head><body><!-- no -->"
        '<div aria-hidden="true">no<img alt="no"><a href="https://no.example">no</a></div>'
        "<h1>Head&amp;line</h1><p>One <b>two</b>\n three</p>"
        "<table><tbody><tr><td>Lamp</td><td></td><td>5&nbsp;€</td></tr></tbody></table><ul><li>first</li></ul>"
        '<a href="https://a.example/?x=1&amp;y=2">Go</a> <a href="https://b.example"><img alt="Shop"></a>'
        '<a title="a > b" href="https://c.example"></a><o:p>end</o:p></body></html>'
    )

    assert from_html(html) == (
        "Head&line\n\nOne two three\n\nLamp · 5\u00a0€\n\n- first\n\n"
        "Go <https://a.example/?x=1&y=2> Shop <https://b.example>https://c.exampleend\n"
    )
