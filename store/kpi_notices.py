"""What providers told of deliveries: complaints, and messages that came back."""

from collections import defaultdict

from sqlalchemy import Connection, Select, func, select

from models.notices import REFUSED_BY
from models.provider_events import ProviderEventType
from models.tallies import ARRIVAL_WINDOW, OBJECTION_WINDOW, Book, Count, Place
from store.cohort import DELIVERED, SENT, STEP, Cohort, place_of
from store.schema import DELIVERIES, NOTICES

_BACK = [kind.value for kind in REFUSED_BY]
_COLUMNS = (
    *STEP,
    DELIVERIES.c.id.label("delivery"),
    DELIVERIES.c.handed_at,
    NOTICES.c.type,
    NOTICES.c.permanent,
    NOTICES.c.at,
)
_TOLD = select(*_COLUMNS).select_from(DELIVERED.join(NOTICES, NOTICES.c.delivery_id == DELIVERIES.c.id))


def count_notices(connection: Connection, cohort: Cohort, book: Book) -> None:
    """Count the sent deliveries of providers that tell what becomes of them, the complaints and what came back."""
    told = DELIVERIES.alias()  # by the delivery: who sends by SMTP may be told by the relay's own name
    tells = select(told.c.provider).join(NOTICES, NOTICES.c.delivery_id == told.c.id).distinct()
    telling = DELIVERIES.c.provider.in_(tells)
    number = select(*STEP, func.count().label("number")).select_from(DELIVERED)
    for row in connection.execute(number.where(SENT, cohort.condition, telling).group_by(*STEP)).mappings():
        book.count(place_of(row), Count.WATCHED, row["number"])
    _count_complaints(connection, _TOLD.where(SENT, cohort.condition), book)
    _count_returns(connection, _TOLD.where(SENT, cohort.condition), book)


def _count_complaints(connection: Connection, told: Select[tuple[object, ...]], book: Book) -> None:
    """Count each delivery of which its reader complained within 7 days."""
    seen: set[str] = set()
    for row in connection.execute(told.where(NOTICES.c.type == ProviderEventType.COMPLAINED)).mappings():
        if row["at"] <= row["handed_at"] + OBJECTION_WINDOW and row["delivery"] not in seen:
            seen.add(row["delivery"])
            book.count(place_of(row), Count.COMPLAINED)


def _count_returns(connection: Connection, told: Select[tuple[object, ...]], book: Book) -> None:
    """Count what came back within 72 hours: for good, or without having arrived at another try."""
    places: dict[str, Place] = {}
    words: defaultdict[str, set[str | bool | None]] = defaultdict(set)
    for row in connection.execute(told.where(NOTICES.c.type.in_([*_BACK, ProviderEventType.DELIVERED]))).mappings():
        if row["type"] == ProviderEventType.DELIVERED:
            words[row["delivery"]].add(ProviderEventType.DELIVERED)
        elif row["at"] <= row["handed_at"] + ARRIVAL_WINDOW:
            places[row["delivery"]] = place_of(row)
            words[row["delivery"]].add(row["permanent"] is True)
    for delivery, place in places.items():
        if True in words[delivery] or ProviderEventType.DELIVERED not in words[delivery]:
            book.count(place, Count.RETURNED)
