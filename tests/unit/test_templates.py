"""Every message we ship reads well in every variant, and keeps the promises that the law and the contract make."""

import re
from dataclasses import replace
from html import unescape
from itertools import product

import pytest

from channels.rendering import TEMPLATES, Renderer
from channels.wording import NBSP, gsm7
from models.content import Content
from models.sample import sample
from models.sms import STOP_BUDGET, measure
from models.vocabulary import Channel, Kind

RENDERER = Renderer()
STEPS = ("reminder", "social-proof", "incentive")
SEGMENTS = ("high-value", "new", "regular")
LOCALES = ("fr", "en")
CART: list[tuple[Kind, str, str, str, str | None]] = [
    (Kind.CART, step, locale, segment, None)
    for step, locale, segment in product((*STEPS, "last-call"), LOCALES, SEGMENTS)
]
INACTIVE: list[tuple[Kind, str, str, str, str | None]] = [
    (Kind.INACTIVE, step, locale, segment, depth)
    for step, locale, segment, depth in product(STEPS, LOCALES, SEGMENTS, ("slight", "middling", "deep"))
]
every_mail = pytest.mark.parametrize(("kind", "step", "locale", "segment", "depth"), CART + INACTIVE)


def variants(kind: Kind, step: str, locale: str, segment: str, depth: str | None) -> list[Content]:
    """Return one message's content with everything, with nothing, and with what lies between."""
    full = sample(kind, step, locale, segment, depth)
    bare = sample(kind, step, locale, segment, depth, offer=False, reviews=False)
    brand = replace(full.brand, reply_to=None, privacy_url=None, url="", postal_address="")
    return [
        full,
        bare,
        replace(full, first_name=None, items=full.items[:1]),
        replace(full, testimonials=(), rating_count=None, buyers=1, rehearsal=True),
        replace(full, rating=None, testimonials=(), items=full.items * 4),
        replace(bare, brand=brand, items=(), total=0, first_name=None),
        replace(full, brand=replace(full.brand, logo_url="https://shop.example/logo.png"), currency="JPY"),
    ]


@every_mail
def test_every_mail_keeps_its_promises(kind: Kind, step: str, locale: str, segment: str, depth: str | None) -> None:
    for content in variants(kind, step, locale, segment, depth):
        rendered = RENDERER.render(Channel.EMAIL, f"{kind}/{step}", content)
        links = {unescape(link) for link in re.findall(r'href="([^"]*)"', rendered.html)}

        assert len(rendered.html.encode()) < 30_000
        assert all(link in rendered.text for link in links)
        assert {content.action_url, content.unsubscribe_url} <= links
        assert f"{'Me désinscrire' if locale == 'fr' else 'Unsubscribe'} <{content.unsubscribe_url}>" in rendered.text
        assert (content.brand.privacy_url or content.action_url) in links
        assert content.brand.postal_address in rendered.text
        assert content.brand.name in rendered.text
        assert ("publicitaire" if locale == "fr" else "Advertising") in rendered.text
        assert (("Répétition" if locale == "fr" else "Rehearsal") in rendered.text) == content.rehearsal
        assert f'<html lang="{locale}"' in rendered.html
        assert all("alt=" in image for image in re.findall(r"<img[^>]*>", rendered.html))
        assert all('role="presentation"' in table for table in re.findall(r"<table[^>]*>", rendered.html))
        assert "<script" not in rendered.html
        assert "None" not in rendered.html
        assert "<s>" not in rendered.html
        assert "line-through" not in rendered.html


@every_mail
def test_a_known_name_is_in_subject_and_body_and_an_unknown_one_leaves_no_gap(
    kind: Kind, step: str, locale: str, segment: str, depth: str | None
) -> None:
    known, unknown = (
        RENDERER.render(Channel.EMAIL, f"{kind}/{step}", replace(content, first_name=name))
        for content in [sample(kind, step, locale, segment, depth)]
        for name in ("Zoë", None)
    )
    hello = "Bonjour" if locale == "fr" else "Hello"

    assert known.subject.startswith("Zoë, ")
    assert f"{hello} Zoë,\n" in known.text
    assert f"{hello},\n" in unknown.text
    assert unknown.subject[0].isupper() or unknown.subject[0].isdigit()


@every_mail
def test_the_spaces_are_right(kind: Kind, step: str, locale: str, segment: str, depth: str | None) -> None:
    for content in variants(kind, step, locale, segment, depth):
        rendered = RENDERER.render(Channel.EMAIL, f"{kind}/{step}", content)
        words = re.sub(r" ?<?https?://[^\s>]+>?", "", rendered.text)

        for text in (rendered.subject, words):
            assert not re.search(r"[a-zà-ÿ][.!?;][A-ZÀ-Ý]", text)
            assert not re.search(r" [,.]|  ", text)
            if locale == "fr":
                assert not re.search(r"(?<!\u00a0)[?!;:»%](?:\s|$)|«(?!\u00a0)", text)
                assert "'" not in text


