"""Everything that one message is made of, read at one moment."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from models.content import Testimonial
from models.events import Line
from models.policy import Policy
from models.products import Product
from models.situation import Situation
from models.step import Step
from models.vocabulary import Kind
from store.catalogue import buyers_of, favourites_of, products_of, testimonials
from store.policies import version
from store.shops import ShopRecord, load_shop
from store.situations import load_situation

_REVIEWS = 2
_FAVOURITES = 3


@dataclass(frozen=True, slots=True)
class Draft:
    """A step of a journey before it is written: its policy, its shop, and the products that it may show."""

    situation: Situation
    policy: Policy
    step: Step
    shop: ShopRecord
    lines: tuple[Line, ...]
    products: dict[str, Product]
    testimonials: tuple[Testimonial, ...]
    buyers: int | None


def load_draft(connection: Connection, journey_id: str, step: str, at: datetime) -> Draft | None:
    """Return the draft of a step; None when there is no such journey, or no such step in its policy."""
    situation = load_situation(connection, journey_id, step, at)
    if situation is None:
        return None
    policy = version(connection, situation.journey.policy_hash)
    planned = policy.step(step)
    if planned is None:
        return None
    shop = situation.journey.shop
    lines = _lines(connection, situation)
    products = products_of(connection, shop, [line.product_id for line in lines])
    return Draft(
        situation,
        policy,
        planned,
        load_shop(connection, shop),
        lines,
        products,
        tuple(testimonials(connection, shop, products, _REVIEWS)),
        buyers_of(connection, shop, [line.product_id for line in lines], at),
    )


def _lines(connection: Connection, situation: Situation) -> tuple[Line, ...]:
    journey = situation.journey
    if journey.kind is Kind.CART:
        return situation.cart.lines if situation.cart else ()
    if situation.customer is None:
        return ()
    return tuple(favourites_of(connection, journey.shop, situation.customer.id, _FAVOURITES))
