"""A real HTTP server in a storefront's place: it holds orders and carts, answers questions, and has its moods."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from typing import Literal

from tests.provider_double import Act, Asked, HttpDouble, Reply

ECHO = "camille.durand@example.org +33612345678 Sandales"
"""What the prose of its errors repeats, as servers do."""

Status = Literal["paid", "unpaid", "cancelled", "refunded"]


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order as the shop knows it; `price` in minor units of EUR is its total, and that of its one line.

    `customer_id` None is a guest. `spoilt` is one that nobody understands: the double writes it without its id.
    """

    number: int
    placed_at: datetime
    updated_at: datetime
    status: Status = "paid"
    email: str | None = None
    customer_id: int | None = None
    token: str | None = None
    price: int = 7990
    spoilt: bool = False


@dataclass(frozen=True, slots=True)
class ShopCart:
    """A cart that is no order yet, with one line of one piece; `price` in minor units of EUR."""

    number: int
    token: str
    updated_at: datetime
    email: str | None = None
    customer_id: int | None = None
    product: str = "Sandales"
    price: int = 7990
    spoilt: bool = False


class Mood(StrEnum):
    """How the storefront is today."""

    FINE = auto()
    UNAUTHORIZED = auto()
    FORBIDDEN = auto()
    BUSY = auto()  # 429 with Retry-After: 120
    BROKEN = auto()
    GATEWAY = auto()
    HANGING = auto()
    CUTTING = auto()  # the line, without an answer
    HTML = auto()
    TRUNCATED = auto()
    MISSHAPEN = auto()  # JSON, but none that the storefront ever sends: `wrong`


class ShopDouble(HttpDouble):
    """Derive from it, and say whether a request bears the key and what is answered to it on a fine day.

    `orders` and `carts` are what it holds, by number; `put` writes one or several, `mood` is how it is, `wrong` a JSON
    body of the wrong shape. Of `HttpDouble`: `asked` are all requests, `instead` one answer to all while it is set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[int, ShopOrder] = {}
        self.carts: dict[int, ShopCart] = {}
        self.mood = Mood.FINE
        self.wrong = b'"text"'

    @abstractmethod
    def knows(self, asked: Asked) -> bool:
        """Tell whether the request bears the right key."""

    @abstractmethod
    def fine(self, asked: Asked) -> Reply:
        """Answer a request as the storefront documents it, with its filters, its order and its pages."""

    def put(self, *things: ShopOrder | ShopCart) -> None:
        """Write orders and carts, in the place of those with the same number."""
        for thing in things:
            if isinstance(thing, ShopOrder):
                self.orders[thing.number] = thing
            else:
                self.carts[thing.number] = thing

    def sorted_orders(self) -> Sequence[ShopOrder]:
        """Return the orders by the time of their last change, then by number."""
        return sorted(self.orders.values(), key=lambda one: (one.updated_at, one.number))

    def sorted_carts(self) -> Sequence[ShopCart]:
        """Return the carts by the time of their last change, then by number."""
        return sorted(self.carts.values(), key=lambda one: (one.updated_at, one.number))

    def answer(self, asked: Asked) -> Reply | Act:
        """Answer as the mood is."""
        if not self.knows(asked):
            return Reply(401, ECHO.encode())
        if self.instead is not None:
            return self.instead
        return self.fine(asked) if self.mood is Mood.FINE else self._moody(asked)

    def _moody(self, asked: Asked) -> Reply | Act:
        if self.mood is Mood.TRUNCATED:
            body = self.fine(asked).body
            return Reply(200, body[: len(body) // 2])
        return Reply(200, self.wrong) if self.mood is Mood.MISSHAPEN else _MOODS[self.mood]


_PROSE = ECHO.encode()
_PAGE = f"<!doctype html><title>{ECHO}</title>".encode()
_MOODS: Mapping[Mood, Reply | Act] = {
    Mood.UNAUTHORIZED: Reply(401, _PROSE),
    Mood.FORBIDDEN: Reply(403, _PROSE),
    Mood.BUSY: Reply(429, _PROSE, {"Retry-After": "120"}),
    Mood.BROKEN: Reply(500, _PROSE),
    Mood.GATEWAY: Reply(502, _PAGE),
    Mood.HANGING: Act.HANG,
    Mood.CUTTING: Act.DROP,
    Mood.HTML: Reply(200, _PAGE),
}
