"""Invented content, so that every message can be looked at and tested before a customer exists."""

from datetime import date

from models.content import Brand, Content, Incentive, Item, Testimonial
from models.vocabulary import Kind

_ENDS_ON = date(2030, 1, 31)
_REVIEWED_ON = date(2029, 11, 12)
_PERCENT = {"high-value": 15}


def sample(
    policy_kind: Kind,
    step: str,
    locale: str,
    segment: str,
    depth: str | None = None,
    *,
    offer: bool = True,
    reviews: bool = True,
) -> Content:
    """Return the content of one step as a shop with made-up products would fill it.

    `offer` puts a promo code into the step `incentive`; `reviews` puts ratings and testimonials into the step
    `social-proof`. Sample names contain the word "example" or "exemple", addresses end in `.example`.
    """
    french = locale.startswith("fr")
    cart = policy_kind is Kind.CART
    items = _items(french, lamps=2 if cart else 1, chair=segment == "high-value")
    proof = reviews and step == "social-proof"
    return Content(
        brand=_brand(french),
        locale=locale,
        currency="EUR",
        segment=segment,
        depth=None if cart else depth or "slight",
        first_name="Camille",
        items=items,
        total=sum(item.price * item.quantity for item in items) if cart else 0,
        action_url="https://shop.example/cart/sample" if cart else "https://shop.example/",
        unsubscribe_url="https://relaunch.example/u/sample",
        preferences_url="https://relaunch.example/u/sample/preferences",
        testimonials=_testimonials(french, items[0].name) if proof else (),
        buyers=42 if proof else None,
        rating=4.7 if proof else None,
        rating_count=128 if proof else None,
        incentive=_incentive(french, segment) if offer and step == "incentive" else None,
    )


def _brand(french: bool) -> Brand:
    return Brand(
        name="Maison Exemple" if french else "Example House",
        url="https://shop.example/",
        sender="bonjour@shop.example" if french else "hello@shop.example",
        reply_to="equipe@shop.example" if french else "team@shop.example",
        postal_address="1 rue de l’Exemple, 75000 Paris" if french else "1 Example Street, London",
        privacy_url="https://shop.example/privacy",
        logo_url=None,
    )


def _items(french: bool, *, lamps: int, chair: bool) -> tuple[Item, ...]:
    lamp = "Lampe de chevet Exemple, laiton brossé" if french else "Example bedside lamp, brushed brass"
    throw = "Plaid Exemple en laine, bleu nuit" if french else "Example wool throw, midnight blue"
    armchair = "Fauteuil Exemple en chêne clair" if french else "Example armchair in pale oak"
    shop = "https://shop.example"
    items = (
        Item("sample-lamp", lamp, 6490, lamps, f"{shop}/p/lamp", f"{shop}/i/lamp.jpg"),
        Item("sample-throw", throw, 4500, 1, f"{shop}/p/throw", f"{shop}/i/throw.jpg", stock=3),
    )
    return (Item("sample-chair", armchair, 89000, 1, f"{shop}/p/chair"), *items) if chair else items


def _testimonials(french: bool, product: str) -> tuple[Testimonial, ...]:
    soft = "La lumière est douce et la finition soignée." if french else "A soft light, and beautifully finished."
    sturdy = "Plus lourd que prévu, mais très stable." if french else "Heavier than expected, but very steady."
    return (
        Testimonial(product, soft, 5.0, _REVIEWED_ON, "Exemple A." if french else "Example A.", verified=True),
        Testimonial(product, sturdy, 4.0, _REVIEWED_ON, None, verified=False),
    )


def _incentive(french: bool, segment: str) -> Incentive:
    exclusions = "cartes cadeaux" if french else "gift cards"
    return Incentive(_PERCENT.get(segment, 10), "CODE-EXEMPLE" if french else "SAMPLE-CODE", _ENDS_ON, 5000, exclusions)
