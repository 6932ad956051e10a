"""What a well-formed product of `PUT /v1/products` means: from shapes to the values of `models`."""

from datetime import datetime

from api.checks import currency, moment
from api.shapes import ProductShape
from models.contact import clean, text_or_none
from models.products import Product, Review


def product_of(shape: ProductShape, latest: datetime) -> Product:
    """Return what the shop says of a product; raise `Problem`, for a review dated after `latest` too."""
    return Product(
        product_id=shape.product_id,
        name=clean(shape.name) or shape.product_id,
        price=shape.price,
        currency=currency(shape.currency, "currency"),
        url=shape.url,
        image_url=shape.image_url,
        category=text_or_none(shape.category),
        stock=stock_of(shape.stock),
        rating=shape.rating,
        review_count=shape.review_count,
        reviews=tuple(
            Review(
                text=clean(one.text, 5000),
                rating=one.rating,
                at=moment(one.at, f"reviews[{index}].at", latest),
                author=text_or_none(one.author),
                verified=one.verified,
            )
            for index, one in enumerate(shape.reviews or ())
        ),
    )


def stock_of(stock: int | None) -> int | None:
    """Return what can be sold: shops report oversold products below zero."""
    return None if stock is None else max(0, stock)
