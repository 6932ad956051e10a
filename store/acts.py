"""What staff does: committed here first, under the customer's lock, with actor and reason; Temporal is told after."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, and_, delete, insert, or_, select

from models.contact import email_key
from models.episode import JourneyState
from models.situation import SuppressionReason
from models.vocabulary import Channel, Outcome, Status
from store.db import ConflictError, NotFoundError
from store.episodes import Episodes
from store.ids import new_id
from store.objections import Objections, suppress
from store.outbox import Call, OutboxRow
from store.people import People
from store.rows import insert_all
from store.schema import ACTS, CUSTOMERS, JOURNEYS, SWITCHES


class ActName(StrEnum):
    """What a member of staff may do."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    SEND_NOW = "send_now"
    OPT_OUT = "opt_out"
    PAUSE_ALL = "pause_all"
    RESUME_ALL = "resume_all"
    ADVANCE = "advance"
    JOIN = "join"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what, to what, and why; `at` is the customer's clock, `recorded_at` the wall's."""

    id: str
    at: datetime
    recorded_at: datetime
    actor: str
    act: str
    journey_id: str | None = None
    customer_id: str | None = None
    reason: str | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, why, and when on the wall."""

    actor: str
    reason: str | None
    now: datetime


def act_on(connection: Connection, journey_id: str, name: ActName, by: By) -> Sequence[OutboxRow]:
    """Cancel, pause or resume a journey, or note that its next step shall go now; return what to tell Temporal.

    Raises `NotFoundError` for an unknown journey and `ConflictError` when it is in no state for that.
    """
    place = connection.execute(
        select(JOURNEYS.c.shop, JOURNEYS.c.customer_id).where(JOURNEYS.c.id == journey_id)
    ).one_or_none()
    if place is None:
        raise NotFoundError(f"there is no journey {journey_id[:40]!r}")
    people = People(connection, place.shop)
    people.lock((), [place.customer_id])
    episodes = Episodes(connection, people, by.now)
    journey = next((one for one in episodes.open if one.id == journey_id), None)
    if journey is None:
        raise ConflictError("the journey is closed")
    customer = people.known[place.customer_id]
    at = by.now + timedelta(seconds=customer.clock_s)
    call = _change(journey, name, at)
    if name is ActName.CANCEL:
        journey.close(Outcome.CANCELLED, at, people.bump(customer))
    seq = people.bump(customer)
    if call is not None:
        episodes.tell(journey, call)
    act = Act(new_id(), at, by.now, by.actor, name, journey_id, customer.id, by.reason, seq)
    insert_all(connection, ACTS, [act])
    people.save()
    return episodes.save()


def _change(journey: JourneyState, name: ActName, at: datetime) -> Call | None:
    """Change the journey's row, and return what Temporal must hear of it."""
    match name:
        case ActName.CANCEL:
            return Call.CANCEL
        case ActName.PAUSE:
            if journey.paused_at is not None:
                raise ConflictError("the journey is paused already")
            journey.status, journey.paused_at = Status.PAUSED, at
            return Call.PAUSE
        case ActName.RESUME:
            if journey.paused_at is None:
                raise ConflictError("the journey is not paused")
            _resume(journey, journey.paused_at, at)
            return Call.RESUME
        case _:
            _may_hurry(journey)
            return None


def _resume(journey: JourneyState, paused_at: datetime, at: datetime) -> None:
    length = max(at - paused_at, timedelta())
    if journey.j0 is not None:
        journey.paused_s += int(length.total_seconds())
        if journey.next_action_at is not None:
            journey.next_action_at += length
    journey.status, journey.paused_at = Status.WAITING, None


def _may_hurry(journey: JourneyState) -> None:
    if journey.paused_at is not None:
        raise ConflictError("the journey is paused: resume it first")
    if journey.j0 is None:
        raise ConflictError("the journey has not begun: the customer may still be shopping")


def object_(
    connection: Connection, shop: str, customer_id: str | None, email: str | None, channels: Collection[Channel], by: By
) -> Sequence[OutboxRow]:
    """Record an objection of a customer, or of everybody with an e-mail address, and close their journeys.

    An address that nobody has yet is suppressed all the same. Raises `NotFoundError` for an unknown customer.
    """
    people = People(connection, shop)
    ids = _ids(connection, shop, customer_id, email)
    people.lock((), ids)
    if not people.known:
        if email is None:
            raise NotFoundError("there is no such customer")
        if Channel.EMAIL in channels:
            suppress(connection, shop, Channel.EMAIL, email_key(email), SuppressionReason.OBJECTION, by.now, 0)
        return ()
    episodes = Episodes(connection, people, by.now)
    objections = Objections(connection, people, episodes, by.now, by.actor)
    acts = []
    for customer in [one for one in people.known.values() if one.id in ids]:  # not who merely shares a phone
        at = by.now + timedelta(seconds=customer.clock_s)
        objections.object(customer, channels, by.actor, at)
        seq = people.bump(customer)
        acts.append(Act(new_id(), at, by.now, by.actor, ActName.OPT_OUT, None, customer.id, by.reason, seq))
    insert_all(connection, ACTS, acts)
    people.save()
    objections.save()
    return episodes.save()


def _ids(connection: Connection, shop: str, customer_id: str | None, email: str | None) -> list[str]:
    mine = CUSTOMERS.c.shop == shop  # beside each way, so that SQLite looks each up in its own index
    same = [and_(mine, CUSTOMERS.c.id == customer_id)] if customer_id is not None else []
    if email is not None:
        same.append(and_(mine, CUSTOMERS.c.email_key == email_key(email)))
    statement = select(CUSTOMERS.c.id).where(or_(*same)).order_by(CUSTOMERS.c.id)
    return list(connection.execute(statement).scalars())


def pause_all(connection: Connection, channel: str, by: By) -> None:
    """Pull the kill switch of a channel, or of `all`; pulling it twice is the same as once."""
    connection.execute(delete(SWITCHES).where(SWITCHES.c.channel == channel))
    connection.execute(insert(SWITCHES), [{"channel": channel, "paused_at": by.now, "actor": by.actor}])
    _note(connection, ActName.PAUSE_ALL, channel, by)


def resume_all(connection: Connection, channel: str | None, by: By) -> None:
    """Release the kill switch of a channel, or every one."""
    place = SWITCHES.c.channel == channel if channel else SWITCHES.c.channel.is_not(None)
    connection.execute(delete(SWITCHES).where(place))
    _note(connection, ActName.RESUME_ALL, channel or "all", by)


def _note(connection: Connection, name: ActName, channel: str, by: By) -> None:
    reason = channel if by.reason is None else f"{channel}: {by.reason}"
    insert_all(connection, ACTS, [Act(new_id(), by.now, by.now, by.actor, name, reason=reason)])
