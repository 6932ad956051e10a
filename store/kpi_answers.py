"""What customers did about a delivery: objections, and opens and clicks of those who agreed to be measured."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, ScalarSelect, and_, exists, func, select

from models.events import EventType
from models.profile import by_machine
from models.tallies import ANSWER_WINDOW, OBJECTION_WINDOW, Book, Count
from models.vocabulary import Channel, ConsentState, Purpose
from store.cohort import DELIVERED, SENT, STEP, Cohort, place_of
from store.schema import CONSENTS, DELIVERIES, EVENTS

_COLUMNS = (*STEP, DELIVERIES.c.id.label("delivery"), DELIVERIES.c.handed_at)
TRACKING = {
    EventType.EMAIL_OPENED: ("open_tracking", Count.OPENABLE, Count.OPENED),
    EventType.EMAIL_CLICKED: ("click_tracking", Count.CLICKABLE, Count.CLICKED),
}
"""The consent that each answer needs, and what is counted by it."""


def count_objections(connection: Connection, cohort: Cohort, book: Book) -> None:
    """Count deliveries followed within 7 days by the customer's objection to their channel; the latest one has it."""
    same = and_(CONSENTS.c.customer_id == DELIVERIES.c.customer_id, CONSENTS.c.channel == DELIVERIES.c.channel)
    statement = (
        select(*_COLUMNS, CONSENTS.c.at)
        .select_from(DELIVERED.join(CONSENTS, same))
        .where(CONSENTS.c.purpose == Purpose.MARKETING, CONSENTS.c.state == ConsentState.WITHDRAWN)
        .where(SENT, cohort.condition, cohort.later(CONSENTS.c.at))
        .where(DELIVERIES.c.handed_at == _latest(CONSENTS.c.at))
    )
    seen: set[str] = set()
    for row in connection.execute(statement).mappings():
        if row["at"] <= row["handed_at"] + OBJECTION_WINDOW and row["delivery"] not in seen:
            seen.add(row["delivery"])
            book.count(place_of(row), Count.OBJECTED)


def count_answers(connection: Connection, cohort: Cohort, book: Book, answer: EventType) -> None:
    """Count e-mails whose opens or clicks may be known, and those a human opened or clicked within 7 days."""
    purpose, possible, done = TRACKING[answer]
    asked = (SENT, DELIVERIES.c.channel == Channel.EMAIL, cohort.condition, _agreed(purpose))
    number = select(*STEP, func.count().label("number")).select_from(DELIVERED).where(*asked).group_by(*STEP)
    for row in connection.execute(number).mappings():
        book.count(place_of(row), possible, row["number"])
    statement = (
        select(*_COLUMNS, EVENTS.c.at, EVENTS.c.properties)
        .select_from(DELIVERED.join(EVENTS, EVENTS.c.customer_id == DELIVERIES.c.customer_id))
        .where(EVENTS.c.type == answer, cohort.later(EVENTS.c.at), *asked)
        .where(DELIVERIES.c.handed_at == _latest(EVENTS.c.at))
    )
    seen: set[str] = set()
    for row in connection.execute(statement).mappings():
        within = row["at"] <= row["handed_at"] + ANSWER_WINDOW
        if within and not by_machine(row["properties"] or {}) and row["delivery"] not in seen:
            seen.add(row["delivery"])
            book.count(place_of(row), done)


def _latest(at: ColumnElement[datetime]) -> ScalarSelect[datetime]:
    """Select when the customer last got a message of that channel before something of theirs happened."""
    other = DELIVERIES.alias()
    same = (other.c.customer_id == DELIVERIES.c.customer_id, other.c.channel == DELIVERIES.c.channel)
    newest = select(func.max(other.c.handed_at)).where(*same, other.c.state == DELIVERIES.c.state)
    return newest.where(other.c.handed_at <= at).scalar_subquery()


def _agreed(purpose: str) -> ColumnElement[bool]:
    """The customer had agreed to be measured before the hand-over, and has not withdrawn it since."""
    yes, no = CONSENTS.alias(), CONSENTS.alias()
    same = (no.c.customer_id == yes.c.customer_id, no.c.channel == yes.c.channel, no.c.purpose == yes.c.purpose)
    withdrawn = exists().where(*same, no.c.state == ConsentState.WITHDRAWN, no.c.at >= yes.c.at)
    mine = (yes.c.customer_id == DELIVERIES.c.customer_id, yes.c.channel == DELIVERIES.c.channel)
    granted = (yes.c.purpose == purpose, yes.c.state == ConsentState.GRANTED, yes.c.at <= DELIVERIES.c.handed_at)
    return exists().where(*mine, *granted, ~withdrawn)