@pytest.mark.parametrize(("kind", "locale"), list(product(Kind, LOCALES)))
def test_an_offer_shows_all_its_terms_and_its_absence_shows_none(kind: Kind, locale: str) -> None:
    content = sample(kind, "incentive", locale, "regular", "slight")
    offered = RENDERER.render(Channel.EMAIL, f"{kind}/incentive", content).text
    plain = RENDERER.render(Channel.EMAIL, f"{kind}/incentive", replace(content, incentive=None))
    terms = {
        "fr": [f"10{NBSP}% de remise", "CODE-EXEMPLE", f"31{NBSP}janvier 2030", f"50,00{NBSP}€", "cartes cadeaux"],
        "en": ["10% off", "SAMPLE-CODE", f"31{NBSP}January 2030", "€50.00", "gift cards"],
    }[locale]

    assert [term for term in terms if term not in offered] == []
    assert not re.search(r"%|code|remise|discount|offre|offer", plain.text + plain.subject, re.IGNORECASE)


@pytest.mark.parametrize(("kind", "locale"), list(product(Kind, LOCALES)))
def test_social_proof_says_only_what_is_known(kind: Kind, locale: str) -> None:
    template = f"{kind}/social-proof"
    content = sample(kind, "social-proof", locale, "regular", "slight")
    proved = RENDERER.render(Channel.EMAIL, template, content)
    unproved = RENDERER.render(Channel.EMAIL, template, replace(content, testimonials=(), rating=None, buyers=None))
    claims = r"avis|review|/5|note\b|rating|personnes|people|d’autres|others|★"

    assert content.testimonials[0].text in proved.text
    assert ("avis non vérifié" if locale == "fr" else "review not verified") in proved.text.replace(NBSP, " ")
    assert ("4,7/5" if locale == "fr" else "4.7/5") in proved.text
    assert "128" in proved.text
    assert "42" in proved.text
    assert not re.search(claims, unproved.text + unproved.subject, re.IGNORECASE)


def test_only_privileged_and_new_customers_are_asked_to_reply_and_only_where_a_reply_is_read() -> None:
    asked = set()
    for segment, reply in product(SEGMENTS, ("equipe@shop.example", None)):
        content = sample(Kind.CART, "reminder", "fr", segment)
        content = replace(content, brand=replace(content.brand, reply_to=reply))
        if "Répondez" in RENDERER.render(Channel.EMAIL, "cart/reminder", content).text:
            asked.add((segment, reply))

    assert asked == {("high-value", "equipe@shop.example"), ("new", "equipe@shop.example")}


@pytest.mark.parametrize(("stock", "said"), [(3, "3 en stock"), (0, "Épuisé"), (6, None), (None, None)])
def test_stock_is_told_when_low_and_known(stock: int | None, said: str | None) -> None:
    content = sample(Kind.CART, "reminder", "fr", "regular")
    text = RENDERER.render(
        Channel.EMAIL, "cart/reminder", replace(content, items=(replace(content.items[0], stock=stock),))
    ).text

    assert (said or "Lampe") in text
    assert said is not None or "stock" not in text


def test_a_deep_sleeper_is_offered_the_way_out_in_the_message_itself() -> None:
    for step in STEPS:
        content = sample(Kind.INACTIVE, step, "fr", "regular", "deep")
        text = RENDERER.render(Channel.EMAIL, f"inactive/{step}", content).text

        assert text.count(f"<{content.unsubscribe_url}>") == 2


def test_the_parts_of_a_cart_are_priced_by_line_and_in_total() -> None:
    text = RENDERER.render(Channel.EMAIL, "cart/reminder", sample(Kind.CART, "reminder", "fr", "regular")).text

    assert f"2 × 64,90{NBSP}€ · 129,80{NBSP}€\n" in text
    assert f"Total du panier · 174,80{NBSP}€\n" in text


@pytest.mark.parametrize(
    ("locale", "rehearsal", "name"), list(product(LOCALES, [True, False], ["Hélène", "سارة", None]))
)
def test_an_sms_fits_into_one_with_room_for_stop(locale: str, rehearsal: bool, name: str | None) -> None:
    content = replace(sample(Kind.CART, "last-call", locale, "high-value"), rehearsal=rehearsal, first_name=name)
    rendered = RENDERER.render(Channel.SMS, "cart/last-call", content)
    offered = sample(Kind.CART, "incentive", locale, "high-value").incentive
    longer = RENDERER.render(Channel.SMS, "cart/last-call", replace(content, incentive=offered)).text

    assert rendered.text == gsm7(rendered.text)
    assert measure(rendered.text, STOP_BUDGET).parts == 1
    assert measure(longer).parts == 1
    assert rendered.text.endswith(content.action_url)
    assert content.brand.name in rendered.text
    assert rendered.text.startswith("TEST ") == rehearsal
    assert ": ," not in rendered.text


def test_every_template_we_ship_has_both_languages() -> None:
    names = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.j2")}
    french = {name for name in names if ".fr." in name}

    assert {name.replace(".fr.", ".en.") for name in french} == {name for name in names if ".en." in name}
    assert len(french) == 2 * 7 + 1 + 1 + 2
