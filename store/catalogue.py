"""Products and reviews as shops supply them, and what the store itself can count about them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, distinct, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from models.content import Testimonial
from models.events import Line
from models.products import Product
from store.driven import Driven
from store.ids import new_id
from store.lists import among
from store.schema import EVENTS, ORDER_LINES, PRODUCTS, REVIEWS

BUYERS = timedelta(days=30)
"""The span in which buyers of a product are counted."""
_GOOD = 4.0
_KNOWN = (
    *("product_id", "name", "price", "currency", "url", "image_url", "category", "stock", "rating"),
    "review_count",
)

# Every message asks these of what it shows.
_PRODUCTS = Driven(
    select(*[PRODUCTS.c[name] for name in _KNOWN]).where(
        PRODUCTS.c.shop == bindparam("shop"), among(PRODUCTS.c.product_id, "ids")
    )
)
_PRAISE = Driven(
    select(*[REVIEWS.c[name] for name in ("product_id", "text", "rating", "at", "author", "verified")])
    .where(REVIEWS.c.shop == bindparam("shop"), among(REVIEWS.c.product_id, "ids"), REVIEWS.c.rating >= _GOOD)
    .order_by(REVIEWS.c.at.desc(), REVIEWS.c.id)
    .limit(bindparam("limit"))
)
_BUYERS = Driven(
    select(func.count(distinct(ORDER_LINES.c.customer_id))).where(
        ORDER_LINES.c.shop == bindparam("shop"),
        among(ORDER_LINES.c.product_id, "ids"),
        ORDER_LINES.c.placed_at > bindparam("since"),
    )
)


def save_products(connection: Connection, shop: str, products: Sequence[Product], at: datetime) -> None:
    """Write what a shop says of its products; their reviews replace the earlier ones."""
    engine = postgresql if connection.dialect.name == "postgresql" else sqlite
    rows = {one.product_id: _product_row(shop, one, at) for one in products}
    reviews = {one.product_id: [_review_row(shop, one, index) for index in range(len(one.reviews))] for one in products}
    if not rows:
        return
    statement = engine.insert(PRODUCTS)
    kept = {name: statement.excluded[name] for name in next(iter(rows.values())) if name not in ("shop", "product_id")}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["shop", "product_id"], set_=kept), list(rows.values())
    )
    place = (REVIEWS.c.shop == shop, REVIEWS.c.product_id.in_(list(rows)))
    connection.execute(delete(REVIEWS).where(*place))
    new = [row for group in reviews.values() for row in group]
    if new:
        connection.execute(insert(REVIEWS), new)


def _product_row(shop: str, product: Product, at: datetime) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(product, name) for name in _KNOWN}
    return row | {"shop": shop, "updated_at": at}


def _review_row(shop: str, product: Product, index: int) -> dict[str, object]:
    review = product.reviews[index]
    row: dict[str, object] = {name: getattr(review, name) for name in ("text", "rating", "at", "author", "verified")}
    return row | {"id": new_id(), "shop": shop, "product_id": product.product_id}


def products_of(connection: Connection, shop: str, ids: Sequence[str]) -> dict[str, Product]:
    """Return what a shop says of these products, by id, without reviews."""
    if not ids:
        return {}
    found = (dict(zip(_KNOWN, row, strict=True)) for row in _PRODUCTS.rows(connection, {"shop": shop, "ids": ids}))
    return {one["product_id"]: Product(**one) for one in found}


def testimonials(connection: Connection, shop: str, products: dict[str, Product], limit: int) -> list[Testimonial]:
    """Return the latest good reviews that a shop supplied for these products."""
    if not products:
        return []
    return [
        Testimonial(products[product_id].name, text, rating, at.date(), author, verified)
        for product_id, text, rating, at, author, verified in _PRAISE.rows(
            connection, {"shop": shop, "ids": list(products), "limit": limit}
        )
    ]


def buyers_of(connection: Connection, shop: str, ids: Sequence[str], at: datetime) -> int | None:
    """Return how many customers ordered one of these products in the last 30 days; None for nobody."""
    if not ids:
        return None
    ((buyers,),) = _BUYERS.rows(connection, {"shop": shop, "ids": ids, "since": at - BUYERS})
    return buyers or None


def favourites_of(connection: Connection, shop: str, customer_id: str, limit: int) -> list[Line]:
    """Return what a customer ordered or looked at most, of the products that the shop still sells."""
    ordered = select(ORDER_LINES.c.product_id, func.count().label("n")).where(ORDER_LINES.c.customer_id == customer_id)
    looked = select(EVENTS.c.product_id, func.count().label("n")).where(
        EVENTS.c.customer_id == customer_id, EVENTS.c.product_id.is_not(None)
    )
    counts: dict[str, int] = {}
    for statement in (ordered.group_by(ORDER_LINES.c.product_id), looked.group_by(EVENTS.c.product_id)):
        for product_id, number in connection.execute(statement):
            counts[product_id] = counts.get(product_id, 0) + number
    best = sorted(counts, key=lambda one: (-counts[one], one))[: 4 * limit]
    known = products_of(connection, shop, best)
    sold = [known[one] for one in best if one in known and known[one].stock != 0]
    return [
        Line(one.product_id, one.name, one.price, 1, one.category, one.image_url, one.url, one.stock)
        for one in sold[:limit]
    ]
